using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Secrets;
using Lateen.Xds;

namespace Lateen.Translation.Outbound;

/// <summary>
/// The clusters and endpoint sets of all services that a view imports, and of what they were made, so that a change of routes alone asks for none
/// of them again.
/// </summary>
internal sealed class ScopeClusters(MeshSnapshot snapshot, SidecarScope scope)
{
    // Not the snapshot and the scope themselves: they would keep all else of an old revision alive.
    private readonly Reachability _reachability = snapshot.Reachability;
    private readonly ImmutableArray<MeshService> _services = scope.Services;
    private readonly List<(ClusterSlot Slot, PortClusters Made)> _used = [];

    public ImmutableArray<XdsResource>.Builder Clusters { get; } = ImmutableArray.CreateBuilder<XdsResource>();

    public ImmutableArray<XdsResource>.Builder Endpoints { get; } = ImmutableArray.CreateBuilder<XdsResource>();

    public HashSet<SecretReference> Secrets { get; } = [];

    public ImmutableArray<string>.Builder Notices { get; } = ImmutableArray.CreateBuilder<string>();

    /// <summary>Whether the same would be made of another snapshot, for the view that this was made for.</summary>
    public bool StandsFor(MeshSnapshot other, SidecarScope otherScope) =>
        _reachability.Equals(other.Reachability) && SameObjects.In(_services, otherScope.Services);

    public void Add(ClusterSlot slot, PortClusters made, OutboundMemos memos, ServiceEndpoints endpoints)
    {
        _used.Add((slot, made));
        Clusters.AddRange(made.Clusters);
        foreach (var set in made.EndpointSlots) Endpoints.Add(memos.Endpoints(set, endpoints.ForPort(slot.Port)));
    }

    /// <summary>Tells the memos that all this is in use.</summary>
    public void Keep(OutboundMemos memos)
    {
        foreach (var (slot, made) in _used) memos.Keep(slot, made);
    }
}
