namespace Lateen.Telemetry.Statistics;

/// <summary>The shard for everything that is not on a reactor: configuration, the xDS client, the admin endpoint. Any thread may write;
/// each write takes a short lock, so it has no place on the request path.</summary>
public sealed class SharedStatShard
{
    private readonly Lock _lock = new();

    internal SharedStatShard(StatShard cells)
    {
        Cells = cells;
    }

    internal StatShard Cells { get; }

    /// <summary>Adds to a counter.</summary>
    public void Add(Counter counter, long count = 1)
    {
        lock (_lock)
            Cells.Add(counter, count);
    }

    /// <summary>Adds to a gauge; <paramref name="amount"/> may be negative.</summary>
    public void Add(Gauge gauge, long amount)
    {
        lock (_lock)
            Cells.Add(gauge, amount);
    }

    /// <summary>Sets a gauge that nobody else writes.</summary>
    public void Set(Gauge gauge, long value)
    {
        lock (_lock)
            Cells.Cell(gauge.Slot) = value;
    }

    /// <summary>Sets a counter whose count is kept elsewhere (by the runtime, by a reactor) and only published here.</summary>
    public void Publish(Counter counter, long value)
    {
        lock (_lock)
            Cells.Cell(counter.Slot) = value;
    }

    /// <summary>Counts one value.</summary>
    public void Record(Histogram histogram, long value)
    {
        lock (_lock)
            Cells.Record(histogram, value);
    }
}
