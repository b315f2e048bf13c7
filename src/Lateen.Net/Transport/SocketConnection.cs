using System.Diagnostics;
using System.Net;
using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>
/// A TCP or unix stream socket, registered once, edge-triggered, for both directions and the peer's hang-up.
/// </summary>
/// <remarks>
/// <para>Readiness is remembered here: set by the kernel's edges, cleared by a short or empty read or write. While it is clear no system
/// call is tried. Once a hang-up was seen it is never cleared for reading, since the edge that told of the end will not come again.</para>
/// <para>TCP's urgent mark makes a read short though more bytes wait (tcp(7)). A peer that sends urgent data, which no HTTP peer does, may
/// have to send more before it is heard again; it delays nobody but itself, and timeouts end it.</para>
/// </remarks>
internal sealed unsafe class SocketConnection : TransportConnection, IPollTarget
{
    /// <summary>Octets that one connection may read in one turn before others get theirs. 256 KiB: 16 reads of Medium; about 50 us.</summary>
    private const int ReadBudgetBytes = 256 * 1024;

    /// <summary>The least that a read takes from the budget, so that tiny reads are bounded too: 256 calls a turn.</summary>
    private const int MinReadCost = 1024;

    private const uint PeerGone = Linux.EpollReadHangUp | Linux.EpollHangUp | Linux.EpollError;

    private const int Closed = -1;

    private readonly ReadinessWait _readWait = new();
    private readonly ReadinessWait _writeWait = new();
    private readonly EndPoint _directRemote;
    private EndPoint _remote;
    private EndPoint? _directLocal;
    private EndPoint? _local;
    private ReadinessWatch _watch;
    private TransportListener? _listener;
    private ulong _pollKey;
    private long _bytesRead;
    private long _bytesWritten;
    private long _budgetTurn;
    private int _budgetBytes;
    private int _descriptor;
    private bool _isReadable;
    private bool _isWritable;
    private bool _isPeerClosed;
    private bool _hasFailed;
    private bool _isResumeQueued;
    private bool _isRegistered;

    /// <summary>The bytes that are there were all seen by a peek; cleared by the kernel's next edge.</summary>
    private bool _isPeeked;

    /// <summary>The pending read wait is for more than was peeked.</summary>
    private bool _waitsForMore;

    private SocketConnection(Reactor reactor, int descriptor, EndPoint remote, EndPoint? local)
        : base(reactor)
    {
        _descriptor = descriptor;
        _directRemote = _remote = remote;
        _directLocal = _local = local;
    }

    public override EndPoint LocalEndPoint => _local ??= DirectLocalEndPoint;

    public override EndPoint RemoteEndPoint => _remote;

    public override EndPoint DirectLocalEndPoint => _directLocal ??= IsClosed ? UnixSocketEndPoint.Unnamed : NativeSocket.LocalAddress(_descriptor);

    public override EndPoint DirectRemoteEndPoint => _directRemote;

    public override bool CanSplice => true;

    public override bool IsPeerClosed => _isPeerClosed;

    public override bool HasFailed => _hasFailed;

    public override bool IsClosed => _descriptor == Closed;

    public override bool CanRead => _isReadable;

    public override bool CanWrite => _isWritable;

    public override long BytesRead => _bytesRead;

    public override long BytesWritten => _bytesWritten;

    TransportConnection? IPollTarget.AsConnection => this;

    /// <summary>For tests that ask the kernel what became of an option.</summary>
    internal int Descriptor => _descriptor;

    /// <summary>
    /// Takes over a descriptor and registers it. On failure the descriptor is closed, null comes back and <paramref name="errno"/> tells.
    /// </summary>
    internal static SocketConnection? Open(
        Reactor reactor, int descriptor, EndPoint remote, EndPoint? local, bool isConnected, TransportListener? listener, out int errno)
    {
        var connection = new SocketConnection(reactor, descriptor, remote, local) { _isWritable = isConnected, _listener = listener };
        connection._pollKey = reactor.Polls.Add(connection);
        errno = reactor.Epoll.Add(
            descriptor, Linux.EpollIn | Linux.EpollOut | Linux.EpollReadHangUp | Linux.EpollEdgeTriggered, connection._pollKey);
        if (errno != Errno.None)
        {
            reactor.Polls.Remove(connection._pollKey);
            LibC.Close(descriptor);
            connection._descriptor = Closed;
            return null;
        }

        connection._isRegistered = true;
        reactor.Counters.OpenConnectionCount++;
        return connection;
    }

    /// <summary>The pending error of the socket, which a finished connect leaves there; reading it clears it.</summary>
    internal int TakeSocketError() => NativeSocket.TakeError(_descriptor);

    public override IoResult Read(Span<byte> buffer)
    {
        Reactor.VerifyAccess();
        if (!_isReadable)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        if (buffer.IsEmpty)
            return IoResult.Ok(0);
        if (!HasReadBudget())
        {
            if (Observer is not null)
                QueueResume();
            return IoResult.WouldBlock;
        }

        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
                count = LibC.Receive(_descriptor, start, (nuint)buffer.Length, 0);
            Reactor.Counters.ReadCount++;
            if (count > 0)
            {
                if (count < buffer.Length && !_isPeerClosed)
                    _isReadable = false;
                _budgetBytes -= Math.Max((int)count, MinReadCost);
                _bytesRead += count;
                Reactor.Counters.ReadByteCount += count;
                return IoResult.Ok((int)count);
            }

            if (count == 0)
                return IoResult.EndOfStream;
            var errno = Errno.Last;
            if (errno == Errno.Again)
            {
                _isReadable = false;
                return IoResult.WouldBlock;
            }

            if (errno != Errno.Interrupted)
                return IoResult.Failed(errno);
        }
    }

    public override bool CanPeek => true;

    public override IoResult Peek(Span<byte> buffer)
    {
        Reactor.VerifyAccess();
        if (!_isReadable)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        if (buffer.IsEmpty)
            return IoResult.Ok(0);
        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
                count = LibC.Receive(_descriptor, start, (nuint)buffer.Length, Linux.MessagePeek);
            Reactor.Counters.ReadCount++;
            if (count > 0)
            {
                // All that has arrived was seen; the kernel reports an edge when more does, though none of it was taken.
                _isPeeked = count < buffer.Length;
                return IoResult.Ok((int)count);
            }

            if (count == 0)
                return IoResult.EndOfStream;
            var errno = Errno.Last;
            if (errno == Errno.Again)
            {
                _isReadable = false;
                return IoResult.WouldBlock;
            }

            if (errno != Errno.Interrupted)
                return IoResult.Failed(errno);
        }
    }

    public override ValueTask<bool> MoreToPeekAsync()
    {
        Reactor.VerifyAccess();
        if (_isPeerClosed || (_isReadable && !_isPeeked))
            return new ValueTask<bool>(true);
        if (IsClosed)
            return new ValueTask<bool>(false);
        _waitsForMore = true;
        return _readWait.Arm();
    }

    public override IoResult Write(ReadOnlySpan<byte> buffer)
    {
        Reactor.VerifyAccess();
        if (!_isWritable)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        if (buffer.IsEmpty)
            return IoResult.Ok(0);
        while (true)
        {
            nint count;
            fixed (byte* start = buffer)
                count = LibC.Send(_descriptor, start, (nuint)buffer.Length, Linux.MessageNoSignal);
            if (count >= 0)
                return Written(count, buffer.Length);
            var errno = Errno.Last;
            if (errno != Errno.Interrupted)
                return WriteFailed(errno);
        }
    }

    public override IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => Write(first, second, default);

    public override IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        Reactor.VerifyAccess();
        if (!_isWritable)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        var bytes = first.Length + second.Length + third.Length;
        if (bytes == 0)
            return IoResult.Ok(0);
        while (true)
        {
            var count = NativeSocket.Send(_descriptor, first, second, third);
            if (count >= 0)
                return Written(count, bytes);
            var errno = Errno.Last;
            if (errno != Errno.Interrupted)
                return WriteFailed(errno);
        }
    }

    public override IoResult SpliceInto(SplicePipe pipe)
    {
        Reactor.VerifyAccess();
        Debug.Assert(pipe.Buffered == 0, "A full pipe and a dry socket look the same to splice.");
        if (!_isReadable)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        if (!HasReadBudget())
        {
            if (Observer is not null)
                QueueResume();
            return IoResult.WouldBlock;
        }

        while (true)
        {
            var count = LibC.Splice(_descriptor, null, pipe.WriteEnd, null, ReadBudgetBytes, Linux.SpliceMove | Linux.SpliceNonBlock);
            Reactor.Counters.ReadCount++;
            if (count > 0)
            {
                _budgetBytes -= Math.Max((int)count, MinReadCost);
                _bytesRead += count;
                Reactor.Counters.ReadByteCount += count;
                pipe.Buffered = (int)count;
                return IoResult.Ok((int)count);
            }

            if (count == 0)
                return IoResult.EndOfStream;
            var errno = Errno.Last;
            if (errno == Errno.Again)
            {
                _isReadable = false;
                return IoResult.WouldBlock;
            }

            if (errno != Errno.Interrupted)
                return IoResult.Failed(errno);
        }
    }

    public override IoResult SpliceFrom(SplicePipe pipe)
    {
        Reactor.VerifyAccess();
        if (!_isWritable)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        while (true)
        {
            var count = LibC.Splice(pipe.ReadEnd, null, _descriptor, null, (nuint)pipe.Buffered, Linux.SpliceMove | Linux.SpliceNonBlock);
            if (count >= 0)
            {
                pipe.Buffered -= (int)count;
                // Not taken as a sign that the socket is full: only EAGAIN makes the kernel promise an edge.
                return Written(count, (int)count);
            }

            var errno = Errno.Last;
            if (errno != Errno.Interrupted)
                return WriteFailed(errno);
        }
    }

    public override ValueTask<bool> ReadableAsync()
    {
        Reactor.VerifyAccess();
        _waitsForMore = false;
        if (_isReadable)
        {
            if (HasReadBudget())
                return new ValueTask<bool>(true);
            // Readable, but it is others' turn.
            QueueResume();
        }
        else if (IsClosed)
        {
            return new ValueTask<bool>(false);
        }

        return _readWait.Arm();
    }

    public override ValueTask<bool> WritableAsync()
    {
        Reactor.VerifyAccess();
        if (_isWritable)
            return new ValueTask<bool>(true);
        return IsClosed ? new ValueTask<bool>(false) : _writeWait.Arm();
    }

    public override void InterruptReadable() => Interrupt(_readWait);

    public override void InterruptWritable() => Interrupt(_writeWait);

    public override bool WatchIdle(Action<object?> callback, object? state) =>
        !_isReadable && !_isPeerClosed && Watch(callback, state, peerOnly: false);

    public override bool WatchPeerClosed(Action<object?> callback, object? state) =>
        !_isPeerClosed && Watch(callback, state, peerOnly: true);

    public override void Unwatch() => _watch.Clear();

    public override EndPoint? GetOriginalDestination() => IsClosed ? null : NativeSocket.OriginalDestination(_descriptor, DirectLocalEndPoint);

    public override void AssumeAddresses(EndPoint remote, EndPoint local)
    {
        _remote = remote;
        _local = local;
    }

    public override void ShutdownWrite()
    {
        Reactor.VerifyAccess();
        // ENOTCONN after a reset is all that can go wrong, and the reads tell it.
        if (!IsClosed)
            LibC.Shutdown(_descriptor, Linux.ShutdownWrite);
    }

    public override void Abort()
    {
        Reactor.VerifyAccess();
        if (IsClosed)
            return;
        NativeSocket.ResetOnClose(_descriptor);
        Close();
    }

    void IPollTarget.Break() => Abort();

    void IPollTarget.OnEvents(uint events)
    {
        if ((events & (Linux.EpollIn | PeerGone)) != 0)
        {
            _isReadable = true;
            _isPeeked = false;
        }

        if ((events & (Linux.EpollOut | Linux.EpollError | Linux.EpollHangUp)) != 0)
            _isWritable = true;
        if ((events & PeerGone) != 0)
            _isPeerClosed = true;
        // After FIN a reset is told by this event alone: reads go on to find the end (tcp(7), SOCK_DONE).
        if ((events & Linux.EpollError) != 0)
            _hasFailed = true;
        // Each continuation may close the connection, or park it again: what follows looks at the state anew.
        if (_isReadable && _readWait.IsArmed && (_waitsForMore ? !_isPeeked : HasReadBudget()))
            _readWait.Complete(true);
        if (_isWritable && _writeWait.IsArmed)
            _writeWait.Complete(true);
        if (_watch.IsDue(_isReadable, _isPeerClosed))
            _watch.Fire();
        if (!IsClosed)
            Observer?.OnReady(this);
    }

    protected override void Dispose(bool disposing)
    {
        Reactor.VerifyAccess();
        if (!IsClosed)
            Close();
    }

    private static void ResumeQueued(object? state) => ((SocketConnection)state!).Resume();

    private IoResult Written(nint count, int asked)
    {
        // A short write leaves the kernel to report the edge when there is room again.
        if (count < asked)
            _isWritable = false;
        var counters = Reactor.Counters;
        counters.WriteCount++;
        counters.WrittenByteCount += count;
        _bytesWritten += count;
        return IoResult.Ok((int)count);
    }

    private IoResult WriteFailed(int errno)
    {
        Reactor.Counters.WriteCount++;
        if (errno != Errno.Again)
            return IoResult.Failed(errno);
        _isWritable = false;
        return IoResult.WouldBlock;
    }

    private bool HasReadBudget()
    {
        if (_budgetTurn != Reactor.Turn)
        {
            _budgetTurn = Reactor.Turn;
            _budgetBytes = ReadBudgetBytes;
        }

        return _budgetBytes > 0;
    }

    private bool Watch(Action<object?> callback, object? state, bool peerOnly)
    {
        Reactor.VerifyAccess();
        if (IsClosed)
            return false;
        _watch.Set(callback, state, peerOnly);
        return true;
    }

    private void Interrupt(ReadinessWait wait)
    {
        Reactor.VerifyAccess();
        if (!wait.IsArmed)
            return;
        wait.IsInterrupted = true;
        QueueResume();
    }

    private void QueueResume()
    {
        if (_isResumeQueued)
            return;
        _isResumeQueued = true;
        Reactor.Post(ResumeQueued, this);
    }

    /// <summary>On the next turn: ends waits of a closed connection, interrupted ones, and those that only waited for their turn.</summary>
    private void Resume()
    {
        _isResumeQueued = false;
        if (_readWait.IsArmed)
        {
            if (IsClosed || _readWait.IsInterrupted)
                _readWait.Complete(false);
            else if (_isReadable && (_waitsForMore ? !_isPeeked : HasReadBudget()))
                _readWait.Complete(true);
        }

        if (_writeWait.IsArmed && (IsClosed || _writeWait.IsInterrupted))
            _writeWait.Complete(false);
        if (IsClosed || _isReadable)
            Observer?.OnReady(this);
    }

    private void Close()
    {
        Debug.Assert(_descriptor != Closed);
        var descriptor = _descriptor;
        _descriptor = Closed;
        _isReadable = false;
        _isWritable = false;
        Unwatch();
        // Closing takes the descriptor out of the epoll: no other descriptor refers to this socket. Events already taken in this batch
        // are made void by the key.
        Reactor.Polls.Remove(_pollKey);
        LibC.Close(descriptor);
        if (_isRegistered)
            Reactor.Counters.OpenConnectionCount--;
        if (_readWait.IsArmed || _writeWait.IsArmed || Observer is not null)
            QueueResume();
        var listener = _listener;
        _listener = null;
        listener?.OnConnectionClosed();
    }
}
