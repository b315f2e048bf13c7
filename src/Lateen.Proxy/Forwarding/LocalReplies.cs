using System.Collections.Concurrent;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Routing;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>The proxy's own answers, with the texts that Envoy gives, and how one becomes the response of an exchange.</summary>
/// <remarks>Answers are made once and kept, within bounds: refusing a flood of requests allocates nothing.</remarks>
internal static class LocalReplies
{
    private static readonly ReadOnlyMemory<byte> TextPlain = "text/plain"u8.ToArray();

    /// <summary>Answers kept that tell what a transport said. Count; when it is reached all are forgotten. Few reasons are common, and each may name a host.</summary>
    internal const int MaxKeptReasons = 256;

    private static readonly ConcurrentDictionary<(FailureOutcome Outcome, bool WasRetried), LocalReply> OfFailures = new();
    private static readonly ConcurrentDictionary<(FailureOutcome Outcome, bool WasRetried, string Reason), LocalReply> OfReasons = new();
    private static readonly ConcurrentDictionary<HttpRejectionCode, LocalReply> OfRejections = new();
    private static readonly ConcurrentDictionary<int, LocalReply> OfMissingClusters = new();
    private static readonly ConcurrentDictionary<int, LocalReply> OfRedirects = new();
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<DirectResponseAction, LocalReply> OfRoutes = [];

    private static int _keptReasons;

    /// <summary>A rewrite rule makes no valid request out of this one.</summary>
    public static LocalReply BadRewrite { get; } = new() { Status = 500, Details = "rewrite_failed" };

    /// <summary>The answer to a failure, as the map words it.</summary>
    /// <param name="outcome">From the map; its status is not 0.</param>
    /// <param name="wasRetried">There was more than one attempt.</param>
    /// <param name="transportReason">What the transport said; empty when it said nothing.</param>
    public static LocalReply Of(FailureOutcome outcome, bool wasRetried, string transportReason)
    {
        if (outcome.Retry != RetryClass.Connect || transportReason.Length == 0)
            return OfFailures.GetOrAdd((outcome, wasRetried), static key => Make(key.Outcome, key.WasRetried, string.Empty));
        var key = (outcome, wasRetried, transportReason);
        if (OfReasons.TryGetValue(key, out LocalReply? known)) return known;
        LocalReply made = Make(outcome, wasRetried, transportReason);
        // A reason may name the host that a client asked for, so there are as many as clients can think of. Who fills the table with such ones must not keep out
        // the common ones for good: they are in again with the next failure.
        if (OfReasons.TryAdd(key, made) && Interlocked.Increment(ref _keptReasons) >= MaxKeptReasons)
        {
            OfReasons.Clear();
            Interlocked.Exchange(ref _keptReasons, 0);
        }

        return made;
    }

    /// <summary>Answers kept that tell what a transport said. Count.</summary>
    internal static int KeptReasons => OfReasons.Count;

    /// <summary>The answer to a request that the parser refused.</summary>
    public static LocalReply Of(HttpRejection rejection) => OfRejections.GetOrAdd(rejection.Code, static (code, refused) => Make(refused), rejection);

    public static LocalReply ClusterNotFound(int status) => OfMissingClusters.GetOrAdd(status, static code => new LocalReply
    {
        Status = code,
        Details = FailureMap.Of(Failure.Config(FailureCause.NoCluster)).Details,
        Flags = ResponseFlags.NoClusterFound,
    });

    public static LocalReply Of(DirectResponseAction action) =>
        OfRoutes.GetValue(action, static key => new LocalReply { Status = key.Status, Body = key.Body, ContentType = key.Body.IsEmpty ? default : TextPlain });

    /// <summary>A redirect; the location is set from the request.</summary>
    public static LocalReply Redirect(int status) => OfRedirects.GetOrAdd(status, static code => new LocalReply { Status = code });

    /// <summary>Points a redirect to the request's own path as it was normalised.</summary>
    public static void SetPathLocation(HttpRequestHead request, HeaderBlock response) =>
        response.Set(KnownHeader.Location, request.PathAndQuery);

    /// <summary>Makes a reply the response of the exchange.</summary>
    /// <returns>Its body.</returns>
    public static ReadOnlyMemory<byte> Write(LocalReply reply, HttpExchange exchange)
    {
        ExchangeRecord record = exchange.Record;
        record.Flags |= reply.Flags;
        record.ResponseDetails = reply.Details;
        HttpResponseHead response = exchange.Response;
        response.Reset();
        if (exchange.IsGrpc && reply.Status is < 300 or >= 400) return WriteGrpc(reply, exchange);

        response.SetStatus(reply.Status);
        if (!reply.Body.IsEmpty && !reply.ContentType.IsEmpty) response.Headers.Add(KnownHeader.ContentType, reply.ContentType.Span);
        foreach ((HeaderName name, ReadOnlyMemory<byte> value) in reply.Headers) response.Headers.Add(name, value.Span);
        response.SetBody(reply.Body.IsEmpty ? BodyFraming.None : BodyFraming.Length, reply.Body.Length);
        return reply.Body;
    }

    /// <summary>Trailers-only: all is said in the head, and HTTP itself went well.</summary>
    private static ReadOnlyMemory<byte> WriteGrpc(LocalReply reply, HttpExchange exchange)
    {
        int status = reply.GrpcStatus ?? FailureMap.GrpcStatusOf(reply.Status);
        HttpResponseHead response = exchange.Response;
        response.SetStatus(200);
        response.SetBody(BodyFraming.None, 0);
        response.Headers.Add(KnownHeader.ContentType, "application/grpc"u8);
        HeaderNumbers.Set(response.Headers, KnownHeader.GrpcStatus, status);
        if (!reply.Body.IsEmpty) response.Headers.Add(KnownHeader.GrpcMessage, PercentEncode(reply.Body.Span));
        foreach ((HeaderName name, ReadOnlyMemory<byte> value) in reply.Headers) response.Headers.Add(name, value.Span);
        exchange.Record.GrpcStatus = status;
        return default;
    }

    private static LocalReply Make(FailureOutcome outcome, bool wasRetried, string transportReason)
    {
        byte[] body = wasRetried ? outcome.BodyAfterRetries : outcome.Body;
        string details = outcome.Details;
        if (transportReason.Length > 0)
        {
            body = [.. body, .. ", transport failure reason: "u8, .. Encoding.ASCII.GetBytes(transportReason)];
            details = $"{details[..^1]}|{transportReason.Replace(' ', '_')}}}";
        }

        return new LocalReply
        {
            Status = outcome.Status,
            GrpcStatus = outcome.GrpcStatus,
            Body = body,
            ContentType = TextPlain,
            Details = details,
            Flags = outcome.Flag,
            Headers = outcome.Flag == ResponseFlags.UpstreamOverflow ? [(HeaderName.Create("x-envoy-overloaded"), "true"u8.ToArray())] : [],
        };
    }

    private static LocalReply Make(HttpRejection rejection)
    {
        FailureOutcome outcome = FailureMap.Of(Failure.Request(CauseOf(rejection)));
        // The codec knows the exact status of each broken rule; the map knows what follows from it.
        return new LocalReply
        {
            Status = rejection.Status,
            Body = Encoding.ASCII.GetBytes(ReasonOf(rejection.Status)),
            ContentType = TextPlain,
            Details = outcome.Details,
            Flags = outcome.Flag,
        };
    }

    private static FailureCause CauseOf(HttpRejection rejection) => rejection.Code switch
    {
        HttpRejectionCode.HostMissing => FailureCause.HostMissing,
        HttpRejectionCode.Http10Refused => FailureCause.VersionTooLow,
        HttpRejectionCode.FieldNameUnderscore => FailureCause.UnderscoreInName,
        HttpRejectionCode.PathEscapedSlash or HttpRejectionCode.PathEscapedNul or HttpRejectionCode.PathEscapeMalformed => FailureCause.PathRejected,
        _ when rejection.Status == 431 => FailureCause.HeadTooLarge,
        _ => FailureCause.Malformed,
    };

    private static string ReasonOf(int status) => status switch
    {
        400 => "Bad Request",
        414 => "URI Too Long",
        417 => "Expectation Failed",
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        505 => "HTTP Version Not Supported",
        _ => string.Empty,
    };

    /// <summary>grpc-message: bytes outside of printable ASCII, and the percent sign, as %XX (gRPC over HTTP/2, "Responses").</summary>
    private static byte[] PercentEncode(ReadOnlySpan<byte> text)
    {
        var encoded = new List<byte>(text.Length);
        foreach (byte one in text)
        {
            if (one is >= 0x20 and <= 0x7E and not (byte)'%') encoded.Add(one);
            else encoded.AddRange(Encoding.ASCII.GetBytes($"%{one:X2}"));
        }

        return [.. encoded];
    }
}
