namespace Lateen.Http;

/// <summary>
/// What a <see cref="Http2Connection"/> tells its owner. Events come from inside <see cref="Http2Connection.Receive"/>,
/// <see cref="Http2Connection.CheckTime"/>, <see cref="Http2Connection.Close"/> and <see cref="Http2Connection.TransportClosed"/>. In an event the
/// session may send, reset, consume and release on any stream; it must not call one of those four again.
/// </summary>
public interface IHttp2Session
{
    /// <summary>
    /// Content of a stream, in pieces as they arrive. Whoever takes them says so by <see cref="Http2Connection.Consume"/>, now or later: until then
    /// they count against the windows, and that is the back-pressure.
    /// </summary>
    /// <param name="payload">Valid during the call. Empty only together with <paramref name="endStream"/>.</param>
    /// <param name="endStream">The message is complete, without trailers.</param>
    void OnData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream);

    /// <summary><see cref="Http2Stream.Trailers"/> came, and with them the end of the message.</summary>
    void OnTrailers(Http2Stream stream);

    /// <summary>
    /// The stream is closed and will see no other event. What was received of it stays with the session, which still has to release it.
    /// Does not follow the session's own <see cref="Http2Connection.Reset"/>.
    /// </summary>
    void OnReset(Http2Stream stream, Http2ErrorCode error, Http2ResetOrigin origin);

    /// <summary>A stream that was told it may send nothing, or less than it had, may send again.</summary>
    void OnWindow(Http2Stream stream);

    /// <summary>The peer's SETTINGS came and hold from now on.</summary>
    void OnSettings();

    /// <summary>
    /// The peer will end the connection and wants no new streams. Those of ours that it will not answer had their
    /// <see cref="OnReset"/> with <see cref="Http2ResetOrigin.GoAway"/> before this.
    /// </summary>
    void OnGoAway(Http2ErrorCode error);
}

/// <summary>The events of a server's side.</summary>
public interface IHttp2ServerSession : IHttp2Session
{
    /// <summary>
    /// A request begins. The session says which head it will be read into, and may set <see cref="Http2Stream.User"/>.
    /// </summary>
    /// <returns>A head that is reset and that stays the stream's until the release.</returns>
    HttpRequestHead OnStreamOpened(Http2Stream stream);

    /// <summary>
    /// The head is complete. When <see cref="HttpRequestHead.Rejection"/> is set, answer with its status, forward nothing and release the
    /// stream. A malformed request (RFC 9113 section 8.1.1) comes here only under <see cref="Http2InvalidMessageAction.AnswerWithStatus"/>;
    /// otherwise it ends with <see cref="IHttp2Session.OnReset"/>.
    /// </summary>
    /// <param name="endStream">There is no content.</param>
    void OnRequest(Http2Stream stream, bool endStream);
}

/// <summary>The events of a client's side.</summary>
public interface IHttp2ClientSession : IHttp2Session
{
    /// <summary>An interim response (1xx) is in <see cref="Http2Stream.Response"/>, which is reset after this call and read into again.</summary>
    void OnInterimResponse(Http2Stream stream);

    /// <summary><see cref="Http2Stream.Response"/> is complete.</summary>
    /// <param name="endStream">There is no content.</param>
    void OnResponse(Http2Stream stream, bool endStream);
}
