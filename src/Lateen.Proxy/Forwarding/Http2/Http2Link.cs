using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding.Http1;

namespace Lateen.Proxy.Forwarding.Http2;

/// <summary>
/// The bytes of an HTTP/2 connection on their way between its state machine and its transport. What all streams send in a turn of the
/// reactor is gathered and leaves in one system call at the turn's end.
/// </summary>
/// <remarks>
/// Owner thread only. Holds no memory while nothing is on its way. Above the high-water mark content waits in its streams until the peer has
/// read; frames that are not content are bounded by the state machine itself.
/// </remarks>
internal sealed class Http2Link : IHttp2Output
{
    /// <summary>Octets of output above which streams wait. One large block: what one system call takes.</summary>
    private const int HighWater = 64 * 1024;

    /// <summary>Octets of output below which they go on.</summary>
    private const int LowWater = 16 * 1024;

    private readonly TransportConnection _transport;
    private readonly ReadBuffer _input;
    private readonly BlockQueue _output;
    private Http2Sink? _firstWaiting;
    private Http2Sink? _lastWaiting;
    private bool _isFlushQueued;

    public Http2Link(TransportConnection transport, uint bufferLimit)
    {
        _transport = transport;
        _input = new ReadBuffer(transport.Reactor.Buffers);
        _input.LimitTo(bufferLimit);
        _output = new BlockQueue(transport.Reactor.Buffers);
    }

    /// <summary>The peer can no longer be written to.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>Content has to wait until the peer has read.</summary>
    public bool IsFull => _output.Length >= HighWater;

    public int PendingOctets => _output.Length;

    Span<byte> IHttp2Output.GetSpan(int minimumOctets) => _output.GetSpan(minimumOctets);

    void IHttp2Output.Advance(int octets) => _output.Advance(octets);

    /// <summary>Reads once.</summary>
    /// <param name="bytes">What came; valid until the next call.</param>
    /// <returns>The transport's answer.</returns>
    public IoStatus Read(out ReadOnlySpan<byte> bytes)
    {
        // Given back between reads, so that the next one is larger after one that was full.
        EndRead();
        IoResult result = _input.Fill(_transport);
        bytes = result.IsOk ? _input.Unread : default;
        return result.Status;
    }

    /// <summary>All that was read is used: the memory goes back.</summary>
    public void EndRead()
    {
        _input.Discard();
        _input.ReleaseIfEmpty();
    }

    /// <summary>What is gathered leaves at the end of the turn.</summary>
    public void RequestFlush()
    {
        if (_isFlushQueued || (_output.IsEmpty && _firstWaiting is null)) return;
        _isFlushQueued = true;
        _transport.Reactor.Post(static state => ((Http2Link)state!).FlushQueued(), this);
    }

    /// <summary>Hands over what is gathered, as far as the kernel takes it.</summary>
    public void Flush()
    {
        if (_transport.IsClosed) return;
        while (!_output.IsEmpty && !HasFailed)
        {
            IoResult result = _transport.Write(_output.Piece(0), _output.Piece(1), _output.Piece(2));
            if (result.Status == IoStatus.WouldBlock) return;
            if (result.IsOk)
            {
                _output.Drop(result.Bytes);
            }
            else
            {
                HasFailed = true;
                _output.Release();
            }
        }
    }

    /// <summary>Flushes, and lets streams go on that waited for it. On a turn of its own, in which nobody is in the middle of something.</summary>
    public void FlushAndResume()
    {
        Flush();
        if (_output.Length > LowWater) return;
        for (Http2Sink? waiting = _firstWaiting, last = _lastWaiting; waiting is not null;)
        {
            Http2Sink next = waiting;
            waiting = ReferenceEquals(next, last) ? null : next.NextWaiting;
            Forget(next);
            next.OnRoom();
        }
    }

    /// <summary>The sink is told when there is room again.</summary>
    public void AwaitRoom(Http2Sink sink)
    {
        sink.PreviousWaiting = _lastWaiting;
        sink.NextWaiting = null;
        if (_lastWaiting is null) _firstWaiting = sink;
        else _lastWaiting.NextWaiting = sink;
        _lastWaiting = sink;
        RequestFlush();
    }

    /// <summary>The sink waits no more.</summary>
    public void Forget(Http2Sink sink)
    {
        if (sink.PreviousWaiting is null) _firstWaiting = sink.NextWaiting;
        else sink.PreviousWaiting.NextWaiting = sink.NextWaiting;
        if (sink.NextWaiting is null) _lastWaiting = sink.PreviousWaiting;
        else sink.NextWaiting.PreviousWaiting = sink.PreviousWaiting;
        sink.PreviousWaiting = sink.NextWaiting = null;
    }

    /// <summary>Gives all memory back.</summary>
    public void Release()
    {
        _input.Release();
        _output.Release();
    }

    private void FlushQueued()
    {
        _isFlushQueued = false;
        FlushAndResume();
    }
}
