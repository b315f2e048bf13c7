using System.Globalization;

namespace Lateen.Telemetry.Statistics;

/// <summary>The upper bounds of a histogram's buckets, ascending, each inclusive as Prometheus' <c>le</c> is. Immutable and shared by all
/// histograms of one kind.</summary>
public sealed class HistogramBuckets
{
    private readonly double[] _bounds;
    private readonly long[] _wholeBounds;
    private readonly string[] _labels;

    /// <summary>Envoy's default bounds, in the unit of the value: milliseconds for times, bytes for sizes. Kept to the digit, because
    /// dashboards and recording rules name them.</summary>
    public static readonly HistogramBuckets Default = new(
        [0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000]);

    /// <param name="bounds">At least one bound, strictly ascending, not negative.</param>
    /// <exception cref="ArgumentException">The bounds are empty or out of order.</exception>
    public HistogramBuckets(ReadOnlySpan<double> bounds)
    {
        if (bounds.IsEmpty)
            throw new ArgumentException("a histogram needs at least one bucket bound", nameof(bounds));
        for (var i = 0; i < bounds.Length; i++)
        {
            if (!double.IsFinite(bounds[i]) || bounds[i] < 0 || (i > 0 && bounds[i] <= bounds[i - 1]))
                throw new ArgumentException($"bucket bounds must be finite, not negative and ascending; bound {i} is {bounds[i]}", nameof(bounds));
        }
        _bounds = bounds.ToArray();
        _wholeBounds = Array.ConvertAll(_bounds, static b => b >= long.MaxValue ? long.MaxValue : (long)Math.Floor(b));
        _labels = Array.ConvertAll(_bounds, static b => b.ToString("R", CultureInfo.InvariantCulture));
        Empty = new HistogramReading(this, new long[bounds.Length + 1], 0);
    }

    /// <summary>The reading of a histogram that counted nothing.</summary>
    internal HistogramReading Empty { get; }

    /// <summary>Bounds given, the overflow bucket not counted.</summary>
    public int Count => _bounds.Length;

    /// <summary>Cells that one histogram takes: a count per bound, the overflow count, the sum.</summary>
    public int SlotCount => _bounds.Length + 2;

    /// <summary>The upper bounds.</summary>
    public ReadOnlySpan<double> Bounds => _bounds;

    /// <summary>The bound as Prometheus prints it in <c>le</c>.</summary>
    public string Label(int index)
    {
        return _labels[index];
    }

    /// <summary>The first bucket whose bound is at least the value; <see cref="Count"/> is the overflow bucket. A scan, because most
    /// values fall into the first few buckets.</summary>
    public int IndexOf(long value)
    {
        var bounds = _wholeBounds;
        var i = 0;
        while (i < bounds.Length && value > bounds[i])
            i++;
        return i;
    }
}
