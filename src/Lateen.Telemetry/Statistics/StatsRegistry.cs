using System.Runtime.InteropServices;

namespace Lateen.Telemetry.Statistics;

/// <summary>All stats of one proxy: who has which cells, the shards that count in them, and the sums.</summary>
/// <remarks>Opening and closing groups and reading take a lock and may be done from any thread; counting goes through a
/// <see cref="StatShard"/> and never comes here.</remarks>
public sealed class StatsRegistry
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(StatLayout, string, string), StatBlock> _blocks = [];
    private readonly Dictionary<int, Stack<int>> _freeBySize = [];
    private readonly List<Action<SharedStatShard>> _collectors = [];
    private StatShard[] _shards;

    // Cell 0 is the discard cell: where default handles count.
    private int _nextSlot = 1;

    public StatsRegistry()
    {
        var shared = new StatShard("shared");
        _shards = [shared];
        Shared = new SharedStatShard(shared);
    }

    /// <summary>The shard for code that runs on no reactor.</summary>
    public SharedStatShard Shared { get; }

    /// <summary>Makes a shard for one thread. Shards stay for the life of the registry.</summary>
    public StatShard CreateShard(string name)
    {
        var shard = new StatShard(name);
        lock (_lock)
            _shards = [.. _shards, shard];
        return shard;
    }

    /// <summary>Adds a step that runs before each listing, to publish numbers that are kept elsewhere (uptime, memory). Called on the
    /// thread that asks for the listing.</summary>
    public void OnCollect(Action<SharedStatShard> collector)
    {
        lock (_lock)
            _collectors.Add(collector);
    }

    /// <summary>The value of a counter at this moment.</summary>
    public long Read(Counter counter)
    {
        return Sum(counter.Slot);
    }

    /// <summary>The value of a gauge at this moment.</summary>
    public long Read(Gauge gauge)
    {
        return Sum(gauge.Slot);
    }

    /// <summary>What a histogram holds at this moment.</summary>
    public HistogramReading Read(Histogram histogram)
    {
        var counts = new long[histogram.Buckets.Count + 1];
        for (var i = 0; i < counts.Length; i++)
            counts[i] = Sum(histogram.Slot + i);
        return new HistogramReading(histogram.Buckets, counts, Sum(histogram.Slot + counts.Length));
    }

    /// <summary>The value of a counter or gauge by its dotted name, or null when there is none: for tests and for people, not for the
    /// request path.</summary>
    public long? Find(string name)
    {
        foreach (var reading in List())
        {
            if (reading.Definition.Kind is StatKind.Counter or StatKind.Gauge && reading.Name == name)
                return reading.Value;
        }
        return null;
    }

    /// <summary>What there is to list at this moment, ordered by scope. Runs the collectors first.</summary>
    public StatListing List()
    {
        Action<SharedStatShard>[] collectors;
        lock (_lock)
            collectors = [.. _collectors];
        foreach (var collector in collectors)
            collector(Shared);

        StatBlock[] blocks;
        lock (_lock)
            blocks = [.. _blocks.Values];
        Array.Sort(blocks, static (a, b) =>
        {
            var byPrefix = string.CompareOrdinal(a.Scope.TextPrefix, b.Scope.TextPrefix);
            return byPrefix != 0 ? byPrefix : string.CompareOrdinal(a.Scope.TextSuffix, b.Scope.TextSuffix);
        });
        return new StatListing(this, blocks);
    }

    /// <summary>Sets all counters and histograms back to zero, as Envoy's <c>/reset_counters</c> does for counters. Counts that arrive
    /// during the call land on one side or the other; none is lost or doubled.</summary>
    public void ResetCounters()
    {
        lock (_lock)
        {
            foreach (var block in _blocks.Values)
            {
                var baseline = new long[block.Layout.SlotCount];
                foreach (var definition in block.Layout.Definitions)
                {
                    if (definition.Kind == StatKind.Text)
                        continue;
                    if (definition.Kind == StatKind.Gauge)
                    {
                        baseline[definition.Offset] = block.Baseline?[definition.Offset] ?? 0;
                        continue;
                    }
                    var cells = definition.Buckets?.SlotCount ?? 1;
                    for (var i = definition.Offset; i < definition.Offset + cells; i++)
                        baseline[i] = SumCells(block.BaseSlot + i);
                }
                block.Baseline = baseline;
            }
        }
    }

    internal StatBlock Acquire(StatLayout layout, StatScope scope)
    {
        lock (_lock)
        {
            ref var block = ref CollectionsMarshal.GetValueRefOrAddDefault(_blocks, (layout, scope.TextPrefix, scope.TextSuffix), out var exists);
            if (exists)
            {
                block!.Uses++;
                return block;
            }
            if (_freeBySize.TryGetValue(layout.SlotCount, out var free) && free.TryPop(out var reused))
            {
                block = new StatBlock(layout, scope, reused) { Baseline = SumRange(reused, layout.SlotCount) };
            }
            else
            {
                block = new StatBlock(layout, scope, _nextSlot);
                _nextSlot += layout.SlotCount;
            }
            return block;
        }
    }

    internal void Release(StatBlock block)
    {
        lock (_lock)
        {
            if (--block.Uses > 0)
                return;
            _blocks.Remove((block.Layout, block.Scope.TextPrefix, block.Scope.TextSuffix));
            ref var free = ref CollectionsMarshal.GetValueRefOrAddDefault(_freeBySize, block.Layout.SlotCount, out _);
            (free ??= new Stack<int>()).Push(block.BaseSlot);
        }
    }

    internal long Above(StatBlock block, int offset)
    {
        return SumCells(block.BaseSlot + offset) - (block.Baseline?[offset] ?? 0);
    }

    private long Sum(int slot)
    {
        lock (_lock)
        {
            foreach (var block in _blocks.Values)
            {
                var offset = slot - block.BaseSlot;
                if (offset >= 0 && offset < block.Layout.SlotCount)
                    return Above(block, offset);
            }
            return SumCells(slot);
        }
    }

    private long[] SumRange(int slot, int count)
    {
        var sums = new long[count];
        for (var i = 0; i < count; i++)
            sums[i] = SumCells(slot + i);
        return sums;
    }

    private long SumCells(int slot)
    {
        long sum = 0;
        foreach (var shard in _shards)
            sum += shard.Read(slot);
        return sum;
    }
}
