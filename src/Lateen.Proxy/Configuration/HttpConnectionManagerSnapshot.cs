using System.Collections.Immutable;
using System.Net;
using Lateen.Http;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// How a connection is treated as HTTP: every option of Envoy's connection manager that this version supports, with Envoy's defaults.
/// </summary>
/// <remarks>Immutable. All durations are null when the configuration turns them off (0 s in Envoy's words).</remarks>
public sealed class HttpConnectionManagerSnapshot
{
    /// <summary>The middle of every statistic's name: <c>http.STAT_PREFIX.downstream_rq_total</c>.</summary>
    public required string StatPrefix { get; init; }

    public HttpCodecType Codec { get; init; }

    /// <summary>The routes, when the listener holds them itself. Exactly one of this and <see cref="RouteConfigName"/> is set.</summary>
    public RouteTable? InlineRoutes { get; init; }

    /// <summary>The route configuration to use by name. Resolve it with <see cref="ProxySnapshot.RoutesOf"/>, once per request.</summary>
    public string? RouteConfigName { get; init; }

    /// <summary>In the order in which requests pass them; the last is the router.</summary>
    public required ImmutableArray<CompiledExtension> HttpFilters { get; init; }

    public ImmutableArray<CompiledExtension> AccessLogs { get; init; } = [];

    public HttpTimeouts Timeouts { get; init; } = new();

    public RequestLimits Limits { get; init; } = new();

    public PathOptions Path { get; init; } = new();

    public ClientAddressOptions ClientAddress { get; init; } = new();

    public RequestIdOptions RequestId { get; init; } = new();

    public Http1Options Http1 { get; init; } = new();

    public Http2Options Http2 { get; init; } = Http2Options.Default;

    /// <summary>The value of the <c>server</c> header, <c>envoy</c> by default as dashboards and tests expect.</summary>
    public string ServerName { get; init; } = "envoy";

    public ServerHeaderTransformation ServerHeader { get; init; }

    /// <summary>Appended to <c>via</c> in both directions; empty: no header.</summary>
    public string Via { get; init; } = string.Empty;

    /// <summary>Port handling of the Host header before virtual hosts are matched.</summary>
    public HostPortStripping StripHostPort { get; init; }

    public bool StripTrailingHostDot { get; init; }

    /// <summary>An <c>Expect: 100-continue</c> is passed on instead of being answered here.</summary>
    public bool Proxy100Continue { get; init; }

    /// <summary>What requests may ask to switch to, where their route says nothing about it.</summary>
    public UpgradeRules Upgrades { get; init; } = UpgradeRules.None;

    /// <summary>Forces <c>x-forwarded-proto</c>'s value for every request; null: derived.</summary>
    public string? SchemeOverwrite { get; init; }

    public bool AddUserAgent { get; init; }

    public bool AppendXForwardedPort { get; init; }

    public ForwardedClientCertificate ForwardClientCertificate { get; init; }

    /// <summary>What of the client's certificate is told beside its hash, where anything is.</summary>
    public ClientCertificateFields ClientCertificateFields { get; init; }
}

/// <summary><c>codec_type</c>.</summary>
public enum HttpCodecType
{
    Auto,
    Http1,
    Http2,
}

/// <summary>Null: off.</summary>
public sealed record HttpTimeouts
{
    /// <summary>A connection without a request in progress. Default one hour.</summary>
    public TimeSpan? Idle { get; init; } = TimeSpan.FromHours(1);

    /// <summary>
    /// A request in progress on which nothing moves. Default five minutes; a route may replace it. A client that takes nothing of what waits for it
    /// has this time whatever the route says, and five minutes when it is off.
    /// </summary>
    public TimeSpan? StreamIdle { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>From the first byte to the whole request. Default off.</summary>
    public TimeSpan? Request { get; init; }

    /// <summary>From the first byte to the end of the headers. Off, as by default: as long as <see cref="StreamIdle"/>, and one minute when that is off too.</summary>
    public TimeSpan? RequestHeaders { get; init; }

    /// <summary>The life of a connection, after which it drains. Default off.</summary>
    public TimeSpan? MaxConnectionDuration { get; init; }

    /// <summary>The life of one stream. Default off.</summary>
    public TimeSpan? MaxStreamDuration { get; init; }

    /// <summary>From the drain notice to the close. Default 5 s.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a closed connection stays half open so that the peer can read the answer. Default 1 s.</summary>
    public TimeSpan? DelayedClose { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>Bounds of what a client may send.</summary>
public sealed record RequestLimits
{
    /// <summary>Bytes of request line and headers, in KiB. Default 60. Hit: 431.</summary>
    public uint MaxHeadersKb { get; init; } = 60;

    /// <summary>Header fields. Count; default 100. Hit: 431.</summary>
    public uint MaxHeaders { get; init; } = 100;

    /// <summary>Requests after which a connection is closed; 0: no limit.</summary>
    public uint MaxRequestsPerConnection { get; init; }

    public UnderscoreHeaders HeadersWithUnderscores { get; init; }
}

/// <summary><c>headers_with_underscores_action</c>.</summary>
public enum UnderscoreHeaders
{
    Allow,
    RejectRequest,
    DropHeader,
}

/// <summary>What is done to the path before anything looks at it.</summary>
public sealed record PathOptions
{
    /// <summary>RFC 3986 normalisation (<c>normalize_path</c>).</summary>
    public bool Normalize { get; init; }

    public bool MergeSlashes { get; init; }

    public EscapedSlashes EscapedSlashes { get; init; }
}

/// <summary><c>path_with_escaped_slashes_action</c>; the implementation's default is to keep them.</summary>
public enum EscapedSlashes
{
    KeepUnchanged,
    RejectRequest,
    UnescapeAndRedirect,
    UnescapeAndForward,
}

/// <summary>How the client's address and scheme are found when other proxies stand before this one.</summary>
public sealed record ClientAddressOptions
{
    /// <summary>
    /// This proxy is the edge: the connection's own address is the client's, and it is appended to <c>x-forwarded-for</c>.
    /// </summary>
    public bool UseRemoteAddress { get; init; }

    /// <summary>Entries at the end of <c>x-forwarded-for</c> that trusted proxies wrote.</summary>
    public uint TrustedHops { get; init; }

    public bool SkipXffAppend { get; init; }

    /// <summary>Addresses counted as internal; empty: the private ranges of RFC 1918 and RFC 4193 and loopback.</summary>
    public ImmutableArray<IPNetwork> InternalRanges { get; init; } = [];

    /// <summary>Unix socket peers are internal.</summary>
    public bool UnixSocketsAreInternal { get; init; }
}

/// <summary><c>x-request-id</c> handling.</summary>
public sealed record RequestIdOptions
{
    public bool Generate { get; init; } = true;

    public bool PreserveExternal { get; init; }

    public bool AlwaysSetInResponse { get; init; }
}

/// <summary>HTTP/1 leniencies, all off by default.</summary>
public sealed record Http1Options
{
    public bool AcceptHttp10 { get; init; }

    /// <summary>The Host of HTTP/1.0 requests that have none; empty: such requests are refused.</summary>
    public string DefaultHostForHttp10 { get; init; } = string.Empty;

    public bool EnableTrailers { get; init; }
}

/// <summary><c>server_header_transformation</c>.</summary>
public enum ServerHeaderTransformation
{
    Overwrite,
    AppendIfAbsent,
    PassThrough,
}

/// <summary>Which ports are removed from the Host header.</summary>
public enum HostPortStripping
{
    None,

    /// <summary>The port that the listener listens on (<c>strip_matching_host_port</c>).</summary>
    Matching,

    /// <summary><c>strip_any_host_port</c>.</summary>
    Any,
}

/// <summary><c>forward_client_cert_details</c>.</summary>
public enum ForwardedClientCertificate
{
    Sanitize,
    ForwardOnly,
    AppendForward,
    SanitizeSet,
    AlwaysForwardOnly,
}

/// <summary><c>set_current_client_cert_details</c>: keys of <c>x-forwarded-client-cert</c>.</summary>
[Flags]
public enum ClientCertificateFields
{
    None = 0,

    /// <summary>The whole certificate.</summary>
    Certificate = 1 << 0,

    /// <summary>The certificate and what was sent behind it.</summary>
    Chain = 1 << 1,

    Subject = 1 << 2,

    /// <summary>The first URI name.</summary>
    Uri = 1 << 3,

    /// <summary>All DNS names.</summary>
    Dns = 1 << 4,
}
