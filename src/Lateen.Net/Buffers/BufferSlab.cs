using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Lateen.Net;

/// <summary>
/// One native allocation, cut into blocks of one size class, with a stack of those that are free. Owner thread only.
/// </summary>
internal sealed unsafe class BufferSlab
{
    private const int PageBytes = 4096;

    private readonly NativeBuffer[] _blocks;
    private readonly NativeBuffer[] _free;
    private byte* _memory;
    private int _freeCount;

    internal BufferSlab(BufferPool pool, BufferSize size, int blockBytes, int blockCount)
    {
        Pool = pool;
        Size = size;
        Bytes = blockBytes * blockCount;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, PageBytes);
        _blocks = new NativeBuffer[blockCount];
        _free = new NativeBuffer[blockCount];
        // Pushed from the last to the first, so that a quiet reactor touches only the first pages of the slab.
        for (var i = blockCount - 1; i >= 0; i--)
        {
            var block = new NativeBuffer(this, _memory + ((long)i * blockBytes), blockBytes);
            _blocks[i] = block;
            _free[_freeCount++] = block;
        }
    }

    internal BufferPool Pool { get; }

    internal BufferSize Size { get; }

    internal int Bytes { get; }

    internal ReadOnlySpan<NativeBuffer> Blocks => _blocks;

    internal bool HasFree => _freeCount > 0;

    internal bool IsAllFree => _freeCount == _blocks.Length;

    /// <summary>Position in the pool's list of slabs of this class that have a free block; null at both ends or outside of it.</summary>
    internal BufferSlab? NextPartial { get; set; }

    internal BufferSlab? PreviousPartial { get; set; }

    internal NativeBuffer Pop()
    {
        var block = _free[--_freeCount];
        Debug.Assert(!block.IsRented);
        return block;
    }

    internal void Push(NativeBuffer block) => _free[_freeCount++] = block;

    internal void Free()
    {
        Debug.Assert(IsAllFree, "A slab is freed only when nobody holds a block of it.");
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _freeCount = 0;
    }
}
