using System.Buffers;
using System.Diagnostics;

namespace Lateen.Net;

/// <summary>
/// A block of native memory, rented from a reactor's <see cref="BufferPool"/> and returned by <see cref="Dispose()"/>. Its content is
/// whatever was there before.
/// </summary>
/// <remarks>
/// Owner thread only. The object belongs to its block and is handed out again with it: after <see cref="Dispose()"/> the reference must be
/// forgotten (null the field, then dispose). A second return throws; a use after the return is caught in Debug.
/// </remarks>
public sealed unsafe class NativeBuffer : MemoryManager<byte>
{
    private readonly byte* _start;

    internal NativeBuffer(BufferSlab slab, byte* start, int length)
    {
        Slab = slab;
        _start = start;
        Length = length;
    }

    /// <summary>Octets in the block.</summary>
    public int Length { get; }

    /// <summary>The block's bytes.</summary>
    public Span<byte> Span
    {
        get
        {
            Debug.Assert(IsRented, "A buffer was used after it was returned to its pool.");
            return new Span<byte>(_start, Length);
        }
    }

    internal BufferSlab Slab { get; }

    internal bool IsRented { get; set; }

    /// <summary>Who rented it, for the leak report. Kept in Debug only.</summary>
    internal string? Owner { get; set; }

    /// <summary>Gives the block back to its pool.</summary>
    /// <exception cref="InvalidOperationException">It was returned before.</exception>
    public void Dispose() => Slab.Pool.Return(this);

    public override Span<byte> GetSpan() => Span;

    /// <summary>The memory does not move: pinning is free and needs no unpinning.</summary>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)Length);
        return new MemoryHandle(_start + elementIndex, default, this);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Dispose();
    }
}
