using System.Diagnostics;

namespace Lateen.Http;

/// <summary>The server's side of an HTTP/2 connection: requests come, responses go. See <see cref="Http2Connection"/>.</summary>
public sealed class Http2ServerConnection : Http2Connection
{
    private readonly IHttp2ServerSession _session;
    private readonly Http2RequestReader _reader;

    /// <summary>A connection over a transport that begins with the client's preface, whether by prior knowledge or by ALPN.</summary>
    /// <param name="options">The listener's decisions about HTTP/2.</param>
    /// <param name="requests">Its decisions about requests, the same as for HTTP/1.1: bounds, paths, scheme, underscores.</param>
    /// <param name="pool">Stream objects of this thread.</param>
    public Http2ServerConnection(
        Http2Options options, Http1RequestOptions requests, IHttp2ServerSession session, IHttp2Output output, Http2StreamPool pool, Http2Counters counters)
        : base(options, LimitsOf(requests), session, output, pool, counters)
    {
        _session = session;
        _reader = new Http2RequestReader(requests, options.AllowConnect);
    }

    /// <summary>What each connection begins with, 24 octets: <c>PRI * HTTP/2.0</c>, two empty lines with <c>SM</c> between (RFC 9113 section 3.4).</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    internal override bool IsServer => true;

    /// <summary>
    /// Sends the final response's head. Declares the head's <see cref="HttpResponseHead.ContentLength"/>, if it has one and the status allows it.
    /// </summary>
    /// <param name="endStream">Neither content nor trailers follow.</param>
    /// <returns>False, and nothing is sent, when the client has said that it takes no head so large.</returns>
    public bool SendResponse(Http2Stream stream, HttpResponseHead head, bool endStream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(head);
        if (stream.IsClosed || stream.IsLocalEnded || HasEnded) return true;
        Debug.Assert(!stream.IsHeadSent, "a second response");
        bool isTunnel = stream.Method == RequestMethod.Connect && head.Status is >= 200 and < 300;
        long length = isTunnel || head.Status == 204 ? -1 : head.ContentLength;
        if (!Heads.TryWriteResponse(stream.Id, head, length, endStream)) return false;
        stream.IsHeadSent = true;
        if (endStream) EndLocal(stream);
        return true;
    }

    /// <summary>Sends an interim response (1xx other than 101). One that is larger than the client takes is left out.</summary>
    public void SendInterim(Http2Stream stream, HttpResponseHead head)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(head);
        if (stream.IsClosed || stream.IsHeadSent || HasEnded) return;
        Heads.TryWriteResponse(stream.Id, head, -1, endStream: false);
    }

    /// <summary>Tells the client to go on (100).</summary>
    public void SendContinue(Http2Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.IsClosed || stream.IsHeadSent || HasEnded) return;
        Heads.WriteContinue(stream.Id);
    }

    internal override void OnNewStreamBlock(int streamId, bool endStream, ReadOnlySpan<byte> block)
    {
        // Streams that are closed but whose objects the session still holds cost us as much as open ones, so they are bounded too.
        if (ActiveStreams >= Options.MaxConcurrentStreams || RentedStreams >= 2 * Options.MaxConcurrentStreams)
        {
            Refuse(streamId, endStream, block);
            return;
        }

        Http2Stream stream = OpenStream(streamId);
        HttpRequestHead head = _session.OnStreamOpened(stream);
        stream.Request = head;
        HttpRejectionCode code = _reader.Read(Decoder, block, head, endStream, Counters);
        if (Decoder.IsBroken) return;
        stream.HasFinalHead = true;
        stream.Method = head.Method;
        stream.ExpectedOctets = head.ContentLength;
        if (code != HttpRejectionCode.None)
        {
            head.Rejection = new HttpRejection(code, ofResponse: false);
            NoteOverflow(code);
            if (HasEnded) return;
            if (Http2FieldRules.IsMalformed(code) && Options.InvalidMessages != Http2InvalidMessageAction.AnswerWithStatus)
            {
                FailMessage(stream, code);
                return;
            }

            stream.Rejection = head.Rejection;
        }

        if (endStream) EndRemote(stream);
        _session.OnRequest(stream, endStream);
    }

    internal override void OnResponseBlock(Http2Stream stream, bool endStream, ReadOnlySpan<byte> block) =>
        throw new UnreachableException("a request's head is complete when its stream is opened");

    internal override void OnHeadTimeout(int streamId)
    {
        if ((streamId & 1) == 0 || streamId <= Closed.LastId || DrainStep == Http2DrainStep.Final) return;
        Closed.Open(streamId);
        Heads.WriteStatus(streamId, 408, endStream: true);
    }

    private static Http1Limits LimitsOf(Http1RequestOptions requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        return requests.Limits;
    }

    private void Refuse(int streamId, bool endStream, ReadOnlySpan<byte> block)
    {
        Http2ResponseReader.Discard(Decoder, block);
        Closed.Open(streamId);
        Closed.Close(streamId, byPeer: endStream);
        Guard.StreamsOpened++;
        Guard.OnClosed();
        Counters.Count(Http2Violation.StreamRefused);
        WriteReset(streamId, Http2ErrorCode.RefusedStream);

        // A client cannot know the limit before it has seen our SETTINGS.
        if (!Liveness.AwaitsSettings) Provoked();
    }
}
