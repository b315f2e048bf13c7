using Lateen.ControlPlane.Api;
using Lateen.Xds;

namespace Lateen.ControlPlane.Serving;

/// <summary>Answers "is revision N served by the proxies that it concerns?", now or when it becomes true.</summary>
internal static class RevisionProgress
{
    public static ServedResponse Of(MeshServer server, long revision)
    {
        var concerned = new List<string>();
        var pending = new List<string>();
        var rejected = new List<ProxyRejection>();
        bool isTranslated = server.TranslatedRevision >= revision;
        foreach (var proxy in server.Proxies)
        {
            var (isConcerned, isServed) = proxy.Progress(revision);
            if (!isConcerned) continue;
            string name = $"{proxy.Identity.Name}.{proxy.Identity.Namespace}";
            concerned.Add(name);
            if (isServed) continue;
            pending.Add(name);
            foreach (var type in proxy.Status.Types)
            {
                if (type.RejectionReason is { } reason && type.SentRevision >= revision)
                    rejected.Add(new ProxyRejection(name, XdsTypeUrls.ShortName(type.TypeUrl), reason));
            }
        }

        return new ServedResponse(revision, isTranslated && pending.Count == 0, concerned, pending, rejected);
    }

    /// <summary>Waits until the revision is served, refused, or the time is over; the answer says which.</summary>
    public static async Task<ServedResponse> WaitAsync(MeshServer server, long revision, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        while (true)
        {
            // Order matters: the next progress is taken before the state is read, so no change falls between.
            var next = server.NextProgress;
            var state = Of(server, revision);
            if (state.Served || state.Rejected.Count > 0 || deadline.IsCancellationRequested) return state;
            try
            {
                await next.WaitAsync(either.Token);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return Of(server, revision);
            }
        }
    }
}
