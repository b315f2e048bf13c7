namespace Lateen.Http;

/// <summary>
/// What becomes of a malformed message, RFC 9113 section 8.1.1: the section makes it a stream error of PROTOCOL_ERROR and lets a server answer first.
/// </summary>
public enum Http2InvalidMessageAction : byte
{
    /// <summary>RST_STREAM; the connection goes on. Envoy's <c>override_stream_error_on_invalid_http_message: true</c>.</summary>
    ResetStream = 0,

    /// <summary>A request is handed to the session to be answered with the status of its rejection; anything else as <see cref="ResetStream"/>.</summary>
    AnswerWithStatus,

    /// <summary>GOAWAY. Envoy's <c>override_stream_error_on_invalid_http_message: false</c>.</summary>
    CloseConnection,
}
