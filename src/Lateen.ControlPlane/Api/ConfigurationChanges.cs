using System.Collections.Immutable;
using Lateen.ControlPlane.Metrics;
using Lateen.ControlPlane.Serving;
using Lateen.ControlPlane.Store;
using Lateen.Model;
using Microsoft.AspNetCore.Http;

namespace Lateen.ControlPlane.Api;

/// <summary>
/// From texts to commits: reads and checks all of them, and stores all or none. What is wrong comes back complete, never the first fault only.
/// </summary>
internal sealed class ConfigurationChanges(ResourceStore store, MeshServer server, SourceDiagnostics sources, ControlPlaneMetrics metrics, TimeProvider time)
{
    /// <summary>Proxies named in one notice.</summary>
    private const int MostNamed = 3;

    public ApplyResponse Apply(ApplyRequest request, bool withTexts)
    {
        var now = time.GetUtcNow();
        var read = Texts.Read(request.Files, request.DefaultNamespace, now);
        bool isRefused = read.Diagnostics.Any(diagnostic => diagnostic.IsError);
        var diagnostics = read.Diagnostics.Select(DiagnosticView.Of).ToList();
        if (isRefused)
        {
            metrics.ChangeRejected();
            return new ApplyResponse(store.Current.Number, Accepted: false, [], diagnostics);
        }

        var puts = read.Resources.Select(resource => KeepAge(resource, now)).ToList();
        if (request.DryRun)
            return new ApplyResponse(store.Current.Number, Accepted: true, [.. store.Preview(puts, []).Select(change => ResourceViews.Of(change, withTexts))], diagnostics);

        var (revision, changes) = store.Apply(puts, []);
        diagnostics.AddRange(changes.Where(change => change.Kind == ChangeKind.Created || change.Kind == ChangeKind.Configured).Select(Hidden).OfType<DiagnosticView>());
        return new ApplyResponse(revision.Number, Accepted: true, [.. changes.Select(change => ResourceViews.Of(change, withTexts))], diagnostics);
    }

    /// <summary>A resource that is applied again keeps the age that it had: it orders competing rules, and editing one must not move it last.</summary>
    /// <param name="now">Age of resources whose text does not say; one whose text does keeps that.</param>
    private Resource KeepAge(Resource resource, DateTimeOffset now) =>
        resource.Metadata.CreatedAt == now && store.Current.Resources.TryGetValue(resource.Key, out var stored) ? resource.WithAge(stored.Resource.Metadata.CreatedAt) : resource;

    /// <summary>Tells when the applied resource now hides one that a file holds.</summary>
    private DiagnosticView? Hidden(StoreChange change)
    {
        if (store.FromSource(change.Key) is not { Metadata.Location: { } place }) return null;
        return new DiagnosticView(DiagnosticCodes.HiddenByApplied.Code, "warning", change.Key.ToString(), "", place.File, place.Line, place.Column,
            "this file's resource is hidden by the one that was applied", $"`lateen delete {change.Key.Kind.Plural} {change.Key.Name} -n {change.Key.Namespace}` brings the file's back");
    }

    public (ApplyResponse? Answer, IResult? Problem) Delete(DeleteRequest request)
    {
        var keys = new List<ResourceKey>();
        foreach (var item in request.Items)
        {
            if (ResourceKind.Find(item.Kind) is not { } kind) return (null, ApiEndpoints.UnknownKind(item.Kind));
            keys.Add(kind == ResourceKind.MeshConfig ? ResourceKey.Mesh : new ResourceKey(kind, item.Namespace, item.Name));
        }

        var read = Texts.Read(request.Files ?? [], request.DefaultNamespace, time.GetUtcNow());
        if (read.Diagnostics.Any(diagnostic => diagnostic.IsError))
            return (new ApplyResponse(store.Current.Number, Accepted: false, [], [.. read.Diagnostics.Select(DiagnosticView.Of)]), null);
        keys.AddRange(read.Resources.Select(resource => resource.Key));

        if (keys.FirstOrDefault(key => !store.IsApplied(key)) is { Kind: not null } missing) return (null, NotApplied(missing));
        if (request.DryRun) return (Response(store.Current.Number, store.Preview([], keys)), null);
        var (revision, changes) = store.Apply([], keys);
        return (Response(revision.Number, changes), null);

        static ApplyResponse Response(long revision, ImmutableArray<StoreChange> changes) =>
            new(revision, Accepted: true, [.. changes.Select(change => ResourceViews.Of(change, withTexts: false))], []);
    }

    private IResult NotApplied(ResourceKey key) => store.FromSource(key) is { } source
        ? ApiEndpoints.Problem(StatusCodes.Status409Conflict, "held_by_file", $"{key} stands in {source.Metadata.Location}, not in the applied resources",
            "delete it from the file; the control plane sees that at once")
        : ApiEndpoints.Problem(StatusCodes.Status404NotFound, "not_found", $"{key} does not exist; nothing was deleted",
            $"`lateen get {key.Kind.Plural} -A` lists what there is");

    /// <summary>Everything that is wrong or unserved in what is held now: of the sources, of applied resources, and of each proxy.</summary>
    public IReadOnlyList<DiagnosticView> Diagnostics()
    {
        var all = new List<DiagnosticView>(sources.Current.Select(DiagnosticView.Of));
        foreach (var stored in store.Current.Resources.Values.Where(stored => stored.Layer == ResourceLayer.Applied))
            all.AddRange(Texts.Check(stored.Resource).Select(DiagnosticView.Of));
        if (server.Snapshot is { } snapshot) all.AddRange(MeshChecks.Run(snapshot, time.GetUtcNow()).Select(DiagnosticView.Of));
        // Proxies that share a view share its notices: one line, and whom it concerns.
        foreach (var notice in server.Proxies.SelectMany(proxy => proxy.Notices.Select(text => (text, Name: $"{proxy.Identity.Name}.{proxy.Identity.Namespace}"))).GroupBy(pair => pair.text))
        {
            string[] names = [.. notice.Select(pair => pair.Name).Distinct()];
            string whom = names.Length <= MostNamed ? string.Join(", ", names) : $"{string.Join(", ", names.Take(MostNamed))} and {names.Length - MostNamed} more";
            all.Add(new DiagnosticView(DiagnosticCodes.ProxyNotice.Code, "warning", $"proxy {whom}", "", "", 0, 0, notice.Key, null));
        }

        return all;
    }
}
