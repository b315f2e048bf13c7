using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Reads the policies of an http rule: retries, faults, CORS.</summary>
internal static class HttpPolicyReader
{
    private static readonly HashSet<string> Methods =
        ["*", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE"];

    private static readonly HashSet<string> RetryConditions =
    [
        "5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx", "refused-stream",
        "retriable-status-codes", "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure", "cancelled", "deadline-exceeded",
        "internal", "resource-exhausted", "unavailable",
    ];

    private static readonly HashSet<string> GrpcStatuses =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS",
        "UNAUTHENTICATED",
    ];

    public static readonly MessageShape RetryShape = new(
        "HTTPRetry",
        InEffect("attempts"), InEffect("perTryTimeout"), InEffect("retryOn"), Pending("retryRemoteLocalities"),
        InEffect("retryIgnorePreviousHosts"), InEffect("backoff"));

    public static readonly MessageShape DelayShape = new(
        "HTTPFaultInjection.Delay",
        InEffect("fixedDelay"), InEffect("percentage", HttpRouteReader.PercentShape),
        Deprecated("percent", "write percentage: {value: ...}"), Inert("exponentialDelay"));

    public static readonly MessageShape AbortShape = new(
        "HTTPFaultInjection.Abort",
        InEffect("httpStatus"), InEffect("grpcStatus"), InEffect("percentage", HttpRouteReader.PercentShape), Inert("http2Error"));

    public static readonly MessageShape FaultShape = new("HTTPFaultInjection", InEffect("delay", DelayShape), InEffect("abort", AbortShape));

    public static readonly MessageShape CorsShape = new(
        "CorsPolicy",
        InEffect("allowOrigins", ObjectReader.StringMatchShape), Deprecated("allowOrigin", "write allowOrigins: [{exact: ...}]"),
        InEffect("allowMethods"), InEffect("allowHeaders"), InEffect("exposeHeaders"), InEffect("maxAge"), InEffect("allowCredentials"),
        InEffect("unmatchedPreflights"));

    public static HttpRetry ReadRetry(ObjectReader at)
    {
        var retry = new HttpRetry
        {
            Attempts = at.Int32("attempts", 0) ?? 0,
            PerTryTimeout = at.Duration("perTryTimeout"),
            RetryOn = at.String("retryOn"),
            RetryRemoteLocalities = at.Boolean("retryRemoteLocalities"),
            RetryIgnorePreviousHosts = at.Boolean("retryIgnorePreviousHosts"),
            Backoff = at.Duration("backoff"),
        };
        if (retry.Attempts == 0 && at.Has("attempts") && (retry.PerTryTimeout is not null || retry.RetryOn is not null || retry.Backoff is not null))
            at.Report(
                DiagnosticCodes.InvalidRetry, "attempts", "0 turns retries off, so the other fields mean nothing",
                "remove them, or raise attempts");
        foreach (var condition in (retry.RetryOn ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (RetryConditions.Contains(condition) || (int.TryParse(condition, out var status) && status is >= 100 and <= 599)) continue;
            at.Report(
                DiagnosticCodes.InvalidRetry, "retryOn", $"'{condition}' is neither a retry condition nor an HTTP status",
                DidYouMean.Hint(condition, RetryConditions));
        }

        return retry;
    }

    public static HttpFaultInjection ReadFault(ObjectReader at)
    {
        if (!at.Has("delay") && !at.Has("abort"))
            at.ReportHere(DiagnosticCodes.InvalidFault, "the fault does nothing", "write delay, abort or both");
        return new HttpFaultInjection { Delay = at.Object("delay", ReadDelay), Abort = at.Object("abort", ReadAbort) };
    }

    private static FaultDelay? ReadDelay(ObjectReader at)
    {
        at.Require("fixedDelay");
        at.AtMostOne("percentage", "percent");
        var percentage = ReadFaultPercent(at) ?? at.Int32("percent", 0, 100) ?? 0;
        return at.Duration("fixedDelay") is { } delay ? new FaultDelay { FixedDelay = delay, Percentage = percentage } : null;
    }

    private static FaultAbort ReadAbort(ObjectReader at)
    {
        at.AtMostOne("httpStatus", "grpcStatus", "http2Error");
        var abort = new FaultAbort
        {
            HttpStatus = at.Int32("httpStatus", 200, 599),
            GrpcStatus = at.String("grpcStatus"),
            Percentage = ReadFaultPercent(at) ?? 0,
        };
        if (!at.Has("httpStatus") && !at.Has("grpcStatus"))
            at.ReportHere(DiagnosticCodes.InvalidFault, "the abort says no status", "write httpStatus or grpcStatus");
        if (abort.GrpcStatus is { } status && !GrpcStatuses.Contains(status))
            at.Report(
                DiagnosticCodes.InvalidFault, "grpcStatus", $"'{status}' is not a gRPC status", DidYouMean.Hint(status, GrpcStatuses));
        return abort;
    }

    /// <summary>Proxies count faults in millionths, so a share below 0.0001 percent would silently be none.</summary>
    private static double? ReadFaultPercent(ObjectReader at)
    {
        var percent = HttpRouteReader.ReadPercent(at, "percentage");
        if (percent is > 0 and < 0.0001)
            at.Report(DiagnosticCodes.InvalidFault, "percentage", $"{percent}% is finer than proxies can count", "0, or 0.0001 to 100");
        return percent;
    }

    public static CorsPolicy ReadCors(ObjectReader at)
    {
        at.AtMostOne("allowOrigins", "allowOrigin");
        var origins = at.Objects("allowOrigins", nested => nested.MatchOfSelf() is { } match ? Tuple.Create(match) : null);
        var cors = new CorsPolicy
        {
            AllowOrigins = [.. origins.Select(origin => origin.Item1), .. at.Strings("allowOrigin").Select(StringMatch.Exact)],
            AllowMethods = at.Strings("allowMethods"),
            AllowHeaders = at.Strings("allowHeaders"),
            ExposeHeaders = at.Strings("exposeHeaders"),
            MaxAge = at.Duration("maxAge", zeroAllowed: true, wholeSeconds: true),
            AllowCredentials = at.Boolean("allowCredentials"),
            UnmatchedPreflights = at.Enum(
                "unmatchedPreflights", ("UNSPECIFIED", UnmatchedPreflights.Unspecified), ("FORWARD", UnmatchedPreflights.Forward),
                ("IGNORE", UnmatchedPreflights.Ignore)) ?? UnmatchedPreflights.Unspecified,
        };
        for (var i = 0; i < origins.Length; i++)
            if (origins[i].Item1.Value.Length == 0)
                at.ReportItem(DiagnosticCodes.InvalidCors, "allowOrigins", i, "an empty origin matches nothing");
        for (var i = 0; i < cors.AllowMethods.Length; i++)
            if (!Methods.Contains(cors.AllowMethods[i]))
                at.ReportItem(
                    DiagnosticCodes.InvalidCors, "allowMethods", i, $"'{cors.AllowMethods[i]}' is not a method",
                    DidYouMean.Hint(cors.AllowMethods[i], Methods));
        HeaderNames(at, "allowHeaders", cors.AllowHeaders);
        HeaderNames(at, "exposeHeaders", cors.ExposeHeaders);
        return cors;
    }

    private static void HeaderNames(ObjectReader at, string field, System.Collections.Immutable.ImmutableArray<string> names)
    {
        for (var i = 0; i < names.Length; i++)
            if (!HeaderRules.IsToken(names[i]))
                at.ReportItem(DiagnosticCodes.InvalidHeader, field, i, $"'{names[i]}' is not a header name", "RFC 9110 section 5.1");
    }
}
