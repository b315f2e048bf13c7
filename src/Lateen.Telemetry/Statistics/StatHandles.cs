namespace Lateen.Telemetry.Statistics;

/// <summary>A number that only grows, named by the cell it lives in. Written through the <see cref="StatShard"/> of the thread that
/// counts; the default value is the discard cell, so an unbound handle loses counts instead of corrupting someone else's.</summary>
public readonly record struct Counter(int Slot);

/// <summary>A number that goes up and down. Its value is the sum over all shards, so the +1 and the -1 of one connection may come from
/// any shard; a gauge that is <em>set</em> is set through <see cref="StatsRegistry.Shared"/> only.</summary>
public readonly record struct Gauge(int Slot);

/// <summary>A text beside the numbers of a subject, such as where the rule is written that they count. Empty until it is set, and not listed then.</summary>
/// <remarks>May be set and read from any thread. Of one scope there is one, as of its cells: setting it anew makes no new series.</remarks>
public sealed class TextReadout
{
    private string _value = string.Empty;

    /// <summary>What it says now.</summary>
    public string Value
    {
        get => Volatile.Read(ref _value);
        set => Volatile.Write(ref _value, value);
    }
}

/// <summary>A distribution over fixed buckets: <see cref="HistogramBuckets.SlotCount"/> cells, from <see cref="Slot"/> on, hold one count
/// per bucket, the overflow count and the sum of the values. Values are whole numbers (milliseconds, bytes).</summary>
public readonly record struct Histogram(int Slot, HistogramBuckets Buckets);

/// <summary>The counters <c>…_1xx</c> to <c>…_5xx</c> of one subject: five neighbouring cells.</summary>
public readonly record struct StatusClassCounters(int Slot)
{
    /// <summary>The counter of the class of an HTTP status; the discard cell outside 100 to 599.</summary>
    public Counter For(int status)
    {
        return status is >= 100 and <= 599 ? new Counter(Slot + (status / 100) - 1) : default;
    }
}

/// <summary>The counters <c>…_200</c>, <c>…_404</c> and so on of one subject: one cell for each status of <see cref="KnownStatuses"/>.
/// Statuses that nobody registered are counted by their class alone, which bounds the cells per subject.</summary>
public readonly record struct StatusCounters(int Slot)
{
    /// <summary>The counter of an HTTP status; the discard cell when the status has none of its own.</summary>
    public Counter For(int status)
    {
        var index = KnownStatuses.IndexOf(status);
        return index < 0 ? default : new Counter(Slot + index);
    }
}
