using System.Collections.Immutable;
using Lateen.Model.Networking;

namespace Lateen.Model;

/// <summary>How request paths are normalised before anything looks at them.</summary>
public enum PathNormalization
{
    /// <summary>As received.</summary>
    None = 1,

    /// <summary>RFC 3986 section 6.2.2 and 6.2.3, backslashes to slashes. Istio's default.</summary>
    Base = 2,
    MergeSlashes = 3,
    DecodeAndMergeSlashes = 4,
}

/// <summary>Form of the access log.</summary>
public enum AccessLogEncoding
{
    Text = 0,
    Json = 1,
}

/// <summary>What a gateway makes of <c>x-forwarded-client-cert</c>, as Envoy names it.</summary>
public enum ClientCertificateForwarding
{
    /// <summary>Removed.</summary>
    Sanitize = 0,

    /// <summary>What the client wrote is passed on where its connection is mutual TLS.</summary>
    ForwardOnly,

    /// <summary>The client's certificate is added to what it wrote, where its connection is mutual TLS.</summary>
    AppendForward,

    /// <summary>The client's certificate stands in the place of what it wrote. Istio's default.</summary>
    SanitizeSet,

    /// <summary>What the client wrote is passed on, whoever it is.</summary>
    AlwaysForwardOnly,
}

/// <summary>The mesh-wide settings that this release uses, with Istio's defaults.</summary>
public sealed record MeshConfig
{
    /// <summary>What holds when no document says otherwise.</summary>
    public static readonly MeshConfig Default = new();

    /// <summary>The most proxies that may stand before a gateway. Count. Hit: the settings are refused.</summary>
    public const int MaxTrustedProxies = 255;

    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Trust domains whose identities policy takes for those of <see cref="TrustDomain"/>.</summary>
    public ImmutableArray<string> TrustDomainAliases { get; init; } = [];

    /// <summary>The external authorizers that CUSTOM policies may name; each name once.</summary>
    public ImmutableArray<ExtensionProvider> ExtensionProviders { get; init; } = [];

    /// <summary>Namespace whose Sidecar, DestinationRules and security policies apply to the whole mesh.</summary>
    public string RootNamespace { get; init; } = "istio-system";

    /// <summary>Suffix of the host names of core Services: <c>name.namespace.svc.</c> and this. A setting of Lateen; Istio takes it from
    /// the environment.</summary>
    public string ClusterDomain { get; init; } = "cluster.local";

    /// <summary>Proxies before a gateway whose word in <c>x-forwarded-for</c> is taken; from there the client's address is counted back.</summary>
    public int TrustedProxies { get; init; }

    /// <summary>Of gateways; a sidecar always appends.</summary>
    public ClientCertificateForwarding ClientCertificates { get; init; } = ClientCertificateForwarding.SanitizeSet;

    /// <summary>False: mutual TLS towards endpoints is spoken only where a DestinationRule says so.</summary>
    public bool EnableAutoMtls { get; init; } = true;

    /// <summary>Oldest version that mutual TLS within the mesh is spoken in; <see cref="TlsProtocolVersion.Auto"/> is TLS 1.2.</summary>
    public TlsProtocolVersion MeshTlsMinimum { get; init; }

    public OutboundTrafficMode OutboundTrafficPolicy { get; init; } = OutboundTrafficMode.AllowAny;

    /// <summary>Port of each sidecar's forward proxy, on the loopback; null: none.</summary>
    public int? ProxyHttpPort { get; init; }

    /// <summary>Path such as <c>/dev/stdout</c>; null: no access log.</summary>
    public string? AccessLogFile { get; init; }

    /// <summary>Envoy's format; null: Istio's default format for the encoding.</summary>
    public string? AccessLogFormat { get; init; }

    public AccessLogEncoding AccessLogEncoding { get; init; }

    /// <summary>For a TCP connection to an endpoint.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>SO_KEEPALIVE of connections to endpoints, where no DestinationRule says; null: the operating system's.</summary>
    public TcpKeepalive? TcpKeepalive { get; init; }

    /// <summary>True (<c>h2UpgradePolicy: UPGRADE</c>): HTTP/1.1 ports are spoken to in HTTP/2, where no DestinationRule says otherwise.</summary>
    public bool UpgradesToHttp2 { get; init; }

    /// <summary>How long a connection to a port of unknown protocol may stay unrecognised before it is carried as it is; zero: no limit.</summary>
    public TimeSpan ProtocolDetectionTimeout { get; init; }

    public PathNormalization PathNormalization { get; init; } = PathNormalization.Base;

    /// <summary>Visibility of Services and ServiceEntries that do not say; empty: public.</summary>
    public ImmutableArray<string> DefaultServiceExportTo { get; init; } = [];

    public ImmutableArray<string> DefaultVirtualServiceExportTo { get; init; } = [];

    public ImmutableArray<string> DefaultDestinationRuleExportTo { get; init; } = [];

    /// <summary>For routes that do not say; null: Istio's built-in policy.</summary>
    public HttpRetry? DefaultHttpRetryPolicy { get; init; }
}
