namespace Lateen.Telemetry.AccessLogs;

/// <summary>Why a response is not simply what the upstream said. The bits are in the order in which Envoy prints them; the letters are
/// in <see cref="ResponseFlagNames"/>.</summary>
[Flags]
public enum ResponseFlags : ulong
{
    /// <summary>Nothing to tell; printed as <c>-</c>.</summary>
    None = 0,
    FailedLocalHealthCheck = 1UL << 0,
    NoHealthyUpstream = 1UL << 1,
    UpstreamRequestTimeout = 1UL << 2,
    LocalReset = 1UL << 3,
    UpstreamRemoteReset = 1UL << 4,
    UpstreamConnectionFailure = 1UL << 5,
    UpstreamConnectionTermination = 1UL << 6,
    UpstreamOverflow = 1UL << 7,
    NoRouteFound = 1UL << 8,
    DelayInjected = 1UL << 9,
    FaultInjected = 1UL << 10,
    RateLimited = 1UL << 11,
    UnauthorizedExternalService = 1UL << 12,
    RateLimitServiceError = 1UL << 13,
    DownstreamConnectionTermination = 1UL << 14,
    UpstreamRetryLimitExceeded = 1UL << 15,
    StreamIdleTimeout = 1UL << 16,
    InvalidEnvoyRequestHeaders = 1UL << 17,
    DownstreamProtocolError = 1UL << 18,
    UpstreamMaxStreamDurationReached = 1UL << 19,
    ResponseFromCacheFilter = 1UL << 20,
    NoFilterConfigFound = 1UL << 21,
    DurationTimeout = 1UL << 22,
    UpstreamProtocolError = 1UL << 23,
    NoClusterFound = 1UL << 24,
    OverloadManagerTerminated = 1UL << 25,
    DnsResolutionFailed = 1UL << 26,
    DropOverload = 1UL << 27,
    DownstreamRemoteReset = 1UL << 28,
    UnconditionalDropOverload = 1UL << 29,
}
