using Lateen.Net;

namespace Lateen.Proxy.Forwarding.Http1;

/// <summary>
/// What came from a peer and was not yet used. Holds memory only while there are such bytes: an idle connection has none.
/// </summary>
/// <remarks>
/// Starts with a small block and goes up one size each time that a read filled all the room there was, so a bulk transfer gets 64 KiB
/// reads and a small message costs 4 KiB. Owner thread only. Spans given out are valid until the next <see cref="Fill"/> or <see cref="Release"/>.
/// </remarks>
internal sealed class ReadBuffer(BufferPool pool)
{
    private NativeBuffer? _block;
    private BufferSize _size;
    private BufferSize _largest = BufferSize.Large;
    private int _start;
    private int _end;

    public ReadOnlySpan<byte> Unread => _block is null ? default : _block.Span[_start.._end];

    public bool IsEmpty => _start == _end;

    /// <summary>
    /// Content is not read in larger pieces than a configured limit (<c>per_connection_buffer_limit_bytes</c>), with one block of 4 KiB as the least.
    /// Heads have limits of their own.
    /// </summary>
    public void LimitTo(uint octets) => _largest =
        octets >= BufferPool.BytesOf(BufferSize.Large) ? BufferSize.Large
        : octets >= BufferPool.BytesOf(BufferSize.Medium) ? BufferSize.Medium
        : BufferSize.Small;

    /// <summary>One read from the connection, appended to what is unread. The result is the transport's; a full buffer reads nothing.</summary>
    public IoResult Fill(TransportConnection connection)
    {
        if (_block is null)
        {
            _block = pool.Rent(_size);
        }
        else if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_end == _block.Length && !MakeRoom())
        {
            return IoResult.WouldBlock;
        }

        Span<byte> room = _block.Span[_end..];
        IoResult result = connection.Read(room);
        if (!result.IsOk)
        {
            if (_start == _end) GiveBack();
            return result;
        }

        _end += result.Bytes;
        if (result.Bytes == room.Length && _size < _largest) _size++;
        return result;
    }

    public void Consume(int count) => _start += count;

    /// <summary>Forgets what is unread.</summary>
    public void Discard() => _start = _end;

    /// <summary>Gives the block back if nothing in it is unread.</summary>
    public void ReleaseIfEmpty()
    {
        if (_block is not null && _start == _end) GiveBack();
    }

    /// <summary>Gives the block back whatever is in it, and forgets the size that the last message grew to.</summary>
    public void Release()
    {
        if (_block is not null) GiveBack();
        _size = BufferSize.Small;
    }

    private bool MakeRoom()
    {
        ReadOnlySpan<byte> unread = Unread;
        if (_start > 0)
        {
            unread.CopyTo(_block!.Span);
        }
        else
        {
            if (_block!.Length >= BufferPool.BytesOf(BufferSize.Large)) return false;
            BufferSize larger = _block.Length < BufferPool.BytesOf(BufferSize.Medium) ? BufferSize.Medium : BufferSize.Large;
            NativeBuffer block = pool.Rent(larger);
            unread.CopyTo(block.Span);
            _block.Dispose();
            _block = block;
        }

        _end -= _start;
        _start = 0;
        return true;
    }

    private void GiveBack()
    {
        NativeBuffer block = _block!;
        _block = null;
        _start = _end = 0;
        block.Dispose();
    }
}
