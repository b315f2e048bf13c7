using System.Numerics;

namespace Lateen.Bench.LoadGenerator;

/// <summary>
/// Counts of durations in log-linear buckets: each power of two is cut in 128, so a percentile is exact to 0.8%. Nanoseconds, up to the
/// hours; recording is a shift and an increment. Not thread-safe: one per worker, added up at the end.
/// </summary>
public sealed class LatencyHistogram
{
    private const int SubBits = 7;
    private const int SubCount = 1 << SubBits;

    private readonly long[] _counts = new long[(64 - SubBits) * SubCount];
    private long _sum;

    public long Count { get; private set; }

    public long Min { get; private set; } = long.MaxValue;

    public long Max { get; private set; }

    public double Mean => Count == 0 ? 0 : (double)_sum / Count;

    public void Record(long nanoseconds)
    {
        var value = Math.Max(nanoseconds, 0);
        _counts[IndexOf(value)]++;
        _sum += value;
        Count++;
        Min = Math.Min(Min, value);
        Max = Math.Max(Max, value);
    }

    public void Add(LatencyHistogram other)
    {
        ArgumentNullException.ThrowIfNull(other);
        for (var i = 0; i < _counts.Length; i++)
            _counts[i] += other._counts[i];
        _sum += other._sum;
        Count += other.Count;
        Min = Math.Min(Min, other.Min);
        Max = Math.Max(Max, other.Max);
    }

    /// <summary>The least recorded value that <paramref name="percent"/> (0 to 100) of all values do not exceed, rounded up to its bucket; 0 when empty.</summary>
    public long Percentile(double percent)
    {
        var wanted = (long)Math.Ceiling(Count * percent / 100);
        var seen = 0L;
        for (var i = 0; i < _counts.Length && Count > 0; i++)
        {
            seen += _counts[i];
            if (seen >= Math.Max(wanted, 1))
                return Math.Min(UpperBoundOf(i), Max);
        }

        return 0;
    }

    private static int IndexOf(long value)
    {
        var shift = Math.Max(63 - BitOperations.LeadingZeroCount((ulong)value | 1) - SubBits, 0);
        return (shift * SubCount) + (int)(value >> shift);
    }

    private static long UpperBoundOf(int index)
    {
        if (index < 2 * SubCount)
            return index;
        var shift = (index / SubCount) - 1;
        var sub = (index % SubCount) + SubCount;
        return ((long)(sub + 1) << shift) - 1;
    }
}
