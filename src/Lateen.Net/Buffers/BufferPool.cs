using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Lateen.Net;

/// <summary>
/// The I/O buffers of one reactor: native slabs, cut into blocks of three size classes.
/// </summary>
/// <remarks>
/// <para>Owner thread only, so renting is a pop and returning a push. Native memory, because the kernel writes into it while the collector
/// would have to be told to keep still, and because a free slab can be given back to the system.</para>
/// <para>Blocks are handed out from the most recently used slab that has one, which keeps the working set small; a slab whose blocks are
/// all free is released, save one spare per class so that a load that swings around a slab's edge does not allocate each time.</para>
/// <para>Bounded by <see cref="ReactorOptions.MaxBufferBytes"/>: at the bound <see cref="TryRent"/> says no and <see cref="Rent"/> throws.</para>
/// </remarks>
public sealed class BufferPool
{
    private const int SizeCount = 3;

    private static readonly int[] BlockBytes = [4 * 1024, 16 * 1024, 64 * 1024];

    /// <summary>Blocks per slab: 64 KiB, 256 KiB and 256 KiB a slab. Small, since the resident memory of an idle proxy is a budget.</summary>
    private static readonly int[] BlocksPerSlab = [16, 16, 4];

    private readonly Reactor _reactor;
    private readonly long _maxBytes;
    private readonly BufferSlab?[] _partial = new BufferSlab?[SizeCount];
    private readonly int[] _spare = new int[SizeCount];
    private readonly List<BufferSlab> _slabs = [];

    internal BufferPool(Reactor reactor, long maxBytes)
    {
        _reactor = reactor;
        _maxBytes = maxBytes;
    }

    /// <summary>Octets that the pool holds from the system, rented or not.</summary>
    public long ReservedBytes { get; private set; }

    /// <summary>Octets that are rented.</summary>
    public long RentedBytes { get; private set; }

    /// <summary>Blocks that are rented.</summary>
    public int RentedCount { get; private set; }

    /// <summary>Octets of one block of a class.</summary>
    public static int BytesOf(BufferSize size) => BlockBytes[(int)size];

    /// <summary>A block of the class; its owner disposes it.</summary>
    /// <param name="size">The class.</param>
    /// <param name="owner">Shown in the leak report of a Debug build.</param>
    /// <exception cref="InsufficientMemoryException">The pool is at its bound; as any other exception it costs the connection that asked.</exception>
    public NativeBuffer Rent(BufferSize size, [CallerMemberName] string owner = "")
    {
        return TryRent(size, owner) ?? throw new InsufficientMemoryException(
            $"The reactor's buffers are at their bound of {_maxBytes} bytes; raise MaxBufferBytes or admit fewer connections.");
    }

    /// <summary>As <see cref="Rent"/>, but null at the bound, for those who can wait.</summary>
    public NativeBuffer? TryRent(BufferSize size, [CallerMemberName] string owner = "")
    {
        _reactor.VerifyAccess();
        var slab = _partial[(int)size] ?? AddSlab(size);
        if (slab is null)
            return null;
        if (slab.IsAllFree)
            _spare[(int)size]--;
        var block = slab.Pop();
        if (!slab.HasFree)
            RemovePartial(slab);
        block.IsRented = true;
        RentedCount++;
        RentedBytes += block.Length;
        TagOwner(block, owner);
        return block;
    }

    internal void Return(NativeBuffer block)
    {
        _reactor.VerifyAccess();
        if (!block.IsRented)
            throw new InvalidOperationException("The buffer was already returned to its pool: two owners believe that it is theirs.");
        block.IsRented = false;
        RentedCount--;
        RentedBytes -= block.Length;
        var slab = block.Slab;
        var wasFull = !slab.HasFree;
        slab.Push(block);
        if (wasFull)
            AddPartial(slab);
        if (slab.IsAllFree && ++_spare[(int)slab.Size] > 1)
            Release(slab);
    }

    /// <summary>One line per rented block: size and owner (Debug builds only know the owner). Empty when all came home.</summary>
    internal IReadOnlyList<string> DescribeRented()
    {
        var lines = new List<string>();
        foreach (var slab in _slabs)
        {
            foreach (var block in slab.Blocks)
            {
                if (block.IsRented)
                    lines.Add($"{block.Length} bytes rented by {block.Owner ?? "an unknown owner (see a Debug build)"}");
            }
        }

        return lines;
    }

    /// <summary>Gives all memory back, except slabs with rented blocks: a leak must not become a use of freed memory.</summary>
    internal void Free()
    {
        foreach (var slab in _slabs)
        {
            if (slab.IsAllFree)
                slab.Free();
        }

        _slabs.Clear();
        Array.Clear(_partial);
        ReservedBytes = 0;
    }

    [Conditional("DEBUG")]
    private static void TagOwner(NativeBuffer block, string owner) => block.Owner = owner;

    private BufferSlab? AddSlab(BufferSize size)
    {
        var slabBytes = BlockBytes[(int)size] * BlocksPerSlab[(int)size];
        if (ReservedBytes + slabBytes > _maxBytes)
            return null;
        var slab = new BufferSlab(this, size, BlockBytes[(int)size], BlocksPerSlab[(int)size]);
        _slabs.Add(slab);
        ReservedBytes += slabBytes;
        _spare[(int)size]++;
        AddPartial(slab);
        return slab;
    }

    private void Release(BufferSlab slab)
    {
        _spare[(int)slab.Size]--;
        RemovePartial(slab);
        _slabs.Remove(slab);
        ReservedBytes -= slab.Bytes;
        slab.Free();
    }

    private void AddPartial(BufferSlab slab)
    {
        ref var head = ref _partial[(int)slab.Size];
        slab.NextPartial = head;
        slab.PreviousPartial = null;
        if (head is not null)
            head.PreviousPartial = slab;
        head = slab;
    }

    private void RemovePartial(BufferSlab slab)
    {
        if (slab.PreviousPartial is null)
            _partial[(int)slab.Size] = slab.NextPartial;
        else
            slab.PreviousPartial.NextPartial = slab.NextPartial;
        if (slab.NextPartial is not null)
            slab.NextPartial.PreviousPartial = slab.PreviousPartial;
        slab.NextPartial = null;
        slab.PreviousPartial = null;
    }
}
