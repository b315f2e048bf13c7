using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Http2;

/// <summary>The content of one HTTP/2 stream as it arrives. What is not taken yet is kept, and never more than the stream's window.</summary>
/// <remarks>Owner thread only. The peer gets its window back as the content is taken, not as it arrives: that is the back-pressure.</remarks>
internal sealed class Http2Content(BufferPool pool) : ContentSource
{
    private readonly BlockQueue _kept = new(pool);
    private Http2Connection _connection = null!;
    private Http2Stream? _stream;
    private bool _isEnded;
    private bool _hasFailed;
    private FailureCause _failure;

    public override HeaderBlock? Trailers => _stream?.Trailers is { Count: > 0 } trailers ? trailers : null;

    public override FailureCause Failure => _failure;

    /// <summary>All of it has come, whether or not it was taken.</summary>
    public bool IsEnded => _isEnded;

    public void Attach(Http2Connection connection)
    {
        _connection = connection;
        _isEnded = _hasFailed = false;
        _failure = default;
    }

    public void Begin(Http2Stream stream) => _stream = stream;

    public void Add(ReadOnlySpan<byte> payload) => _kept.Append(payload);

    /// <summary>Nothing more comes.</summary>
    public void End() => _isEnded = true;

    /// <summary>The stream is no more. What had come of an unfinished message is of no use.</summary>
    public void Fail(FailureCause cause)
    {
        if (_isEnded) return;
        _stream = null;
        _hasFailed = true;
        _failure = cause;
        _kept.Release();
    }

    public override ContentStatus Peek(out ReadOnlySpan<byte> payload)
    {
        payload = _kept.Piece(0);
        if (!payload.IsEmpty) return ContentStatus.Payload;
        if (_hasFailed) return ContentStatus.Failed;
        return _isEnded ? ContentStatus.End : ContentStatus.Wait;
    }

    public override void Take(int count)
    {
        _kept.Drop(count);
        if (_stream is { } stream) _connection.Consume(stream, count);
    }

    public void Detach()
    {
        _kept.Release();
        _stream = null;
        _connection = null!;
    }
}
