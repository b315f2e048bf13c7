using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Http2;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// One request of an HTTP/2 connection with everything that it needs while it lasts: the exchange and its forwarder, what came of its content,
/// where its response goes. Rented when the stream opens, given back when it ends.
/// </summary>
internal sealed class Http2DownstreamStream : DownstreamStream
{
    private readonly Http2Content _content;
    private readonly Http2Sink _sink = new();
    private readonly StreamSignal _signal;
    private Http2Session _session = null!;
    private Http2ServerConnection _connection = null!;
    private Http2Stream _stream = null!;
    private bool _isPeerGone;
    private FailureCause _goneCause;

    public Http2DownstreamStream(ProxyWorker worker)
    {
        _content = new Http2Content(worker.Reactor.Buffers);
        _signal = new StreamSignal(this);
        Forwarder = new Forwarder(worker);
    }

    public Forwarder Forwarder { get; }

    public HttpExchange Exchange => Forwarder.Exchange;

    public Http2Stream Stream => _stream;

    /// <summary>What the exchange is woken by.</summary>
    public WakeSignal Signal => _signal;

    /// <summary>When the stream opened, in reactor microseconds.</summary>
    public long OpenedAt { get; private set; }

    /// <summary>The request's head is complete, and its exchange may begin.</summary>
    public bool HasHead { get; set; }

    /// <summary>Its exchange is under way.</summary>
    public bool HasBegun { get; set; }

    /// <summary>It is in the session's list of those with news.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The next one in that list.</summary>
    public Http2DownstreamStream? NextQueued { get; set; }

    /// <summary>The next and the previous stream of the session.</summary>
    public Http2DownstreamStream? NextOpen { get; set; }

    /// <inheritdoc cref="NextOpen"/>
    public Http2DownstreamStream? PreviousOpen { get; set; }

    public override bool IsPeerGone => _isPeerGone;

    public override FailureCause GoneCause => _goneCause;

    public override ContentSource Content => _content;

    public override ContentSink Sink => _sink;

    public void Attach(Http2Session session, Http2Link link, Http2ServerConnection connection, Http2Stream stream, long now)
    {
        _session = session;
        _connection = connection;
        _stream = stream;
        _isPeerGone = HasHead = HasBegun = false;
        OpenedAt = now;
        _content.Attach(connection);
        _content.Begin(stream);
        _sink.Attach(link, connection, _signal);
    }

    /// <summary>The head is complete.</summary>
    /// <param name="endStream">The request has no content.</param>
    public void OnRequest(bool endStream)
    {
        HasHead = true;
        HttpRequestHead request = Exchange.Request;
        if (endStream) _content.End();
        if (request.ConnectProtocol.IsEmpty) return;
        // As Envoy has it: routes, filters and logs see the request that HTTP/1.1 would have made of it (RFC 8441 section 5).
        request.SetUpgrade(request.ConnectProtocol);
        request.SetMethod(RequestMethod.Get);
        request.SetBody(BodyFraming.None);
    }

    public void OnData(ReadOnlySpan<byte> payload, bool endStream)
    {
        _content.Add(payload);
        if (endStream) _content.End();
    }

    public void OnTrailers() => _content.End();

    public void OnWindow() => _sink.OnWindow();

    /// <summary>The stream is no more.</summary>
    public void OnReset(FailureCause cause)
    {
        _isPeerGone = true;
        _goneCause = cause;
        _content.Fail(cause);
        _sink.Fail();
    }

    /// <summary>Nothing of it is in use any more.</summary>
    public void Detach()
    {
        _content.Detach();
        _sink.Detach();
        Exchange.Request.Reset();
        _session = null!;
        _connection = null!;
        _stream = null!;
    }

    public override bool? TrySendHead(HttpExchange exchange, bool isRequestComplete)
    {
        HttpResponseHead response = exchange.Response;
        HttpRequestHead request = exchange.Request;
        ResponsePlan plan = ResponsePlan.For(response, request.Method, HttpProtocol.Http2, keepAlive: true);
        bool endStream = plan.Framing == BodyFraming.None;
        bool isSwitch = response.Status == 101;
        if (isSwitch)
        {
            // HTTP/2 has no 101: the tunnel is granted with 200 (RFC 8441 section 5). The log keeps what happened.
            WebSocketHandshake.DropAccept(response);
            response.SetStatus(200);
        }

        int before = _session.PendingOctets;
        bool isSent = _connection.SendResponse(_stream, response, endStream);
        if (isSwitch) response.SetStatus(101);
        if (!isSent) return null;
        exchange.Record.ResponseHeadBytes = _session.PendingOctets - before;
        // Content of a known length that cannot have trailers ends with its last octet.
        bool mayHaveTrailers = exchange.Record.UpstreamProtocol == HttpProtocol.Http2 && exchange.Record.UpstreamConnectionId > 0;
        _sink.Begin(_stream, endStream, plan.Framing == BodyFraming.Length && !mayHaveTrailers ? plan.ContentLength : -1);
        return !endStream;
    }

    public override void SendInterim(HttpResponseHead head)
    {
        if (!_session.IsFull) _connection.SendInterim(_stream, head);
    }

    public override void SendContinue()
    {
        _connection.SendContinue(_stream);
        _sink.Flush();
    }

    public override void StartTunnel()
    {
        // The stream's DATA frames are the tunnel already.
    }

    public override void OnFlushTimeout() => _session.CountFlushTimeout();

    public override void Reset()
    {
        if (_isPeerGone) return;
        bool isConnect = Exchange.IsTunnel && RequestUpgrade.IsConnect(Exchange.Request);
        _session.Reset(_stream, isConnect ? Http2ErrorCode.ConnectError : Http2ErrorCode.InternalError); // RFC 9113 section 8.5.
        OnReset(FailureCause.PeerClosed);
    }

    private sealed class StreamSignal(Http2DownstreamStream stream) : WakeSignal
    {
        public override void Wake() => stream._session?.OnNews(stream);
    }
}
