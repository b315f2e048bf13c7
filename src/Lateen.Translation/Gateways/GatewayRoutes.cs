using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Routing;
using Lateen.Xds;

namespace Lateen.Translation.Gateways;

/// <summary>The route table of a gateway port, or of one of its servers that opens TLS: a virtual host per host that a server and a VirtualService share, merged over all of both.</summary>
internal static class GatewayRoutes
{
    public static XdsResource Of(
        MeshSnapshot snapshot, ProxyIdentity proxy, IReadOnlyList<GatewayServerEntry> servers, int port, string table, GatewayDestinations destinations)
    {
        var hosts = new SortedDictionary<string, HostRoutes>(Comparer<string>.Create(HostName.CompareSpecificity));
        foreach (var (gateway, server, _) in servers) Attach(snapshot, gateway, server, hosts);

        var audience = new RouteAudience(
            proxy.Namespace, proxy.Labels, [.. servers.Select(entry => GatewayIndex.NameOf(entry.Gateway)).Distinct()], port);
        var made = hosts.Select(entry => VirtualHost(snapshot.Mesh, entry.Key, entry.Value, audience, destinations)).ToList();
        // The port that a client writes is the one that it dialled, which port forwarding or target ports may have changed.
        return RouteTables.Of(table, made, new RouteConfiguration { ValidateClusters = false, IgnorePortInHostMatching = true });
    }

    private static void Attach(MeshSnapshot snapshot, Resource<Gateway> gateway, GatewayServer server, SortedDictionary<string, HostRoutes> hosts)
    {
        bool redirects = server.Tls is { HttpsRedirect: true };
        foreach (var virtualService in snapshot.VirtualServices.VisibleTo(gateway.Namespace, GatewayIndex.NameOf(gateway)))
        {
            // One that routes connections only has nothing to say of requests; a virtual host without routes would take its hosts from others.
            if (virtualService.Http.IsEmpty) continue;
            foreach (string host in GatewayAttachment.SharedHosts(gateway, server, virtualService)) At(host).Add(virtualService, redirects);
        }

        if (!redirects) return;
        // A server that sends everybody to https needs no routes to do so.
        foreach (var host in server.Hosts) At(host.Host).RedirectsToHttps = true;

        HostRoutes At(string host)
        {
            if (!hosts.TryGetValue(host, out var routes)) hosts.Add(host, routes = new HostRoutes());
            return routes;
        }
    }

    private static SerializedVirtualHost VirtualHost(
        MeshConfig mesh, string host, HostRoutes entry, RouteAudience audience, GatewayDestinations destinations)
    {
        var ports = new DestinationPorts(destinations.Find);
        var result = new VirtualHost { Name = $"{host}:{audience.Port}", Domains = { host }, IncludeRequestAttemptCount = true };
        if (entry.RedirectsToHttps) result.RequireTls = Envoy.Config.Route.V3.VirtualHost.Types.TlsRequirementType.All;
        var oldestFirst = entry.OldestFirst();
        result.Routes.AddRange(new HttpRoutes(mesh, audience.Port, ports).Of(RouteOrder.Merge(oldestFirst, audience)));
        foreach (var virtualService in oldestFirst) destinations.Add(virtualService, ports, audience.Port);
        return SerializedVirtualHost.Of(result);
    }

    private sealed class HostRoutes
    {
        private readonly HashSet<BoundVirtualService> _virtualServices = [];

        public bool RedirectsToHttps { get; set; }

        public void Add(BoundVirtualService virtualService, bool redirects)
        {
            _virtualServices.Add(virtualService);
            RedirectsToHttps |= redirects;
        }

        public ImmutableArray<BoundVirtualService> OldestFirst()
        {
            var all = _virtualServices.ToArray();
            Array.Sort(all, static (left, right) => Resource.CompareByAge(left.Resource, right.Resource));
            return [.. all];
        }
    }
}
