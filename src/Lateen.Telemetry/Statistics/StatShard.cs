using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Lateen.Telemetry.Statistics;

/// <summary>The cells that one thread counts in. A write is a plain load and store in memory that no other thread writes: no lock, no
/// interlocked operation. Readers sum the shards.</summary>
/// <remarks>
/// Cells are 64-bit and aligned, so a reader on another thread never sees half a value; it may see a value that is a few counts old.
/// Cells live in chunks that are made on the first write into them and never move, so a proxy that knows ten thousand clusters pays for
/// those that have traffic. Only the owner thread may call the writing methods; Debug builds check it once
/// <see cref="BindToCurrentThread"/> was called. Get one from <see cref="StatsRegistry.CreateShard"/>, one per reactor, for the life of
/// the process: what it counted stays in the sums after its thread has ended.
/// </remarks>
public sealed class StatShard
{
    internal const int ChunkShift = 9;
    internal const int ChunkSize = 1 << ChunkShift;
    private const int ChunkMask = ChunkSize - 1;

    private long[]?[] _chunks = new long[]?[8];
    private int _ownerThread;

    internal StatShard(string name)
    {
        Name = name;
    }

    /// <summary>Whose shard it is, for a person: <c>worker_0</c>.</summary>
    public string Name { get; }

    /// <summary>Makes the calling thread the only one that may write, which Debug builds then assert.</summary>
    public void BindToCurrentThread()
    {
        _ownerThread = Environment.CurrentManagedThreadId;
    }

    /// <summary>Adds one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Increment(Counter counter)
    {
        Cell(counter.Slot)++;
    }

    /// <summary>Adds <paramref name="count"/>, which is not negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Counter counter, long count)
    {
        Cell(counter.Slot) += count;
    }

    /// <summary>Adds one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Increment(Gauge gauge)
    {
        Cell(gauge.Slot)++;
    }

    /// <summary>Takes one away.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Decrement(Gauge gauge)
    {
        Cell(gauge.Slot)--;
    }

    /// <summary>Adds <paramref name="amount"/>, which may be negative.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(Gauge gauge, long amount)
    {
        Cell(gauge.Slot) += amount;
    }

    /// <summary>Counts one value, in the unit of the histogram. Negative values count as 0.</summary>
    public void Record(Histogram histogram, long value)
    {
        if (histogram.Buckets is null)
            return;
        if (value < 0)
            value = 0;
        Cell(histogram.Slot + histogram.Buckets.IndexOf(value))++;
        Cell(histogram.Slot + histogram.Buckets.Count + 1) += value;
    }

    /// <summary>The shard's part of a cell. Any thread.</summary>
    internal long Read(int slot)
    {
        var chunks = Volatile.Read(ref _chunks);
        var index = slot >> ChunkShift;
        if ((uint)index >= (uint)chunks.Length || Volatile.Read(ref chunks[index]) is not { } chunk)
            return 0;
        return Volatile.Read(ref chunk[slot & ChunkMask]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref long Cell(int slot)
    {
        Debug.Assert(_ownerThread == 0 || _ownerThread == Environment.CurrentManagedThreadId, "a shard is written by its own thread only");
        var chunks = _chunks;
        var index = slot >> ChunkShift;
        if ((uint)index < (uint)chunks.Length)
        {
            var chunk = chunks[index];
            if (chunk is not null)
                return ref chunk[slot & ChunkMask];
        }
        return ref NewCell(slot);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private ref long NewCell(int slot)
    {
        var index = slot >> ChunkShift;
        var chunks = _chunks;
        if (index >= chunks.Length)
        {
            // The chunks are carried over, not copied: a reader that still holds the old directory misses only chunks made after it.
            Array.Resize(ref chunks, Math.Max(chunks.Length * 2, index + 1));
            Volatile.Write(ref _chunks, chunks);
        }
        var chunk = new long[ChunkSize];
        Volatile.Write(ref chunks[index], chunk);
        return ref chunk[slot & ChunkMask];
    }
}
