using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Xds;

namespace Lateen.Translation.Connections;

/// <summary>What a listener has to learn of a connection before it can choose a filter chain.</summary>
[Flags]
internal enum Inspection
{
    None = 0,

    /// <summary>Whether it is TLS, and for which server name.</summary>
    Tls = 1,

    /// <summary>Whether it is HTTP.</summary>
    Http = 2,
}

/// <summary>Listeners and their filter chains.</summary>
internal static class Listeners
{
    /// <summary>What the HTTP inspector says of a connection that it knows: HTTP/1.1, or HTTP/2 with prior knowledge.</summary>
    private static readonly string[] PlaintextHttp = ["http/1.1", "h2c"];

    /// <summary>Istio's name: <c>127.0.0.1_9080</c>, or the path of a unix socket.</summary>
    public static string Name(string bind, int port) => bind.StartsWith('/') ? bind : $"{bind}_{port}";

    /// <summary>A listener of HTTP whose routes come over RDS.</summary>
    public static XdsResource Routed(TrafficSide side, string bind, int port, PortProtocol protocol, string routeName, MeshConfig mesh) =>
        Of(side, bind, port, [RoutedChain(side, bind, port, protocol, routeName, mesh)], Inspection.None);

    /// <summary>A chain of HTTP whose routes come over RDS.</summary>
    public static FilterChain RoutedChain(TrafficSide side, string bind, int port, PortProtocol protocol, string routeName, MeshConfig mesh)
    {
        var manager = ConnectionManagers.Of(side, $"{Prefix(side)}{Name(bind, port)}", protocol, mesh);
        manager.Rds = new Rds { ConfigSource = Messages.Aggregated(), RouteConfigName = routeName };
        return Chain(manager);
    }

    /// <summary>A chain of HTTP that holds its routes.</summary>
    public static FilterChain InlineChain(TrafficSide side, string bind, int port, PortProtocol protocol, RouteConfiguration routes, MeshConfig mesh)
    {
        var manager = ConnectionManagers.Of(side, $"{Prefix(side)}{Name(bind, port)}", protocol, mesh);
        manager.RouteConfig = routes;
        return Chain(manager);
    }

    /// <summary>The chain for what the HTTP inspector recognises; the chain beside it takes everything else.</summary>
    public static FilterChain WhenHttp(FilterChain chain)
    {
        chain.FilterChainMatch = new FilterChainMatch { TransportProtocol = "raw_buffer" };
        chain.FilterChainMatch.ApplicationProtocols.AddRange(PlaintextHttp);
        return chain;
    }

    public static XdsResource Of(TrafficSide side, string bind, int port, IEnumerable<FilterChain> chains, Inspection inspection)
    {
        string name = Name(bind, port);
        var listener = new Listener
        {
            Name = name,
            Address = Messages.Socket(bind, port),
            TrafficDirection = side == TrafficSide.Inbound ? TrafficDirection.Inbound : TrafficDirection.Outbound,
        };
        listener.FilterChains.AddRange(chains);
        if (inspection.HasFlag(Inspection.Tls)) listener.ListenerFilters.Add(Filter("envoy.filters.listener.tls_inspector", new TlsInspector()));
        if (inspection.HasFlag(Inspection.Http))
        {
            listener.ListenerFilters.Add(Filter("envoy.filters.listener.http_inspector", new HttpInspector()));
            // No time limit: a server that speaks first is dialled at once, and a client that only waits is not cut off (protocolDetectionTimeout 0s).
            listener.ListenerFiltersTimeout = Messages.Zero;
            listener.ContinueOnListenerFiltersTimeout = true;
        }

        return XdsResource.FromMessage(name, listener);
    }

    private static string Prefix(TrafficSide side) => side == TrafficSide.Inbound ? "inbound_" : "outbound_";

    private static FilterChain Chain(HttpConnectionManager manager) =>
        new() { Filters = { new Filter { Name = ConnectionManagers.FilterName, TypedConfig = Messages.Pack(manager) } } };

    private static ListenerFilter Filter(string name, Google.Protobuf.IMessage config) => new() { Name = name, TypedConfig = Messages.Pack(config) };
}
