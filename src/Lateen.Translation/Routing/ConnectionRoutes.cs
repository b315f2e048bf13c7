using System.Collections.Immutable;
using Envoy.Config.Listener.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using Lateen.Translation.Naming;

namespace Lateen.Translation.Routing;

/// <summary>Rules for connections (<c>tcp</c> and <c>tls</c> of a VirtualService) as filter chains.</summary>
/// <param name="find">The service that the client means by a host.</param>
/// <param name="listenerPort">The port of destinations that neither say one nor have only one.</param>
internal sealed class ConnectionRoutes(
    MeshSnapshot snapshot, string clientNamespace, StringMap<string> clientLabels, Func<string, MeshService?> find, int listenerPort)
{
    private readonly DestinationPorts _ports = new(find);

    /// <summary>A chain to the destinations of a rule. A single destination takes everything, whatever its weight; among several a weight of zero takes nothing.</summary>
    public FilterChain Chain(BoundVirtualService source, ImmutableArray<RouteDestination> route)
    {
        var part = route.Length == 1 ? route : [.. route.Where(destination => destination.Weight > 0)];
        var targets = part.Select(entry => new WeightedTarget(
            ClusterNames.Outbound(PortOf(entry.Destination), entry.Destination.Subset, entry.Destination.Host), entry.Weight));
        var first = part[0].Destination;
        return TcpChains.Of([.. targets], $"{source.Resource.Name}.{source.Namespace}", PoolOf(find(first.Host), first.Subset, PortOf(first)), snapshot.Mesh);
    }

    /// <summary>A chain to a service that no rule speaks of.</summary>
    public FilterChain Default(MeshService service, int port) =>
        TcpChains.Of([new WeightedTarget(ClusterNames.Outbound(port, null, service.Hostname), 0)], "", PoolOf(service, null, port), snapshot.Mesh);

    public int PortOf(Destination destination) => _ports.Resolve(destination, listenerPort);

    private TcpConnectionPool? PoolOf(MeshService? service, string? subset, int port)
    {
        if (service is null || snapshot.DestinationRules.For(service, clientNamespace, clientLabels) is not { } rule) return null;
        return rule.PolicyFor(subset is null ? null : rule.Subset(subset), port)?.ConnectionPool?.Tcp;
    }
}
