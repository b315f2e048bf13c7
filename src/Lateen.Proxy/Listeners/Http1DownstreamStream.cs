using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Http1;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// Everything that an HTTP/1.1 connection needs while a request is on it: buffers, parser state, the exchange and its forwarder. Rented when
/// the first byte of a request arrives and given back when the last one left, so that an idle connection costs nothing of it.
/// </summary>
internal sealed class Http1DownstreamStream : DownstreamStream
{
    /// <summary>A request's content of which at most this much is still to come is read to its end after an early response, so that the connection can go on. Octets.</summary>
    public const int MaxDrainedOctets = 64 * 1024;

    private readonly Http1Receiver _receiver;
    private readonly Http1Sender _sender;
    private Http1Session _session = null!;
    private TransportConnection _transport = null!;
    private Http1Limits _limits = Http1Limits.Default;
    private ResponsePlan _plan;
    private bool _hasSentHead;
    private bool _isReset;
    private bool _isTunnel;

    public Http1DownstreamStream(ProxyWorker worker)
    {
        _receiver = new Http1Receiver(worker.Reactor.Buffers);
        _sender = new Http1Sender(worker.Reactor.Buffers);
        Forwarder = new Forwarder(worker);
    }

    public Forwarder Forwarder { get; }

    public HttpExchange Exchange => Forwarder.Exchange;

    /// <summary>Bytes from the client that nobody has looked at yet.</summary>
    public ReadBuffer Buffer => _receiver.Buffer;

    /// <summary>A client that only ends its sending is gone, as Envoy sees it; in a tunnel each direction ends for itself.</summary>
    public override bool IsPeerGone => _transport.IsClosed || (!_isTunnel && _transport.IsPeerClosed);

    public override ContentSource Content => _receiver;

    public override ContentSink Sink => _sender;

    /// <summary>Its last exchange was cut off.</summary>
    public bool IsReset => _isReset;

    /// <summary>Nothing of the request is still to come.</summary>
    public bool IsContentRead => _receiver.IsComplete;

    /// <summary>After the exchange: the response was sent whole, and the client was told that it may send another request.</summary>
    public bool MayContinue => _hasSentHead && !_isReset && _plan.KeepAlive && !_sender.HasFailed;

    public void Attach(Http1Session session, TransportConnection transport, uint bufferLimit, bool enablesTrailers)
    {
        _session = session;
        _transport = transport;
        _receiver.Attach(transport, bufferLimit, enablesTrailers);
        _sender.Attach(transport, enablesTrailers);
    }

    /// <summary>The head is complete: gets ready for the content and the response.</summary>
    public void BeginMessage(Http1Limits limits)
    {
        _hasSentHead = false;
        _isReset = false;
        _isTunnel = false;
        _limits = limits;
        _receiver.StartContent(Exchange.Request, limits);
    }

    /// <summary>The message is through; bytes of the next one stay.</summary>
    public void EndMessage()
    {
        _receiver.EndMessage();
        Exchange.Request.Reset();
    }

    public void Detach()
    {
        _receiver.Detach();
        _sender.Detach();
        Exchange.Request.Reset();
        _session = null!;
        _transport = null!;
    }

    public override bool? TrySendHead(HttpExchange exchange, bool isRequestComplete)
    {
        HttpRequestHead request = exchange.Request;
        bool keepAlive = request.KeepAlive && _session.MayKeepAlive && request.Rejection.Code == HttpRejectionCode.None
            && (isRequestComplete || (request.Framing == BodyFraming.Length && request.ContentLength - exchange.Record.BytesReceived <= MaxDrainedOctets));
        if (exchange.Response.Status == 101) WebSocketHandshake.EnsureAccept(request, exchange.Response);
        _plan = ResponsePlan.For(exchange.Response, request.Method, request.Protocol, keepAlive);
        if (!_sender.TrySendHead(exchange.Response, _plan, out int octets)) return null;
        exchange.Record.ResponseHeadBytes = octets;
        _hasSentHead = true;
        return _plan.Framing != BodyFraming.None;
    }

    public override void SendInterim(HttpResponseHead head)
    {
        if (_sender.IsBlocked) return;
        _sender.SendInterim(head);
        _sender.Flush();
    }

    public override void SendContinue()
    {
        _sender.SendInterim(Http1Writer.Continue);
        _sender.Flush();
    }

    public override void StartTunnel()
    {
        _isTunnel = true;
        Exchange.Request.SetBody(BodyFraming.Tunnel);
        _receiver.StartContent(Exchange.Request, _limits);
    }

    public override void Reset()
    {
        _isReset = true;
        if (!_hasSentHead) return;
        // Length and chunks show the client that something is missing; content that ends with the connection needs an RST for that.
        if (_plan.Framing is BodyFraming.UntilClose or BodyFraming.Tunnel) _transport.Abort();
        else _sender.Flush();
    }
}
