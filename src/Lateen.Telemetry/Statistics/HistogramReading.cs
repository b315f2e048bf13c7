namespace Lateen.Telemetry.Statistics;

/// <summary>A histogram as it was when a listing was made.</summary>
public sealed class HistogramReading
{
    private readonly long[] _counts;

    internal HistogramReading(HistogramBuckets buckets, long[] counts, long sum)
    {
        Buckets = buckets;
        _counts = counts;
        Sum = sum;
        foreach (var count in counts)
            Count += count;
    }

    /// <summary>The bounds.</summary>
    public HistogramBuckets Buckets { get; }

    /// <summary>Values counted.</summary>
    public long Count { get; }

    /// <summary>Their sum.</summary>
    public long Sum { get; }

    /// <summary>Values per bucket, not cumulative; the last one is the overflow bucket.</summary>
    public ReadOnlySpan<long> Counts => _counts;

    /// <summary>The value below which the share <paramref name="quantile"/> (0 to 1) of the values lies, estimated as if the values of
    /// a bucket were spread evenly over it. The overflow bucket has no upper bound, so its values read as the last bound. NaN when
    /// nothing was counted.</summary>
    public double Quantile(double quantile)
    {
        if (Count == 0)
            return double.NaN;
        var rank = quantile * Count;
        long below = 0;
        double lower = 0;
        for (var i = 0; i < Buckets.Count; i++)
        {
            var upper = Buckets.Bounds[i];
            var count = _counts[i];
            if (count > 0 && below + count >= rank)
                return lower + ((upper - lower) * Math.Max(0, rank - below) / count);
            below += count;
            lower = upper;
        }
        return lower;
    }
}
