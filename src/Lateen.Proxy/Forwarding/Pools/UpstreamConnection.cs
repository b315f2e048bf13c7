using Lateen.Net;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Pools;

/// <summary>
/// A connection to an endpoint as its pool sees it, whatever protocol it speaks: how many more streams it can carry, and how it ends.
/// </summary>
/// <remarks>Owner thread only. It tells its pool when a stream has ended, when it can carry more or fewer, and when it is closed.</remarks>
internal abstract class UpstreamConnection(UpstreamPool pool, TransportConnection transport, long id)
{
    /// <summary>Numbers the connection in this process.</summary>
    public long Id { get; } = id;

    /// <summary>When the connection was established, on the reactor's clock.</summary>
    public long OpenedAt { get; } = transport.Reactor.NowMilliseconds;

    /// <summary>When its last stream ended, on the reactor's clock. Kept by the pool.</summary>
    public long IdleSince { get; set; }

    /// <summary>Streams that were ever opened on it.</summary>
    public int Requests { get; private set; }

    /// <summary>Streams that are open.</summary>
    public int ActiveStreams { get; private set; }

    /// <summary>It is in the pool's list of those that can carry another stream.</summary>
    public bool IsListed { get; set; }

    /// <summary>Neighbours in that list.</summary>
    public UpstreamConnection? Newer { get; set; }

    /// <inheritdoc cref="Newer"/>
    public UpstreamConnection? Older { get; set; }

    /// <summary>Streams that it can carry beyond those that are open.</summary>
    public abstract int Capacity { get; }

    /// <summary>False once the peer has said or shown that nothing more may be sent on it.</summary>
    public abstract bool IsUsable { get; }

    /// <summary>How many streams it may carry is known. HTTP/2 learns it from the peer's first SETTINGS.</summary>
    public virtual bool IsSettled => true;

    /// <summary>Octets read from the connection so far.</summary>
    public long BytesRead => Transport.BytesRead;

    /// <summary>Octets written to the connection so far.</summary>
    public long BytesWritten => Transport.BytesWritten;

    public TransportConnection Transport { get; } = transport;

    protected UpstreamPool Pool { get; } = pool;

    /// <summary>Opens a stream; <see cref="Capacity"/> was above 0.</summary>
    /// <param name="user">Woken when the stream has news.</param>
    public UpstreamStream Open(WakeSignal user)
    {
        Requests++;
        ActiveStreams++;
        return OpenStream(user);
    }

    /// <summary>Takes no further stream, and closes when the last one has ended: at once when there is none.</summary>
    public abstract void Retire();

    /// <summary>Closes the connection and tells its pool; streams that are open fail.</summary>
    public abstract void Close();

    protected abstract UpstreamStream OpenStream(WakeSignal user);

    /// <summary>A stream has ended.</summary>
    protected void CountEnded() => ActiveStreams--;

    /// <summary>Closes the transport and tells the pool.</summary>
    /// <param name="wasActive">An exchange was using it.</param>
    protected void CloseTransport(bool wasActive)
    {
        bool byPeer = Transport.IsPeerClosed;
        if (!Transport.IsClosed)
        {
            Transport.Observer = null;
            Transport.Dispose();
        }

        Pool.OnClosed(this, byPeer, wasActive);
    }
}
