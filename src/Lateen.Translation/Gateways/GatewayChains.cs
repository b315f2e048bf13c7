using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using Lateen.Translation.MutualTls;
using Lateen.Translation.Routing;
using Lateen.Translation.Secrets;
using Lateen.Translation.Security;
using Lateen.Xds;

namespace Lateen.Translation.Gateways;

/// <summary>The filter chains of one port of a gateway, and the route tables that those for HTTP ask for.</summary>
internal sealed class GatewayChains(
    MeshSnapshot snapshot, ProxyIdentity proxy, WorkloadSecurity security, GatewayDestinations destinations, ISet<SecretReference> secrets,
    ImmutableArray<string>.Builder notices)
{
    /// <summary>The chains of servers that are TLS, each for its own server names, or of the one server that carries anything.</summary>
    /// <param name="listenPort">What the proxy listens on, which a Service's target port may have made another number than the server's.</param>
    public List<FilterChain> Of(GatewayPortServers port, int listenPort, ImmutableArray<XdsResource>.Builder routes)
    {
        var chains = new List<FilterChain>();
        var claims = new ChainClaims();
        foreach (var entry in port.Servers)
        {
            int before = chains.Count;
            switch (entry.Kind)
            {
                case ServerKind.Https:
                    chains.AddRange(Claimed(claims, Https(port, entry, listenPort, routes), [], entry.Hosts));
                    break;
                case ServerKind.Passthrough:
                    foreach (var (chain, subnets, names) in Passthrough(entry)) chains.AddRange(Claimed(claims, security.Guard(chain), subnets, names));
                    break;
                default:
                    if (Carrying(entry) is { } carrying) chains.AddRange(Claimed(claims, security.Guard(carrying), [], entry.Kind == ServerKind.Tls ? entry.Hosts : []));
                    break;
            }

            if (chains.Count == before)
            {
                notices.Add($"{entry.Description} is left out: no VirtualService leads its connections anywhere; bind one with "
                    + (entry.Kind == ServerKind.Passthrough ? "tls routes to the Gateway" : "tcp routes to the Gateway"));
            }
        }

        return chains;
    }

    private static IEnumerable<FilterChain> Claimed(ChainClaims claims, FilterChain chain, IEnumerable<string> subnets, IEnumerable<string> names) =>
        claims.Claim(chain, subnets, names) is { } claimed ? [claimed] : [];

    private FilterChain Https(GatewayPortServers port, GatewayServerEntry entry, int listenPort, ImmutableArray<XdsResource>.Builder routes)
    {
        // Istio's name: each server has a table of its own, for another one's hosts must not be reached through this one's certificate.
        string table = $"https.{port.Number}.{entry.Server.Port.Name}.{entry.Gateway.Name}.{entry.Gateway.Namespace}";
        routes.Add(GatewayRoutes.Of(snapshot, proxy, [entry], port.Number, table, destinations));
        var chain = Listeners.RoutedChain(TrafficSide.Gateway, port.Bind, listenPort, PortProtocol.Https, table, snapshot.Mesh, proxy.HasIdentity, security);
        chain.TransportSocket = Terminating(entry.Server.Tls!, DownstreamSockets.HttpAlpn);
        return chain;
    }

    /// <summary>One chain per match of a <c>tls</c> rule: its server names have to lie within the server's hosts.</summary>
    private IEnumerable<(FilterChain Chain, ImmutableArray<string> Subnets, List<string> Names)> Passthrough(GatewayServerEntry entry)
    {
        var routes = Routes(entry);
        foreach (var virtualService in Attached(entry))
        {
            foreach (var rule in virtualService.Tls)
            {
                foreach (var match in rule.Match)
                {
                    if (!Concerns(entry, match.Port, match.Gateways)) continue;
                    var names = match.SniHosts.Where(name => entry.Hosts.Any(host => HostName.Contains(host, name.ToLowerInvariant()))).ToList();
                    if (names.Count == 0) continue;
                    destinations.Add(rule.Route, routes);
                    yield return (routes.Chain(virtualService, rule.Route), match.DestinationSubnets, names);
                }
            }
        }
    }

    /// <summary>The first <c>tcp</c> rule that is for this server takes every connection; null when there is none.</summary>
    private FilterChain? Carrying(GatewayServerEntry entry)
    {
        var routes = Routes(entry);
        foreach (var virtualService in Attached(entry))
        {
            foreach (var rule in virtualService.Tcp)
            {
                if (!rule.Match.IsEmpty && !rule.Match.Any(match => Concerns(entry, match.Port, match.Gateways))) continue;
                destinations.Add(rule.Route, routes);
                var chain = routes.Chain(virtualService, rule.Route);
                if (entry.Kind == ServerKind.Tls) chain.TransportSocket = Terminating(entry.Server.Tls!, []);
                return chain;
            }
        }

        return null;
    }

    private TransportSocket Terminating(ServerTlsSettings tls, ImmutableArray<string> alpn) => tls.Mode == ServerTlsMode.IstioMutual
        ? MeshTlsContexts.Server(snapshot.Mesh, alpn, tls)
        : DownstreamSockets.Of(tls, alpn, secrets);

    private ConnectionRoutes Routes(GatewayServerEntry entry) => new(snapshot, proxy.Namespace, proxy.Labels, destinations.Find, entry.Server.Port.Number);

    private IEnumerable<BoundVirtualService> Attached(GatewayServerEntry entry) =>
        snapshot.VirtualServices.VisibleTo(entry.Gateway.Namespace, GatewayIndex.NameOf(entry.Gateway))
            .Where(virtualService => !GatewayAttachment.SharedHosts(entry.Gateway, entry.Server, virtualService).IsEmpty);

    private static bool Concerns(GatewayServerEntry entry, int? port, ImmutableArray<string> gateways) =>
        (port is null || port == entry.Server.Port.Number) && (gateways.IsEmpty || gateways.Contains(GatewayIndex.NameOf(entry.Gateway)));
}
