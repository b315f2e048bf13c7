using System.Buffers.Text;
using Lateen.Http;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Forwarding;

/// <summary>How long a request may take: the route's word, unless a trusted client or gRPC's own header has another.</summary>
/// <param name="Route">From the end of the request to the end of the response. Milliseconds; 0: no limit.</param>
/// <param name="Attempt">Of one attempt. Milliseconds; 0: no limit of its own.</param>
/// <param name="Grpc">The life of a gRPC call from its beginning, as its client asks. Milliseconds; 0: it asks for none.</param>
internal readonly record struct RouteTimeouts(long Route, long Attempt, long Grpc)
{
    /// <summary>Reads the timeouts and removes the headers that only we were meant to read (they were sanitised before if the client is not trusted).</summary>
    public static RouteTimeouts Take(HttpRequestHead request, ForwardAction action)
    {
        long route = Milliseconds(action.Timeout);
        long attempt = Milliseconds(action.RetryPolicy?.PerTryTimeout);
        long grpc = 0;
        HeaderBlock headers = request.Headers;
        if (action.MaxGrpcTimeout is { } most && TryReadGrpcTimeout(headers, out long asked))
        {
            long bound = Milliseconds(most);
            // A timeout of nothing is over when it begins.
            grpc = Math.Max(1, bound > 0 && asked > bound ? bound : asked);
        }

        if (headers.Contains(KnownHeader.XEnvoyUpstreamRqTimeoutMs))
        {
            if (HeaderNumbers.TryGet(headers, KnownHeader.XEnvoyUpstreamRqTimeoutMs, out uint told)) route = told;
            headers.Remove(KnownHeader.XEnvoyUpstreamRqTimeoutMs);
        }

        if (headers.Contains(KnownHeader.XEnvoyUpstreamRqPerTryTimeoutMs))
        {
            if (HeaderNumbers.TryGet(headers, KnownHeader.XEnvoyUpstreamRqPerTryTimeoutMs, out uint told)) attempt = told;
            headers.Remove(KnownHeader.XEnvoyUpstreamRqPerTryTimeoutMs);
        }

        // An attempt that may take as long as everything has no limit of its own.
        return new RouteTimeouts(route, route > 0 && attempt >= route ? 0 : attempt, grpc);
    }

    /// <summary>Tells the server how long we wait for it (<c>x-envoy-expected-rq-timeout-ms</c>).</summary>
    public void Announce(HttpRequestHead request)
    {
        long expected = Attempt > 0 ? Attempt : Route;
        if (expected > 0) HeaderNumbers.Set(request.Headers, KnownHeader.XEnvoyExpectedRqTimeoutMs, expected);
    }

    public static long Milliseconds(TimeSpan? time) => time is { } value ? (long)Math.Ceiling(value.TotalMilliseconds) : 0;

    /// <summary>grpc-timeout: at most eight digits and a unit (gRPC over HTTP/2, "Requests").</summary>
    private static bool TryReadGrpcTimeout(HeaderBlock headers, out long milliseconds)
    {
        milliseconds = 0;
        if (!headers.TryGet(KnownHeader.GrpcTimeout, out ReadOnlySpan<byte> text) || text.Length is < 2 or > 9) return false;
        if (!Utf8Parser.TryParse(text[..^1], out uint value, out int used) || used != text.Length - 1) return false;
        switch (text[^1])
        {
            case (byte)'H': milliseconds = value * 3_600_000L; return true;
            case (byte)'M': milliseconds = value * 60_000L; return true;
            case (byte)'S': milliseconds = value * 1000L; return true;
            case (byte)'m': milliseconds = value; return true;
            case (byte)'u': milliseconds = Math.Max(value > 0 ? 1 : 0, value / 1000); return true;
            case (byte)'n': milliseconds = Math.Max(value > 0 ? 1 : 0, value / 1_000_000); return true;
            default: return false;
        }
    }
}
