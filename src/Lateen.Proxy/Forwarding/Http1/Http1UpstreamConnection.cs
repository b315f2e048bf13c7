using System.Diagnostics;
using System.Net;
using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Http1;

/// <summary>
/// A connection to an endpoint that speaks HTTP/1.1: one exchange at a time, idle in its pool in between.
/// </summary>
/// <remarks>
/// Owner thread only. Holds no buffer while idle. Whatever the peer sends while the connection is idle, bytes or FIN, makes it useless:
/// nobody asked for it, so it is closed in the turn in which the event comes.
/// </remarks>
internal sealed class Http1UpstreamConnection : UpstreamStream, ITransportObserver
{
    private readonly UpstreamPool _pool;
    private readonly TransportConnection _transport;
    private readonly Http1Receiver _receiver;
    private readonly Http1Sender _sender;
    private Http1ResponseParser _parser = null!;
    private Http1Limits _limits = Http1Limits.Default;
    private WakeSignal? _user;
    private RequestMethod _method;
    private FailureCause _failure;
    private bool _hasResponseBegun;
    private bool _isResponseHeadComplete;
    private bool _keepAlive;
    private int _requests;

    public Http1UpstreamConnection(UpstreamPool pool, TransportConnection transport, long id)
    {
        _pool = pool;
        _transport = transport;
        ConnectionId = id;
        OpenedAt = transport.Reactor.NowMilliseconds;
        _receiver = new Http1Receiver(transport.Reactor.Buffers);
        _sender = new Http1Sender(transport.Reactor.Buffers);
        transport.Observer = this;
    }

    public override long ConnectionId { get; }

    public override EndPoint LocalAddress => _transport.LocalEndPoint;

    public override bool IsConnectionReused => _requests > 1;

    public override bool HasResponseBegun => _hasResponseBegun;

    public override FailureCause Failure => _failure;

    public override ContentSource Content => _receiver;

    public override ContentSink Sink => _sender;

    /// <summary>When the connection was established, on the reactor's clock.</summary>
    public long OpenedAt { get; }

    /// <summary>When it last became idle, on the reactor's clock.</summary>
    public long IdleSince { get; set; }

    /// <summary>Requests that were given to it.</summary>
    public int Requests => _requests;

    /// <summary>Neighbours in the pool's idle list.</summary>
    public Http1UpstreamConnection? Newer { get; set; }

    /// <inheritdoc cref="Newer"/>
    public Http1UpstreamConnection? Older { get; set; }

    /// <summary>Nobody uses it, and it is in the pool's idle list.</summary>
    public bool IsIdle { get; set; }

    /// <summary>A request may be sent: the peer has said nothing, and has not closed.</summary>
    public bool IsUsable => !_transport.IsClosed && !_transport.IsPeerClosed && !_transport.CanRead;

    /// <summary>Octets read from the connection so far.</summary>
    public long BytesRead => _transport.BytesRead;

    /// <summary>Octets written to the connection so far.</summary>
    public long BytesWritten => _transport.BytesWritten;

    /// <summary>Gives the connection to one exchange.</summary>
    public void Begin(WakeSignal user, Http1ResponseParser parser, Http1Limits limits)
    {
        Debug.Assert(_user is null, "one exchange at a time");
        _user = user;
        _parser = parser;
        _limits = limits;
        _requests++;
        _hasResponseBegun = false;
        _isResponseHeadComplete = false;
        _keepAlive = false;
        _failure = default;
        _receiver.Attach(_transport);
        _sender.Attach(_transport);
    }

    public override bool TrySendHead(HttpRequestHead head)
    {
        _method = head.Method;
        return _sender.TrySendHead(head, RequestWriteOptions.None);
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
                // The next head is read on the next call; the caller decides what becomes of this one.
                _hasResponseBegun = false;
                return HeadStatus.Complete;
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
        bool isClean = isRequestComplete && _keepAlive && _isResponseHeadComplete && _receiver.IsComplete
            && _receiver.Buffer.IsEmpty && _sender.IsEmpty && !_sender.HasFailed;
        _receiver.Detach();
        _sender.Detach();
        if (isClean && IsSilent()) _pool.Return(this);
        else Close(wasActive: !(_isResponseHeadComplete && isRequestComplete));
    }

    /// <summary>Usable, after a look where the last read filled its buffer to the brim and so did not learn that nothing follows.</summary>
    private bool IsSilent()
    {
        if (_transport.CanRead && !_transport.IsPeerClosed)
        {
            Span<byte> one = stackalloc byte[1];
            if (_transport.Read(one).Status != IoStatus.WouldBlock) return false;
        }

        return IsUsable;
    }

    /// <summary>Closes the connection and tells its pool.</summary>
    /// <param name="wasActive">An exchange was using it.</param>
    public void Close(bool wasActive)
    {
        bool byPeer = _transport.IsPeerClosed;
        if (!_transport.IsClosed)
        {
            _transport.Observer = null;
            _transport.Dispose();
        }

        _pool.OnClosed(this, byPeer, wasActive);
    }

    void ITransportObserver.OnReady(TransportConnection connection)
    {
        if (_user is { } user) user.Wake();
        else if (IsIdle && !IsUsable) _pool.CloseIdle(this);
    }

    private HeadStatus Fail(FailureCause cause)
    {
        _failure = cause;
        return HeadStatus.Failed;
    }
}
