using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>
/// Istio's VirtualService: how requests for some hosts are routed. Host names and gateway names are as written; the snapshot's
/// <see cref="BoundVirtualService"/> has them resolved.
/// </summary>
public sealed record VirtualService
{
    /// <summary>DNS names, wildcards, short names or IP addresses. Empty only for a delegate.</summary>
    public ImmutableArray<string> Hosts { get; init; } = [];

    /// <summary>Gateways as written; empty means <c>mesh</c>, every sidecar.</summary>
    public ImmutableArray<string> Gateways { get; init; } = [];

    /// <summary>Routes in written order; the first that matches wins.</summary>
    public ImmutableArray<HttpRoute> Http { get; init; } = [];

    public ImmutableArray<TlsRoute> Tls { get; init; } = [];

    public ImmutableArray<TcpRoute> Tcp { get; init; } = [];

    /// <summary>As written; empty means the mesh's default.</summary>
    public ImmutableArray<string> ExportTo { get; init; } = [];
}

/// <summary>A place to send traffic to. The host is as written; see <see cref="HostName.Resolve"/>.</summary>
public sealed record Destination
{
    public required string Host { get; init; }

    /// <summary>A subset of the DestinationRule for the host; null for the whole service.</summary>
    public string? Subset { get; init; }

    /// <summary>The service's port, 1 to 65535; null means its only port, else the port of the listener.</summary>
    public int? Port { get; init; }
}

/// <summary>One rule for HTTP: any of the matches, then one action (route, redirect, direct response or delegate).</summary>
public sealed record HttpRoute
{
    /// <summary>Shown in access logs as <c>name.match</c>.</summary>
    public string? Name { get; init; }

    /// <summary>Alternatives; empty matches every request.</summary>
    public ImmutableArray<HttpMatchRequest> Match { get; init; } = [];

    public ImmutableArray<HttpRouteDestination> Route { get; init; } = [];

    public HttpRedirect? Redirect { get; init; }

    public HttpDirectResponse? DirectResponse { get; init; }

    public HttpDelegate? Delegate { get; init; }

    public HttpRewrite? Rewrite { get; init; }

    /// <summary>Bound on the whole exchange, retries included. Null: none was asked for; zero: disabled explicitly.</summary>
    public TimeSpan? Timeout { get; init; }

    public HttpRetry? Retries { get; init; }

    public HttpFaultInjection? Fault { get; init; }

    /// <summary>The single-mirror form; excludes <see cref="Mirrors"/>.</summary>
    public Destination? Mirror { get; init; }

    /// <summary>Percent 0 to 100 of requests copied to <see cref="Mirror"/>; null means all.</summary>
    public double? MirrorPercentage { get; init; }

    public ImmutableArray<HttpMirrorPolicy> Mirrors { get; init; } = [];

    public CorsPolicy? CorsPolicy { get; init; }

    public Headers? Headers { get; init; }

    /// <summary>Where the rule is written, for messages about the generated route.</summary>
    public SourceLocation? Location { get; init; }
}

/// <summary>Conditions on a request that must all hold.</summary>
public sealed record HttpMatchRequest
{
    public string? Name { get; init; }

    public StringMatch? Uri { get; init; }

    public StringMatch? Scheme { get; init; }

    public StringMatch? Method { get; init; }

    public StringMatch? Authority { get; init; }

    /// <summary>By lower-case header name, or <c>@request.auth.claims...</c>.</summary>
    public StringMap<StringMatch> Headers { get; init; } = StringMap<StringMatch>.Empty;

    /// <summary>Headers that must not match; a missing header satisfies every condition but presence.</summary>
    public StringMap<StringMatch> WithoutHeaders { get; init; } = StringMap<StringMatch>.Empty;

    public StringMap<StringMatch> QueryParams { get; init; } = StringMap<StringMatch>.Empty;

    /// <summary>Applies to exact and prefix <see cref="Uri"/> matches only.</summary>
    public bool IgnoreUriCase { get; init; }

    /// <summary>Port of the listener, 1 to 65535.</summary>
    public int? Port { get; init; }

    public StringMap<string> SourceLabels { get; init; } = StringMap<string>.Empty;

    public string? SourceNamespace { get; init; }

    /// <summary>When not empty, only gateway membership is checked, and source labels and namespace are not consulted (Istio's rule).</summary>
    public ImmutableArray<string> Gateways { get; init; } = [];

    public string? StatPrefix { get; init; }
}

/// <summary>One weighted destination.</summary>
public sealed record HttpRouteDestination
{
    public required Destination Destination { get; init; }

    /// <summary>Relative, need not sum to 100; ignored when the destination is alone, and zero drops it when it is not.</summary>
    public int Weight { get; init; }

    public Headers? Headers { get; init; }
}

/// <summary>Header changes for the request on its way up and the response on its way down.</summary>
public sealed record Headers
{
    public HeaderOperations? Request { get; init; }

    public HeaderOperations? Response { get; init; }
}

/// <summary>Set overwrites, add appends, remove deletes.</summary>
public sealed record HeaderOperations
{
    public StringMap<string> Set { get; init; } = StringMap<string>.Empty;

    public StringMap<string> Add { get; init; } = StringMap<string>.Empty;

    public ImmutableArray<string> Remove { get; init; } = [];
}

/// <summary>Names another VirtualService whose routes go here.</summary>
public sealed record HttpDelegate
{
    public required string Name { get; init; }

    /// <summary>Null: the namespace of the root.</summary>
    public string? Namespace { get; init; }
}

/// <summary>Which port a redirect names when it is derived.</summary>
public enum RedirectPortSelection
{
    FromProtocolDefault = 0,
    FromRequestPort = 1,
}

/// <summary>Answers with a redirect.</summary>
public sealed record HttpRedirect
{
    /// <summary>Replaces the whole path; excludes <see cref="PrefixRewrite"/>.</summary>
    public string? Uri { get; init; }

    /// <summary>Replaces the matched prefix.</summary>
    public string? PrefixRewrite { get; init; }

    public string? Authority { get; init; }

    public string? Scheme { get; init; }

    public int? Port { get; init; }

    public RedirectPortSelection? DerivePort { get; init; }

    /// <summary>HTTP status; null means 301. Only 301, 302, 303, 307 and 308 produce a redirect.</summary>
    public int? RedirectCode { get; init; }
}

/// <summary>Answers without an upstream.</summary>
public sealed record HttpDirectResponse
{
    /// <summary>HTTP status, 200 to 599.</summary>
    public int Status { get; init; }

    /// <summary>Body octets; null for none. At most 1 MiB.</summary>
    public ImmutableArray<byte>? Body { get; init; }
}

/// <summary>Changes the request's path or authority before it goes up.</summary>
public sealed record HttpRewrite
{
    /// <summary>Replaces the matched prefix when the match was a prefix, else the whole path.</summary>
    public string? Uri { get; init; }

    public string? Authority { get; init; }

    public RegexRewrite? UriRegexRewrite { get; init; }
}

/// <summary>Rewrites the part of the path that an RE2 expression matches; <c>\1</c> names a capture group.</summary>
public sealed record RegexRewrite(string Match, string Rewrite);

/// <summary>Which failures are tried again, and how.</summary>
public sealed record HttpRetry
{
    /// <summary>Further tries after the first; 0 turns retries off.</summary>
    public int Attempts { get; init; }

    /// <summary>At least 1 ms; null: the route's timeout.</summary>
    public TimeSpan? PerTryTimeout { get; init; }

    /// <summary>Envoy's conditions and status codes, comma-separated as written; null for the default.</summary>
    public string? RetryOn { get; init; }

    public bool? RetryRemoteLocalities { get; init; }

    public bool? RetryIgnorePreviousHosts { get; init; }

    /// <summary>Base of the exponential back-off; null: 25 ms.</summary>
    public TimeSpan? Backoff { get; init; }
}

/// <summary>Deliberate delays and aborts.</summary>
public sealed record HttpFaultInjection
{
    public FaultDelay? Delay { get; init; }

    public FaultAbort? Abort { get; init; }
}

/// <summary>Delays a share of requests.</summary>
public sealed record FaultDelay
{
    public required TimeSpan FixedDelay { get; init; }

    /// <summary>Percent, 0 or 0.0001 to 100. Absent means 0, unlike mirrors.</summary>
    public double Percentage { get; init; }
}

/// <summary>Aborts a share of requests with an HTTP or a gRPC status.</summary>
public sealed record FaultAbort
{
    public int? HttpStatus { get; init; }

    /// <summary>Name of a gRPC status: <c>UNAVAILABLE</c>.</summary>
    public string? GrpcStatus { get; init; }

    /// <summary>Percent, 0 or 0.0001 to 100. Absent means 0.</summary>
    public double Percentage { get; init; }
}

/// <summary>Copies a share of requests to another destination and ignores the answers.</summary>
public sealed record HttpMirrorPolicy
{
    public required Destination Destination { get; init; }

    /// <summary>Percent; null means all.</summary>
    public double? Percentage { get; init; }
}

/// <summary>What happens to a preflight that no rule allows.</summary>
public enum UnmatchedPreflights
{
    Unspecified = 0,
    Forward = 1,
    Ignore = 2,
}

/// <summary>Cross-origin resource sharing.</summary>
public sealed record CorsPolicy
{
    public ImmutableArray<StringMatch> AllowOrigins { get; init; } = [];

    public ImmutableArray<string> AllowMethods { get; init; } = [];

    public ImmutableArray<string> AllowHeaders { get; init; } = [];

    public ImmutableArray<string> ExposeHeaders { get; init; } = [];

    /// <summary>Whole seconds.</summary>
    public TimeSpan? MaxAge { get; init; }

    public bool? AllowCredentials { get; init; }

    public UnmatchedPreflights UnmatchedPreflights { get; init; }
}

/// <summary>Routes TLS that is not terminated here, by server name.</summary>
public sealed record TlsRoute
{
    public ImmutableArray<TlsMatchAttributes> Match { get; init; } = [];

    public ImmutableArray<RouteDestination> Route { get; init; } = [];
}

/// <summary>Conditions on a TLS connection that must all hold.</summary>
public sealed record TlsMatchAttributes
{
    public ImmutableArray<string> SniHosts { get; init; } = [];

    public ImmutableArray<string> DestinationSubnets { get; init; } = [];

    public int? Port { get; init; }

    public StringMap<string> SourceLabels { get; init; } = StringMap<string>.Empty;

    public ImmutableArray<string> Gateways { get; init; } = [];

    public string? SourceNamespace { get; init; }
}

/// <summary>Routes opaque TCP.</summary>
public sealed record TcpRoute
{
    public ImmutableArray<L4MatchAttributes> Match { get; init; } = [];

    public ImmutableArray<RouteDestination> Route { get; init; } = [];
}

/// <summary>Conditions on a TCP connection that must all hold.</summary>
public sealed record L4MatchAttributes
{
    public ImmutableArray<string> DestinationSubnets { get; init; } = [];

    public int? Port { get; init; }

    /// <summary>Parsed, but Istio never gave it a meaning.</summary>
    public string? SourceSubnet { get; init; }

    public StringMap<string> SourceLabels { get; init; } = StringMap<string>.Empty;

    public ImmutableArray<string> Gateways { get; init; } = [];

    public string? SourceNamespace { get; init; }
}

/// <summary>A weighted destination of a connection.</summary>
public sealed record RouteDestination
{
    public required Destination Destination { get; init; }

    public int Weight { get; init; }
}
