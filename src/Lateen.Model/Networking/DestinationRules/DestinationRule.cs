using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>Istio's DestinationRule: what happens to traffic for a host after routing, and the subsets that routes may name.</summary>
public sealed record DestinationRule
{
    /// <summary>A service's host name, a wildcard or a short name, as written.</summary>
    public required string Host { get; init; }

    public TrafficPolicy? TrafficPolicy { get; init; }

    public ImmutableArray<Subset> Subsets { get; init; } = [];

    public ImmutableArray<string> ExportTo { get; init; } = [];

    /// <summary>Restricts the rule to client proxies of its own namespace that carry these labels; null: all.</summary>
    public StringMap<string>? WorkloadSelector { get; init; }
}

/// <summary>A named part of a service, chosen by endpoint labels.</summary>
public sealed record Subset
{
    public required string Name { get; init; }

    /// <summary>Empty selects every endpoint.</summary>
    public StringMap<string> Labels { get; init; } = StringMap<string>.Empty;

    /// <summary>Overrides the rule's policy block by block.</summary>
    public TrafficPolicy? TrafficPolicy { get; init; }
}

/// <summary>Load balancing, pools, ejection and TLS towards a host. A null block was not written.</summary>
public sealed record TrafficPolicy
{
    public LoadBalancerSettings? LoadBalancer { get; init; }

    public ConnectionPoolSettings? ConnectionPool { get; init; }

    public OutlierDetection? OutlierDetection { get; init; }

    public ClientTlsSettings? Tls { get; init; }

    /// <summary>Each replaces the destination-level policy wholesale for its port.</summary>
    public ImmutableArray<PortTrafficPolicy> PortLevelSettings { get; init; } = [];

    public TunnelSettings? Tunnel { get; init; }

    public ProxyProtocolVersion? ProxyProtocol { get; init; }

    public RetryBudget? RetryBudget { get; init; }
}

/// <summary>The policy of one port. Blocks that are null go to defaults, not to the destination-level policy.</summary>
public sealed record PortTrafficPolicy
{
    public required int Port { get; init; }

    public LoadBalancerSettings? LoadBalancer { get; init; }

    public ConnectionPoolSettings? ConnectionPool { get; init; }

    public OutlierDetection? OutlierDetection { get; init; }

    public ClientTlsSettings? Tls { get; init; }
}

/// <summary>Istio's simple load balancers. <c>LEAST_CONN</c> is read as <see cref="LeastRequest"/>.</summary>
public enum SimpleLoadBalancer
{
    /// <summary>Means least request with two choices.</summary>
    Unspecified = 0,
    Random = 2,

    /// <summary>To the address that the client asked for.</summary>
    Passthrough = 3,
    RoundRobin = 4,
    LeastRequest = 5,
}

/// <summary>How an endpoint is chosen.</summary>
public sealed record LoadBalancerSettings
{
    /// <summary>Null when not written; excludes <see cref="ConsistentHash"/>.</summary>
    public SimpleLoadBalancer? Simple { get; init; }

    public ConsistentHashLoadBalancer? ConsistentHash { get; init; }

    public LocalityLoadBalancerSetting? LocalityLbSetting { get; init; }

    public ZoneAwareLoadBalancerSetting? ZoneAwareLbSetting { get; init; }

    /// <summary>Slow start; the deprecated <c>warmupDurationSecs</c> is read into its duration.</summary>
    public WarmupConfiguration? Warmup { get; init; }
}

/// <summary>Sticky choice by a hash of one part of the request. Exactly one key is set.</summary>
public sealed record ConsistentHashLoadBalancer
{
    public string? HttpHeaderName { get; init; }

    public HttpCookie? HttpCookie { get; init; }

    public bool UseSourceIp { get; init; }

    public string? HttpQueryParameterName { get; init; }

    /// <summary>Entries; null when the algorithm is Maglev, else at least this many (default 1024).</summary>
    public ulong? MinimumRingSize { get; init; }

    /// <summary>Entries, a prime below 5,000,011; not null selects Maglev (default 65,537).</summary>
    public ulong? MaglevTableSize { get; init; }
}

/// <summary>A cookie to hash by. A null lifetime only reads it; zero makes a session cookie.</summary>
public sealed record HttpCookie
{
    public required string Name { get; init; }

    public string? Path { get; init; }

    public TimeSpan? Ttl { get; init; }

    public ImmutableArray<KeyValuePair<string, string>> Attributes { get; init; } = [];
}

/// <summary>Slow start of new endpoints.</summary>
public sealed record WarmupConfiguration
{
    public required TimeSpan Duration { get; init; }

    /// <summary>Percent of the full share at the start; null: 10.</summary>
    public double? MinimumPercent { get; init; }

    /// <summary>Shape of the curve, at least 1; null: 1, a straight line.</summary>
    public double? Aggression { get; init; }
}

/// <summary>Preference among localities: distribution, or failover, or failover priority.</summary>
public sealed record LocalityLoadBalancerSetting
{
    public bool? Enabled { get; init; }

    public ImmutableArray<LocalityDistribution> Distribute { get; init; } = [];

    public ImmutableArray<LocalityFailover> Failover { get; init; } = [];

    public ImmutableArray<string> FailoverPriority { get; init; } = [];
}

/// <summary>Weights (1 to 100, sum 100) of the localities that serve clients in <paramref name="From"/>.</summary>
public sealed record LocalityDistribution(string From, StringMap<uint> To);

/// <summary>The region that takes over from another.</summary>
public sealed record LocalityFailover(string From, string To);

/// <summary>Envoy's zone-aware routing.</summary>
public sealed record ZoneAwareLoadBalancerSetting
{
    public bool? Enabled { get; init; }

    public ImmutableArray<LocalityFailover> Failover { get; init; } = [];

    public ImmutableArray<string> FailoverPriority { get; init; } = [];

    public ulong? MinClusterSize { get; init; }
}

/// <summary>Bounds on connections and requests to a host.</summary>
public sealed record ConnectionPoolSettings
{
    public TcpConnectionPool? Tcp { get; init; }

    public HttpConnectionPool? Http { get; init; }
}

/// <summary>Pool settings for every protocol. Null: Envoy's or the mesh's default.</summary>
public sealed record TcpConnectionPool
{
    public int? MaxConnections { get; init; }

    public TimeSpan? ConnectTimeout { get; init; }

    public TcpKeepalive? TcpKeepalive { get; init; }

    public TimeSpan? MaxConnectionDuration { get; init; }

    /// <summary>Zero disables; null: 1 hour.</summary>
    public TimeSpan? IdleTimeout { get; init; }
}

/// <summary>SO_KEEPALIVE and its timers; null: the operating system's.</summary>
public sealed record TcpKeepalive
{
    public uint? Probes { get; init; }

    public TimeSpan? Time { get; init; }

    public TimeSpan? Interval { get; init; }
}

/// <summary>Whether HTTP/1.1 is upgraded to HTTP/2 on the way up.</summary>
public enum H2UpgradePolicy
{
    Default = 0,
    DoNotUpgrade = 1,
    Upgrade = 2,
}

/// <summary>Pool settings for HTTP. Null: no limit, or Envoy's default.</summary>
public sealed record HttpConnectionPool
{
    public int? Http1MaxPendingRequests { get; init; }

    public int? Http2MaxRequests { get; init; }

    /// <summary>Zero or null: no limit.</summary>
    public int? MaxRequestsPerConnection { get; init; }

    public int? MaxRetries { get; init; }

    public TimeSpan? IdleTimeout { get; init; }

    public H2UpgradePolicy H2UpgradePolicy { get; init; }

    public bool UseClientProtocol { get; init; }

    public int? MaxConcurrentStreams { get; init; }

    public Http2Keepalive? Http2KeepAlive { get; init; }
}

/// <summary>HTTP/2 PING interval and the time to wait for its answer.</summary>
public sealed record Http2Keepalive(TimeSpan Interval, TimeSpan Timeout);

/// <summary>When a failing endpoint is taken out, and for how long. Null: Envoy's default, given with each field.</summary>
public sealed record OutlierDetection
{
    /// <summary>Default 5; 0 turns it off.</summary>
    public uint? Consecutive5xxErrors { get; init; }

    /// <summary>502, 503 and 504 only; default off.</summary>
    public uint? ConsecutiveGatewayErrors { get; init; }

    public bool SplitExternalLocalOriginErrors { get; init; }

    public uint? ConsecutiveLocalOriginFailures { get; init; }

    /// <summary>Default 10 s.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>Default 30 s, times the number of ejections.</summary>
    public TimeSpan? BaseEjectionTime { get; init; }

    /// <summary>Percent; default 10.</summary>
    public int? MaxEjectionPercent { get; init; }

    /// <summary>Percent; default 0.</summary>
    public int? MinHealthPercent { get; init; }

    public ImmutableArray<uint> HttpErrorCodes { get; init; } = [];
}

/// <summary>How a client originates TLS.</summary>
public enum ClientTlsMode
{
    Disable = 0,
    Simple = 1,
    Mutual = 2,
    IstioMutual = 3,
}

/// <summary>TLS towards a host.</summary>
public sealed record ClientTlsSettings
{
    public ClientTlsMode Mode { get; init; }

    public string? ClientCertificate { get; init; }

    public string? PrivateKey { get; init; }

    public string? CaCertificates { get; init; }

    public string? CaCrl { get; init; }

    public string? CredentialName { get; init; }

    public ImmutableArray<string> SubjectAltNames { get; init; } = [];

    public string? Sni { get; init; }

    public bool? InsecureSkipVerify { get; init; }
}

/// <summary>Tunnels TCP through an HTTP proxy.</summary>
public sealed record TunnelSettings
{
    /// <summary><c>CONNECT</c> or <c>POST</c>.</summary>
    public required string Protocol { get; init; }

    public required string TargetHost { get; init; }

    public required int TargetPort { get; init; }
}

/// <summary>Version of the PROXY header sent upstream.</summary>
public enum ProxyProtocolVersion
{
    V1 = 0,
    V2 = 1,
}

/// <summary>Bounds retries to a share of the requests in flight.</summary>
public sealed record RetryBudget
{
    /// <summary>Percent; null: 20.</summary>
    public double? Percent { get; init; }

    /// <summary>Count; null: 3.</summary>
    public uint? MinRetryConcurrency { get; init; }

    public TimeSpan? BudgetInterval { get; init; }
}
