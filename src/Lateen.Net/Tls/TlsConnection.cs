using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;

namespace Lateen.Net.Tls;

/// <summary>
/// TLS over another connection, which belongs to it from the handshake on. Made by <see cref="TlsHandshake"/>.
/// </summary>
/// <remarks>
/// <para>All promises of <see cref="TransportConnection"/> hold. Counts of bytes are those of the content, without TLS's own; what went over
/// the wire, <see cref="Inner"/> counts.</para>
/// <para>A write takes records of up to 16 KiB, each of which is one send of the transport. At most one record waits here for room;
/// while it does, writes would block. It counts as taken, is sent when there is room, and <see cref="TransportConnection.Dispose()"/>
/// still sends it, for at most <see cref="LingerMilliseconds"/>.</para>
/// <para>An end of the stream without the peer's close_notify reads as a reset connection, since bytes may be missing.</para>
/// <para>Session tickets and key updates, which come when they like, wake nobody's watch: only data, an end or a failure does.</para>
/// </remarks>
public sealed class TlsConnection : TransportConnection, ITransportObserver
{
    /// <summary>How long a closed connection may take to send what it holds. Milliseconds.</summary>
    private const int LingerMilliseconds = 5000;

    /// <summary>
    /// How long a refused peer may take to read why. Milliseconds. Its bytes are read and dropped meanwhile, since unread ones would make the
    /// kernel send RST, which takes the alert with it.
    /// </summary>
    private const int RefusalMilliseconds = 1000;

    /// <summary>Reads of 4 KiB in one turn whose bytes are dropped. Count. Hit: the rest comes with a later turn, or is left to the kernel's RST.</summary>
    private const int MaxDroppedReads = 16;

    private readonly ReadinessWait _readWait = new();
    private readonly ReadinessWait _writeWait = new();
    private readonly CiphertextWire _wire;
    private readonly TlsEngine _engine;
    private readonly RecordWriter _records;
    private readonly TransportConnection _inner;
    private Deadline? _deadline;
    private ReadinessWatch _watch;
    private long _bytesRead;
    private long _bytesWritten;
    private IoResult _readEnd;
    private Phase _phase;
    private bool _isReadable = true;
    private bool _isReadBroken;
    private bool _isWriteEnded;
    private bool _owesFin;
    private bool _isResumeQueued;
    private bool _hasPeerClosed;
    private bool _hasTimedOut;

    private TlsConnection(TransportConnection inner, CiphertextWire wire, TlsEngine engine)
        : base(inner.Reactor)
    {
        if (inner.Layer is not null)
            throw new InvalidOperationException("The connection has a layer on it already; TLS goes on top of that one.");
        _inner = inner;
        _wire = wire;
        _engine = engine;
        _records = new RecordWriter(engine, wire);
        inner.Layer = this;
        inner.Observer = this;
    }

    private enum Phase : byte
    {
        Handshaking,
        Open,

        /// <summary>Closed for its owner; what it holds is being sent.</summary>
        Lingering,

        /// <summary>As lingering, after a handshake that failed: what the peer sends is dropped until it ends.</summary>
        Refusing,
        Closed,
    }

    /// <summary>The connection below.</summary>
    public TransportConnection Inner => _inner;

    /// <summary>What the handshake agreed on.</summary>
    public TlsSession Session => _engine.Session!;

    /// <summary>
    /// The certificates that a client sent behind its leaf, DER, read anew at each call; 10 at most. None after a resumption, which exchanges
    /// no certificates, and none once the connection is closed. At a client, the leaf is the first of them.
    /// </summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> ReadPeerIntermediates() => _engine.ReadPeerIntermediates();

    /// <summary>The context that it was made with.</summary>
    public TlsContext Context => _engine.Context;

    /// <summary>
    /// Why reading or writing failed, where TLS knows more than the error number: an alert of the peer, a broken record. In TLS 1.3 a client
    /// learns here, at its first read, that the server did not like its certificate.
    /// </summary>
    public TlsFailure? Failure => _engine.Failure;

    public override EndPoint LocalEndPoint => _inner.LocalEndPoint;

    public override EndPoint RemoteEndPoint => _inner.RemoteEndPoint;

    public override EndPoint DirectLocalEndPoint => _inner.DirectLocalEndPoint;

    public override EndPoint DirectRemoteEndPoint => _inner.DirectRemoteEndPoint;

    /// <summary>True as well from when the peer's close_notify was read.</summary>
    public override bool IsPeerClosed => _hasPeerClosed || _inner.IsPeerClosed;

    public override bool HasFailed => _inner.HasFailed;

    public override bool HasEndedUnannounced => _engine.HasEndedUnannounced;

    public override bool IsClosed => _phase > Phase.Open;

    public override bool CanRead => _isReadable && !IsClosed;

    public override bool CanWrite => !IsClosed && !_wire.HasHeld && (_inner.CanWrite || _wire.CannotSend);

    public override long BytesRead => _bytesRead;

    public override long BytesWritten => _bytesWritten;

    internal bool HasTimedOut => _hasTimedOut;

    /// <summary>Takes over <paramref name="inner"/> for a handshake. Null: the context was closed; then <paramref name="inner"/> stays as it is.</summary>
    internal static TlsConnection? Open(
        TransportConnection inner, TlsContext context, TlsClientParameters? parameters, out TlsFailure? failure)
    {
        var wire = new CiphertextWire(inner);
        var engine = TlsEngine.Create(wire, context, parameters, out failure);
        return engine is null ? null : new TlsConnection(inner, wire, engine);
    }

    internal void ArmHandshake(long milliseconds) => Arm(milliseconds);

    /// <summary>One step of the handshake. After a failure the connection closes by itself once the peer was told.</summary>
    internal TlsStep ContinueHandshake()
    {
        var step = _engine.Handshake();
        switch (step)
        {
            case TlsStep.Done:
                _deadline!.Cancel();
                _deadline = null;
                _phase = Phase.Open;
                NoteReadability();
                break;
            case TlsStep.Failed:
                Refuse();
                break;
            default:
                _isReadable = false;
                break;
        }

        return step;
    }

    public override IoResult Read(Span<byte> buffer)
    {
        Reactor.VerifyAccess();
        if (!_isReadable || _isReadBroken || IsClosed)
            return IsClosed ? IoResult.ClosedLocally : _isReadBroken ? _readEnd : IoResult.WouldBlock;
        if (buffer.IsEmpty)
            return IoResult.Ok(0);
        var result = _engine.Read(buffer);
        _bytesRead += result.Bytes;
        NoteRead(result);
        return result;
    }

    public override IoResult Write(ReadOnlySpan<byte> buffer)
    {
        Reactor.VerifyAccess();
        var refusal = RefuseWrite();
        return refusal.Status == IoStatus.Ok ? Count(_records.Write(buffer)) : refusal;
    }

    public override IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => Write(first, second, default);

    public override IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        Reactor.VerifyAccess();
        var refusal = RefuseWrite();
        return refusal.Status == IoStatus.Ok ? Count(_records.Write(first, second, third)) : refusal;
    }

    public override ValueTask<bool> ReadableAsync()
    {
        Reactor.VerifyAccess();
        if (IsClosed)
            return new ValueTask<bool>(false);
        return _isReadable ? new ValueTask<bool>(true) : _readWait.Arm();
    }

    public override ValueTask<bool> WritableAsync()
    {
        Reactor.VerifyAccess();
        if (CanWrite)
            return new ValueTask<bool>(true);
        return IsClosed ? new ValueTask<bool>(false) : _writeWait.Arm();
    }

    public override void InterruptReadable() => Interrupt(_readWait);

    public override void InterruptWritable() => Interrupt(_writeWait);

    public override bool WatchIdle(Action<object?> callback, object? state)
    {
        Probe();
        return !_isReadable && !IsPeerClosed && Watch(callback, state, peerOnly: false);
    }

    public override bool WatchPeerClosed(Action<object?> callback, object? state)
    {
        Probe();
        return !IsPeerClosed && Watch(callback, state, peerOnly: true);
    }

    public override void Unwatch() => _watch.Clear();

    public override EndPoint? GetOriginalDestination() => _inner.GetOriginalDestination();

    /// <summary>Sends close_notify, then the transport's FIN; reading goes on.</summary>
    public override void ShutdownWrite() => EndWriting(isAnnounced: true);

    /// <summary>Sends the transport's FIN alone, which the peer reads as a truncation (RFC 8446 6.1).</summary>
    public override void ShutdownWriteUnannounced() => EndWriting(isAnnounced: false);

    public override void Abort()
    {
        Reactor.VerifyAccess();
        if (_phase != Phase.Closed)
            Close(isAbort: true);
    }

    void ITransportObserver.OnReady(TransportConnection connection)
    {
        if (_phase == Phase.Closed)
            return;
        if (_inner.IsClosed)
        {
            Close(isAbort: true);
            ResumeClosed();
            return;
        }

        if (_wire.HasHeld && _inner.CanWrite)
            _wire.Flush();
        SendFinIfDue();
        if (IsClosed)
        {
            Linger();
            return;
        }

        if (_inner.CanRead)
            _isReadable = true;
        if (_watch.IsSet)
            Probe();
        // Each continuation may close the connection, or park it again: what follows looks at the state anew.
        if (_isReadable && _readWait.IsArmed)
            _readWait.Complete(true);
        if (_writeWait.IsArmed && CanWrite)
            _writeWait.Complete(true);
        if (_watch.IsDue(_isReadable, IsPeerClosed))
            _watch.Fire();
        if (!IsClosed)
            Observer?.OnReady(this);
    }

    protected override void Dispose(bool disposing)
    {
        Reactor.VerifyAccess();
        if (IsClosed)
            return;
        if (_phase == Phase.Handshaking)
        {
            Close(isAbort: false);
            return;
        }

        if (!_isWriteEnded && !_wire.CannotSend)
            _engine.Shutdown();
        if (_wire.HasHeld)
            BeginLinger(Phase.Lingering, LingerMilliseconds);
        else
            Close(isAbort: false);
    }

    private void EndWriting(bool isAnnounced)
    {
        Reactor.VerifyAccess();
        if (_phase != Phase.Open || _isWriteEnded)
            return;
        _isWriteEnded = true;
        if (isAnnounced)
            _engine.Shutdown();
        _owesFin = true;
        SendFinIfDue();
    }

    private static void ResumeQueued(object? state) => ((TlsConnection)state!).Resume();

    private IoResult RefuseWrite()
    {
        if (IsClosed)
            return IoResult.ClosedLocally;
        if (_wire.HasHeld && _inner.CanWrite)
            _wire.Flush();
        if (_wire.CannotSend)
            return _wire.SendFailure;
        if (_wire.HasHeld || !_inner.CanWrite)
            return IoResult.WouldBlock;
        return _isWriteEnded ? IoResult.Failed(Interop.Errno.BrokenPipe) : IoResult.Ok(0);
    }

    private IoResult Count(IoResult written)
    {
        _bytesWritten += written.Bytes;
        return written;
    }

    private void NoteRead(IoResult result)
    {
        switch (result.Status)
        {
            case IoStatus.Ok:
                NoteReadability();
                break;
            case IoStatus.WouldBlock:
                _isReadable = false;
                break;
            default:
                _isReadBroken = true;
                _hasPeerClosed = true;
                _readEnd = result;
                break;
        }
    }

    /// <summary>After a success: with nothing left in OpenSSL and nothing in the transport the next read would be for nothing.</summary>
    private void NoteReadability() => _isReadable = _inner.CanRead || _engine.HasPending;

    /// <summary>Takes in what came for TLS itself, so that what is readable after it concerns the reader.</summary>
    private void Probe()
    {
        if (!_isReadable || _isReadBroken || _phase != Phase.Open)
            return;
        var result = _engine.Probe();
        if (result.IsOk)
            return;
        NoteRead(result);
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

    /// <summary>On the next turn: ends waits of a closed connection, and interrupted ones.</summary>
    private void Resume()
    {
        _isResumeQueued = false;
        if (IsClosed)
        {
            ResumeClosed();
            return;
        }

        if (_readWait is { IsArmed: true, IsInterrupted: true })
            _readWait.Complete(false);
        if (_writeWait is { IsArmed: true, IsInterrupted: true })
            _writeWait.Complete(false);
    }

    private void ResumeClosed()
    {
        if (_readWait.IsArmed)
            _readWait.Complete(false);
        if (_writeWait.IsArmed)
            _writeWait.Complete(false);
        var observer = Observer;
        Observer = null;
        observer?.OnReady(this);
    }

    private void SendFinIfDue()
    {
        if (!_owesFin || _wire.HasHeld)
            return;
        _owesFin = false;
        if (!_wire.CannotSend)
            _inner.ShutdownWrite();
    }

    /// <summary>The handshake failed: the alert goes out, and the connection ends when the peer has had time to read it.</summary>
    private void Refuse()
    {
        _owesFin = true;
        BeginLinger(Phase.Refusing, RefusalMilliseconds);
    }

    private void BeginLinger(Phase phase, int milliseconds)
    {
        Debug.Assert(phase is Phase.Lingering or Phase.Refusing);
        _phase = phase;
        Unwatch();
        Arm(milliseconds);
        if (_readWait.IsArmed || _writeWait.IsArmed || Observer is not null)
            QueueResume();
        SendFinIfDue();
        Linger();
    }

    private void Linger()
    {
        if (_wire.HasHeld)
            return;
        if (_phase == Phase.Lingering || _wire.CannotSend || DrainToEnd())
            Close(isAbort: false);
    }

    /// <summary>Reads and drops; true when the peer has ended.</summary>
    [SkipLocalsInit]
    private bool DrainToEnd()
    {
        Span<byte> dropped = stackalloc byte[4096];
        for (var i = 0; i < MaxDroppedReads && _inner.CanRead; i++)
        {
            var result = _inner.Read(dropped);
            if (!result.IsOk)
                return result.Status != IoStatus.WouldBlock;
        }

        return false;
    }

    private void Close(bool isAbort)
    {
        _phase = Phase.Closed;
        _isReadable = false;
        Unwatch();
        _deadline?.Cancel();
        _inner.Layer = null;
        _inner.Observer = null;
        if (isAbort)
        {
            _inner.Abort();
        }
        else
        {
            // Unread bytes, such as tickets that nobody waited for, would make the kernel reset what is on its way to the peer.
            DrainToEnd();
            _inner.Dispose();
        }

        _engine.Free();
        if (_readWait.IsArmed || _writeWait.IsArmed || Observer is not null)
            QueueResume();
    }

    private void Arm(long milliseconds)
    {
        _deadline ??= new Deadline(this);
        _deadline.Arm(milliseconds);
    }

    private void OnDeadline()
    {
        if (_phase == Phase.Handshaking)
        {
            _hasTimedOut = true;
            InterruptReadable();
            InterruptWritable();
        }
        else if (IsClosed && _phase != Phase.Closed)
        {
            Close(isAbort: _phase == Phase.Lingering);
        }
    }

    /// <summary>The end of a handshake's time, or of the time to linger.</summary>
    private sealed class Deadline(TlsConnection connection) : ReactorTimer(connection.Reactor)
    {
        protected internal override void OnExpired() => connection.OnDeadline();
    }
}
