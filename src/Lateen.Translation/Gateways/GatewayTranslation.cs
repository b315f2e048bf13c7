using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using Lateen.Translation.Outbound;
using Lateen.Translation.Routing;
using Lateen.Translation.Secrets;
using Lateen.Translation.Security;
using Lateen.Xds;

namespace Lateen.Translation.Gateways;

/// <summary>
/// The configuration of a gateway proxy: the servers of all Gateways that select it, merged by port, and only those clusters that their routes lead to.
/// </summary>
internal sealed class GatewayTranslation(OutboundMemos memos)
{
    /// <param name="security">Guards every chain: whatever a gateway takes comes from others.</param>
    public ProxyResources Translate(MeshSnapshot snapshot, ProxyIdentity proxy, WorkloadSecurity security)
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
        var ports = GatewayMerge.Of(selected, proxy.HasIdentity, notices);
        var listeners = ImmutableArray.CreateBuilder<XdsResource>();
        var routes = ImmutableArray.CreateBuilder<XdsResource>();
        var secrets = new HashSet<SecretReference>();
        var destinations = new GatewayDestinations(snapshot, proxy.Namespace);
        var chains = new GatewayChains(snapshot, proxy, security, destinations, secrets, notices);
        foreach (var port in ports)
        {
            int listenPort = TargetPort(snapshot, proxy, port.Number);
            if (port.IsPlainHttp)
            {
                bool isShared = ports.Count(other => other.Number == port.Number) > 1;
                string table = isShared && port.Bind != GatewayMerge.DefaultBind ? $"http.{port.Number}.{port.Bind}" : $"http.{port.Number}";
                listeners.Add(Listeners.Routed(TrafficSide.Gateway, port.Bind, listenPort, port.HttpProtocol, table, snapshot.Mesh, proxy.HasIdentity, security));
                routes.Add(GatewayRoutes.Of(snapshot, proxy, port.Servers, port.Number, table, destinations));
            }
            else if (chains.Of(port, listenPort, routes) is { Count: > 0 } made)
            {
                listeners.Add(Listeners.Of(TrafficSide.Gateway, port.Bind, listenPort, made, port.IsTls ? Inspection.Tls : Inspection.None));
            }
        }

        var (clusters, endpoints) = Clusters(snapshot, proxy, destinations, secrets, notices);
        return new ProxyResources(clusters, endpoints, listeners.ToImmutable(), routes.ToImmutable(), [])
        {
            Secrets = ProxySecrets.Of(snapshot, proxy.Namespace, secrets, notices),
            Notices = notices.ToImmutable(),
        };
    }

    private static string Labels(ProxyIdentity proxy) =>
        proxy.Labels.Count == 0 ? "none" : string.Join(",", proxy.Labels.Select(label => $"{label.Key}={label.Value}"));

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
        MeshSnapshot snapshot, ProxyIdentity proxy, GatewayDestinations destinations, HashSet<SecretReference> secrets,
        ImmutableArray<string>.Builder notices)
    {
        var clusters = ImmutableArray.CreateBuilder<XdsResource>();
        var endpoints = ImmutableArray.CreateBuilder<XdsResource>();
        foreach (var (service, number) in destinations.InOrder())
        {
            if (!OutboundClusters.IsReachable(service) || service.Port(number) is not { } port) continue;
            var known = snapshot.EndpointsOf(service);
            var rule = snapshot.DestinationRules.For(service, proxy.Namespace, proxy.Labels);
            var made = memos.Clusters(new ClusterSlot(service, number, rule, proxy.HasIdentity), snapshot.Mesh, port, known);
            clusters.AddRange(made.Clusters);
            if (made.LacksIdentity) notices.Add(OutboundClusters.LacksIdentity(service, port, rule!));
            secrets.UnionWith(made.Secrets);
            foreach (var slot in made.EndpointSlots) endpoints.Add(memos.Endpoints(slot, known.ForPort(number)));
        }

        return (clusters.ToImmutable(), endpoints.ToImmutable());
    }
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

    public void Add(ImmutableArray<RouteDestination> route, ConnectionRoutes routes)
    {
        foreach (var entry in route)
        {
            if (Find(entry.Destination.Host) is { } service) _seen.TryAdd((service.Hostname, routes.PortOf(entry.Destination)), service);
        }
    }

    public IEnumerable<(MeshService Service, int Port)> InOrder() => _seen.Select(entry => (entry.Value, entry.Key.Port));
}
