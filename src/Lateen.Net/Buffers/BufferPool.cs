using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Lateen.Net;

/// <summary>
/// The I/O buffers of one reactor: native slabs, cut into blocks of three size classes.
/// </summary>
/// <remarks>
/// <para>Owner thread only, so renting is a pop and returning a push. Native memory, because the kernel writes into it while the collector
/// would have to be told to keep still, and because a free slab can be given back to the system.</para>
/// <para>Blocks are handed out from the most recently used slab that has one, which keeps the working set small. Slabs whose blocks are all
/// free are given back to the system with delay: a timer, armed only while there are such slabs, releases those beyond the most that was
/// rented at one time since it last looked. Releasing them at once would make and free slabs in every turn, since a turn of a busy reactor
/// rents for all ready connections and returns nearly everything.</para>
/// <para>Bounded by <see cref="ReactorOptions.MaxBufferBytes"/>: at the bound <see cref="TryRent"/> says no and <see cref="Rent"/> throws.</para>
/// </remarks>
public sealed class BufferPool
{
    private const int SizeCount = 3;

    private static readonly int[] BlockBytes = [4 * 1024, 16 * 1024, 64 * 1024];

    /// <summary>Blocks per slab: 64 KiB, 256 KiB and 256 KiB a slab. Small, since the resident memory of an idle proxy is a budget.</summary>
    private static readonly int[] BlocksPerSlab = [16, 16, 4];

    /// <summary>How long memory outlives its use. Milliseconds. Long against a turn and a garbage collection, short against a day's load curve.</summary>
    private const int TrimPeriodMilliseconds = 2000;

    private readonly Reactor _reactor;
    private readonly long _maxBytes;
    private readonly BufferSlab?[] _partial = new BufferSlab?[SizeCount];
    private readonly int[] _slabCount = new int[SizeCount];
    private readonly int[] _emptySlabs = new int[SizeCount];
    private readonly int[] _rented = new int[SizeCount];
    private readonly int[] _peakRented = new int[SizeCount];
    private readonly ReactorTimer _trim;
    private readonly List<BufferSlab> _slabs = [];

    internal BufferPool(Reactor reactor, long maxBytes)
    {
        _reactor = reactor;
        _maxBytes = maxBytes;
        _trim = new ReactorTimer(reactor, static state => ((BufferPool)state!).Trim(), this);
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
        var index = (int)size;
        var slab = _partial[index] ?? AddSlab(size);
        if (slab is null)
            return null;
        if (slab.IsAllFree)
            _emptySlabs[index]--;
        _peakRented[index] = Math.Max(_peakRented[index], ++_rented[index]);
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
        _rented[(int)slab.Size]--;
        if (slab.IsAllFree && ++_emptySlabs[(int)slab.Size] > 1 && !_trim.IsArmed)
            _trim.Arm(TrimPeriodMilliseconds);
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

        _trim.Cancel();
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
        _slabCount[(int)size]++;
        _emptySlabs[(int)size]++;
        AddPartial(slab);
        return slab;
    }

    /// <summary>Releases empty slabs beyond what the last period needed at its peak; one empty slab per class always stays.</summary>
    private void Trim()
    {
        for (var i = _slabs.Count - 1; i >= 0; i--)
        {
            var slab = _slabs[i];
            var index = (int)slab.Size;
            if (!slab.IsAllFree || _emptySlabs[index] <= 1 || (_slabCount[index] - 1) * BlocksPerSlab[index] < _peakRented[index])
                continue;
            Release(slab);
            _slabs.RemoveAt(i);
        }

        _rented.CopyTo(_peakRented, 0);
        if (_emptySlabs.AsSpan().ContainsAnyInRange(2, int.MaxValue))
            _trim.Arm(TrimPeriodMilliseconds);
    }

    private void Release(BufferSlab slab)
    {
        _slabCount[(int)slab.Size]--;
        _emptySlabs[(int)slab.Size]--;
        RemovePartial(slab);
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
