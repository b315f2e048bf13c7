using System.Collections.Immutable;
using Lateen.Http;

namespace Lateen.Proxy.Routing;

/// <summary>The conditions of <c>retry_on</c>, as Envoy names them.</summary>
[Flags]
public enum RetryConditions
{
    None = 0,
    On5xx = 1 << 0,
    GatewayError = 1 << 1,
    Reset = 1 << 2,
    ResetBeforeRequest = 1 << 3,
    ConnectFailure = 1 << 4,
    Retriable4xx = 1 << 5,
    RefusedStream = 1 << 6,
    RetriableStatusCodes = 1 << 7,
    RetriableHeaders = 1 << 8,
    EnvoyRateLimited = 1 << 9,
    Http3PostConnectFailure = 1 << 10,
    GrpcCancelled = 1 << 11,
    GrpcDeadlineExceeded = 1 << 12,
    GrpcInternal = 1 << 13,
    GrpcResourceExhausted = 1 << 14,
    GrpcUnavailable = 1 << 15,
}

/// <summary>When and how often a request is tried again (<c>RetryPolicy</c>), with Envoy's defaults.</summary>
public sealed record RetryPolicySnapshot
{
    public required RetryConditions Conditions { get; init; }

    /// <summary>Attempts beyond the first. Default 1.</summary>
    public uint Retries { get; init; } = 1;

    /// <summary>Of one attempt; null: only the route's timeout counts.</summary>
    public TimeSpan? PerTryTimeout { get; init; }

    /// <summary>Sorted.</summary>
    public ImmutableArray<int> RetriableStatusCodes { get; init; } = [];

    /// <summary>The first back-off's upper end (full jitter). Default 25 ms.</summary>
    public TimeSpan BackOffBase { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>The upper end that doubling stops at. Default ten times the base.</summary>
    public TimeSpan BackOffMax { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>An endpoint that was tried is passed over (<c>envoy.retry_host_predicates.previous_hosts</c>).</summary>
    public bool AvoidPreviousHosts { get; init; }

    /// <summary>Choices made to find an endpoint that was not tried. Default 1.</summary>
    public int HostSelectionAttempts { get; init; } = 1;

    /// <summary>Any of these in a response makes it retriable, when <see cref="RetryConditions.RetriableHeaders"/> is set.</summary>
    internal HeaderPredicate[] RetriableHeaders { get; init; } = [];

    /// <summary>Requests that have none of these are not retried; empty: all are.</summary>
    internal HeaderPredicate[] RetriableRequestHeaders { get; init; } = [];

    /// <summary>A response with these headers may be retried under <see cref="RetryConditions.RetriableHeaders"/>.</summary>
    public bool HasRetriableHeader(HeaderBlock response) => AnyMatches(RetriableHeaders, response);

    /// <summary>The request is of a kind that may be retried at all.</summary>
    public bool IsRetriable(HttpRequestHead request) => RetriableRequestHeaders.Length == 0 || AnyMatches(RetriableRequestHeaders, request.Headers);

    private static bool AnyMatches(HeaderPredicate[] predicates, HeaderBlock headers)
    {
        foreach (var predicate in predicates)
        {
            if (predicate.IsMatch(RequestView.OfHeaders(headers))) return true;
        }

        return false;
    }
}
