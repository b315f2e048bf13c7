using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Outbound;
using Lateen.Xds;

namespace Lateen.Translation.Grpc;

/// <summary>For whom it is made. Clients with equal views share one result.</summary>
/// <param name="Egress">The Sidecar whose egress part applies; null when everything that is visible is imported.</param>
/// <param name="Labels">Null when nothing in the mesh asks for labels of a client.</param>
internal sealed record GrpcView(string Namespace, Resource<Sidecar>? Egress, StringMap<string>? Labels);

/// <summary>
/// What a gRPC client holds that speaks xDS itself, with no proxy beside it (Istio's generator <c>grpc</c>): for each port of each service that it may
/// see an API listener under every name that it may dial, one route table, and the clusters and endpoints that sidecars have too, cut down to what
/// gRPC understands. A client asks for the few names that it dials, so this is the shelf from which it takes.
/// </summary>
internal sealed class GrpcTranslation
{
    private readonly GrpcMemos _memos = new();
    private readonly Dictionary<GrpcView, ProxyResources> _views = [];
    private readonly Dictionary<(GrpcView View, int Egress), LastTable> _chosen = [];
    private MeshSnapshot _snapshot = MeshSnapshot.Empty;
    private bool _asksForLabels;

    /// <summary>The memo's size, for tests and the debug page.</summary>
    public (int Tables, int Ports, int EndpointSets) Counts => _memos.Counts;

    public ProxyResources Translate(MeshSnapshot snapshot, ProxyIdentity client)
    {
        if (!ReferenceEquals(snapshot, _snapshot)) Begin(snapshot);
        var sidecar = snapshot.Sidecars.For(client.Namespace, client.Labels);
        var view = new GrpcView(client.Namespace, sidecar is { Spec.Egress.IsEmpty: false } ? sidecar : null, _asksForLabels ? client.Labels : null);
        if (_views.TryGetValue(view, out var known)) return known;
        return _views[view] = Make(snapshot, view);
    }

    /// <summary>Ends a round over all clients: what nobody asked for is forgotten.</summary>
    public void EndRound()
    {
        _memos.EndRound();
        foreach (var key in _chosen.Keys.Where(key => !_views.ContainsKey(key.View)).ToList()) _chosen.Remove(key);
    }

    private void Begin(MeshSnapshot snapshot)
    {
        _snapshot = snapshot;
        _views.Clear();
        _asksForLabels = OutboundTranslation.AsksForLabels(snapshot);
    }

    private ProxyResources Make(MeshSnapshot snapshot, GrpcView view)
    {
        var scope = SidecarScope.Of(snapshot, view.Namespace, view.Egress);
        var clusters = ImmutableArray.CreateBuilder<XdsResource>();
        var endpoints = ImmutableArray.CreateBuilder<XdsResource>();
        var listeners = ImmutableArray.CreateBuilder<XdsResource>();
        var routes = ImmutableArray.CreateBuilder<XdsResource>();
        var notices = ImmutableArray.CreateBuilder<string>();
        foreach (var service in scope.Services) AddClusters(snapshot, view, service, clusters, endpoints, notices);
        var served = clusters.Select(static cluster => cluster.Name).ToHashSet(StringComparer.Ordinal);
        var listed = new HashSet<(string Host, int Port)>();
        for (int i = 0; i < scope.Egress.Length; i++)
        {
            var egress = scope.Egress[i];
            if (!_chosen.TryGetValue((view, i), out var last)) _chosen[(view, i)] = last = new LastTable();
            var chosen = last.Choose(egress);
            foreach (var service in egress.Services.Where(OutboundClusters.IsReachable))
            {
                foreach (var port in service.Ports)
                {
                    if (!Carries(port) || !Serves(egress, port) || !listed.Add((service.Hostname, port.Number))) continue;
                    var virtualService = chosen.For(service);
                    var slot = new VirtualHostSlot(service.Hostname, service, port.Number, port.Number, view.Namespace, Labels(view, virtualService));
                    var table = _memos.Table(snapshot, slot, virtualService, served);
                    routes.Add(table.Routes);
                    notices.AddRange(table.Notices);
                    listeners.AddRange(_memos.Listeners(service, port.Number, view.Namespace, snapshot.Mesh.ClusterDomain));
                }
            }
        }

        clusters.Add(GrpcClusters.BlackHole);
        endpoints.Add(GrpcClusters.NoEndpoints);
        return new ProxyResources(clusters.ToImmutable(), endpoints.ToImmutable(), listeners.ToImmutable(), routes.ToImmutable(), notices.ToImmutable());
    }

    private void AddClusters(
        MeshSnapshot snapshot, GrpcView view, MeshService service,
        ImmutableArray<XdsResource>.Builder clusters, ImmutableArray<XdsResource>.Builder endpoints, ImmutableArray<string>.Builder notices)
    {
        if (!OutboundClusters.IsReachable(service))
        {
            notices.Add($"{service.Hostname} of namespace {service.Namespace} is not served: a gRPC client without a proxy dials a name, not a pattern");
            return;
        }

        var rule = snapshot.DestinationRules.For(service, view.Namespace, view.Labels ?? StringMap<string>.Empty);
        var known = snapshot.EndpointsOf(service);
        foreach (var port in service.Ports.Where(Carries))
        {
            var own = known.ForPort(port.Number);
            var made = _memos.Port(service, port, rule, own);
            clusters.AddRange(made.Clusters);
            notices.AddRange(made.Notices);
            foreach (var slot in made.EndpointSlots) endpoints.Add(_memos.Endpoints(slot, own));
            if (own.Any(endpoint => endpoint.IsUnixSocket))
                notices.Add($"{service.Hostname}:{port.Number}: endpoints on unix sockets are left out, since gRPC clients without a proxy take IP addresses");
        }
    }

    /// <summary>Declared HTTP, or nothing declared: a client that dials a port with gRPC has said what it speaks.</summary>
    private static bool Carries(MeshServicePort port) => port.Protocol.IsHttp() || port.Protocol == PortProtocol.Unsupported;

    /// <summary>An egress listener with a port of its own imports that port of its services, save where it is a proxy for any HTTP.</summary>
    private static bool Serves(EgressScope egress, MeshServicePort port) =>
        egress.Listener?.Port is not { Protocol: not PortProtocol.HttpProxy } own || own.Number == port.Number;

    private static StringMap<string>? Labels(GrpcView view, BoundVirtualService? virtualService) =>
        virtualService is { HttpAsksForLabels: true } ? view.Labels : null;
}
