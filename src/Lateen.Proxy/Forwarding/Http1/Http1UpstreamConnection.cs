using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Http1;

/// <summary>
/// A connection to an endpoint that speaks HTTP/1.1: one exchange at a time, idle in its pool in between.
/// </summary>
/// <remarks>
/// Owner thread only. Whatever the peer sends while the connection is idle, bytes or FIN, makes it useless: nobody asked for it, so it is
/// closed in the turn in which the event comes.
/// </remarks>
internal sealed class Http1UpstreamConnection : UpstreamConnection, ITransportObserver
{
    private readonly Http1UpstreamStream _stream;

    public Http1UpstreamConnection(UpstreamPool pool, TransportConnection transport, long id)
        : base(pool, transport, id)
    {
        _stream = new Http1UpstreamStream(this);
        transport.Observer = this;
    }

    public ReactorRandom Random => Pool.Random;

    public override int Capacity => ActiveStreams == 0 ? 1 : 0;

    /// <summary>A request may be sent: the peer has said nothing, and has not closed.</summary>
    public override bool IsUsable => !Transport.IsClosed && !Transport.IsPeerClosed && !Transport.CanRead;

    /// <summary>The exchange is through with the stream.</summary>
    /// <param name="isClean">Both messages are complete, and nothing of them is left anywhere.</param>
    /// <param name="wasActive">Counted when the connection closes: the exchange was still using it.</param>
    public void EndStream(bool isClean, bool wasActive)
    {
        CountEnded();
        if (isClean && IsSilent()) Pool.OnStreamEnded(this);
        else CloseTransport(wasActive);
    }

    public override void Retire()
    {
        if (ActiveStreams == 0) CloseTransport(wasActive: false);
    }

    public override void Close() => CloseTransport(wasActive: ActiveStreams > 0);

    void ITransportObserver.OnReady(TransportConnection connection)
    {
        if (ActiveStreams > 0) _stream.Wake();
        else if (IsListed && !IsSilent()) Pool.OnUnusable(this);
    }

    protected override UpstreamStream OpenStream(WakeSignal user)
    {
        _stream.Begin(user, Pool.Settings);
        return _stream;
    }

    /// <summary>
    /// Usable, after a look where it is not known that nothing has come: the last read filled its buffer to the brim, or TLS had something to
    /// say to itself.
    /// </summary>
    private bool IsSilent()
    {
        if (Transport.CanRead && !Transport.IsPeerClosed)
        {
            Span<byte> one = stackalloc byte[1];
            if (Transport.Read(one).Status != IoStatus.WouldBlock) return false;
        }

        return IsUsable;
    }
}
