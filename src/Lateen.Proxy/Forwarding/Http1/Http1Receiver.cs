using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Http1;

/// <summary>The receiving half of an HTTP/1.1 connection: bytes from the peer, and the content of the message that they carry.</summary>
/// <remarks>Owner thread only. Payload is shown where it was read, and copied nowhere.</remarks>
internal sealed class Http1Receiver(BufferPool pool) : ContentSource
{
    private readonly Http1BodyDecoder _decoder = new();
    private TransportConnection? _connection;
    private int _payloadStart;
    private int _payloadLength;
    private int _afterPayload;
    private bool _isStarted;
    private bool _passesTrailers = true;
    private FailureCause _failure;

    /// <summary>What was read and not yet parsed.</summary>
    public ReadBuffer Buffer { get; } = new(pool);

    public override HeaderBlock? Trailers => _passesTrailers ? _decoder.Trailers : null;

    public override FailureCause Failure => _failure;

    /// <summary>The content has ended and all of it was taken: the next byte belongs to the next message.</summary>
    public bool IsComplete => _isStarted && _decoder.IsComplete && _payloadLength == 0;

    /// <summary>The next messages come from here.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="bufferLimit">Octets of content that may wait here.</param>
    /// <param name="passesTrailers">False: trailers are read and dropped.</param>
    public void Attach(TransportConnection connection, uint bufferLimit, bool passesTrailers = true)
    {
        Buffer.LimitTo(bufferLimit);
        _connection = connection;
        _passesTrailers = passesTrailers;
    }

    /// <summary>Starts on the content of a request whose head was taken from <see cref="Buffer"/>.</summary>
    public void StartContent(HttpRequestHead head, Http1Limits limits)
    {
        _decoder.Start(head, limits);
        _isStarted = true;
    }

    /// <summary>Starts on the content of a response whose head was taken from <see cref="Buffer"/>.</summary>
    public void StartContent(HttpResponseHead head, Http1Limits limits)
    {
        _decoder.Start(head, limits);
        _isStarted = true;
    }

    public override ContentStatus Peek(out ReadOnlySpan<byte> payload)
    {
        while (true)
        {
            if (_payloadLength > 0)
            {
                payload = Buffer.Unread.Slice(_payloadStart, _payloadLength);
                return ContentStatus.Payload;
            }

            payload = default;
            if (_decoder.IsComplete) return ContentStatus.End;
            if (Buffer.IsEmpty)
            {
                IoResult result = Buffer.Fill(_connection!);
                if (result.Status == IoStatus.WouldBlock) return ContentStatus.Wait;
                if (!result.IsOk)
                {
                    // Content that runs until the connection closes ends here in good order; any other was cut short.
                    if (result.Status == IoStatus.EndOfStream && _decoder.EndOfInput() == BodyStatus.Complete) return ContentStatus.End;
                    return Fail(FailureCause.PeerClosed);
                }
            }

            BodyStep step = _decoder.Decode(Buffer.Unread);
            if (step.Status == BodyStatus.Rejected) return Fail(FailureCause.Malformed);
            if (step.PayloadLength == 0)
            {
                Buffer.Consume(step.Consumed);
                continue;
            }

            _payloadStart = step.PayloadStart;
            _payloadLength = step.PayloadLength;
            _afterPayload = step.Consumed - step.PayloadStart - step.PayloadLength;
        }
    }

    public override void Take(int count)
    {
        if (count < _payloadLength)
        {
            Buffer.Consume(_payloadStart + count);
            _payloadStart = 0;
            _payloadLength -= count;
            return;
        }

        Buffer.Consume(_payloadStart + _payloadLength + _afterPayload);
        _payloadLength = 0;
        Buffer.ReleaseIfEmpty();
    }

    /// <summary>Forgets the message; bytes after it stay for the next.</summary>
    public void EndMessage()
    {
        _decoder.Reset();
        _isStarted = false;
        _payloadLength = 0;
        _failure = default;
        Buffer.ReleaseIfEmpty();
    }

    /// <summary>Forgets everything and gives the memory back.</summary>
    public void Detach()
    {
        EndMessage();
        Buffer.Release();
        _connection = null;
    }

    private ContentStatus Fail(FailureCause cause)
    {
        _failure = cause;
        return ContentStatus.Failed;
    }
}
