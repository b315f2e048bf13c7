using System.Diagnostics;
using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding.Http1;

/// <summary>
/// The sending half of an HTTP/1.1 connection. Heads, chunk prefixes and small content are gathered and leave in one system call at the
/// end of the exchange's turn; large content goes out from where it lies.
/// </summary>
/// <remarks>Owner thread only.</remarks>
internal sealed class Http1Sender(BufferPool pool) : ContentSink
{
    /// <summary>Content up to this size is gathered behind the head instead of being sent from where it lies. Octets; a copy of 2 KiB costs less than a second iovec.</summary>
    private const int MaxGathered = 2048;

    /// <summary>Octets that a chunk needs beside its content: prefix and line end.</summary>
    private const int ChunkOverhead = Http1Writer.MaxChunkPrefixOctets + 2;

    private readonly WriteBuffer _buffer = new(pool);
    private TransportConnection? _connection;
    private BodyFraming _framing;
    private long _chunkRemaining;
    private long _left;
    private bool _isBlocked;
    private bool _hasFailed;
    private bool _sendsTrailers;
    private bool _isEnding;

    public override bool IsBlocked => _isBlocked;

    public override bool HasFailed => _hasFailed;

    /// <summary>Everything that was accepted has left.</summary>
    public bool IsEmpty => _buffer.IsEmpty;

    /// <param name="connection">Where to.</param>
    /// <param name="sendsTrailers">Chunked content is sent with its trailers; otherwise they are dropped.</param>
    public void Attach(TransportConnection connection, bool sendsTrailers)
    {
        _connection = connection;
        _sendsTrailers = sendsTrailers;
        _hasFailed = false;
        _isBlocked = false;
    }

    /// <summary>Appends a request's head and gets ready for its content.</summary>
    /// <returns>False when the head is larger than the largest buffer.</returns>
    public bool TrySendHead(HttpRequestHead head, RequestWriteOptions options)
    {
        for (int room = 1024; ; room *= 4)
        {
            Span<byte> target = _buffer.Reserve(room);
            if (target.IsEmpty) return false;
            if (!Http1Writer.TryWriteRequest(head, options, target, out int written)) continue;
            _buffer.Commit(written);
            Begin(head.HasBody ? head.Framing : BodyFraming.None, head.ContentLength);
            return true;
        }
    }

    /// <summary>Appends a response's head and gets ready for its content.</summary>
    /// <param name="head">What to send.</param>
    /// <param name="plan">How.</param>
    /// <param name="octets">Size of the head.</param>
    /// <returns>False when the head is larger than the largest buffer.</returns>
    public bool TrySendHead(HttpResponseHead head, in ResponsePlan plan, out int octets)
    {
        for (int room = 1024; ; room *= 4)
        {
            Span<byte> target = _buffer.Reserve(room);
            if (target.IsEmpty)
            {
                octets = 0;
                return false;
            }

            if (!Http1Writer.TryWriteResponse(head, plan, target, out octets)) continue;
            _buffer.Commit(octets);
            Begin(plan.Framing, plan.ContentLength);
            return true;
        }
    }

    /// <summary>Appends an interim response (1xx).</summary>
    public void SendInterim(ReadOnlySpan<byte> head)
    {
        if (_buffer.Reserve(head.Length).Length >= head.Length) _buffer.Append(head);
    }

    /// <summary>Appends an interim response (1xx) that came from a server.</summary>
    public void SendInterim(HttpResponseHead head)
    {
        for (int room = 256; ; room *= 4)
        {
            Span<byte> target = _buffer.Reserve(room);
            // An interim response may be left out; one that fits no buffer is.
            if (target.IsEmpty) return;
            if (!Http1Writer.TryWriteInterim(head, target, out int written)) continue;
            _buffer.Commit(written);
            return;
        }
    }

    /// <summary>What is sent from now on are bytes of another protocol; their end is the end of the connection in this direction.</summary>
    public void StartTunnel() => Begin(BodyFraming.Tunnel, 0);

    /// <summary>Content whose length was declared was accepted to its last octet: the peer knows that it has ended.</summary>
    public bool IsLengthReached => _framing == BodyFraming.Length && _left == 0;

    /// <inheritdoc/>
    public override int Send(ReadOnlySpan<byte> payload)
    {
        int sent = Accept(payload);
        _left -= sent;
        return sent;
    }

    private int Accept(ReadOnlySpan<byte> payload)
    {
        Debug.Assert(_framing is not BodyFraming.None, "content for a message that has none");
        if (_isBlocked || _hasFailed) return 0;
        if (payload.Length <= MaxGathered && payload.Length + ChunkOverhead <= _buffer.Room && _chunkRemaining == 0)
        {
            if (_framing == BodyFraming.Chunked) GatherChunk(payload);
            else _buffer.Append(payload);
            return payload.Length;
        }

        return _framing == BodyFraming.Chunked ? SendInChunk(payload) : SendThrough(payload);
    }

    public override void End(HeaderBlock? trailers)
    {
        _isEnding = _framing == BodyFraming.Tunnel;
        if (_framing != BodyFraming.Chunked || _hasFailed) return;
        if (!_sendsTrailers) trailers = null;
        for (int room = 64; ; room *= 4)
        {
            Span<byte> target = _buffer.Reserve(room);
            if (target.IsEmpty)
            {
                _hasFailed = true;
                return;
            }

            if (!Http1Writer.TryWriteLastChunk(trailers, target, out int written)) continue;
            _buffer.Commit(written);
            return;
        }
    }

    public override void Flush()
    {
        while (!_buffer.IsEmpty && !_hasFailed)
        {
            IoResult result = _buffer.Flush(_connection!);
            if (!Note(result)) return;
        }

        _isBlocked = false;
        if (!_isEnding || _hasFailed) return;
        _isEnding = false;
        _connection!.ShutdownWrite();
    }

    /// <summary>Forgets everything and gives the memory back.</summary>
    public void Detach()
    {
        _buffer.Release();
        _connection = null;
        _framing = BodyFraming.None;
        _chunkRemaining = 0;
        _isBlocked = false;
        _hasFailed = false;
        _isEnding = false;
    }

    private void Begin(BodyFraming framing, long length)
    {
        _framing = framing;
        _left = framing == BodyFraming.Length ? length : 0;
        _chunkRemaining = 0;
    }

    private void GatherChunk(ReadOnlySpan<byte> payload)
    {
        Http1Writer.TryWriteChunk(payload, _buffer.Reserve(payload.Length + ChunkOverhead), out int written);
        _buffer.Commit(written);
    }

    /// <summary>
    /// Sends payload as one chunk. When the kernel takes only a part of it the prefix is already out, so what comes next continues the
    /// chunk until it is as long as was said.
    /// </summary>
    private int SendInChunk(ReadOnlySpan<byte> payload)
    {
        if (_chunkRemaining == 0)
        {
            Http1Writer.TryWriteChunkPrefix(payload.Length, _buffer.Reserve(ChunkOverhead), out int written);
            _buffer.Commit(written);
            _chunkRemaining = payload.Length;
        }

        int taken = SendThrough(payload[..(int)Math.Min(payload.Length, _chunkRemaining)]);
        _chunkRemaining -= taken;
        if (_chunkRemaining == 0) _buffer.Append(Http1Writer.ChunkSuffix);
        return taken;
    }

    private int SendThrough(ReadOnlySpan<byte> payload)
    {
        int sent = 0;
        while (sent < payload.Length)
        {
            IoResult result = _buffer.Flush(_connection!, payload[sent..], out int taken);
            sent += taken;
            if (!Note(result)) break;
        }

        return sent;
    }

    private bool Note(IoResult result)
    {
        if (result.IsOk) return true;
        if (result.Status == IoStatus.WouldBlock) _isBlocked = true;
        else _hasFailed = true;
        return false;
    }
}
