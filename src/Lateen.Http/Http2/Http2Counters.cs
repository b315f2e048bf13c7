namespace Lateen.Http;

/// <summary>
/// What the connections of one listener or cluster on one thread have seen: plain numbers with one writer, from which Envoy's <c>http2.*</c>
/// statistics are made. Never reset.
/// </summary>
public sealed class Http2Counters
{
    private readonly long[] _violations = new long[(int)Http2Violation.OutboundControlFlood + 1];

    /// <summary>RST_STREAM frames received: <c>rx_reset</c>.</summary>
    public long ResetsReceived { get; internal set; }

    /// <summary>RST_STREAM frames sent: <c>tx_reset</c>.</summary>
    public long ResetsSent { get; internal set; }

    /// <summary>GOAWAY frames sent: <c>goaway_sent</c>.</summary>
    public long GoAwaysSent { get; internal set; }

    /// <summary>Messages refused by HTTP's rules: <c>rx_messaging_error</c>.</summary>
    public long MessagingErrors { get; internal set; }

    /// <summary>Field sections above the limit: <c>header_overflow</c>.</summary>
    public long HeaderOverflows { get; internal set; }

    /// <summary>Fields that were dropped for an underscore in their name: <c>dropped_headers_with_underscores</c>.</summary>
    public long UnderscoreFieldsDropped { get; internal set; }

    /// <summary>Requests refused for an underscore in a name: <c>requests_rejected_with_underscores_in_headers</c>.</summary>
    public long UnderscoreRequestsRejected { get; internal set; }

    /// <summary>Trailer sections received: <c>trailers</c>.</summary>
    public long Trailers { get; internal set; }

    /// <summary>
    /// How often a rule was broken or a bound hit. Envoy's names: <c>inbound_empty_frames_flood</c>, <c>inbound_priority_frames_flood</c>,
    /// <c>inbound_window_update_frames_flood</c>, <c>outbound_flood</c>, <c>outbound_control_flood</c>, <c>keepalive_timeout</c>,
    /// <c>stream_refused_errors</c>.
    /// </summary>
    public long Of(Http2Violation violation) => _violations[(int)violation];

    internal void Count(Http2Violation violation) => _violations[(int)violation]++;
}
