using System.Buffers.Text;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// The decision whether a request is sent again: the only place that may say so. Counts what is left and how long to wait.
/// </summary>
/// <remarks>
/// A request may be sent again when the route's policy names what happened, attempts are left, and the request is still whole: it had no
/// content, or all content that left is kept. Whether the cluster's retry budget allows it is asked by the caller, last, because asking takes it.
/// Waits are fully jittered (uniform in [0, min(max, base * 2^n))), which spreads a herd of clients best (Brooker, "Exponential Backoff
/// And Jitter", 2015) and is what Envoy does.
/// </remarks>
internal sealed class Retries
{
    private const int MaxShift = 16;

    private readonly List<EndpointState?> _tried = new(4);
    private RetryPolicySnapshot? _policy;
    private RetryConditions _conditions;
    private uint _left;
    private int _made;

    /// <summary>The policy has a say in this exchange.</summary>
    public bool IsActive => _policy is not null && _left > 0;

    /// <summary>There was a policy and its attempts are used up.</summary>
    public bool IsExhausted => _policy is not null && _left == 0 && _made > 0;

    /// <summary>Attempts beyond the first.</summary>
    public int Made => _made;

    public RetryPolicySnapshot? Policy => _policy;

    /// <summary>Endpoints to pass over; empty unless the policy asks for that.</summary>
    public ReadOnlySpan<EndpointState?> Avoided =>
        _policy is { AvoidPreviousHosts: true } ? System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tried) : default;

    /// <summary>Takes the route's policy, and what a trusted client asks for in its place.</summary>
    public void Begin(RetryPolicySnapshot? policy, HttpRequestHead request)
    {
        _tried.Clear();
        _made = 0;
        _policy = policy;
        _conditions = policy?.Conditions ?? RetryConditions.None;
        _left = policy?.Retries ?? 0;
        if (policy is null) return;
        if (!policy.IsRetriable(request))
        {
            _left = 0;
            return;
        }

        if (request.Headers.TryGet(KnownHeader.XEnvoyMaxRetries, out ReadOnlySpan<byte> asked)
            && Utf8Parser.TryParse(asked, out uint count, out int used) && used == asked.Length)
        {
            _left = count;
        }
    }

    public void Tried(EndpointState endpoint)
    {
        if (_policy is { AvoidPreviousHosts: true }) _tried.Add(endpoint);
    }

    /// <summary>The policy names this failure.</summary>
    /// <param name="retryClass">From the failure map.</param>
    /// <param name="wasRequestSent">Anything of the request left for the endpoint.</param>
    public bool Covers(RetryClass retryClass, bool wasRequestSent)
    {
        if (!IsActive || retryClass == RetryClass.Never) return false;
        // A reset counts as a 5xx, because that is what the client would get.
        if (Has(RetryConditions.Reset | RetryConditions.On5xx | RetryConditions.GatewayError)) return true;
        if (Has(RetryConditions.ResetBeforeRequest) && !wasRequestSent) return true;
        return retryClass switch
        {
            RetryClass.Connect => Has(RetryConditions.ConnectFailure),
            RetryClass.Refused => Has(RetryConditions.RefusedStream),
            _ => false,
        };
    }

    /// <summary>The policy names this response.</summary>
    public bool Covers(HttpResponseHead response)
    {
        if (!IsActive) return false;
        int status = response.Status;
        if (Has(RetryConditions.On5xx) && status >= 500) return true;
        if (Has(RetryConditions.GatewayError) && status is >= 502 and <= 504) return true;
        if (Has(RetryConditions.Retriable4xx) && status == 409) return true;
        if (Has(RetryConditions.EnvoyRateLimited) && response.Headers.Contains(KnownHeader.XEnvoyRateLimited)) return true;
        if (Has(RetryConditions.RetriableHeaders) && _policy!.HasRetriableHeader(response.Headers)) return true;
        if (Has(RetryConditions.RetriableStatusCodes) && _policy!.RetriableStatusCodes.AsSpan().BinarySearch(status) >= 0) return true;
        return CoversGrpc(response);
    }

    /// <summary>Uses up one attempt.</summary>
    /// <returns>Milliseconds to wait before it.</returns>
    public long Take(ReactorRandom random)
    {
        _left--;
        int exponent = Math.Min(_made++, MaxShift);
        double ceiling = Math.Min(_policy!.BackOffMax.TotalMilliseconds, _policy.BackOffBase.TotalMilliseconds * (1L << exponent));
        return (long)random.Below((ulong)Math.Max(1, ceiling));
    }

    private bool CoversGrpc(HttpResponseHead response)
    {
        const RetryConditions grpc = RetryConditions.GrpcCancelled | RetryConditions.GrpcDeadlineExceeded | RetryConditions.GrpcInternal
            | RetryConditions.GrpcResourceExhausted | RetryConditions.GrpcUnavailable;
        if (!Has(grpc) || !response.Headers.TryGet(KnownHeader.GrpcStatus, out ReadOnlySpan<byte> text)
            || !Utf8Parser.TryParse(text, out int status, out _)) return false;
        return status switch
        {
            1 => Has(RetryConditions.GrpcCancelled),
            4 => Has(RetryConditions.GrpcDeadlineExceeded),
            8 => Has(RetryConditions.GrpcResourceExhausted),
            13 => Has(RetryConditions.GrpcInternal),
            14 => Has(RetryConditions.GrpcUnavailable),
            _ => false,
        };
    }

    private bool Has(RetryConditions any) => (_conditions & any) != 0;
}
