using System.Collections.Frozen;
using System.Collections.Immutable;
using Lateen.Model.Networking;
using Lateen.Model.Security;

namespace Lateen.Model;

/// <summary>
/// All configuration and all services at one revision: frozen, indexed, and complete in itself. Whoever works from configuration takes
/// one snapshot and passes it down.
/// </summary>
/// <remarks>
/// Immutable and free to share between threads. Made by <see cref="MeshSnapshotBuilder"/>; two snapshots share every object whose inputs
/// are the same, so reference equality of a service, an endpoint set, a bound VirtualService or an effective DestinationRule means that
/// nothing about it changed. The reverse does not hold.
/// </remarks>
public sealed class MeshSnapshot
{
    /// <summary>Nothing configured, revision 0.</summary>
    public static readonly MeshSnapshot Empty = new();

    internal MeshSnapshot()
    {
    }

    /// <summary>Number of the change that this snapshot shows; given by the store, rising.</summary>
    public long Revision { get; internal init; }

    public MeshConfig Mesh { get; internal init; } = MeshConfig.Default;

    public ServiceIndex Services { get; internal init; } = ServiceIndex.Empty;

    public VirtualServiceIndex VirtualServices { get; internal init; } = VirtualServiceIndex.Empty;

    public DestinationRuleIndex DestinationRules { get; internal init; } = DestinationRuleIndex.Empty;

    public GatewayIndex Gateways { get; internal init; } = GatewayIndex.Empty;

    public SidecarIndex Sidecars { get; internal init; } = SidecarIndex.Empty;

    public PeerAuthenticationIndex PeerAuthentications { get; internal init; } = PeerAuthenticationIndex.Empty;

    public PolicyIndex<RequestAuthentication> RequestAuthentications { get; internal init; } = PolicyIndex<RequestAuthentication>.Empty;

    public PolicyIndex<AuthorizationPolicy> AuthorizationPolicies { get; internal init; } = PolicyIndex<AuthorizationPolicy>.Empty;

    internal FrozenDictionary<ResourceKind, ResourceTable> Tables { get; init; } = FrozenDictionary<ResourceKind, ResourceTable>.Empty;

    internal FrozenDictionary<ServiceKey, ServiceEndpoints> Endpoints { get; init; } =
        FrozenDictionary<ServiceKey, ServiceEndpoints>.Empty;

    /// <summary>The services of each declaring resource, kept for the next build.</summary>
    internal FrozenDictionary<ResourceKey, ImmutableArray<MeshService>> BoundServices { get; init; } =
        FrozenDictionary<ResourceKey, ImmutableArray<MeshService>>.Empty;

    /// <summary>All resources of a kind, by namespace and name.</summary>
    public ImmutableArray<Resource> Resources(ResourceKind kind) => Table(kind).All;

    /// <summary>The resource of a key; null when there is none.</summary>
    public Resource? Find(ResourceKey key) => Table(key.Kind).Find(key);

    /// <summary>The endpoints of a service of this snapshot; never null.</summary>
    public ServiceEndpoints EndpointsOf(MeshService service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return Endpoints.GetValueOrDefault(service.Key, ServiceEndpoints.None);
    }

    /// <summary>Everything that decides how services are reached: what clusters and endpoint sets are made of, and routes are not.</summary>
    public Reachability Reachability => new(Mesh, Services, DestinationRules, Endpoints);

    internal ResourceTable Table(ResourceKind kind) => Tables.GetValueOrDefault(kind, ResourceTable.Empty);
}
