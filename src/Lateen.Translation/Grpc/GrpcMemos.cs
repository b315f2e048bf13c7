using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Naming;
using Lateen.Translation.Outbound;
using Lateen.Translation.Routing;
using Lateen.Xds;

namespace Lateen.Translation.Grpc;

/// <summary>The route table of one port of a service, and what its rules ask for that gRPC clients do not do.</summary>
internal sealed record GrpcTable(XdsResource Routes, ImmutableArray<string> Notices);

/// <summary>What a route table is made of beside its slot.</summary>
/// <param name="Host">As of a sidecar's virtual host.</param>
/// <param name="Clusters">Those that its rules mean, and whether the client is served them.</param>
internal sealed record GrpcTableInputs(VirtualHostInputs Host, (string Name, bool IsServed)[] Clusters);

/// <summary>The parts of what gRPC clients hold, each remembered by what it is made of. One per translator.</summary>
internal sealed class GrpcMemos
{
    private readonly Memo<ClusterSlot, ImmutableArray<MeshEndpoint>, GrpcPort> _ports = new();
    private readonly Memo<EndpointSlot, ImmutableArray<MeshEndpoint>, XdsResource> _endpoints = new(ReferenceEqualityComparer.Instance);
    private readonly Memo<DomainSlot, string, ListenerList> _listeners = new();
    private readonly Memo<VirtualHostSlot, GrpcTableInputs, GrpcTable> _tables = new();

    /// <summary>How many route tables, ports and endpoint sets are remembered.</summary>
    public (int Tables, int Ports, int EndpointSets) Counts => (_tables.Count, _ports.Count, _endpoints.Count);

    public GrpcPort Port(MeshService service, MeshServicePort port, EffectiveDestinationRule? rule, ImmutableArray<MeshEndpoint> endpoints) =>
        _ports.Get(
            // Endpoints are part of a cluster only where DNS finds them; the others travel alone.
            new ClusterSlot(service, port.Number, rule, HasIdentity: false), service.Resolution == ServiceResolution.Endpoints ? [] : endpoints, port,
            static (was, now, _) => Same(was, now),
            static (slot, endpoints, port) => (endpoints, GrpcClusters.Of(slot.Service, port, slot.Rule, endpoints)));

    public XdsResource Endpoints(EndpointSlot slot, ImmutableArray<MeshEndpoint> endpoints) =>
        _endpoints.Get(
            slot, endpoints, 0,
            static (was, now, _) => Same(was, now),
            static (slot, endpoints, _) => (endpoints, XdsResource.FromMessage(slot.Cluster, GrpcEndpoints.Of(slot.Cluster, endpoints, slot.SubsetLabels))));

    public ImmutableArray<XdsResource> Listeners(MeshService service, int port, string clientNamespace, string clusterDomain) =>
        _listeners.Get(
            new DomainSlot(service, port, clientNamespace, WithoutPort: false), clusterDomain, 0,
            static (was, now, _) => was == now,
            static (slot, domain, _) => (domain, new ListenerList(GrpcListeners.Of(slot.Service, slot.Port, slot.ClientNamespace, domain)))).Listeners;

    /// <summary>
    /// Re-made when the service, its VirtualService, the mesh settings, or a service that it sends to without naming a port changed, and when a cluster that it
    /// sends to came or went.
    /// </summary>
    /// <param name="served">Names of all clusters that the client is served.</param>
    public GrpcTable Table(MeshSnapshot snapshot, VirtualHostSlot slot, BoundVirtualService? virtualService, IReadOnlySet<string> served) =>
        _tables.Get(
            slot, new GrpcTableInputs(new VirtualHostInputs(virtualService, snapshot.Mesh, [], []), []), (snapshot.Services, slot.ClientNamespace, Served: served),
            static (was, now, state) => ReferenceEquals(was.Host.VirtualService, now.Host.VirtualService) && ReferenceEquals(was.Host.Mesh, now.Host.Mesh)
                && was.Host.Destinations.All(seen => ReferenceEquals(state.Services.Find(seen.Host, state.ClientNamespace), seen.Service))
                && was.Clusters.All(seen => state.Served.Contains(seen.Name) == seen.IsServed),
            static (slot, inputs, state) =>
            {
                var ports = new DestinationPorts(host => state.Services.Find(host, state.ClientNamespace));
                var served = new ServedClusters(state.Served);
                var made = Of(slot, inputs.Host, ports, served);
                return (new GrpcTableInputs(inputs.Host with { Destinations = ports.Seen }, served.Seen), made);
            });

    private static GrpcTable Of(VirtualHostSlot slot, VirtualHostInputs inputs, DestinationPorts ports, ServedClusters served)
    {
        // Istio names the table by the cluster of the whole service.
        string cluster = ClusterNames.Outbound(slot.Port, null, slot.Host);
        var host = new VirtualHost { Name = $"{slot.Host}:{slot.Port}" };
        foreach (string name in GrpcListeners.Names(slot.Service!, slot.ClientNamespace, inputs.Mesh.ClusterDomain)) host.Domains.Add($"{name}:{slot.Port}");
        // Whoever holds this table asked for this service, whatever authority it writes into its calls.
        host.Domains.Add("*");
        var routes = new GrpcRoutes(inputs.Mesh, slot.Port, ports, served);
        if (inputs.VirtualService is { Http.IsEmpty: false } virtualService)
        {
            var audience = new RouteAudience(slot.ClientNamespace, slot.ClientLabels ?? [], [BoundVirtualService.MeshGateway], slot.Port);
            host.Routes.AddRange(routes.Of(RouteOrder.Of(virtualService, audience)));
        }
        else host.Routes.Add(routes.Default(cluster));

        return new GrpcTable(XdsResource.FromMessage(cluster, new RouteConfiguration { Name = cluster, VirtualHosts = { host } }), [.. routes.Notices]);
    }

    private static bool Same(ImmutableArray<MeshEndpoint> was, ImmutableArray<MeshEndpoint> now) => was == now || was.AsSpan().SequenceEqual(now.AsSpan());

    public void EndRound()
    {
        _ports.EndRound();
        _endpoints.EndRound();
        _listeners.EndRound();
        _tables.EndRound();
    }

    private sealed record ListenerList(ImmutableArray<XdsResource> Listeners);
}
