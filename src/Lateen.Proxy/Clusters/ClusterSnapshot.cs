using System.Collections.Immutable;
using Lateen.Http;
using Lateen.Proxy.ProxyProtocol;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Clusters;

/// <summary>Where a cluster's endpoints come from (<c>Cluster.type</c>).</summary>
public enum ClusterDiscovery
{
    Static,
    StrictDns,
    LogicalDns,
    Eds,

    /// <summary>The connection's original destination is the endpoint. Known, and refused at use until connections are captured.</summary>
    OriginalDestination,
}

/// <summary>How a cluster picks an endpoint (<c>Cluster.lb_policy</c>).</summary>
public enum LoadBalancingAlgorithm
{
    RoundRobin,
    LeastRequest,
    Random,
    ClusterProvided,
}

/// <summary>Which HTTP a cluster's endpoints are spoken to with.</summary>
public enum UpstreamProtocol
{
    Http1,
    Http2,

    /// <summary>What the TLS handshake agrees on (ALPN); HTTP/1.1 where it agrees on nothing.</summary>
    Auto,

    /// <summary>What the client speaks.</summary>
    UseDownstream,

    /// <summary>None: the bytes of a CONNECT tunnel that is terminated here. Of no cluster; routes ask for it (<c>connect_config</c>).</summary>
    Tcp,
}

/// <summary>A cluster with everything that sending a request to it needs, as one configuration describes it.</summary>
/// <remarks>
/// Immutable but for <see cref="State"/> and the cursors inside <see cref="LoadBalancer"/>, which belong to their reactors.
/// </remarks>
public sealed class ClusterSnapshot
{
    public required ClusterReference Reference { get; init; }

    public string Name => Reference.Name;

    /// <summary><c>alt_stat_name</c>, or the name.</summary>
    public required string StatName { get; init; }

    public required ClusterState State { get; init; }

    public required ClusterDiscovery Discovery { get; init; }

    public required LoadBalancingAlgorithm Algorithm { get; init; }

    public required LoadBalancer LoadBalancer { get; init; }

    /// <summary>Every endpoint whatever its health, in configuration order.</summary>
    public ImmutableArray<EndpointSnapshot> Endpoints { get; init; } = [];

    public CircuitBreakerLimits Limits { get; init; } = CircuitBreakerLimits.Default;

    /// <inheritdoc cref="ClusterDefinition.HighPriorityLimits"/>
    public CircuitBreakerLimits HighPriorityLimits { get; init; } = CircuitBreakerLimits.Default;

    /// <inheritdoc cref="ClusterDefinition.ShownServiceName"/>
    public string EdsServiceName { get; init; } = string.Empty;

    /// <summary>From connect() to the end of the TLS handshake, if there is one. Envoy's default is 5 s.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public UpstreamConnectionOptions Connections { get; init; } = UpstreamConnectionOptions.Default;

    /// <summary>How connections are encrypted to endpoints that do not say (<see cref="EndpointSnapshot.Transport"/>); null: they are plain.</summary>
    public UpstreamTls? UpstreamTls { get; init; }

    /// <summary>Connections to some endpoints are encrypted, or may come to be.</summary>
    public bool UsesTls { get; init; }

    /// <summary>What TLS offers may be what the request's connection manager says (<c>istio.alpn</c>).</summary>
    public bool AllowsAlpnOverride { get; init; } = true;

    /// <summary>How connections to one of its endpoints are encrypted; null: they are plain.</summary>
    public UpstreamTls? TlsTo(EndpointSnapshot endpoint) => endpoint.Transport is { } own ? own.Tls : UpstreamTls;

    /// <summary>What is spoken to the endpoints by HTTP chains.</summary>
    public UpstreamProtocol UpstreamProtocol { get; init; }

    /// <summary>The PROXY header that opens every connection; null: none.</summary>
    public ProxyProtocolVersion? ProxyProtocol { get; init; }

    /// <summary>The service this cluster stands for, for metrics; null when the control plane said nothing.</summary>
    public ServiceIdentity? Service { get; init; }

    /// <summary>It came with the bootstrap file, not from a control plane.</summary>
    public bool IsStatic { get; init; }

    public override string ToString() => $"{Name} ({Discovery}, {Endpoints.Length} endpoints)";
}

/// <summary>How connections to a cluster's endpoints live.</summary>
public sealed record UpstreamConnectionOptions
{
    /// <summary>Envoy's defaults for a cluster.</summary>
    public static readonly Http2Options DefaultHttp2 = Http2Options.Default with { MaxConcurrentStreams = int.MaxValue };

    public static readonly UpstreamConnectionOptions Default = new();

    /// <summary>An idle pooled connection is closed after this. Envoy's default is one hour; null: never.</summary>
    public TimeSpan? IdleTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A connection is closed at this age once its request ends; null: never.</summary>
    public TimeSpan? MaxConnectionDuration { get; init; }

    /// <summary>Requests after which a connection is closed; 0: no limit.</summary>
    public uint MaxRequestsPerConnection { get; init; }

    /// <summary>Bytes of response headers accepted, in KiB. Envoy's default is 60.</summary>
    public uint MaxResponseHeadersKb { get; init; } = 60;

    /// <summary>Response headers accepted. Count; Envoy's default is 100.</summary>
    public uint MaxResponseHeaders { get; init; } = 100;

    /// <summary>Null: the kernel's keep-alive stays off.</summary>
    public TcpKeepAlive? KeepAlive { get; init; }

    /// <summary>How HTTP/2 is spoken, where it is. As many streams as the peer takes, unless the configuration says less.</summary>
    public Http2Options Http2 { get; init; } = DefaultHttp2;

    /// <summary>HTTP/1.1 requests are sent with their trailers (http1 <c>enable_trailers</c>).</summary>
    public bool EnableTrailers { get; init; }

    /// <summary>
    /// Octets of content that may wait on a connection, per direction (<c>per_connection_buffer_limit_bytes</c>): no more than 64 KiB do in any case, but for
    /// HTTP/2, whose window it is where that has no limit of its own.
    /// </summary>
    public uint BufferLimitBytes { get; init; } = 1024 * 1024;
}

/// <summary><c>TcpKeepalive</c>; a null part leaves the kernel's default.</summary>
public sealed record TcpKeepAlive(uint? Probes, TimeSpan? Time, TimeSpan? Interval);
