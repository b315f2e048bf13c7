using System.Buffers;
using System.Text;

namespace Lateen.Proxy.Admin;

/// <summary>The response of an admin page: status and type first, then the body, which is written as a stream.</summary>
/// <remarks>
/// A body under one buffer goes out with its length. A larger one goes out in chunks while the page still writes, so a listing of a
/// hundred megabytes needs one buffer. Once the first chunk is out, status and type can no longer change.
/// </remarks>
public sealed class AdminResponse : IBufferWriter<byte>, IDisposable
{
    /// <summary>Text in UTF-8.</summary>
    public const string Text = "text/plain; charset=UTF-8";

    /// <summary>JSON.</summary>
    public const string Json = "application/json";

    /// <summary>A page for a browser.</summary>
    public const string Html = "text/html; charset=UTF-8";

    private const int BufferSize = 64 * 1024;

    private readonly Action<ReadOnlyMemory<byte>> _send;
    private readonly bool _acceptsChunks;
    private readonly string _date;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int _used;

    internal AdminResponse(Action<ReadOnlyMemory<byte>> send, bool acceptsChunks, bool keepsAlive, bool isHead, string date)
    {
        _send = send;
        _acceptsChunks = acceptsChunks;
        KeepsAlive = keepsAlive;
        IsHead = isHead;
        _date = date;
    }

    public int Status { get; set; } = 200;

    public string ContentType { get; set; } = Text;

    /// <summary>Sent as <c>allow</c> with 405.</summary>
    public string? Allow { get; set; }

    /// <summary>Whether the connection may serve another request.</summary>
    internal bool KeepsAlive { get; private set; }

    /// <summary>The request was HEAD: the body is counted and not sent.</summary>
    internal bool IsHead { get; }

    internal bool HasStarted { get; private set; }

    /// <summary>Octets that were written, sent or not.</summary>
    internal long BodyOctets { get; private set; }

    /// <summary>Appends text.</summary>
    public void Write(ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, this);

    /// <summary>Answers with a status and one text.</summary>
    public void Refuse(int status, string reason)
    {
        Status = status;
        Write(reason);
    }

    public void Advance(int count)
    {
        _used += count;
        BodyOctets += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsMemory(_used);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _buffer.AsSpan(_used);
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    /// <summary>Sends what is left.</summary>
    internal void Finish()
    {
        if (!HasStarted)
        {
            SendHead($"content-length: {_used}\r\n");
            if (!IsHead) _send(_buffer.AsMemory(0, _used));
            _used = 0;
            return;
        }

        SendChunk();
        if (_acceptsChunks && !IsHead) _send("0\r\n\r\n"u8.ToArray());
    }

    private void Reserve(int sizeHint)
    {
        var wanted = Math.Max(sizeHint, 256);
        if (_buffer.Length - _used >= wanted) return;
        if (_used > 0)
        {
            if (!HasStarted)
            {
                if (!_acceptsChunks) KeepsAlive = false;
                SendHead(_acceptsChunks ? "transfer-encoding: chunked\r\n" : string.Empty);
            }

            SendChunk();
        }

        if (_buffer.Length >= wanted) return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = ArrayPool<byte>.Shared.Rent(wanted);
    }

    private void SendHead(string framing)
    {
        HasStarted = true;
        var head = new StringBuilder(256);
        head.Append($"HTTP/1.1 {Status} {Lateen.Http.ReasonPhrases.For(Status)}\r\n");
        head.Append($"content-type: {ContentType}\r\ncache-control: no-cache, max-age=0\r\nx-content-type-options: nosniff\r\n");
        head.Append($"date: {_date}\r\nserver: lateen\r\n");
        if (Allow is not null) head.Append($"allow: {Allow}\r\n");
        if (!KeepsAlive) head.Append("connection: close\r\n");
        head.Append(framing).Append("\r\n");
        _send(Encoding.ASCII.GetBytes(head.ToString()));
    }

    private void SendChunk()
    {
        if (_used > 0 && !IsHead)
        {
            if (_acceptsChunks) _send(Encoding.ASCII.GetBytes($"{_used:x}\r\n"));
            _send(_buffer.AsMemory(0, _used));
            if (_acceptsChunks) _send("\r\n"u8.ToArray());
        }

        _used = 0;
    }
}
