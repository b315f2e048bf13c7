namespace Lateen.Http;

/// <summary>Who ended a stream before its messages were complete; it decides whether the request may be sent again.</summary>
public enum Http2ResetOrigin : byte
{
    /// <summary>The peer sent RST_STREAM. With <see cref="Http2ErrorCode.RefusedStream"/> it has done nothing with the request (RFC 9113 section 8.7).</summary>
    Peer = 0,

    /// <summary>We found a stream error in what the peer sent, and sent RST_STREAM.</summary>
    StreamError,

    /// <summary>The peer's GOAWAY does not count the stream among those that it will answer: it has done nothing with the request (RFC 9113 section 6.8).</summary>
    GoAway,

    /// <summary>The connection ended under the stream: by a connection error, by <see cref="Http2Connection.Close"/>, or because the transport did.</summary>
    Connection,
}
