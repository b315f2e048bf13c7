using System.Diagnostics;
using System.Net;
using Lateen.Http;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Http1;

/// <summary>The one stream of an HTTP/1.1 connection, used by one exchange after the other. Holds no buffer in between.</summary>
/// <remarks>Owner thread only.</remarks>
internal sealed class Http1UpstreamStream : UpstreamStream
{
    private readonly Http1UpstreamConnection _connection;
    private readonly TransportConnection _transport;
    private readonly Http1Receiver _receiver;
    private readonly Http1Sender _sender;
    private Http1ResponseParser _parser = null!;
    private IInterimReceiver? _interims;
    private int _interimCount;
    private Http1Limits _limits = Http1Limits.Default;
    private WakeSignal? _user;
    private RequestMethod _method;
    private FailureCause _failure;
    private bool _hasResponseBegun;
    private bool _isResponseHeadComplete;
    private bool _keepAlive;
    private bool _isTunnel;

    public Http1UpstreamStream(Http1UpstreamConnection connection)
    {
        _connection = connection;
        _transport = connection.Transport;
        _receiver = new Http1Receiver(_transport.Reactor.Buffers);
        _sender = new Http1Sender(_transport.Reactor.Buffers);
    }

    public override long ConnectionId => _connection.Id;

    public override EndPoint LocalAddress => _transport.LocalEndPoint;

    public override TlsSession? Tls => (_transport as TlsConnection)?.Session;

    public override HttpProtocol? Protocol => HttpProtocol.Http11;

    public override bool IsConnectionReused => _connection.Requests > 1;

    public override bool HasResponseBegun => _hasResponseBegun;

    public override FailureCause Failure => _failure;

    public override ContentSource Content => _receiver;

    public override ContentSink Sink => _sender;

    /// <summary>Gives the stream to one exchange.</summary>
    public void Begin(WakeSignal user, UpstreamSettings settings)
    {
        Debug.Assert(_user is null, "one exchange at a time");
        _user = user;
        _parser = settings.Parser;
        _limits = settings.Limits;
        _hasResponseBegun = false;
        _isResponseHeadComplete = false;
        _keepAlive = false;
        _isTunnel = false;
        _failure = default;
        _interimCount = 0;
        _receiver.Attach(_transport, settings.BufferLimit);
        _sender.Attach(_transport, settings.EnableTrailers);
    }

    public override bool TrySendHead(HttpExchange exchange)
    {
        HttpRequestHead head = exchange.Request;
        _method = head.Method;
        _interims = exchange.Interims;
        if (exchange.IsUpgrade) WebSocketHandshake.EnsureKey(head, _connection.Random);
        return _sender.TrySendHead(head, exchange.IsUpgrade ? RequestWriteOptions.ForwardUpgrade : RequestWriteOptions.None);
    }

    public override void StartTunnel()
    {
        _isTunnel = true;
        _sender.StartTunnel();
    }

    public override HeadStatus ReadHead(HttpResponseHead head)
    {
        while (true)
        {
            if (_receiver.Buffer.IsEmpty)
            {
                IoResult result = _receiver.Buffer.Fill(_transport);
                if (result.Status == IoStatus.WouldBlock) return HeadStatus.Wait;
                if (!result.IsOk) return Fail(FailureCause.PeerClosed);
            }

            // Also for bytes that came with the interim head before this one.
            if (!_hasResponseBegun)
            {
                _hasResponseBegun = true;
                head.Reset();
            }

            ParseStatus status = _parser.Parse(head, _method, _receiver.Buffer.Unread, out int consumed);
            _receiver.Buffer.Consume(consumed);
            if (status == ParseStatus.Rejected) return Fail(FailureCause.Malformed);
            if (status == ParseStatus.NeedMore)
            {
                _receiver.Buffer.ReleaseIfEmpty();
                continue;
            }

            if (head.IsInterim)
            {
                _hasResponseBegun = false;
                if (++_interimCount > MaxInterims) return Fail(FailureCause.Malformed);
                _interims?.OnInterim();
                continue;
            }

            _keepAlive = head.KeepAlive;
            _isResponseHeadComplete = true;
            _receiver.StartContent(head, _limits);
            return HeadStatus.Complete;
        }
    }

    public override void Release(bool isRequestComplete)
    {
        _user = null;
        _interims = null;
        // Over HTTP/2 a client may say that its request has ended long after the last octet.
        isRequestComplete |= _sender.IsLengthReached;
        bool isClean = isRequestComplete && _keepAlive && _isResponseHeadComplete && _receiver.IsComplete
            && _receiver.Buffer.IsEmpty && _sender.IsEmpty && !_sender.HasFailed;
        // A tunnel that is cut must not look whole to the server either: its content ends with the connection.
        if (_isTunnel && !(isRequestComplete && _receiver.IsComplete)) _transport.Abort();
        _receiver.Detach();
        _sender.Detach();
        _connection.EndStream(isClean, wasActive: !(_isResponseHeadComplete && isRequestComplete));
    }

    /// <summary>The connection has news for whoever uses it.</summary>
    public void Wake() => _user?.Wake();

    private HeadStatus Fail(FailureCause cause)
    {
        _failure = cause;
        return HeadStatus.Failed;
    }
}
