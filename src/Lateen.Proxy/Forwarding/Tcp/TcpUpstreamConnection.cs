using Lateen.Net;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Tcp;

/// <summary>
/// A connection to an endpoint that carries the bytes of one CONNECT tunnel and nothing else (<c>connect_config</c>): it serves one exchange
/// and ends with it.
/// </summary>
/// <remarks>Owner thread only. What the server says before somebody listens stays in the socket.</remarks>
internal sealed class TcpUpstreamConnection : UpstreamConnection, ITransportObserver
{
    private readonly TcpUpstreamStream _stream;

    public TcpUpstreamConnection(UpstreamPool pool, TransportConnection transport, long id)
        : base(pool, transport, id)
    {
        _stream = new TcpUpstreamStream(this);
        transport.Observer = this;
    }

    public override int Capacity => Requests == 0 ? 1 : 0;

    public override bool IsUsable => !Transport.IsClosed && !Transport.IsPeerClosed;

    /// <summary>The tunnel has ended.</summary>
    /// <param name="isComplete">Each side has ended its direction. Otherwise the server must not take what it has for the whole (RFC 9113 section 8.5).</param>
    public void EndStream(bool isComplete)
    {
        CountEnded();
        if (!isComplete) Transport.Abort();
        CloseTransport(wasActive: !isComplete);
    }

    public override void Retire()
    {
        if (ActiveStreams == 0) CloseTransport(wasActive: false);
    }

    public override void Close() => CloseTransport(wasActive: ActiveStreams > 0);

    void ITransportObserver.OnReady(TransportConnection connection)
    {
        if (ActiveStreams > 0) _stream.Wake();
        else if (IsListed && !IsUsable) Pool.OnUnusable(this);
    }

    protected override UpstreamStream OpenStream(WakeSignal user)
    {
        _stream.Begin(user, Pool.Settings);
        return _stream;
    }
}
