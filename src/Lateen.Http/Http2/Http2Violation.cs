namespace Lateen.Http;

/// <summary>
/// Rules of HTTP/2 that a peer broke, and bounds that it hit. The names are stable: they appear in logs, counters and tests. Error code,
/// clause and sentence of each are in <see cref="Http2Failure"/>.
/// </summary>
public enum Http2Violation : byte
{
    None = 0,

    // Connection errors: frames.
    PrefaceInvalid,
    SettingsMissing,
    FrameTooLarge,
    FrameLengthInvalid,
    StreamIdentifierInvalid,
    StreamIdentifierReused,
    FrameOnIdleStream,
    FrameOnClosedStream,
    PaddingTooLong,
    HeaderBlockInterrupted,
    ContinuationUnexpected,
    PushForbidden,
    CompressionBroken,

    // Connection errors: settings, windows, GOAWAY.
    SettingsAckWithPayload,
    SettingsAckUnexpected,
    SettingsValueInvalid,
    SettingsWindowTooLarge,
    SettingsTimeout,
    WindowIncrementZero,
    WindowOverflow,
    WindowExceeded,
    GoAwayIncreased,
    KeepAliveTimeout,
    HeadTimeout,
    MessageMalformed,

    // Stream errors.
    StreamFrameLengthInvalid,
    StreamWindowIncrementZero,
    StreamWindowOverflow,
    StreamWindowExceeded,
    FrameAfterEndOfStream,
    StreamMessageMalformed,
    StreamRefused,

    // Bounds: connection errors of ENHANCE_YOUR_CALM.
    RapidResetFlood,
    ProvokedResetFlood,
    ContinuationFlood,
    HeaderBlockFlood,
    HeaderExpansionFlood,
    SettingsFlood,
    PingFlood,
    EmptyFramesFlood,
    PriorityFlood,
    WindowUpdateFlood,
    UnknownFramesFlood,
    ClosedStreamFlood,
    GoAwayFlood,
    InitialWindowFlood,
    WindowDribbleFlood,
    HeaderOverflowFlood,
    SlowReaderFlood,
    OutboundFlood,
    OutboundControlFlood,
}
