using System.Net;

namespace Lateen.Net;

/// <summary>
/// One byte stream to a peer, owned by one reactor: a TCP or unix socket, or a layer such as TLS over another connection.
/// Reads and writes never block and never throw for what a peer does; when nothing can be moved the caller awaits
/// <see cref="ReadableAsync"/> or <see cref="WritableAsync"/> and tries again.
/// </summary>
/// <remarks>
/// <para>All members belong to the owning reactor's thread. At most one read wait and one write wait are pending at a time.</para>
/// <para>No member runs another's continuation inside the call: waits that <see cref="Abort"/>, <see cref="Dispose()"/> or the interrupts
/// end are resumed on the reactor's next turn.</para>
/// <para>A short read or write means that the kernel's buffer is exhausted: the next attempt answers <see cref="IoStatus.WouldBlock"/>
/// without a system call until the kernel reports an edge (epoll(7), questions and answers, number 9). The end of the stream is reported
/// the same way, so nothing is missed.</para>
/// <para>A connection that stays readable may read a bounded number of bytes per turn, then reads as
/// <see cref="IoStatus.WouldBlock"/> until the next turn, so that one fast peer cannot starve the rest of the reactor.</para>
/// </remarks>
public abstract class TransportConnection : IDisposable
{
    protected TransportConnection(Reactor reactor)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        Reactor = reactor;
    }

    /// <summary>The reactor that owns this connection and resumes its waits.</summary>
    public Reactor Reactor { get; }

    /// <summary>This side's address. Asked of the kernel the first time, so ask before the connection is closed.</summary>
    public abstract EndPoint LocalEndPoint { get; }

    /// <summary>The peer's address: where it connects from (accepted) or where we connected to.</summary>
    public abstract EndPoint RemoteEndPoint { get; }

    /// <summary>
    /// The peer as the kernel knows it; differs from <see cref="RemoteEndPoint"/> once <see cref="AssumeAddresses"/> has told of the one
    /// behind it.
    /// </summary>
    public virtual EndPoint DirectRemoteEndPoint => RemoteEndPoint;

    /// <summary>This side's address as the kernel knows it.</summary>
    public virtual EndPoint DirectLocalEndPoint => LocalEndPoint;

    /// <summary>True from the moment that the peer's FIN or RST was seen, even if bytes before it are still unread.</summary>
    public abstract bool IsPeerClosed { get; }

    /// <summary>
    /// The peer or the network has reset the connection. Reads and writes tell of it too; this is for who does neither any more, such as a party that has
    /// read the end and has nothing to send.
    /// </summary>
    public abstract bool HasFailed { get; }

    /// <summary>
    /// Reading failed because the transport ended where the layer's own goodbye (close_notify of TLS) should have come. All that was sent was read;
    /// whether more was meant to come nobody can tell.
    /// </summary>
    public virtual bool HasEndedUnannounced => false;

    /// <summary>True after <see cref="Abort"/> or <see cref="Dispose()"/>.</summary>
    public abstract bool IsClosed { get; }

    /// <summary>True when a <see cref="Read"/> would ask the kernel: an edge came since the last short one.</summary>
    public abstract bool CanRead { get; }

    /// <summary>True when a write would ask the kernel.</summary>
    public abstract bool CanWrite { get; }

    /// <summary>
    /// Told of every change of readiness, whether or not somebody waits. A party that follows several connections at once (an exchange
    /// with its two sides) looks at them all when one has news, instead of waiting on each.
    /// </summary>
    public ITransportObserver? Observer { get; set; }

    /// <summary>Bytes that were read from the wire since the connection began.</summary>
    public abstract long BytesRead { get; }

    /// <summary>Bytes that the kernel took for sending since the connection began.</summary>
    public abstract long BytesWritten { get; }

    /// <summary>Moves what has arrived into <paramref name="buffer"/>.</summary>
    public abstract IoResult Read(Span<byte> buffer);

    /// <summary>True where <see cref="Peek"/> works: on sockets.</summary>
    public virtual bool CanPeek => false;

    /// <summary>
    /// Shows what has arrived without taking it: the next <see cref="Read"/>, or Peek, begins with the same bytes. For whoever has to know
    /// what a connection carries before it is known who reads it.
    /// </summary>
    /// <remarks>
    /// <para>Bytes seen once keep the connection readable, so <see cref="ReadableAsync"/> would complete at once, again and again. Whoever saw
    /// too little awaits <see cref="MoreToPeekAsync"/> and peeks again, from the start. When the count has not grown then and
    /// <see cref="IsPeerClosed"/> is true, no more will come. A full <paramref name="buffer"/> says nothing of what is behind it: give a
    /// larger one.</para>
    /// </remarks>
    /// <returns>As <see cref="Read"/>; end of stream only when there are no bytes before it.</returns>
    /// <exception cref="NotSupportedException"><see cref="CanPeek"/> is false.</exception>
    public virtual IoResult Peek(Span<byte> buffer) => throw new NotSupportedException("This transport has no bytes to be looked at.");

    /// <summary>
    /// Completes when there may be more than the last <see cref="Peek"/> saw: bytes, end of stream, or an error. It is a read wait, one of
    /// which is pending at a time; <see cref="InterruptReadable"/> ends it. Allocates nothing.
    /// </summary>
    /// <returns>False when this side closed the connection or interrupted the wait.</returns>
    public virtual ValueTask<bool> MoreToPeekAsync() => throw new NotSupportedException("This transport has no bytes to be looked at.");

    /// <summary>Hands bytes to the kernel; it may take fewer than given.</summary>
    public abstract IoResult Write(ReadOnlySpan<byte> buffer);

    /// <summary>As <see cref="Write(ReadOnlySpan{byte})"/>, both pieces in one system call; the count runs over both.</summary>
    public abstract IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second);

    /// <summary>As <see cref="Write(ReadOnlySpan{byte})"/>, three pieces in one system call, such as chunk prefix, payload and ending.</summary>
    public abstract IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third);

    /// <summary>
    /// Completes when a read can make progress: data, end of stream, or an error to be told. Allocates nothing.
    /// </summary>
    /// <returns>False when this side closed the connection or called <see cref="InterruptReadable"/>.</returns>
    public abstract ValueTask<bool> ReadableAsync();

    /// <summary>Completes when a write can make progress, or would report an error. Allocates nothing.</summary>
    /// <returns>False when this side closed the connection or called <see cref="InterruptWritable"/>.</returns>
    public abstract ValueTask<bool> WritableAsync();

    /// <summary>Ends a pending <see cref="ReadableAsync"/> with false and leaves the connection as it is; nothing when none is pending.</summary>
    /// <remarks>For timeouts: the timer's callback notes what ran out and interrupts, the connection's method sees false and decides.</remarks>
    public abstract void InterruptReadable();

    /// <summary>Ends a pending <see cref="WritableAsync"/> with false and leaves the connection as it is; nothing when none is pending.</summary>
    public abstract void InterruptWritable();

    /// <summary>
    /// Calls <paramref name="callback"/> once, when anything arrives while nobody reads: bytes, end of stream, reset. For a pooled idle
    /// connection, on which each of these means that it must not be used again.
    /// </summary>
    /// <returns>False, and no callback, when that is the case already.</returns>
    public abstract bool WatchIdle(Action<object?> callback, object? state);

    /// <summary>
    /// Calls <paramref name="callback"/> once, when the peer's FIN or RST is seen, whether or not bytes are unread before it. For a
    /// downstream connection whose request is being answered.
    /// </summary>
    /// <returns>False, and no callback, when it was seen already.</returns>
    public abstract bool WatchPeerClosed(Action<object?> callback, object? state);

    /// <summary>Withdraws <see cref="WatchIdle"/> or <see cref="WatchPeerClosed"/>; there is one watch at a time.</summary>
    public abstract void Unwatch();

    /// <summary>
    /// Where the peer meant to connect before a redirect rule of the packet filter brought it here (SO_ORIGINAL_DST), or null when there
    /// was no such rule.
    /// </summary>
    public virtual EndPoint? GetOriginalDestination() => null;

    /// <summary>
    /// From now on the connection shows these addresses: those of the connection that a trusted proxy passed on to this one, as its PROXY
    /// header tells. The direct ones stay what they are.
    /// </summary>
    public virtual void AssumeAddresses(EndPoint remote, EndPoint local) =>
        throw new NotSupportedException("Addresses are assumed by the connection that the peer opened, not by a layer above it.");

    /// <summary>True where <see cref="SpliceInto"/> and <see cref="SpliceFrom"/> work: the bytes are the kernel's own, with no layer above.</summary>
    public virtual bool CanSplice => false;

    /// <summary>
    /// Moves what has arrived into <paramref name="pipe"/>, which must be empty, without copying it. As <see cref="Read"/>, but a short
    /// move does not mean that nothing is left.
    /// </summary>
    public virtual IoResult SpliceInto(SplicePipe pipe) => throw new NotSupportedException("This connection's bytes pass through the process.");

    /// <summary>Sends what <paramref name="pipe"/> holds, without copying it. As <see cref="Write(ReadOnlySpan{byte})"/>.</summary>
    public virtual IoResult SpliceFrom(SplicePipe pipe) => throw new NotSupportedException("This connection's bytes pass through the process.");

    /// <summary>Sends FIN (or the layer's close notice) after what was written; reading goes on.</summary>
    public abstract void ShutdownWrite();

    /// <summary>As <see cref="ShutdownWrite"/>, without the layer's close notice: the peer learns that there may have been more.</summary>
    public virtual void ShutdownWriteUnannounced() => ShutdownWrite();

    /// <summary>Ends the connection at once, with RST where the transport has it; unsent bytes are dropped.</summary>
    public abstract void Abort();

    /// <summary>
    /// The layer that stands on this connection and owns it from then on, such as TLS: disposing the one below means disposing the layer,
    /// which still sends what it holds.
    /// </summary>
    internal TransportConnection? Layer { get; set; }

    /// <summary>Closes in good order: what the kernel took is still sent. Idempotent. Pending waits end with false.</summary>
    public void Dispose()
    {
        if (Layer is { } layer)
            layer.Dispose();
        else
            Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>What <see cref="Dispose()"/> does; called on the reactor's thread.</summary>
    protected abstract void Dispose(bool disposing);
}
