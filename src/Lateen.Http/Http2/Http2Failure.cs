using System.Diagnostics;

namespace Lateen.Http;

/// <summary>Why a connection or a stream was ended by us: the rule, its error code, the clause and one sentence, safe to log.</summary>
public readonly record struct Http2Failure(Http2Violation Violation)
{
    /// <summary>What RST_STREAM or GOAWAY says.</summary>
    public Http2ErrorCode ErrorCode => Describe(Violation).Code;

    /// <summary>The specification and section, such as <c>RFC 9113 6.9</c>.</summary>
    public string Clause => Describe(Violation).Clause;

    /// <summary>One sentence on what was wrong, without any byte of the peer's.</summary>
    public string Reason => Describe(Violation).Reason;

    /// <summary>True when a bound was hit rather than a rule broken.</summary>
    public bool IsFlood => Violation >= Http2Violation.RapidResetFlood;

    /// <summary>True when the peer broke a rule or hit a bound; false when nothing went wrong, or it was only silent for too long.</summary>
    public bool IsOfPeer => Violation is not (Http2Violation.None or Http2Violation.KeepAliveTimeout or Http2Violation.HeadTimeout);

    /// <summary>True for what costs one stream and not the connection.</summary>
    public bool IsOfStream => Violation is >= Http2Violation.StreamFrameLengthInvalid and <= Http2Violation.StreamRefused;

    public override string ToString() => Violation == Http2Violation.None ? "none" : $"{ErrorCode} {Violation} ({Clause}): {Reason}";

    private static (Http2ErrorCode Code, string Clause, string Reason) Describe(Http2Violation violation) => violation switch
    {
        Http2Violation.None => (Http2ErrorCode.NoError, "", ""),
        Http2Violation.PrefaceInvalid => (Http2ErrorCode.ProtocolError, "RFC 9113 3.4", "the connection does not begin with the client preface"),
        Http2Violation.SettingsMissing => (Http2ErrorCode.ProtocolError, "RFC 9113 3.4", "the first frame is not SETTINGS"),
        Http2Violation.FrameTooLarge => (Http2ErrorCode.FrameSizeError, "RFC 9113 4.2", "a frame is longer than SETTINGS_MAX_FRAME_SIZE"),
        Http2Violation.FrameLengthInvalid => (Http2ErrorCode.FrameSizeError, "RFC 9113 4.2", "a frame has a length that its type does not allow"),
        Http2Violation.StreamIdentifierInvalid => (Http2ErrorCode.ProtocolError, "RFC 9113 5.1.1", "a frame's type does not go with its stream identifier"),
        Http2Violation.StreamIdentifierReused => (Http2ErrorCode.ProtocolError, "RFC 9113 5.1.1", "a new stream's identifier is not above the last one"),
        Http2Violation.FrameOnIdleStream => (Http2ErrorCode.ProtocolError, "RFC 9113 5.1", "a frame came for a stream that is idle"),
        Http2Violation.FrameOnClosedStream => (Http2ErrorCode.StreamClosed, "RFC 9113 5.1", "a frame came for a stream that the peer had closed"),
        Http2Violation.PaddingTooLong => (Http2ErrorCode.ProtocolError, "RFC 9113 6.1", "the padding is as long as the payload or longer"),
        Http2Violation.HeaderBlockInterrupted => (Http2ErrorCode.ProtocolError, "RFC 9113 6.2", "a field block is followed by something other than its CONTINUATION"),
        Http2Violation.ContinuationUnexpected => (Http2ErrorCode.ProtocolError, "RFC 9113 6.10", "a CONTINUATION continues nothing"),
        Http2Violation.PushForbidden => (Http2ErrorCode.ProtocolError, "RFC 9113 8.4", "a PUSH_PROMISE came where none is allowed"),
        Http2Violation.CompressionBroken => (Http2ErrorCode.CompressionError, "RFC 9113 4.3", "a field block cannot be decompressed"),
        Http2Violation.SettingsAckWithPayload => (Http2ErrorCode.FrameSizeError, "RFC 9113 6.5", "an acknowledgement of SETTINGS has a payload"),
        Http2Violation.SettingsAckUnexpected => (Http2ErrorCode.ProtocolError, "RFC 9113 6.5.3", "SETTINGS are acknowledged that were not sent"),
        Http2Violation.SettingsValueInvalid => (Http2ErrorCode.ProtocolError, "RFC 9113 6.5.2", "a setting has a value that is not allowed"),
        Http2Violation.SettingsWindowTooLarge => (Http2ErrorCode.FlowControlError, "RFC 9113 6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE makes a window larger than 2^31-1"),
        Http2Violation.SettingsTimeout => (Http2ErrorCode.SettingsTimeout, "RFC 9113 6.5.3", "our SETTINGS were not acknowledged in time"),
        Http2Violation.WindowIncrementZero => (Http2ErrorCode.ProtocolError, "RFC 9113 6.9", "a WINDOW_UPDATE of the connection adds nothing"),
        Http2Violation.WindowOverflow => (Http2ErrorCode.FlowControlError, "RFC 9113 6.9.1", "a WINDOW_UPDATE makes the connection's window larger than 2^31-1"),
        Http2Violation.WindowExceeded => (Http2ErrorCode.FlowControlError, "RFC 9113 6.9.1", "more content came than the connection's window allows"),
        Http2Violation.GoAwayIncreased => (Http2ErrorCode.ProtocolError, "RFC 9113 6.8", "a GOAWAY counts streams that an earlier one had given up"),
        Http2Violation.KeepAliveTimeout => (Http2ErrorCode.NoError, "Envoy connection_keepalive", "a PING was not acknowledged in time"),
        Http2Violation.HeadTimeout => (Http2ErrorCode.NoError, "Envoy request_headers_timeout", "a field block, or a frame that counts only when it is whole, was not completed in time"),
        Http2Violation.MessageMalformed => (Http2ErrorCode.ProtocolError, "RFC 9113 8.1.1", "a message is malformed, and the options make that a connection error"),
        Http2Violation.StreamFrameLengthInvalid => (Http2ErrorCode.FrameSizeError, "RFC 9113 6.3", "a PRIORITY frame does not have five octets"),
        Http2Violation.StreamWindowIncrementZero => (Http2ErrorCode.ProtocolError, "RFC 9113 6.9", "a WINDOW_UPDATE of a stream adds nothing"),
        Http2Violation.StreamWindowOverflow => (Http2ErrorCode.FlowControlError, "RFC 9113 6.9.1", "a WINDOW_UPDATE makes a stream's window larger than 2^31-1"),
        Http2Violation.StreamWindowExceeded => (Http2ErrorCode.FlowControlError, "RFC 9113 6.9.1", "more content came than the stream's window allows"),
        Http2Violation.FrameAfterEndOfStream => (Http2ErrorCode.StreamClosed, "RFC 9113 5.1", "a frame came after END_STREAM"),
        Http2Violation.StreamMessageMalformed => (Http2ErrorCode.ProtocolError, "RFC 9113 8.1.1", "a message is malformed"),
        Http2Violation.StreamRefused => (Http2ErrorCode.RefusedStream, "RFC 9113 5.1.2", "more streams are open than SETTINGS_MAX_CONCURRENT_STREAMS allows"),
        Http2Violation.RapidResetFlood => Flood("the client resets its streams as soon as it opens them"),
        Http2Violation.ProvokedResetFlood => Flood("the peer makes us reset the streams that it opens"),
        Http2Violation.ContinuationFlood => Flood("a field block has more CONTINUATION frames than the limit"),
        Http2Violation.HeaderBlockFlood => Flood("a compressed field block is longer than the limit"),
        Http2Violation.HeaderExpansionFlood => Flood("the fields of a block are larger, or more, than twice the limit once they are decompressed"),
        Http2Violation.SettingsFlood => Flood("SETTINGS come more often, or with more entries, than the limit"),
        Http2Violation.PingFlood => Flood("PINGs come more often than the limit"),
        Http2Violation.EmptyFramesFlood => Flood("frames without payload come one after the other"),
        Http2Violation.PriorityFlood => Flood("PRIORITY frames come more often than the limit"),
        Http2Violation.WindowUpdateFlood => Flood("WINDOW_UPDATE frames come more often than the limit"),
        Http2Violation.UnknownFramesFlood => Flood("frames of unknown types come more often than the limit"),
        Http2Violation.ClosedStreamFlood => Flood("frames on closed streams come more often than the limit"),
        Http2Violation.GoAwayFlood => Flood("GOAWAY comes more often than the limit"),
        Http2Violation.InitialWindowFlood => Flood("SETTINGS_INITIAL_WINDOW_SIZE changes more often than the limit"),
        Http2Violation.WindowDribbleFlood => Flood("windows are opened by so little that content leaves in crumbs"),
        Http2Violation.HeaderOverflowFlood => Flood("field sections above the limit come more often than the limit"),
        Http2Violation.SlowReaderFlood => Flood("the client lets many streams wait for a window and opens none"),
        Http2Violation.OutboundFlood => Flood("the peer does not read, and more frames wait for it than the limit"),
        Http2Violation.OutboundControlFlood => Flood("the peer does not read, and more control frames wait for it than the limit"),
        _ => throw new UnreachableException($"no description for {violation}"),
    };

    private static (Http2ErrorCode Code, string Clause, string Reason) Flood(string reason) => (Http2ErrorCode.EnhanceYourCalm, "RFC 9113 10.5", reason);
}
