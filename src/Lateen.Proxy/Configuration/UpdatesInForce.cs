using Lateen.Proxy.Clusters;
using Lateen.Xds;
using Lateen.Xds.Client;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// Tells when what an update brought is in force, so that its acknowledgement means "it serves", not "it was read": <c>lateen apply
/// --wait</c> and every control plane that orders by acknowledgements rely on that.
/// </summary>
/// <remarks>
/// Configuration thread only. Route tables that wait for a warming cluster are waited for, and listeners whose own routes do. Nothing
/// else is: a cluster waits for endpoints, a listener for routes, and a control plane may send either only after the acknowledgement of
/// who needs it; each of them is acknowledged by itself. A wait ends when something newer took the place of what it waited for, and at the
/// latest after <see cref="Grace"/>.
/// </remarks>
internal sealed class UpdatesInForce(RouteStore routes, ListenerStore listeners, ClusterEnvironment environment)
{
    /// <summary>Longest time that an acknowledgement waits. Hit: it is given nonetheless, and counted.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>Updates that wait at the same time. Count. Hit: further ones are acknowledged at once, and counted.</summary>
    public const int MaxWaits = 256;

    private static readonly Task<bool> InForce = Task.FromResult(true);
    private static readonly Task<bool> TooMany = Task.FromResult(false);
    private readonly List<Wait> _waits = [];

    /// <summary>Completes when the update is in force (true) or its patience is over (false).</summary>
    public Task<bool> Await(XdsUpdate update)
    {
        var held = new List<(string Name, object Resource)>();
        foreach (var resource in update.Changed)
        {
            if (HeldOf(update.TypeUrl, resource.Name) is { } waiting) held.Add((resource.Name, waiting));
        }

        if (held.Count == 0) return InForce;
        if (_waits.Count >= MaxWaits) return TooMany;
        var wait = new Wait(update.TypeUrl, held);
        wait.Timer = environment.Time.CreateTimer(_ => environment.Thread.Post(() => End(wait, isInForce: false)), null, Grace, Timeout.InfiniteTimeSpan);
        _waits.Add(wait);
        return wait.Completion.Task;
    }

    /// <summary>Ends the waits that are over. After every change of what runs.</summary>
    public void Settle()
    {
        for (var i = _waits.Count - 1; i >= 0; i--)
        {
            var wait = _waits[i];
            if (!wait.Held.Exists(held => ReferenceEquals(HeldOf(wait.TypeUrl, held.Name), held.Resource))) End(wait, isInForce: true);
        }
    }

    private object? HeldOf(string typeUrl, string name) => typeUrl switch
    {
        XdsTypeUrls.RouteConfiguration => routes.PendingOf(name),
        XdsTypeUrls.Listener => listeners.HeldByClusters(name),
        _ => null,
    };

    private void End(Wait wait, bool isInForce)
    {
        if (!_waits.Remove(wait)) return;
        wait.Timer?.Dispose();
        wait.Completion.SetResult(isInForce);
    }

    private sealed class Wait(string typeUrl, List<(string Name, object Resource)> held)
    {
        public string TypeUrl => typeUrl;

        public List<(string Name, object Resource)> Held => held;

        public TaskCompletionSource<bool> Completion { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ITimer? Timer { get; set; }
    }
}
