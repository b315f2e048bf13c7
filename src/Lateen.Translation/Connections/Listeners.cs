using Envoy.Config.Accesslog.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Listener.HttpInspector.V3;
using Envoy.Extensions.Filters.Listener.TlsInspector.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Security;
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
    /// <summary>Istio's name for the chain of what no other chain takes.</summary>
    public const string FallbackName = "PassthroughFilterChain";

    /// <summary>What the HTTP inspector says of a connection that it knows: HTTP/1.1, or HTTP/2 with prior knowledge. HTTP/1.0 is not among them (nor in
    /// Istio): the connection manager would refuse it, and as a plain connection it passes.</summary>
    public static readonly string[] PlaintextHttp = ["http/1.1", "h2c"];

    /// <summary>Istio's name: <c>127.0.0.1_9080</c>, or the path of a unix socket.</summary>
    public static string Name(string bind, int port) => bind.StartsWith('/') ? bind : $"{bind}_{port}";

    /// <summary>Where a listener binds: an IP address, or the path of a unix socket (<c>unix:/path</c>, <c>unix:///path</c>).</summary>
    public static string Bind(string? written, string otherwise) => written switch
    {
        null or "" => otherwise,
        _ when written.StartsWith("unix://", StringComparison.Ordinal) => written["unix://".Length..],
        _ when written.StartsWith("unix:", StringComparison.Ordinal) => written["unix:".Length..],
        _ => written,
    };

    /// <summary>A listener of HTTP whose routes come over RDS.</summary>
    public static XdsResource Routed(
        TrafficSide side, string bind, int port, PortProtocol protocol, string routeName, MeshConfig mesh, bool hasIdentity, WorkloadSecurity? security = null) =>
        Of(side, bind, port, [RoutedChain(side, bind, port, protocol, routeName, mesh, hasIdentity, security)], Inspection.None);

    /// <summary>A chain of HTTP whose routes come over RDS.</summary>
    /// <param name="hasIdentity">The proxy may send what comes in over mutual TLS.</param>
    /// <param name="security">What guards the requests; null: nothing does, for they are the workload's own.</param>
    public static FilterChain RoutedChain(
        TrafficSide side, string bind, int port, PortProtocol protocol, string routeName, MeshConfig mesh, bool hasIdentity, WorkloadSecurity? security = null)
    {
        var manager = ConnectionManagers.Of(side, $"{Prefix(side)}{Name(bind, port)}", protocol, mesh, hasIdentity, security);
        manager.Rds = new Rds { ConfigSource = Messages.Aggregated(), RouteConfigName = routeName };
        return Chain(manager);
    }

    /// <summary>A chain of HTTP that holds its routes.</summary>
    public static FilterChain InlineChain(
        TrafficSide side, string bind, int port, PortProtocol protocol, RouteConfiguration routes, MeshConfig mesh, WorkloadSecurity? security = null)
    {
        var manager = ConnectionManagers.Of(side, $"{Prefix(side)}{Name(bind, port)}", protocol, mesh, hasIdentity: false, security);
        manager.RouteConfig = routes;
        return Chain(manager);
    }

    /// <summary>
    /// A listener of a port that declares nothing: HTTP goes by <paramref name="http"/>, anything else by <paramref name="others"/>. The one among those that
    /// matches everything is the listener's default chain: Envoy's choice does not turn back, and having found that bytes are in the clear it looks for a chain
    /// only among those that say so.
    /// </summary>
    public static XdsResource Sniffing(TrafficSide side, string bind, int port, FilterChain http, IReadOnlyCollection<FilterChain> others, MeshConfig mesh)
    {
        http.FilterChainMatch = new FilterChainMatch { TransportProtocol = "raw_buffer" };
        http.FilterChainMatch.ApplicationProtocols.AddRange(PlaintextHttp);
        var fallback = others.FirstOrDefault(chain => chain.FilterChainMatch is null);
        if (fallback is not null) fallback.Name = FallbackName;
        return Of(side, bind, port, [http, .. others.Where(chain => chain != fallback)], Inspection.Tls | Inspection.Http, fallback, mesh.ProtocolDetectionTimeout);
    }

    /// <param name="isPatient">A client that is silent is not cut off: what speaks first may be the server. So wherever HTTP is looked for.</param>
    /// <param name="log">Of connections, beside what each chain logs.</param>
    public static XdsResource Of(
        TrafficSide side, string bind, int port, IEnumerable<FilterChain> chains, Inspection inspection, FilterChain? fallback = null,
        TimeSpan detectionTimeout = default, bool isPatient = false, AccessLog? log = null)
    {
        string name = Name(bind, port);
        var listener = new Listener
        {
            Name = name,
            Address = Messages.Socket(bind, port),
            TrafficDirection = side == TrafficSide.Inbound ? TrafficDirection.Inbound : TrafficDirection.Outbound,
        };
        listener.FilterChains.AddRange(chains);
        listener.DefaultFilterChain = fallback;
        if (log is not null) listener.AccessLog.Add(log);
        if (inspection.HasFlag(Inspection.Tls)) listener.ListenerFilters.Add(Filter("envoy.filters.listener.tls_inspector", new TlsInspector()));
        if (inspection.HasFlag(Inspection.Http)) listener.ListenerFilters.Add(Filter("envoy.filters.listener.http_inspector", new HttpInspector()));
        if (isPatient || inspection.HasFlag(Inspection.Http))
        {
            // Zero is no limit: a server that speaks first is dialled at once, and a client that only waits is not cut off.
            listener.ListenerFiltersTimeout = Messages.Of(detectionTimeout);
            listener.ContinueOnListenerFiltersTimeout = true;
        }

        return XdsResource.FromMessage(name, listener);
    }

    private static string Prefix(TrafficSide side) => side == TrafficSide.Inbound ? "inbound_" : "outbound_";

    private static FilterChain Chain(HttpConnectionManager manager) =>
        new() { Filters = { new Filter { Name = ConnectionManagers.FilterName, TypedConfig = Messages.Pack(manager) } } };

    private static ListenerFilter Filter(string name, Google.Protobuf.IMessage config) => new() { Name = name, TypedConfig = Messages.Pack(config) };
}
