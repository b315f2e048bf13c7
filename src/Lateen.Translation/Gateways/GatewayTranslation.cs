using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using Lateen.Translation.Outbound;
using Lateen.Translation.Routing;
using Lateen.Xds;

namespace Lateen.Translation.Gateways;

/// <summary>
/// The configuration of a gateway proxy: the HTTP servers of all Gateways that select it, merged by port, and only those clusters that their routes
/// lead to.
/// </summary>
internal sealed class GatewayTranslation(OutboundMemos memos)
{
    /// <summary>A gateway serves the world unless its server binds elsewhere: that is what it is for, and what Istio does.</summary>
    private const string DefaultBind = "0.0.0.0";

    public ProxyResources Translate(MeshSnapshot snapshot, ProxyIdentity proxy)
    {
        var selected = snapshot.Gateways.SelectedBy(proxy.Labels);
        if (selected.IsEmpty)
        {
            return ProxyResources.Empty with
            {
                Notices = [$"no Gateway selects this proxy; its labels are {Labels(proxy)}"],
            };
        }

        var notices = ImmutableArray.CreateBuilder<string>();
        var ports = Merge(selected, notices);
        var listeners = ImmutableArray.CreateBuilder<XdsResource>();
        var routes = ImmutableArray.CreateBuilder<XdsResource>();
        var destinations = new GatewayDestinations(snapshot, proxy.Namespace);
        foreach (var port in ports)
        {
            bool isShared = ports.Count(other => other.Number == port.Number) > 1;
            string table = isShared && port.Bind != DefaultBind ? $"http.{port.Number}.{port.Bind}" : $"http.{port.Number}";
            listeners.Add(Listeners.Routed(TrafficSide.Gateway, port.Bind, TargetPort(snapshot, proxy, port.Number), table, snapshot.Mesh));
            routes.Add(GatewayRoutes.Of(snapshot, proxy, port, table, destinations));
        }

        var (clusters, endpoints) = Clusters(snapshot, proxy, destinations);
        return new ProxyResources(clusters, endpoints, listeners.ToImmutable(), routes.ToImmutable(), notices.ToImmutable());
    }

    private static string Labels(ProxyIdentity proxy) =>
        proxy.Labels.Count == 0 ? "none" : string.Join(",", proxy.Labels.Select(label => $"{label.Key}={label.Value}"));

    private static List<GatewayPortServers> Merge(ImmutableArray<Resource<Gateway>> oldestFirst, ImmutableArray<string>.Builder notices)
    {
        var ports = new List<GatewayPortServers>();
        foreach (var gateway in oldestFirst)
        {
            foreach (var server in gateway.Spec.Servers)
            {
                if (!server.Port.Protocol.IsHttp() || server.Tls is { HttpsRedirect: false })
                {
                    notices.Add($"Gateway {gateway.Namespace}/{gateway.Name}: the {server.Port.Protocol.ToString().ToUpperInvariant()} server on port {server.Port.Number} is left out: "
                        + "only plaintext HTTP servers are served yet");
                    continue;
                }

                string bind = server.Bind is { Length: > 0 } written ? written : DefaultBind;
                var port = ports.Find(port => port.Bind == bind && port.Number == server.Port.Number);
                if (port is null) ports.Add(port = new GatewayPortServers(bind, server.Port.Number));
                port.Servers.Add((gateway, server));
            }
        }

        return ports;
    }

    /// <summary>A Gateway speaks of the port of the Service in front of it; the proxy listens on that Service's target port.</summary>
    private static int TargetPort(MeshSnapshot snapshot, ProxyIdentity proxy, int port)
    {
        foreach (var service in snapshot.Services.All)
        {
            if (service.IsKubernetes && service.Namespace == proxy.Namespace && service.Selector is { Count: > 0 } selector
                && selector.Selects(proxy.Labels) && service.Port(port) is { TargetPort: { } target }) return target;
        }

        return port;
    }

    private (ImmutableArray<XdsResource> Clusters, ImmutableArray<XdsResource> Endpoints) Clusters(
        MeshSnapshot snapshot, ProxyIdentity proxy, GatewayDestinations destinations)
    {
        var clusters = ImmutableArray.CreateBuilder<XdsResource>();
        var endpoints = ImmutableArray.CreateBuilder<XdsResource>();
        foreach (var (service, number) in destinations.InOrder())
        {
            if (!OutboundClusters.IsReachable(service) || service.Port(number) is not { } port) continue;
            var known = snapshot.EndpointsOf(service);
            var made = memos.Clusters(snapshot.Mesh, service, port, snapshot.DestinationRules.For(service, proxy.Namespace, proxy.Labels), known);
            clusters.AddRange(made.Clusters);
            foreach (var slot in made.EndpointSlots) endpoints.Add(memos.Endpoints(slot, known.ForPort(number)));
        }

        return (clusters.ToImmutable(), endpoints.ToImmutable());
    }
}

/// <summary>All servers of one address and port, from the oldest Gateway to the youngest.</summary>
internal sealed class GatewayPortServers(string bind, int number)
{
    public string Bind { get; } = bind;

    public int Number { get; } = number;

    public List<(Resource<Gateway> Gateway, GatewayServer Server)> Servers { get; } = [];
}

/// <summary>The services and ports that the routes of a gateway lead to, gathered while the routes are made.</summary>
internal sealed class GatewayDestinations(MeshSnapshot snapshot, string proxyNamespace)
{
    private readonly SortedDictionary<(string Host, int Port), MeshService> _seen = [];

    public MeshService? Find(string host) => snapshot.Services.Find(host, proxyNamespace);

    public void Add(BoundVirtualService virtualService, DestinationPorts ports, int listenerPort)
    {
        foreach (var destination in virtualService.Http.SelectMany(rule => rule.Route).Select(route => route.Destination))
        {
            if (Find(destination.Host) is { } service) _seen.TryAdd((service.Hostname, ports.Resolve(destination, listenerPort)), service);
        }
    }

    public IEnumerable<(MeshService Service, int Port)> InOrder() => _seen.Select(entry => (entry.Value, entry.Key.Port));
}
