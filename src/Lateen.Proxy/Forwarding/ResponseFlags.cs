namespace Lateen.Proxy.Forwarding;

/// <summary>Why an exchange ended other than by the server's own answer, in Envoy's vocabulary (<c>%RESPONSE_FLAGS%</c>). A set: several may hold.</summary>
[Flags]
public enum ResponseFlags
{
    None = 0,

    /// <summary>UH: no healthy endpoint.</summary>
    NoHealthyUpstream = 1 << 0,

    /// <summary>UF: the connection to the endpoint failed.</summary>
    UpstreamConnectionFailure = 1 << 1,

    /// <summary>UO: a circuit breaker was open.</summary>
    UpstreamOverflow = 1 << 2,

    /// <summary>NR: no route.</summary>
    NoRouteFound = 1 << 3,

    /// <summary>URX: the retry or connect-attempt limit was reached.</summary>
    UpstreamRetryLimitExceeded = 1 << 4,

    /// <summary>NC: the route's cluster does not exist.</summary>
    NoClusterFound = 1 << 5,

    /// <summary>UT: the route's or the attempt's deadline passed.</summary>
    UpstreamRequestTimeout = 1 << 6,

    /// <summary>DC: the client went away.</summary>
    DownstreamConnectionTermination = 1 << 7,

    /// <summary>LH: a local health check said no.</summary>
    FailedLocalHealthCheck = 1 << 8,

    /// <summary>LR: this proxy reset the stream.</summary>
    LocalReset = 1 << 9,

    /// <summary>UR: the server reset the stream.</summary>
    UpstreamRemoteReset = 1 << 10,

    /// <summary>UC: the server closed the connection.</summary>
    UpstreamConnectionTermination = 1 << 11,

    /// <summary>DI: a fault filter delayed the request.</summary>
    DelayInjected = 1 << 12,

    /// <summary>FI: a fault filter answered.</summary>
    FaultInjected = 1 << 13,

    /// <summary>RL: a rate limit answered.</summary>
    RateLimited = 1 << 14,

    /// <summary>UAEX: external authorization denied.</summary>
    UnauthorizedExternalService = 1 << 15,

    /// <summary>RLSE: the rate limit service failed.</summary>
    RateLimitServiceError = 1 << 16,

    /// <summary>IH: a header that the route checks strictly has an invalid value.</summary>
    InvalidRequestHeaders = 1 << 17,

    /// <summary>SI: nothing moved for the stream's idle time.</summary>
    StreamIdleTimeout = 1 << 18,

    /// <summary>DPE: the client broke the protocol.</summary>
    DownstreamProtocolError = 1 << 19,

    /// <summary>UPE: the server broke the protocol.</summary>
    UpstreamProtocolError = 1 << 20,

    /// <summary>UMSDR: the upstream stream lived for as long as it may.</summary>
    UpstreamMaxStreamDurationReached = 1 << 21,

    /// <summary>OM: the proxy is overloaded.</summary>
    OverloadManager = 1 << 22,

    /// <summary>DF: name resolution failed.</summary>
    DnsResolutionFailure = 1 << 23,

    /// <summary>DT: the request or connection lived for as long as it may.</summary>
    DurationTimeout = 1 << 24,
}

/// <summary>The short and long names of response flags, as Envoy's access log writes them.</summary>
public static class ResponseFlagNames
{
    private static readonly (ResponseFlags Flag, string Short, string Long)[] Names =
    [
        (ResponseFlags.FailedLocalHealthCheck, "LH", "FailedLocalHealthCheck"),
        (ResponseFlags.NoHealthyUpstream, "UH", "NoHealthyUpstream"),
        (ResponseFlags.UpstreamRequestTimeout, "UT", "UpstreamRequestTimeout"),
        (ResponseFlags.LocalReset, "LR", "LocalReset"),
        (ResponseFlags.UpstreamRemoteReset, "UR", "UpstreamRemoteReset"),
        (ResponseFlags.UpstreamConnectionFailure, "UF", "UpstreamConnectionFailure"),
        (ResponseFlags.UpstreamConnectionTermination, "UC", "UpstreamConnectionTermination"),
        (ResponseFlags.UpstreamOverflow, "UO", "UpstreamOverflow"),
        (ResponseFlags.NoRouteFound, "NR", "NoRouteFound"),
        (ResponseFlags.DelayInjected, "DI", "DelayInjected"),
        (ResponseFlags.FaultInjected, "FI", "FaultInjected"),
        (ResponseFlags.RateLimited, "RL", "RateLimited"),
        (ResponseFlags.UnauthorizedExternalService, "UAEX", "UnauthorizedExternalService"),
        (ResponseFlags.RateLimitServiceError, "RLSE", "RateLimitServiceError"),
        (ResponseFlags.DownstreamConnectionTermination, "DC", "DownstreamConnectionTermination"),
        (ResponseFlags.UpstreamRetryLimitExceeded, "URX", "UpstreamRetryLimitExceeded"),
        (ResponseFlags.StreamIdleTimeout, "SI", "StreamIdleTimeout"),
        (ResponseFlags.InvalidRequestHeaders, "IH", "InvalidEnvoyRequestHeaders"),
        (ResponseFlags.DownstreamProtocolError, "DPE", "DownstreamProtocolError"),
        (ResponseFlags.UpstreamMaxStreamDurationReached, "UMSDR", "UpstreamMaxStreamDurationReached"),
        (ResponseFlags.NoClusterFound, "NC", "NoClusterFound"),
        (ResponseFlags.OverloadManager, "OM", "OverloadManagerTerminated"),
        (ResponseFlags.UpstreamProtocolError, "UPE", "UpstreamProtocolError"),
        (ResponseFlags.DnsResolutionFailure, "DF", "DnsResolutionFailed"),
        (ResponseFlags.DurationTimeout, "DT", "DurationTimeout"),
    ];

    private static readonly Dictionary<ResponseFlags, string> Single = Names.ToDictionary(n => n.Flag, n => n.Short);

    /// <summary>The short names joined by commas, such as <c>UF,URX</c>; <c>-</c> for none. Allocates only when more than one flag is set.</summary>
    public static string ToShortText(this ResponseFlags flags)
    {
        if (flags == ResponseFlags.None) return "-";
        if (Single.TryGetValue(flags, out string? name)) return name;
        return string.Join(',', Names.Where(n => (flags & n.Flag) != 0).Select(n => n.Short));
    }

    /// <summary>The long names joined by commas; <c>-</c> for none.</summary>
    public static string ToLongText(this ResponseFlags flags) =>
        flags == ResponseFlags.None ? "-" : string.Join(',', Names.Where(n => (flags & n.Flag) != 0).Select(n => n.Long));
}
