using Lateen.Net;

namespace Lateen.Proxy.Forwarding.Http2;

/// <summary>Bytes in the order of their arrival, over blocks of a reactor's pool. Holds memory only while it holds bytes.</summary>
/// <remarks>
/// Owner thread only. Unbounded by itself: whoever fills it has a bound (a flow-control window, a high-water mark). Starts with a small block and
/// goes on with larger ones, so that a message of some octets costs 4 KiB and a bulk transfer gets 64 KiB pieces.
/// </remarks>
internal sealed class BlockQueue(BufferPool pool)
{
    private const int InitialBlocks = 4;

    private NativeBuffer[] _blocks = new NativeBuffer[InitialBlocks];
    private int[] _ends = new int[InitialBlocks];
    private int _first;
    private int _count;
    private int _start;

    /// <summary>Octets in the queue.</summary>
    public int Length { get; private set; }

    public bool IsEmpty => Length == 0;

    /// <summary>Octets of room behind the last one, without another block.</summary>
    private int Room => _count == 0 ? 0 : _blocks[_first + _count - 1].Length - _ends[_first + _count - 1];

    /// <summary>Contiguous room of at least so many octets, at most those of a small block; more is given where it is there.</summary>
    public Span<byte> GetSpan(int atLeast)
    {
        if (Room < atLeast) AddBlock();
        int last = _first + _count - 1;
        return _blocks[last].Span[_ends[last]..];
    }

    /// <summary>Takes the first octets of the last span into the queue.</summary>
    public void Advance(int octets)
    {
        _ends[_first + _count - 1] += octets;
        Length += octets;
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> room = GetSpan(1);
            int taken = Math.Min(room.Length, bytes.Length);
            bytes[..taken].CopyTo(room);
            Advance(taken);
            bytes = bytes[taken..];
        }
    }

    /// <summary>The contiguous octets of a block, the oldest being block 0; empty when there is no such block.</summary>
    public ReadOnlySpan<byte> Piece(int index)
    {
        if (index >= _count) return default;
        int at = _first + index;
        int start = index == 0 ? _start : 0;
        return _blocks[at].Span[start.._ends[at]];
    }

    /// <summary>Forgets the oldest octets.</summary>
    public void Drop(int octets)
    {
        Length -= octets;
        while (octets > 0)
        {
            int inBlock = _ends[_first] - _start;
            if (octets < inBlock)
            {
                _start += octets;
                return;
            }

            octets -= inBlock;
            RemoveFirst();
        }

        if (Length == 0) Release();
    }

    /// <summary>Forgets everything and gives the memory back.</summary>
    public void Release()
    {
        while (_count > 0) RemoveFirst();
        Length = 0;
    }

    private void RemoveFirst()
    {
        NativeBuffer block = _blocks[_first];
        _blocks[_first] = null!;
        _count--;
        _start = 0;
        _first = _count == 0 ? 0 : _first + 1;
        block.Dispose();
    }

    private void AddBlock()
    {
        if (_first + _count == _blocks.Length)
        {
            if (_first == 0)
            {
                Array.Resize(ref _blocks, _blocks.Length * 2);
                Array.Resize(ref _ends, _blocks.Length);
            }
            else
            {
                Array.Copy(_blocks, _first, _blocks, 0, _count);
                Array.Copy(_ends, _first, _ends, 0, _count);
                Array.Clear(_blocks, _count, _blocks.Length - _count);
                _first = 0;
            }
        }

        BufferSize size = _count switch { 0 => BufferSize.Small, 1 => BufferSize.Medium, _ => BufferSize.Large };
        _ends[_first + _count] = 0;
        _blocks[_first + _count] = pool.Rent(size);
        _count++;
    }
}
