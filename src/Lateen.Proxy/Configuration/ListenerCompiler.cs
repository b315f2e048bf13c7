using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Listener.V3;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tcp;
using Lateen.Proxy.Tls;
using Lateen.Xds;
using ProtoMatch = Envoy.Config.Listener.V3.FilterChainMatch;

namespace Lateen.Proxy.Configuration;

/// <summary>Compiles a <c>Listener</c>.</summary>
internal sealed class ListenerCompiler(ExtensionCatalog extensions, RouteTableCompiler routes, TlsScope tls, ConfigurationErrors errors)
{
    public const string HttpConnectionManagerName =
        "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager";

    /// <summary>As Istio's gateways have it. Envoy waits for ever for a client that does not go on with its handshake.</summary>
    private static readonly TimeSpan DefaultHandshakeTimeout = TimeSpan.FromSeconds(15);

    private readonly FilterChainMatchCompiler _matches = new(errors);

    /// <param name="listener">What the file or the control plane says.</param>
    /// <param name="isStatic">It stands in the bootstrap file.</param>
    /// <param name="path">Where it stands.</param>
    /// <returns>Null when there is something wrong with it.</returns>
    public ListenerSnapshot? Compile(Listener listener, bool isStatic, FieldPath path)
    {
        var errorsBefore = errors.Count;
        var address = AddressReader.Read(listener.Address, path.Field("address"), errors);
        if (listener.ApiListener is not null) errors.Add(path.Field("api_listener"), "is for gRPC clients without a proxy; a proxy needs an address and filter chains");
        if (listener.UseOriginalDst is true)
            errors.Add(path.Field("use_original_dst"), "is not supported: this version does not capture connections");
        if (listener.FilterChains.Count == 0 && listener.DefaultFilterChain is null)
            errors.Add(path.Field("filter_chains"), "at least one filter chain is required");

        var chains = ImmutableArray.CreateBuilder<FilterChainSnapshot>(listener.FilterChains.Count);
        for (var i = 0; i < listener.FilterChains.Count; i++)
        {
            if (CompileChain(listener.FilterChains[i], listener.PerConnectionBufferLimitBytes, path.Field("filter_chains").At(i)) is { } chain) chains.Add(chain);
        }

        // Only where every chain compiled are the positions those of the configuration.
        if (chains.Count == listener.FilterChains.Count) _matches.CheckDistinct([.. chains.Select(static chain => (chain.Match, chain.Name))], path.Field("filter_chains"));
        var defaultChain = listener.DefaultFilterChain is null ? null : CompileChain(listener.DefaultFilterChain, listener.PerConnectionBufferLimitBytes, path.Field("default_filter_chain"));
        if (listener.DefaultFilterChain?.FilterChainMatch is { } match && !match.Equals(new ProtoMatch()))
            errors.Add(path.Field("default_filter_chain").Field("filter_chain_match"), "cannot stand in the default filter chain");

        var filters = new ListenerFilterCompiler(errors).Compile(listener, path);
        var accessLogs = AccessLogCompiler.Compile(listener.AccessLog, extensions, path.Field("access_log"), errors);
        if (errors.Count > errorsBefore || address is null) return null;
        return new ListenerSnapshot
        {
            // Envoy makes up a UUID for a static listener without a name; the address says more and stays the same.
            Name = listener.Name.Length > 0 ? listener.Name : address.ToString()!,
            Address = address,
            BindToPort = listener.BindToPort ?? true,
            IgnoresConnectionLimit = listener.IgnoreGlobalConnLimit,
            Direction = DirectionOf(listener),
            FilterChains = chains.DrainToImmutable(),
            DefaultFilterChain = defaultChain,
            Filters = filters,
            BufferLimitBytes = listener.PerConnectionBufferLimitBytes ?? 1024 * 1024,
            Backlog = listener.TcpBacklogSize,
            ReusePort = listener.EnableReusePort ?? true,
            AccessLogs = accessLogs,
            StatPrefix = listener.StatPrefix.Length > 0 ? listener.StatPrefix : StatNameOf(address),
            IsStatic = isStatic,
        };
    }

    private FilterChainSnapshot? CompileChain(FilterChain chain, uint? bufferLimit, FieldPath path)
    {
        var downstreamTls = TransportSockets.CompileDownstream(chain.TransportSocket, path.Field("transport_socket"), tls, errors);
        var match = _matches.Compile(chain.FilterChainMatch, path.Field("filter_chain_match"));
        var filtersPath = path.Field("filters");
        if (chain.Filters.Count == 0)
        {
            errors.Add(filtersPath, "an http_connection_manager or a tcp_proxy is required");
            return null;
        }

        HttpConnectionManagerSnapshot? manager = null;
        TcpProxySnapshot? tcp = null;
        var others = ImmutableArray.CreateBuilder<CompiledExtension>();
        for (var i = 0; i < chain.Filters.Count; i++)
        {
            var filter = chain.Filters[i];
            var filterPath = filtersPath.At(i);
            var isLast = i == chain.Filters.Count - 1;
            switch (XdsTypeRegistry.TypeNameOf(filter.TypedConfig?.TypeUrl ?? string.Empty))
            {
                case HttpConnectionManagerName or TcpProxyCompiler.MessageName when !isLast:
                    errors.Add(filterPath, $"'{filter.Name}' must be the last filter of its chain");
                    break;
                case HttpConnectionManagerName:
                    manager = new HttpConnectionManagerCompiler(extensions, routes, bufferLimit, errors).Compile(filter.TypedConfig!, filterPath.Field("typed_config"));
                    break;
                case TcpProxyCompiler.MessageName:
                    tcp = new TcpProxyCompiler(extensions, routes.Clusters, errors).Compile(filter.TypedConfig!, filterPath.Field("typed_config"));
                    break;
                default:
                    if (extensions.CompileNetworkFilter(filter.Name, filter.TypedConfig, filterPath, errors) is { } compiled) others.Add(compiled);
                    if (isLast) errors.Add(filterPath, $"the last filter of a chain must be {HttpConnectionManagerName} or {TcpProxyCompiler.MessageName}");
                    break;
            }
        }

        return manager is null && tcp is null ? null : new FilterChainSnapshot
        {
            Name = chain.Name,
            Match = match,
            HttpConnectionManager = manager,
            TcpProxy = tcp,
            DownstreamTls = downstreamTls,
            HandshakeTimeout = ProtoValues.Timeout(
                chain.TransportSocketConnectTimeout, DefaultHandshakeTimeout, path.Field("transport_socket_connect_timeout"), errors),
            NetworkFilters = others.DrainToImmutable(),
        };
    }

    private static TrafficDirection DirectionOf(Listener listener) => listener.TrafficDirection switch
    {
        Envoy.Config.Core.V3.TrafficDirection.Inbound => TrafficDirection.Inbound,
        Envoy.Config.Core.V3.TrafficDirection.Outbound => TrafficDirection.Outbound,
        _ => TrafficDirection.Unspecified,
    };

    // As Envoy names the statistics of a listener: 0.0.0.0_8080, and [__1]_8080 for IPv6.
    private static string StatNameOf(EndPoint address) => address.ToString()!.Replace(':', '_');
}
