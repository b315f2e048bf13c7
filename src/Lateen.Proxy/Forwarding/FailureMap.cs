using System.Diagnostics;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>How loudly a failure is told. A reset by a peer is normal life; "we could not serve you" is a warning.</summary>
public enum FailureSeverity : byte
{
    Normal,
    Warning,
    Error,
}

/// <summary>To which of a route's retry conditions a failed attempt belongs.</summary>
public enum RetryClass : byte
{
    /// <summary>Never sent again: it is not the server's failure, or sending again would make it worse.</summary>
    Never,

    /// <summary><c>connect-failure</c>: nothing of the request left this proxy.</summary>
    Connect,

    /// <summary><c>refused-stream</c>: the server says that it did nothing.</summary>
    Refused,

    /// <summary><c>reset</c>: no response came; the server may have acted.</summary>
    Reset,
}

/// <summary>Everything that follows from a <see cref="Failure"/>.</summary>
/// <param name="Status">HTTP status for the client. 0: nobody is there to be told, the connection or stream just ends.</param>
/// <param name="GrpcStatus">What a gRPC client is told instead.</param>
/// <param name="Flag">Envoy's response flag.</param>
/// <param name="Details">Envoy's <c>%RESPONSE_CODE_DETAILS%</c>.</param>
/// <param name="Reason">Envoy's "reset reason", or the text of the body where there is no reset; empty: no body.</param>
/// <param name="Label">The failure in metrics. Few values, all known here.</param>
/// <param name="Severity">How loudly it is told.</param>
/// <param name="Retry">To which retry condition it belongs.</param>
public sealed record FailureOutcome(
    int Status,
    int GrpcStatus,
    ResponseFlags Flag,
    string Details,
    string Reason,
    string Label,
    FailureSeverity Severity,
    RetryClass Retry)
{
    /// <summary>The body of the response: Envoy's sentence for a reset before the response, else <see cref="Reason"/> itself.</summary>
    public byte[] Body { get; } = System.Text.Encoding.ASCII.GetBytes(
        Details.StartsWith(FailureMap.ResetBeforeResponse, StringComparison.Ordinal) ? FailureMap.ResetSentence + Reason : Reason);

    /// <summary>As <see cref="Body"/>, after retries.</summary>
    public byte[] BodyAfterRetries { get; } = System.Text.Encoding.ASCII.GetBytes(
        Details.StartsWith(FailureMap.ResetBeforeResponse, StringComparison.Ordinal) ? FailureMap.ResetSentenceAfterRetries + Reason : Reason);
}

/// <summary>
/// The one table that says what a failure means: status, gRPC status, response flag, details, body, metric label, severity, retry class.
/// Nobody else writes a status code. It is total: every side, phase and cause has an answer.
/// </summary>
/// <remarks>Built once; lookups are array reads and allocate nothing.</remarks>
public static class FailureMap
{
    internal const string ResetBeforeResponse = "upstream_reset_before_response_started{";
    internal const string ResetSentence = "upstream connect error or disconnect/reset before headers. reset reason: ";
    internal const string ResetSentenceAfterRetries =
        "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: ";

    /// <summary>gRPC's DEADLINE_EXCEEDED: what the client's own deadline would say.</summary>
    private const int DeadlineExceeded = 4;

    private static readonly int Phases = Enum.GetValues<FailurePhase>().Length;
    private static readonly int Causes = Enum.GetValues<FailureCause>().Length;
    private static readonly FailureOutcome[] Table = BuildTable();

    public static FailureOutcome Of(Failure failure) => Table[(((int)failure.Side * Phases) + (int)failure.Phase) * Causes + (int)failure.Cause];

    /// <summary>The gRPC status for an HTTP status, as the gRPC specification maps responses that are not gRPC ("HTTP to gRPC Status Code Mapping").</summary>
    public static int GrpcStatusOf(int httpStatus) => httpStatus switch
    {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 or 502 or 503 or 504 => 14,
        _ => 2,
    };

    private static FailureOutcome[] BuildTable()
    {
        var sides = Enum.GetValues<FailureSide>();
        var table = new FailureOutcome[sides.Length * Phases * Causes];
        foreach (FailureSide side in sides)
        {
            foreach (FailurePhase phase in Enum.GetValues<FailurePhase>())
            {
                foreach (FailureCause cause in Enum.GetValues<FailureCause>())
                {
                    table[(((int)side * Phases) + (int)phase) * Causes + (int)cause] = Decide(side, phase, cause);
                }
            }
        }

        return table;
    }

    private static FailureOutcome Decide(FailureSide side, FailurePhase phase, FailureCause cause) =>
        side == FailureSide.Upstream ? DecideUpstream(phase, cause) : DecideHere(phase, cause);

    /// <summary>What the server behind us does. Until its response has begun the client gets one from us; after that only a reset is honest.</summary>
    private static FailureOutcome DecideUpstream(FailurePhase phase, FailureCause cause)
    {
        if (phase is FailurePhase.ResponseBody)
        {
            return cause switch
            {
                FailureCause.Malformed or FailureCause.ConnectionBroken => Late(ResponseFlags.UpstreamProtocolError, "protocol_error", "upstream_protocol"),
                FailureCause.IdleTimeout => Silent(ResponseFlags.StreamIdleTimeout, "stream_idle_timeout", "stream_idle"),
                FailureCause.RouteTimeout => Silent(ResponseFlags.UpstreamRequestTimeout, "upstream_response_timeout", "upstream_timeout"),
                FailureCause.DurationReached => Silent(ResponseFlags.UpstreamMaxStreamDurationReached, "upstream_max_stream_duration_reached", "upstream_duration"),
                FailureCause.StreamRefused or FailureCause.StreamReset => Late(ResponseFlags.UpstreamRemoteReset, "remote_reset", "upstream_reset"),
                _ => Late(ResponseFlags.UpstreamConnectionTermination, "connection_termination", "upstream_closed"),
            };
        }

        return cause switch
        {
            FailureCause.NoEndpoint => Answer(503, ResponseFlags.NoHealthyUpstream, "no_healthy_upstream", "no healthy upstream", "no_endpoint", FailureSeverity.Warning),
            FailureCause.Overflow => Reset(ResponseFlags.UpstreamOverflow, "overflow", "upstream_overflow", RetryClass.Never),
            FailureCause.ConnectFailed => Reset(ResponseFlags.UpstreamConnectionFailure, "remote connection failure", "upstream_connect", RetryClass.Connect),
            FailureCause.ConnectTimeout => Reset(ResponseFlags.UpstreamConnectionFailure, "connection timeout", "upstream_connect_timeout", RetryClass.Connect),
            FailureCause.StreamRefused => Reset(ResponseFlags.UpstreamRemoteReset, "remote refused stream reset", "upstream_refused", RetryClass.Refused),
            FailureCause.StreamReset => Reset(ResponseFlags.UpstreamRemoteReset, "remote reset", "upstream_reset", RetryClass.Reset),
            FailureCause.Malformed or FailureCause.ConnectionBroken or FailureCause.HeadTooLarge or FailureCause.UpgradeRefused =>
                Reset(ResponseFlags.UpstreamProtocolError, "protocol error", "upstream_protocol", RetryClass.Reset, status: 502),
            FailureCause.RouteTimeout or FailureCause.RequestTimeout or FailureCause.HeadTimeout =>
                Answer(504, ResponseFlags.UpstreamRequestTimeout, "upstream_response_timeout", "upstream request timeout", "upstream_timeout", FailureSeverity.Warning),
            FailureCause.AttemptTimeout =>
                Answer(504, ResponseFlags.UpstreamRequestTimeout, "upstream_per_try_timeout", "upstream request timeout", "upstream_try_timeout", FailureSeverity.Warning)
                    with
                { Retry = RetryClass.Reset },
            FailureCause.DurationReached =>
                Answer(504, ResponseFlags.UpstreamMaxStreamDurationReached, "upstream_max_stream_duration_reached", "upstream max stream duration reached", "upstream_duration", FailureSeverity.Warning),
            FailureCause.IdleTimeout =>
                Answer(504, ResponseFlags.StreamIdleTimeout, "stream_idle_timeout", "stream timeout", "stream_idle", FailureSeverity.Warning),
            FailureCause.NoRoute or FailureCause.NoCluster => DecideHere(FailurePhase.Route, cause),
            _ => Reset(ResponseFlags.UpstreamConnectionTermination, "connection termination", "upstream_closed", RetryClass.Reset),
        };
    }

    /// <summary>Everything else: the client's doing, a rule's, the configuration's, ours.</summary>
    private static FailureOutcome DecideHere(FailurePhase phase, FailureCause cause)
    {
        if (phase is FailurePhase.Accept or FailurePhase.Handshake or FailurePhase.Detect) return DecideBeforeHttp(cause);
        if (phase is FailurePhase.ResponseBody) return DecideAfterResponse(cause);

        return cause switch
        {
            FailureCause.Malformed => Answer(400, ResponseFlags.DownstreamProtocolError, "http1.codec_error", "Bad Request", "malformed"),
            FailureCause.HeadTooLarge =>
                Answer(431, ResponseFlags.DownstreamProtocolError, "http1.headers_too_large", "Request Header Fields Too Large", "head_too_large"),
            FailureCause.BodyTooLarge => Answer(413, ResponseFlags.None, "request_payload_too_large", "Payload Too Large", "body_too_large"),
            FailureCause.UnderscoreInName => Answer(400, ResponseFlags.DownstreamProtocolError, "http1.unexpected_underscore", "Bad Request", "underscore"),
            FailureCause.HostMissing => Answer(400, ResponseFlags.DownstreamProtocolError, "missing_host_header", "", "host_missing"),
            FailureCause.PathRejected => Answer(400, ResponseFlags.DownstreamProtocolError, "path_normalization_failed", "", "path_rejected"),
            FailureCause.VersionTooLow => Answer(426, ResponseFlags.DownstreamProtocolError, "low_version", "", "version_too_low"),
            FailureCause.UpgradeRefused => Answer(403, ResponseFlags.None, "upgrade_failed", "", "upgrade_refused"),
            FailureCause.NoRoute => Answer(404, ResponseFlags.NoRouteFound, "route_not_found", "", "no_route", FailureSeverity.Warning),
            FailureCause.NoCluster => Answer(503, ResponseFlags.NoClusterFound, "cluster_not_found", "", "no_cluster", FailureSeverity.Warning),
            FailureCause.NoEndpoint => Answer(503, ResponseFlags.NoHealthyUpstream, "no_healthy_upstream", "no healthy upstream", "no_endpoint", FailureSeverity.Warning),
            FailureCause.Overflow => Answer(503, ResponseFlags.OverloadManagerTerminated, "overload", "envoy overloaded", "overload", FailureSeverity.Warning),
            FailureCause.HeadTimeout => Answer(408, ResponseFlags.DownstreamProtocolError, "request_header_timeout", "request header timeout", "head_timeout"),
            FailureCause.RequestTimeout => Answer(408, ResponseFlags.DownstreamProtocolError, "request_overall_timeout", "request timeout", "request_timeout"),
            FailureCause.IdleTimeout => Answer(phase is FailurePhase.ResponseHead ? 504 : 408, ResponseFlags.StreamIdleTimeout, "stream_idle_timeout", "stream timeout", "stream_idle"),
            FailureCause.DurationReached =>
                Answer(408, ResponseFlags.DurationTimeout, "max_duration_timeout", "downstream duration timeout", "duration") with { GrpcStatus = DeadlineExceeded },
            FailureCause.RouteTimeout or FailureCause.AttemptTimeout =>
                Answer(504, ResponseFlags.UpstreamRequestTimeout, "upstream_response_timeout", "upstream request timeout", "upstream_timeout", FailureSeverity.Warning),
            FailureCause.Denied => Answer(403, ResponseFlags.None, "denied", "", "denied"),
            FailureCause.Draining => Answer(503, ResponseFlags.LocalReset, "draining", "", "draining"),
            FailureCause.Defect => Answer(500, ResponseFlags.LocalReset, "internal_error", "", "defect", FailureSeverity.Error),
            FailureCause.StreamReset => Silent(ResponseFlags.DownstreamRemoteReset, "http2.remote_reset", "downstream_reset"),
            FailureCause.ConnectionBroken => Silent(ResponseFlags.DownstreamProtocolError, "codec_error", "malformed"),
            FailureCause.PeerClosed or FailureCause.StreamRefused or FailureCause.ConnectFailed or FailureCause.ConnectTimeout =>
                Silent(ResponseFlags.DownstreamConnectionTermination, "downstream_remote_disconnect", "downstream_closed"),
            _ => throw new UnreachableException($"no row for {phase}/{cause}"),
        };
    }

    /// <summary>Before there is a request there is nobody to answer: the connection is refused or closed.</summary>
    private static FailureOutcome DecideBeforeHttp(FailureCause cause) => cause switch
    {
        FailureCause.Overflow => Silent(ResponseFlags.OverloadManagerTerminated, "connection_limit", "connection_limit", FailureSeverity.Warning),
        FailureCause.NoRoute => Silent(ResponseFlags.NoRouteFound, "filter_chain_not_found", "no_filter_chain", FailureSeverity.Warning),
        FailureCause.Draining => Silent(ResponseFlags.LocalReset, "draining", "draining"),
        FailureCause.Defect => Silent(ResponseFlags.LocalReset, "internal_error", "defect", FailureSeverity.Error),
        _ => Silent(ResponseFlags.DownstreamConnectionTermination, "downstream_remote_disconnect", "downstream_closed"),
    };

    /// <summary>Once the response has begun no second one can be sent: the stream ends, and the log says why.</summary>
    private static FailureOutcome DecideAfterResponse(FailureCause cause) => cause switch
    {
        FailureCause.StreamReset => Silent(ResponseFlags.DownstreamRemoteReset, "http2.remote_reset", "downstream_reset"),
        FailureCause.Malformed => Silent(ResponseFlags.DownstreamProtocolError, "http1.codec_error", "malformed"),
        FailureCause.ConnectionBroken => Silent(ResponseFlags.DownstreamProtocolError, "codec_error", "malformed"),
        FailureCause.IdleTimeout => Silent(ResponseFlags.StreamIdleTimeout, "stream_idle_timeout", "stream_idle"),
        FailureCause.DurationReached => Silent(ResponseFlags.DurationTimeout, "max_duration_timeout", "duration"),
        FailureCause.RouteTimeout or FailureCause.AttemptTimeout => Silent(ResponseFlags.UpstreamRequestTimeout, "upstream_response_timeout", "upstream_timeout"),
        FailureCause.Draining or FailureCause.Denied or FailureCause.Overflow => Silent(ResponseFlags.LocalReset, "downstream_local_disconnect", "local_reset"),
        FailureCause.Defect => Silent(ResponseFlags.LocalReset, "internal_error", "defect", FailureSeverity.Error),
        _ => Silent(ResponseFlags.DownstreamConnectionTermination, "downstream_remote_disconnect", "downstream_closed"),
    };

    private static FailureOutcome Answer(
        int status, ResponseFlags flag, string details, string body, string label, FailureSeverity severity = FailureSeverity.Normal) =>
        new(status, GrpcStatusOf(status), flag, details, body, label, severity, RetryClass.Never);

    private static FailureOutcome Silent(ResponseFlags flag, string details, string label, FailureSeverity severity = FailureSeverity.Normal) =>
        new(0, 1, flag, details, "", label, severity, RetryClass.Never);

    private static FailureOutcome Reset(ResponseFlags flag, string reason, string label, RetryClass retry, int status = 503) =>
        new(status, GrpcStatusOf(status), flag, ResetBeforeResponse + reason.Replace(' ', '_') + "}", reason, label, FailureSeverity.Warning, retry);

    private static FailureOutcome Late(ResponseFlags flag, string reason, string label) =>
        new(0, 14, flag, $"upstream_reset_after_response_started{{{reason}}}", "", label, FailureSeverity.Warning, RetryClass.Never);
}
