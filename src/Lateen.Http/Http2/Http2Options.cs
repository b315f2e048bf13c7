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

    /// <summary>SETTINGS frames within ten seconds, whatever is between them. Count. Hit: <see cref="Http2Violation.SettingsFlood"/>.</summary>
    public int MaxSettingsFrames { get; init; } = 100;

    /// <summary>
    /// SETTINGS that change SETTINGS_INITIAL_WINDOW_SIZE within ten seconds, each of which moves the windows of all streams. Count.
    /// Hit: <see cref="Http2Violation.InitialWindowFlood"/>. A client that measures bandwidth widens its windows step by step, from 64 KiB to some MiB.
    /// </summary>
    public int MaxInitialWindowChanges { get; init; } = 32;

    /// <summary>
    /// PING frames within ten seconds, acknowledgements included, beyond one for each stream that was opened and each DATA frame with content that was
    /// sent or received in that time: clients that measure bandwidth send a PING for each batch of data. Ten per second is more than any keep-alive asks for,
    /// and each costs us a read and a write. Count. Hit: <see cref="Http2Violation.PingFlood"/>.
    /// </summary>
    public int MaxPingFrames { get; init; } = 100;

    /// <summary>
    /// Frames of unknown types with a payload, counted as <see cref="MaxPingFrames"/>, but never answered: browsers send a PRIORITY_UPDATE (RFC 9218) for each request. Count.
    /// Hit: <see cref="Http2Violation.UnknownFramesFlood"/>.
    /// </summary>
    public int MaxUnknownFrames { get; init; } = 1000;

    /// <summary>
    /// RST_STREAM and HEADERS on streams that are closed, beyond two for each stream that was opened, which is what an honest peer may have sent
    /// before it learnt of the end. Count. Hit: <see cref="Http2Violation.ClosedStreamFlood"/>.
    /// </summary>
    public int MaxClosedStreamFrames { get; init; } = 100;

    /// <summary>GOAWAY frames of one connection; a drain has two. Count. Hit: <see cref="Http2Violation.GoAwayFlood"/>.</summary>
    public int MaxGoAwayFrames { get; init; } = 10;

    /// <summary>
    /// DATA frames of less than 256 octets that left so small because a window was used up by them, beyond one for each stream opened and each KiB of content sent.
    /// Count. Hit: <see cref="Http2Violation.WindowDribbleFlood"/> (CVE-2019-9511).
    /// </summary>
    public int MaxWindowCrumbs { get; init; } = 100;

    /// <summary>
    /// Messages within ten seconds whose field section is above the limit, each of which is read to its end all the same, beyond one for each 16 streams that
    /// were opened and DATA frames that were sent or received in that time. Count.
    /// Hit: <see cref="Http2Violation.HeaderOverflowFlood"/>. One that is twice as large ends the connection at once:
    /// <see cref="Http2Violation.HeaderExpansionFlood"/>.
    /// </summary>
    public int MaxHeaderOverflows { get; init; } = 10;

    /// <summary>
    /// Server: when this many streams have content and no window for it, and all streams together send less than 4 KiB within
    /// <see cref="StallMilliseconds"/>, the connection ends; <see cref="int.MaxValue"/>: it never does for that reason. Count, at least 1.
    /// Hit: <see cref="Http2Violation.SlowReaderFlood"/>. For clients that stand for themselves: a proxy folds many of them into one connection.
    /// </summary>
    public int StalledStreams { get; init; } = 10;

    /// <summary>See <see cref="StalledStreams"/>. Milliseconds.</summary>
    public int StallMilliseconds { get; init; } = 20_000;

    /// <summary>
    /// Envoy's <c>request_headers_timeout</c>: from the first octet of a field block to its last, CONTINUATION frames included, and the same for other
    /// frames that count only when they are whole. Milliseconds; 0: no limit. Hit: <see cref="Http2Violation.HeadTimeout"/>.
    /// </summary>
    public int HeadTimeoutMilliseconds { get; init; } = 60_000;

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
