namespace Lateen.Http;

/// <summary>
/// What a listener or a cluster decides about its HTTP/2 connections: the fields of Envoy's <c>core.v3.Http2ProtocolOptions</c> under their
/// meaning, and the bounds that Envoy keeps elsewhere. Immutable; shared by all connections.
/// </summary>
/// <remarks>The defaults are Envoy's; for windows and streams those that it recommends at the edge.</remarks>
public sealed record Http2Options
{
    /// <summary>All defaults.</summary>
    public static Http2Options Default { get; } = new();

    /// <summary>
    /// <c>hpack_table_size</c>. Octets of dynamic table that the peer may use (SETTINGS_HEADER_TABLE_SIZE), and the most that we use of what
    /// the peer offers. 0 to 65,536.
    /// </summary>
    public int HpackTableOctets { get; init; } = 4096;

    /// <summary>
    /// <c>max_concurrent_streams</c>. Server: SETTINGS_MAX_CONCURRENT_STREAMS; a stream above it is refused (REFUSED_STREAM). Client: streams open
    /// at a time, if the peer does not allow fewer. Count, at least 1.
    /// </summary>
    public int MaxConcurrentStreams { get; init; } = 100;

    /// <summary><c>initial_stream_window_size</c>. Octets that a peer may send on a stream ahead of our consumption. 65,535 to 2^31-1.</summary>
    public int InitialStreamWindow { get; init; } = 64 * 1024;

    /// <summary><c>initial_connection_window_size</c>. The same for all streams together. 65,535 to 2^31-1.</summary>
    public int InitialConnectionWindow { get; init; } = 1024 * 1024;

    /// <summary><c>allow_connect</c>. Server: SETTINGS_ENABLE_CONNECT_PROTOCOL (RFC 8441) is offered; without it <c>:protocol</c> makes a request malformed.</summary>
    public bool AllowConnect { get; init; }

    /// <summary><c>max_outbound_frames</c>. Frames that wait for a peer who does not read. Hit: <see cref="Http2Violation.OutboundFlood"/>.</summary>
    public int MaxOutboundFrames { get; init; } = 10_000;

    /// <summary>
    /// <c>max_outbound_control_frames</c>. The same for PING, SETTINGS and RST_STREAM alone, which the peer can provoke.
    /// Hit: <see cref="Http2Violation.OutboundControlFlood"/>.
    /// </summary>
    public int MaxOutboundControlFrames { get; init; } = 1000;

    /// <summary>
    /// <c>max_consecutive_inbound_frames_with_empty_payload</c>. HEADERS, CONTINUATION, DATA or unknown frames without payload and without
    /// END_STREAM, one after the other. Hit: <see cref="Http2Violation.EmptyFramesFlood"/>.
    /// </summary>
    public int MaxConsecutiveEmptyFrames { get; init; } = 1;

    /// <summary>
    /// <c>max_inbound_priority_frames_per_stream</c>. PRIORITY frames may be this often the streams opened so far, plus one.
    /// Hit: <see cref="Http2Violation.PriorityFlood"/>.
    /// </summary>
    public int MaxPriorityFramesPerStream { get; init; } = 100;

    /// <summary>
    /// <c>max_inbound_window_update_frames_per_data_frame_sent</c>, <c>n</c>. WINDOW_UPDATE frames may number
    /// 5 + 2 * (streams opened + n * DATA frames sent). Hit: <see cref="Http2Violation.WindowUpdateFlood"/>.
    /// </summary>
    public int MaxWindowUpdateFramesPerDataFrame { get; init; } = 10;

    /// <summary><c>override_stream_error_on_invalid_http_message</c>.</summary>
    public Http2InvalidMessageAction InvalidMessages { get; init; }

    /// <summary><c>connection_keepalive</c>; null: no PING of our own.</summary>
    public Http2KeepAlive? KeepAlive { get; init; }

    /// <summary>CONTINUATION frames of one header block. Count. Hit: <see cref="Http2Violation.ContinuationFlood"/>. A block of 60 KiB needs 3.</summary>
    public int MaxContinuationFrames { get; init; } = 8;

    /// <summary>Entries of one SETTINGS frame. Count. Hit: <see cref="Http2Violation.SettingsFlood"/>. There are seven settings; 32 is what nghttp2 takes.</summary>
    public int MaxSettingsEntries { get; init; } = 32;

    /// <summary>
    /// SETTINGS frames within ten seconds and without a HEADERS or DATA frame between them. Count.
    /// Hit: <see cref="Http2Violation.SettingsFlood"/>.
    /// </summary>
    public int MaxSettingsFrames { get; init; } = 100;

    /// <summary>
    /// PING frames (not acknowledgements) within ten seconds and without a HEADERS or DATA frame between them, since clients that measure bandwidth send
    /// a PING for each batch of data. Count. Hit: <see cref="Http2Violation.PingFlood"/>.
    /// </summary>
    public int MaxPingFrames { get; init; } = 1000;

    /// <summary>
    /// Envoy's <c>overload.premature_reset_total_stream_count</c>, <c>n</c>. A client that resets streams early (within
    /// <see cref="PrematureResetMilliseconds"/>, before the response is complete) may do so with half of its streams, and with n/2 before n
    /// streams were closed. Hit: <see cref="Http2Violation.RapidResetFlood"/> (CVE-2023-44487).
    /// </summary>
    public int PrematureResetStreams { get; init; } = 500;

    /// <summary>Envoy's <c>overload.premature_reset_min_stream_lifetime_seconds</c>. Milliseconds.</summary>
    public int PrematureResetMilliseconds { get; init; } = 1000;

    /// <summary>
    /// As <see cref="PrematureResetStreams"/>, for streams that we have to reset because of what the peer sent on them, malformed messages
    /// included. Hit: <see cref="Http2Violation.ProvokedResetFlood"/> (CVE-2025-8671).
    /// </summary>
    public int ProvokedResetStreams { get; init; } = 500;

    /// <summary>Time for the peer to acknowledge our SETTINGS. Milliseconds; 0: no limit. Hit: <see cref="Http2Violation.SettingsTimeout"/>.</summary>
    public int SettingsTimeoutMilliseconds { get; init; } = 10_000;

    /// <summary>Header blocks that we write use the Huffman code: fewer octets for more CPU. Off, because inside a mesh CPU is what is scarce.</summary>
    public bool HuffmanEncode { get; init; }
}

/// <summary>Envoy's <c>core.v3.KeepaliveSettings</c>: PING as a sign of life. Times in milliseconds; 0 switches one off.</summary>
/// <param name="Interval"><c>interval</c>: between PINGs.</param>
/// <param name="Timeout"><c>timeout</c>: how long the acknowledgement may take. Hit: <see cref="Http2Violation.KeepAliveTimeout"/>. Above 0.</param>
/// <param name="IdleInterval"><c>connection_idle_interval</c>: a connection on which nothing came for so long gets a PING before its next stream.</param>
public sealed record Http2KeepAlive(int Interval, int Timeout, int IdleInterval = 0);
