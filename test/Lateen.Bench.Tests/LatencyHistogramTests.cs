using CsCheck;
using Lateen.Bench.LoadGenerator;

namespace Lateen.Bench.Tests;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Percentile_is_the_sorted_list_s_within_one_percent_and_never_below()
    {
        Gen.Select(Gen.Long[0, 10_000_000_000].Array[1, 200], Gen.Double[0, 100]).Sample((values, percent) =>
        {
            var histogram = new LatencyHistogram();
            foreach (var value in values)
                histogram.Record(value);
            var rank = Math.Max((int)Math.Ceiling(values.Length * percent / 100), 1);
            var exact = values.Order().ElementAt(rank - 1);
            var told = histogram.Percentile(percent);
            Assert.InRange(told, exact, Math.Max(exact + (exact / 100) + 1, exact));
        });
    }

    [Fact]
    public void Sum_of_two_histograms_is_the_histogram_of_both_s_values()
    {
        var left = new LatencyHistogram();
        var right = new LatencyHistogram();
        var both = new LatencyHistogram();
        for (var i = 0; i < 1000; i++)
        {
            (i % 3 == 0 ? left : right).Record(i * 977);
            both.Record(i * 977);
        }

        left.Add(right);
        Assert.Equal(both.Count, left.Count);
        Assert.Equal(both.Mean, left.Mean);
        Assert.Equal((both.Min, both.Max), (left.Min, left.Max));
        foreach (var percent in new[] { 1.0, 50, 90, 99, 99.9, 100 })
            Assert.Equal(both.Percentile(percent), left.Percentile(percent));
    }

    [Fact]
    public void Empty_histogram_tells_zero()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal(0, histogram.Percentile(99));
        Assert.Equal(0, histogram.Mean);
    }
}
