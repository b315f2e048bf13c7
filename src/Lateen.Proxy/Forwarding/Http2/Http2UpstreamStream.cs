using System.Net;
using Lateen.Http;
using Lateen.Net.Tls;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;

namespace Lateen.Proxy.Forwarding.Http2;

/// <summary>One attempt over an HTTP/2 connection: a request on its way out and the response to it.</summary>
/// <remarks>Owner thread only; reused from attempt to attempt, over all connections of its reactor.</remarks>
internal sealed class Http2UpstreamStream : UpstreamStream
{
    private readonly Http2Content _content;
    private readonly Http2Sink _sink = new();
    private Http2UpstreamConnection _connection = null!;
    private Http2Stream? _stream;
    private HttpExchange _exchange = null!;
    private bool _awaitsSettings;
    private WakeSignal _user = null!;
    private FailureCause _failure;
    private int _interimCount;
    private bool _hasHead;
    private bool _hasFailed;
    private bool _isSwitch;

    public Http2UpstreamStream(ProxyWorker worker) => _content = new Http2Content(worker.Reactor.Buffers);

    public override long ConnectionId => _connection.Id;

    public override EndPoint LocalAddress => _connection.Transport.LocalEndPoint;

    public override TlsSession? Tls => (_connection.Transport as TlsConnection)?.Session;

    public override HttpProtocol? Protocol => HttpProtocol.Http2;

    public override bool IsConnectionReused => _connection.Requests > 1;

    public override bool HasResponseBegun => _hasHead;

    public override FailureCause Failure => _failure;

    public override ContentSource Content => _content;

    public override ContentSink Sink => _sink;

    /// <summary>It is in its connection's list of those with news.</summary>
    public bool IsQueued { get; set; }

    /// <summary>The next one in that list.</summary>
    public Http2UpstreamStream? NextQueued { get; set; }

    /// <summary>Gives the stream to one attempt.</summary>
    public void Attach(Http2UpstreamConnection connection, WakeSignal user)
    {
        _connection = connection;
        _user = user;
        _failure = default;
        _interimCount = 0;
        _hasHead = _hasFailed = _isSwitch = false;
        _content.Attach(connection.Http2);
        _sink.Attach(connection.Link, connection.Http2, user);
    }

    /// <summary>Whoever uses the stream looks at it.</summary>
    public void Wake() => _user.Wake();

    public override bool TrySendHead(HttpExchange exchange)
    {
        _exchange = exchange;
        _isSwitch = exchange.IsUpgrade && !RequestUpgrade.IsConnect(exchange.Request);
        // Whether the server takes an extended CONNECT is said in its first SETTINGS (RFC 8441 section 3).
        if (_isSwitch && !_connection.IsSettled)
        {
            _awaitsSettings = true;
            _connection.AwaitSettings(this);
            return true;
        }

        return Send();
    }

    /// <summary>The server's SETTINGS came.</summary>
    public void OnSettings()
    {
        _awaitsSettings = false;
        if (!Send()) OnReset(FailureCause.HeadTooLarge);
    }

    public void OnInterim()
    {
        if (++_interimCount > MaxInterims) OnReset(FailureCause.Malformed);
        else _exchange.Interims?.OnInterim();
    }

    public void OnResponse(bool endStream)
    {
        // Too many interim ones have failed it already.
        if (_hasFailed) return;
        _hasHead = true;
        if (endStream) _content.End();
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
        _hasFailed = true;
        _failure = cause;
        _content.Fail(cause);
        _sink.Fail();
    }

    public override HeadStatus ReadHead(HttpResponseHead head)
    {
        if (!_hasHead) return _hasFailed ? HeadStatus.Failed : HeadStatus.Wait;
        if (_isSwitch) GrantSwitch(head);
        return HeadStatus.Complete;
    }

    public override void StartTunnel()
    {
        // The stream's DATA frames are the tunnel already.
    }

    public override void Release(bool isRequestComplete)
    {
        bool isComplete = isRequestComplete && _hasHead && _content.IsEnded;
        Http2Stream? stream = _stream;
        Http2UpstreamConnection connection = _connection;
        if (_awaitsSettings) connection.ForgetWaiting(this);
        _awaitsSettings = false;
        _stream = null;
        _exchange = null!;
        _content.Detach();
        _sink.Detach();
        _connection = null!;
        _user = null!;
        connection.EndStream(this, stream, isComplete);
    }

    private bool Send()
    {
        HttpRequestHead request = _exchange.Request;
        if (_isSwitch)
        {
            if (!_connection.AllowsExtendedConnect)
            {
                OnReset(FailureCause.UpgradeRefused);
                return true;
            }

            request.SetMethod(RequestMethod.Connect);
            request.SetConnectProtocol(request.Upgrade);
        }

        bool endStream = !request.HasBody && !_exchange.IsUpgrade;
        OpenOutcome outcome = _connection.TryOpen(this, _exchange, endStream, out _stream);
        if (_isSwitch) request.SetMethod(RequestMethod.Get);
        switch (outcome)
        {
            case OpenOutcome.Opened:
                _content.Begin(_stream!);
                _sink.Begin(_stream!, isEnded: endStream);
                return true;
            case OpenOutcome.Refused:
                OnReset(FailureCause.StreamRefused);
                return true;
            default:
                return false;
        }
    }

    /// <summary>A 2xx to an extended CONNECT is what 101 is in HTTP/1.1 (RFC 8441 section 5).</summary>
    private void GrantSwitch(HttpResponseHead head)
    {
        _isSwitch = false;
        if (head.Status is < 200 or >= 300) return;
        head.SetStatus(101);
        head.SetUpgrade(_exchange.Request.Upgrade);
        head.SetBody(BodyFraming.Tunnel);
    }
}

/// <summary>What came of opening a stream.</summary>
internal enum OpenOutcome : byte
{
    Opened,

    /// <summary>The connection takes no stream any more; nothing was sent.</summary>
    Refused,

    /// <summary>The head is larger than the peer takes.</summary>
    TooLarge,
}
