using Lateen.Net;

namespace Lateen.Proxy.Forwarding.Http1;

/// <summary>
/// Bytes on their way to a peer: heads, chunk prefixes and small bodies, gathered so that they leave in one system call. Holds memory
/// only while something waits to be sent.
/// </summary>
/// <remarks>Owner thread only. At most one block of 64 KiB: whoever has more to send waits until the peer has taken some.</remarks>
internal sealed class WriteBuffer(BufferPool pool)
{
    private NativeBuffer? _block;
    private int _start;
    private int _end;

    public bool IsEmpty => _start == _end;

    public int Length => _end - _start;

    /// <summary>Octets that can be appended without asking for a larger block.</summary>
    public int Room => _block is null ? BufferPool.BytesOf(BufferSize.Small) : _block.Length - _end;

    /// <summary>Room for at least <paramref name="atLeast"/> bytes, or an empty span when the largest block would not do.</summary>
    public Span<byte> Reserve(int atLeast)
    {
        if (_block is null) return Begin(atLeast);
        if (_block.Length - _end >= atLeast) return _block.Span[_end..];
        return Enlarge(atLeast);
    }

    public void Commit(int count) => _end += count;

    /// <summary>Appends bytes for which <see cref="Room"/> was checked.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _end += bytes.Length;
    }

    /// <summary>Sends what is gathered; what the kernel does not take stays.</summary>
    public IoResult Flush(TransportConnection connection)
    {
        IoResult result = connection.Write(_block!.Span[_start.._end]);
        if (result.IsOk) Drop(result.Bytes);
        return result;
    }

    /// <summary>Sends what is gathered and then <paramref name="payload"/>, in one system call.</summary>
    /// <param name="connection">Where to.</param>
    /// <param name="payload">Sent from where it lies.</param>
    /// <param name="payloadTaken">Octets of the payload that the kernel took.</param>
    public IoResult Flush(TransportConnection connection, ReadOnlySpan<byte> payload, out int payloadTaken)
    {
        payloadTaken = 0;
        int gathered = Length;
        IoResult result = gathered == 0 ? connection.Write(payload) : connection.Write(_block!.Span[_start.._end], payload);
        if (!result.IsOk) return result;
        payloadTaken = Math.Max(0, result.Bytes - gathered);
        Drop(Math.Min(gathered, result.Bytes));
        return result;
    }

    /// <summary>Gives the block back and forgets what was not sent.</summary>
    public void Release()
    {
        if (_block is null) return;
        NativeBuffer block = _block;
        _block = null;
        _start = _end = 0;
        block.Dispose();
    }

    private void Drop(int count)
    {
        _start += count;
        if (_start == _end) Release();
    }

    private Span<byte> Begin(int atLeast)
    {
        if (atLeast > BufferPool.BytesOf(BufferSize.Large)) return default;
        _block = pool.Rent(SizeFor(atLeast));
        return _block.Span;
    }

    private Span<byte> Enlarge(int atLeast)
    {
        int wanted = Length + atLeast;
        if (wanted > BufferPool.BytesOf(BufferSize.Large)) return default;
        ReadOnlySpan<byte> unsent = _block!.Span[_start.._end];
        if (wanted <= _block.Length)
        {
            unsent.CopyTo(_block.Span);
        }
        else
        {
            NativeBuffer block = pool.Rent(SizeFor(wanted));
            unsent.CopyTo(block.Span);
            _block.Dispose();
            _block = block;
        }

        _end -= _start;
        _start = 0;
        return _block.Span[_end..];
    }

    private static BufferSize SizeFor(int bytes) =>
        bytes <= BufferPool.BytesOf(BufferSize.Small) ? BufferSize.Small
        : bytes <= BufferPool.BytesOf(BufferSize.Medium) ? BufferSize.Medium
        : BufferSize.Large;
}
