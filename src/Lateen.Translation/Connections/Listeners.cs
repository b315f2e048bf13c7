using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Model;
using Lateen.Xds;

namespace Lateen.Translation.Connections;

/// <summary>Listeners that speak HTTP: one filter chain with one connection manager.</summary>
internal static class Listeners
{
    /// <summary>Istio's name: <c>127.0.0.1_9080</c>, or the path of a unix socket.</summary>
    public static string Name(string bind, int port) => bind.StartsWith('/') ? bind : $"{bind}_{port}";

    /// <summary>A listener whose routes come over RDS.</summary>
    public static XdsResource Routed(TrafficSide side, string bind, int port, string routeName, MeshConfig mesh)
    {
        string name = Name(bind, port);
        var manager = ConnectionManagers.Of(side, $"{Prefix(side)}{name}", mesh);
        manager.Rds = new Rds { ConfigSource = Messages.Aggregated(), RouteConfigName = routeName };
        return Of(side, name, bind, port, manager);
    }

    /// <summary>A listener that holds its routes.</summary>
    public static XdsResource Inline(TrafficSide side, string bind, int port, RouteConfiguration routes, MeshConfig mesh)
    {
        string name = Name(bind, port);
        var manager = ConnectionManagers.Of(side, $"{Prefix(side)}{name}", mesh);
        manager.RouteConfig = routes;
        return Of(side, name, bind, port, manager);
    }

    private static string Prefix(TrafficSide side) => side == TrafficSide.Inbound ? "inbound_" : "outbound_";

    private static XdsResource Of(TrafficSide side, string name, string bind, int port, HttpConnectionManager manager)
    {
        var listener = new Listener
        {
            Name = name,
            Address = Messages.Socket(bind, port),
            TrafficDirection = side == TrafficSide.Inbound ? TrafficDirection.Inbound : TrafficDirection.Outbound,
        };
        listener.FilterChains.Add(new FilterChain
        {
            Filters = { new Filter { Name = ConnectionManagers.FilterName, TypedConfig = Messages.Pack(manager) } },
        });
        return XdsResource.FromMessage(name, listener);
    }
}
