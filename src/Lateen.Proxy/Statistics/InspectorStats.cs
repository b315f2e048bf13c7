using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What the TLS inspectors of all listeners count: <c>tls_inspector.*</c>.</summary>
public sealed class TlsInspectorStats : StatGroup
{
    private static readonly StatSchema<TlsInspectorStats> Schema = new(static fields => new TlsInspectorStats(fields));

    private TlsInspectorStats(StatFields fields)
        : base(fields)
    {
        TlsFound = fields.Counter("tls_found");
        TlsNotFound = fields.Counter("tls_not_found");
        AlpnFound = fields.Counter("alpn_found");
        AlpnNotFound = fields.Counter("alpn_not_found");
        ServerNameFound = fields.Counter("sni_found");
        ServerNameNotFound = fields.Counter("sni_not_found");
        GreetingTooLarge = fields.Counter("client_hello_too_large");
    }

    public Counter TlsFound { get; }
    public Counter TlsNotFound { get; }
    public Counter AlpnFound { get; }
    public Counter AlpnNotFound { get; }
    public Counter ServerNameFound { get; }
    public Counter ServerNameNotFound { get; }
    public Counter GreetingTooLarge { get; }

    public static TlsInspectorStats Open(StatsRegistry registry) => Schema.Open(registry, StatScope.Process("tls_inspector"));
}

/// <summary>What the HTTP inspectors of all listeners count: <c>http_inspector.*</c>.</summary>
public sealed class HttpInspectorStats : StatGroup
{
    private static readonly StatSchema<HttpInspectorStats> Schema = new(static fields => new HttpInspectorStats(fields));

    private HttpInspectorStats(StatFields fields)
        : base(fields)
    {
        Http10Found = fields.Counter("http10_found");
        Http11Found = fields.Counter("http11_found");
        Http2Found = fields.Counter("http2_found");
        HttpNotFound = fields.Counter("http_not_found");
    }

    public Counter Http10Found { get; }
    public Counter Http11Found { get; }
    public Counter Http2Found { get; }
    public Counter HttpNotFound { get; }

    public static HttpInspectorStats Open(StatsRegistry registry) => Schema.Open(registry, StatScope.Process("http_inspector"));
}

/// <summary>What is counted of PROXY headers that were expected: <c>proxy_proto.*</c>.</summary>
public sealed class ProxyProtocolStats : StatGroup
{
    private static readonly StatSchema<ProxyProtocolStats> Schema = new(static fields => new ProxyProtocolStats(fields));

    private ProxyProtocolStats(StatFields fields)
        : base(fields)
    {
        NotFoundAllowed = fields.Counter("not_found_allowed");
        NotFoundDisallowed = fields.Counter("not_found_disallowed");
        V1Found = fields.Counter("versions.v1.found");
        V1Disallowed = fields.Counter("versions.v1.disallowed");
        V1Error = fields.Counter("versions.v1.error");
        V2Found = fields.Counter("versions.v2.found");
        V2Disallowed = fields.Counter("versions.v2.disallowed");
        V2Error = fields.Counter("versions.v2.error");
    }

    public Counter NotFoundAllowed { get; }
    public Counter NotFoundDisallowed { get; }
    public Counter V1Found { get; }
    public Counter V1Disallowed { get; }
    public Counter V1Error { get; }
    public Counter V2Found { get; }
    public Counter V2Disallowed { get; }
    public Counter V2Error { get; }

    public static ProxyProtocolStats Open(StatsRegistry registry) => Schema.Open(registry, StatScope.Process("proxy_proto"));
}
