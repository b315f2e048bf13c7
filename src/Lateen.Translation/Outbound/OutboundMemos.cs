using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Endpoints;
using Lateen.Translation.Routing;
using Lateen.Xds;

namespace Lateen.Translation.Outbound;

/// <summary>A virtual host of the mesh: one port of a service, or a host that only a VirtualService knows.</summary>
/// <param name="ListenerPort">0 on the forward proxy, which serves every port.</param>
/// <param name="ClientLabels">Only where a match asks for labels of the client; null otherwise, so that all clients share.</param>
internal readonly record struct VirtualHostSlot(string Host, string ServiceNamespace, int Port, int ListenerPort, string ClientNamespace, StringMap<string>? ClientLabels);

/// <summary>What a virtual host is made of, compared by reference.</summary>
internal sealed record VirtualHostInputs(
    MeshService? Service, BoundVirtualService? VirtualService, MeshConfig Mesh, ImmutableArray<string> Domains, (string Host, MeshService? Service)[] Destinations);

/// <summary>The parts of outbound configuration, each remembered by what it is made of. One per translator.</summary>
internal sealed class OutboundMemos
{
    private readonly Memo<(ServiceKey Service, int Port, EffectiveDestinationRule? Rule), (MeshService Service, MeshConfig Mesh, ImmutableArray<MeshEndpoint> Endpoints), PortClusters> _clusters = new();
    private readonly Memo<(ServiceKey Service, string Cluster, StringMap<string> Labels), ImmutableArray<MeshEndpoint>, XdsResource> _endpoints = new();
    private readonly Memo<(ServiceKey Service, int Port, string ClientNamespace, bool WithoutPort), MeshService, DomainList> _domains = new();
    private readonly Memo<string, int, DomainList> _unknownDomains = new();
    private readonly Memo<VirtualHostSlot, VirtualHostInputs, SerializedVirtualHost> _hosts = new();

    /// <summary>How many virtual hosts, clusters and endpoint sets are remembered.</summary>
    public (int VirtualHosts, int Clusters, int EndpointSets) Counts => (_hosts.Count, _clusters.Count, _endpoints.Count);

    public PortClusters Clusters(MeshSnapshot snapshot, MeshService service, MeshServicePort port, EffectiveDestinationRule? rule)
    {
        // Endpoints are part of a cluster only where DNS finds them; the others travel alone.
        var endpoints = service.Resolution == ServiceResolution.Endpoints ? [] : snapshot.EndpointsOf(service).ForPort(port.Number);
        return _clusters.Get(
            (service.Key, port.Number, rule), (service, snapshot.Mesh, endpoints), port,
            static (was, now, _) => ReferenceEquals(was.Service, now.Service) && ReferenceEquals(was.Mesh, now.Mesh) && Same(was.Endpoints, now.Endpoints),
            static (slot, inputs, port) => (inputs, OutboundClusters.Of(inputs.Service, port, slot.Rule, inputs.Endpoints, inputs.Mesh)));
    }

    public XdsResource Endpoints(MeshSnapshot snapshot, MeshService service, MeshServicePort port, EndpointSlot slot) =>
        _endpoints.Get(
            (service.Key, slot.Cluster, slot.SubsetLabels), snapshot.EndpointsOf(service).ForPort(port.Number), 0,
            static (was, now, _) => Same(was, now),
            static (slot, endpoints, _) => (endpoints, XdsResource.FromMessage(slot.Cluster, EndpointSets.Of(slot.Cluster, endpoints, slot.Labels))));

    public ImmutableArray<string> Domains(MeshService service, int port, string clientNamespace, string clusterDomain, bool withoutPort) =>
        _domains.Get(
            (service.Key, port, clientNamespace, withoutPort), service, clusterDomain,
            static (was, now, _) => ReferenceEquals(was, now),
            static (slot, service, clusterDomain) =>
                (service, new DomainList(VirtualHostDomains.Of(service, slot.Port, slot.ClientNamespace, clusterDomain, slot.WithoutPort)))).Domains;

    public ImmutableArray<string> UnknownDomains(string host) =>
        _unknownDomains.Get(host, 0, 0, static (_, _, _) => true, static (host, _, _) => (0, new DomainList(VirtualHostDomains.OfUnknown(host, 80)))).Domains;

    /// <summary>
    /// The virtual host of a slot; re-made when the service, its VirtualService, the mesh settings, its domains, or a service that it sends to
    /// without naming a port changed.
    /// </summary>
    /// <param name="service">Null for a host that only the VirtualService knows.</param>
    public SerializedVirtualHost VirtualHost(
        MeshSnapshot snapshot, VirtualHostSlot slot, MeshService? service, BoundVirtualService? virtualService, ImmutableArray<string> domains) =>
        _hosts.Get(
            slot, new VirtualHostInputs(service, virtualService, snapshot.Mesh, domains, []), (Snapshot: snapshot, slot.ClientNamespace),
            static (was, now, state) =>
                ReferenceEquals(was.Service, now.Service) && ReferenceEquals(was.VirtualService, now.VirtualService)
                && ReferenceEquals(was.Mesh, now.Mesh) && was.Domains == now.Domains
                && was.Destinations.All(seen => ReferenceEquals(state.Snapshot.Services.Find(seen.Host, state.ClientNamespace), seen.Service)),
            static (slot, inputs, state) =>
            {
                var ports = new DestinationPorts(host => state.Snapshot.Services.Find(host, slot.ClientNamespace));
                var made = SerializedVirtualHost.Of(OutboundVirtualHosts.Of(slot, inputs, ports));
                return (inputs with { Destinations = ports.Seen }, made);
            });

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
