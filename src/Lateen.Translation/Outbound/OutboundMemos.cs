using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Endpoints;
using Lateen.Translation.MutualTls;
using Lateen.Translation.Routing;
using Lateen.Xds;

namespace Lateen.Translation.Outbound;

/// <summary>The clusters of a port, under a rule.</summary>
/// <param name="HasIdentity">Of the client.</param>
internal readonly record struct ClusterSlot(MeshService Service, int Port, EffectiveDestinationRule? Rule, bool HasIdentity)
{
    /// <summary>Services are the same objects while they do not change, so their identity is all the hash that is needed; strings are hashed nowhere.</summary>
    public override int GetHashCode() => HashCode.Combine(RuntimeHelpers.GetHashCode(Service), Port);
}

/// <summary>The domains of a port, for clients of a namespace.</summary>
internal readonly record struct DomainSlot(MeshService Service, int Port, string ClientNamespace, bool WithoutPort)
{
    public override int GetHashCode() => HashCode.Combine(RuntimeHelpers.GetHashCode(Service), Port);
}

/// <summary>A virtual host of the mesh: one port of a service, or a host that only a VirtualService knows.</summary>
/// <param name="Service">Null for a host that only a VirtualService knows.</param>
/// <param name="ListenerPort">0 on the forward proxy, which serves every port.</param>
/// <param name="ClientLabels">Only where a match asks for labels of the client; null otherwise, so that all clients share.</param>
internal readonly record struct VirtualHostSlot(
    string Host, MeshService? Service, int Port, int ListenerPort, string ClientNamespace, StringMap<string>? ClientLabels)
{
    public override int GetHashCode() => HashCode.Combine(Service is null ? Host.GetHashCode(StringComparison.Ordinal) : RuntimeHelpers.GetHashCode(Service), Port);
}

/// <summary>What the clusters of a port are made of beside their slot.</summary>
/// <param name="Own">Endpoints that are part of the clusters: those that DNS finds.</param>
/// <param name="Known">All endpoints, for who they may be.</param>
internal readonly record struct ClusterInputs(MeshConfig Mesh, ImmutableArray<MeshEndpoint> Own, ImmutableArray<MeshEndpoint> Known);

/// <summary>What a virtual host is made of, compared by reference.</summary>
internal sealed record VirtualHostInputs(
    BoundVirtualService? VirtualService, MeshConfig Mesh, ImmutableArray<string> Domains, (string Host, MeshService? Service)[] Destinations)
{
    /// <summary>The services among which the destinations were last found to be the same: where these did not change, none need be looked up.</summary>
    public ServiceIndex? Among { get; set; }
}

/// <summary>The parts of outbound configuration, each remembered by what it is made of. One per translator.</summary>
internal sealed class OutboundMemos
{
    private readonly Memo<ClusterSlot, ClusterInputs, PortClusters> _clusters = new();
    private readonly Memo<EndpointSlot, ImmutableArray<MeshEndpoint>, XdsResource> _endpoints = new(ReferenceEqualityComparer.Instance);
    private readonly Memo<DomainSlot, int, DomainList> _domains = new();
    private readonly Memo<string, int, DomainList> _unknownDomains = new();
    private readonly Memo<VirtualHostSlot, VirtualHostInputs, SerializedVirtualHost> _hosts = new();

    /// <summary>How many virtual hosts, clusters and endpoint sets are remembered.</summary>
    public (int VirtualHosts, int Clusters, int EndpointSets) Counts => (_hosts.Count, _clusters.Count, _endpoints.Count);

    public PortClusters Clusters(ClusterSlot slot, MeshConfig mesh, MeshServicePort port, ServiceEndpoints endpoints)
    {
        var known = endpoints.ForPort(port.Number);
        // Endpoints are part of a cluster only where DNS finds them; the others travel alone.
        var inputs = new ClusterInputs(mesh, slot.Service.Resolution == ServiceResolution.Endpoints ? [] : known, slot.HasIdentity ? known : []);
        return _clusters.Get(
            slot, inputs, (slot.Service, Port: port),
            static (was, now, state) =>
                ReferenceEquals(was.Mesh, now.Mesh) && Same(was.Own, now.Own) && MayBeTheSame(was.Known, now.Known, now.Mesh, state.Service),
            static (slot, inputs, state) => (inputs, OutboundClusters.Of(
                slot.Service, state.Port, slot.Rule, inputs.Own, ServerIdentities.Of(inputs.Mesh, inputs.Known, slot.Service.SubjectAltNames), slot.HasIdentity,
                inputs.Mesh)));
    }

    /// <summary>Endpoints come and go; who they may be seldom changes.</summary>
    private static bool MayBeTheSame(ImmutableArray<MeshEndpoint> was, ImmutableArray<MeshEndpoint> now, MeshConfig mesh, MeshService service) =>
        was == now || ServerIdentities.Of(mesh, was, service.SubjectAltNames).Equals(ServerIdentities.Of(mesh, now, service.SubjectAltNames));

    /// <summary>Counts as asking for these clusters and for their endpoint sets.</summary>
    public void Keep(ClusterSlot slot, PortClusters made)
    {
        _clusters.Keep(slot);
        foreach (var endpoints in made.EndpointSlots) _endpoints.Keep(endpoints);
    }

    public XdsResource Endpoints(EndpointSlot slot, ImmutableArray<MeshEndpoint> endpoints) =>
        _endpoints.Get(
            slot, endpoints, 0,
            static (was, now, _) => Same(was, now),
            static (slot, endpoints, _) => (endpoints, XdsResource.FromMessage(slot.Cluster, EndpointSets.Of(slot.Cluster, endpoints, slot.SubsetLabels))));

    public ImmutableArray<string> Domains(DomainSlot slot, string clusterDomain) =>
        _domains.Get(
            slot, 0, clusterDomain,
            static (_, _, _) => true,
            static (slot, _, clusterDomain) =>
                (0, new DomainList(VirtualHostDomains.Of(slot.Service, slot.Port, slot.ClientNamespace, clusterDomain, slot.WithoutPort)))).Domains;

    public ImmutableArray<string> UnknownDomains(string host) =>
        _unknownDomains.Get(host, 0, 0, static (_, _, _) => true, static (host, _, _) => (0, new DomainList(VirtualHostDomains.OfUnknown(host, 80)))).Domains;

    /// <summary>
    /// The virtual host of a slot; re-made when the service, its VirtualService, the mesh settings, its domains, or a service that it sends to
    /// without naming a port changed.
    /// </summary>
    public SerializedVirtualHost VirtualHost(
        MeshSnapshot snapshot, VirtualHostSlot slot, BoundVirtualService? virtualService, ImmutableArray<string> domains) =>
        _hosts.Get(
            slot, new VirtualHostInputs(virtualService, snapshot.Mesh, domains, []) { Among = snapshot.Services }, (Snapshot: snapshot, slot.ClientNamespace),
            static (was, now, state) =>
                ReferenceEquals(was.VirtualService, now.VirtualService) && ReferenceEquals(was.Mesh, now.Mesh) && was.Domains == now.Domains
                && StillMeans(was, state.Snapshot, state.ClientNamespace),
            static (slot, inputs, state) =>
            {
                var ports = new DestinationPorts(host => state.Snapshot.Services.Find(host, slot.ClientNamespace));
                var made = SerializedVirtualHost.Of(OutboundVirtualHosts.Of(slot, inputs, ports));
                return (inputs with { Destinations = ports.Seen }, made);
            });

    private static bool StillMeans(VirtualHostInputs inputs, MeshSnapshot snapshot, string clientNamespace)
    {
        if (ReferenceEquals(inputs.Among, snapshot.Services)) return true;
        foreach (var (host, service) in inputs.Destinations)
        {
            if (!ReferenceEquals(snapshot.Services.Find(host, clientNamespace), service)) return false;
        }

        inputs.Among = snapshot.Services;
        return true;
    }

    private static bool Same(ImmutableArray<MeshEndpoint> was, ImmutableArray<MeshEndpoint> now) => was == now || was.AsSpan().SequenceEqual(now.AsSpan());

    public void EndRound()
    {
        _clusters.EndRound();
        _endpoints.EndRound();
        _domains.EndRound();
        _unknownDomains.EndRound();
        _hosts.EndRound();
    }

    private sealed record DomainList(ImmutableArray<string> Domains);
}
