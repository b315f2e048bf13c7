using System.Collections.Immutable;
using Envoy.Config.Listener.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using Lateen.Translation.Routing;

namespace Lateen.Translation.Outbound;

/// <summary>
/// The filter chains of an egress listener that carries connections: TLS told apart by server name, anything else by nothing but the listener itself.
/// Nothing is captured, so a connection's destination is the listener's own address, and one listener stands for one opaque service.
/// </summary>
internal sealed class OutboundChains(
    MeshSnapshot snapshot, OutboundView view, EgressScope egress, SidecarRoutes chosen, int port, ImmutableArray<string>.Builder notices)
{
    private readonly RouteAudience _audience = new(view.Namespace, view.Labels ?? StringMap<string>.Empty, [BoundVirtualService.MeshGateway], port);

    private readonly ConnectionRoutes _routes = new(
        snapshot, view.Namespace, view.Labels ?? StringMap<string>.Empty, host => snapshot.Services.Find(host, view.Namespace), port);

    private readonly List<FilterChain> _chains = [];
    private readonly ChainClaims _claims = new();

    /// <summary>Chains by server name: those of <c>tls</c> rules, and for a service that none speaks of its own name.</summary>
    public List<FilterChain> ByServerName()
    {
        // A local port that leads to one service only: whoever connects there means that service, with a server name or without.
        bool isDedicated = egress.Services.Length == 1;
        foreach (var service in egress.Services)
        {
            if (AddRules(service, chosen.For(service))) continue;
            if (!OutboundClusters.IsReachable(service)) continue;
            Add(_routes.Default(service, port), [], isDedicated ? [] : [service.Hostname], service);
        }

        return _chains;
    }

    /// <summary>Chains of what cannot be looked into: <c>tcp</c> rules, then the service itself.</summary>
    public List<FilterChain> Opaque()
    {
        foreach (var service in egress.Services)
        {
            if (chosen.For(service) is { } virtualService && AddTcp(service, virtualService)) continue;
            if (OutboundClusters.IsReachable(service)) Add(_routes.Default(service, port), [], [], service);
        }

        return _chains;
    }

    private bool AddRules(MeshService service, BoundVirtualService? virtualService)
    {
        if (virtualService is null) return false;
        bool isMatched = false;
        foreach (var rule in virtualService.Tls)
            foreach (var match in rule.Match)
            {
                if (!RouteOrder.Concerns(match.Port, match.Gateways, match.SourceLabels, match.SourceNamespace, _audience)) continue;
                isMatched = true;
                Add(_routes.Chain(virtualService, rule.Route), match.DestinationSubnets, match.SniHosts, service);
            }

        return isMatched;
    }

    /// <returns>True when some rule takes every connection, so that the service's default has nothing left.</returns>
    private bool AddTcp(MeshService service, BoundVirtualService virtualService)
    {
        foreach (var rule in virtualService.Tcp)
        {
            if (rule.Match.IsEmpty)
            {
                Add(_routes.Chain(virtualService, rule.Route), [], [], service);
                return true;
            }

            foreach (var match in rule.Match)
            {
                if (!RouteOrder.Concerns(match.Port, match.Gateways, match.SourceLabels, match.SourceNamespace, _audience)) continue;
                Add(_routes.Chain(virtualService, rule.Route), match.DestinationSubnets, [], service);
                if (match.DestinationSubnets.IsEmpty) return true;
            }
        }

        return false;
    }

    private void Add(FilterChain chain, ImmutableArray<string> subnets, IEnumerable<string> serverNames, MeshService service)
    {
        if (_claims.Claim(chain, subnets, serverNames) is { } claimed) _chains.Add(claimed);
        else
        {
            notices.Add($"egress listener {Listeners.Name(Listeners.Bind(egress.Listener!.Bind, "127.0.0.1"), port)}: connections to {service.Hostname} cannot be told from those of another rule or "
                + "service of this port, which has them; give the service a listener of its own");
        }
    }
}
