namespace Lateen.Http;

/// <summary>The client's side of an HTTP/2 connection: requests go, responses come. See <see cref="Http2Connection"/>.</summary>
public sealed class Http2ClientConnection : Http2Connection
{
    private readonly IHttp2ClientSession _session;
    private readonly Http2ResponseReader _reader;

    /// <summary>A connection over a transport to a server that is known to speak HTTP/2, or chose it by ALPN.</summary>
    /// <param name="options">The cluster's decisions about HTTP/2.</param>
    /// <param name="limits">Bounds on responses, the same as for HTTP/1.1.</param>
    /// <param name="pool">Stream objects of this thread.</param>
    public Http2ClientConnection(
        Http2Options options, Http1Limits limits, IHttp2ClientSession session, IHttp2Output output, Http2StreamPool pool, Http2Counters counters)
        : base(options, limits, session, output, pool, counters)
    {
        _session = session;
        _reader = new Http2ResponseReader(limits);
    }

    /// <summary>
    /// What <c>:scheme</c> says in every request; null writes the request's own. Servers refuse a scheme that does not fit their transport (RFC 9113
    /// section 8.3.1 leaves them free to; Kestrel does), so where TLS ends before the last hop the request's own would not get through.
    /// </summary>
    public RequestScheme? Scheme
    {
        get => Heads.Scheme;
        init => Heads.Scheme = value;
    }

    /// <summary>Streams that may be opened now: what the peer's limit, ours and the identifiers leave; 0 once the connection drains or has ended. Before the peer's SETTINGS came its limit is unknown, and none.</summary>
    public int FreeStreams
    {
        get
        {
            if (HasEnded || IsDraining) return 0;
            int limit = (int)Math.Min(Peer.MaxConcurrentStreams, (uint)Options.MaxConcurrentStreams);
            // An identifier is used once, and the last one comes in the life of a busy connection (RFC 9113 section 5.1.1).
            int identifiers = ((int.MaxValue - NextStreamId) / 2) + 1;
            return Math.Max(0, Math.Min(limit - ActiveStreams, identifiers));
        }
    }

    /// <summary>True when <see cref="OpenStream"/> is possible.</summary>
    public bool CanOpenStream => FreeStreams > 0;

    /// <summary>The server takes extended CONNECT (RFC 8441 section 3). False until its SETTINGS came.</summary>
    public bool AllowsExtendedConnect => Peer.EnableConnectProtocol;

    internal override bool IsServer => false;

    /// <summary>What the next stream is called. Odd; 2^31-1 is the last (RFC 9113 section 5.1.1).</summary>
    internal int NextStreamId { get; set; } = 1;

    /// <summary>Opens a stream with a request.</summary>
    /// <param name="request">Its hop-by-hop fields are stripped. An extended CONNECT needs <see cref="AllowsExtendedConnect"/>.</param>
    /// <param name="response">What the response is read into. It is the stream's until the release.</param>
    /// <param name="user">For <see cref="Http2Stream.User"/>.</param>
    /// <param name="endStream">Neither content nor trailers follow.</param>
    /// <param name="nowMilliseconds">The session's clock: on a connection that was silent a PING goes first, which moves <see cref="Http2Connection.NextDeadline"/>.</param>
    /// <returns>
    /// The stream; null, and nothing is sent, when <see cref="CanOpenStream"/> is false, or else when the server has said that it takes no head so
    /// large.
    /// </returns>
    public Http2Stream? OpenStream(HttpRequestHead request, HttpResponseHead response, object? user, bool endStream, long nowMilliseconds)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(response);
        if (!CanOpenStream) return null;
        if (!request.ConnectProtocol.IsEmpty && !AllowsExtendedConnect)
            throw new InvalidOperationException("the server has not offered extended CONNECT");
        Now = nowMilliseconds;
        if (Liveness.WantsPingBeforeStream(Now)) Frames.WritePing(Liveness.OnPing(Now), isAck: false);
        if (!Heads.TryWriteRequest(NextStreamId, request, endStream)) return null;
        Http2Stream stream = OpenStream(NextStreamId);
        stream.User = user;
        stream.Response = response;
        stream.Method = request.Method;
        stream.IsHeadSent = true;
        if (NextStreamId == int.MaxValue) BeginDrain(); // The identifiers are used up (RFC 9113 section 5.1.1).
        else NextStreamId += 2;
        if (endStream) EndLocal(stream);
        return stream;
    }

    internal override void OnNewStreamBlock(int streamId, bool endStream, ReadOnlySpan<byte> block) => Fail(Http2Violation.FrameOnIdleStream);

    internal override void OnResponseBlock(Http2Stream stream, bool endStream, ReadOnlySpan<byte> block)
    {
        HttpResponseHead head = stream.Response!;
        head.Reset();
        HttpRejectionCode code = _reader.Read(Decoder, block, head, stream.Method, endStream);
        if (Decoder.IsBroken) return;
        if (code != HttpRejectionCode.None)
        {
            head.Rejection = new HttpRejection(code, ofResponse: true);
            NoteOverflow(code);
            if (!HasEnded) FailMessage(stream, code);
            return;
        }

        if (head.Status < 200)
        {
            _session.OnInterimResponse(stream);
            return;
        }

        stream.HasFinalHead = true;
        bool isWithoutContent = stream.Method == RequestMethod.Head || head.Status is 204 or 304;
        stream.ExpectedOctets = isWithoutContent ? 0 : head.Framing == BodyFraming.Tunnel ? -1 : head.ContentLength;
        if (endStream) EndRemote(stream);
        _session.OnResponse(stream, endStream);
    }
}
