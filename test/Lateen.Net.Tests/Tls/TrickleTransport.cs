using System.Net;

namespace Lateen.Net.Tests.Tls;

/// <summary>A transport that moves one octet per direction and turn, so that a layer over it meets every possible cut.</summary>
internal sealed class TrickleTransport : TransportConnection, ITransportObserver
{
    private readonly TransportConnection _inner;
    private bool _mayRead = true;
    private bool _mayWrite = true;
    private bool _isQueued;

    internal TrickleTransport(TransportConnection inner)
        : base(inner.Reactor)
    {
        _inner = inner;
        inner.Observer = this;
    }

    public override EndPoint LocalEndPoint => _inner.LocalEndPoint;

    public override EndPoint RemoteEndPoint => _inner.RemoteEndPoint;

    public override bool IsPeerClosed => _inner.IsPeerClosed;

    public override bool HasFailed => _inner.HasFailed;

    public override bool IsClosed => _inner.IsClosed;

    public override bool CanRead => _mayRead && _inner.CanRead;

    public override bool CanWrite => _mayWrite && _inner.CanWrite;

    public override long BytesRead => _inner.BytesRead;

    public override long BytesWritten => _inner.BytesWritten;

    public override IoResult Read(Span<byte> buffer)
    {
        if (!CanRead || buffer.IsEmpty)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        _mayRead = false;
        Replenish();
        return _inner.Read(buffer[..1]);
    }

    public override IoResult Write(ReadOnlySpan<byte> buffer)
    {
        if (!CanWrite || buffer.IsEmpty)
            return IsClosed ? IoResult.ClosedLocally : IoResult.WouldBlock;
        _mayWrite = false;
        Replenish();
        return _inner.Write(buffer[..1]);
    }

    public override IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => throw new NotSupportedException();

    public override IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third) => throw new NotSupportedException();

    public override ValueTask<bool> ReadableAsync() => throw new NotSupportedException();

    public override ValueTask<bool> WritableAsync() => throw new NotSupportedException();

    public override void InterruptReadable()
    {
    }

    public override void InterruptWritable()
    {
    }

    public override bool WatchIdle(Action<object?> callback, object? state) => throw new NotSupportedException();

    public override bool WatchPeerClosed(Action<object?> callback, object? state) => throw new NotSupportedException();

    public override void Unwatch()
    {
    }

    public override void ShutdownWrite() => _inner.ShutdownWrite();

    public override void Abort() => _inner.Abort();

    public void OnReady(TransportConnection connection) => Observer?.OnReady(this);

    protected override void Dispose(bool disposing) => _inner.Dispose();

    private void Replenish()
    {
        if (_isQueued)
            return;
        _isQueued = true;
        Reactor.Post(static state =>
        {
            var trickle = (TrickleTransport)state!;
            trickle._isQueued = false;
            trickle._mayRead = true;
            trickle._mayWrite = true;
            trickle.Observer?.OnReady(trickle);
        }, this);
    }
}
