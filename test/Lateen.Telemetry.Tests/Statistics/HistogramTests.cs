using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Tests.Statistics;

public sealed class HistogramTests
{
    [Theory]
    [InlineData(0, "0.5")]
    [InlineData(1, "1")]
    [InlineData(2, "5")]
    [InlineData(5, "5")]
    [InlineData(6, "10")]
    [InlineData(3_600_000, "3600000")]
    public void A_value_falls_into_the_first_bucket_whose_bound_is_not_below_it(long value, string bound)
    {
        Assert.Equal(bound, HistogramBuckets.Default.Label(HistogramBuckets.Default.IndexOf(value)));
    }

    [Fact]
    public void A_value_beyond_the_last_bound_falls_into_the_overflow_bucket()
    {
        Assert.Equal(HistogramBuckets.Default.Count, HistogramBuckets.Default.IndexOf(3_600_001));
    }

    [Theory]
    [InlineData(new double[0])]
    [InlineData(new double[] { 1, 1 })]
    [InlineData(new double[] { 5, 1 })]
    [InlineData(new double[] { -1 })]
    [InlineData(new double[] { double.NaN })]
    public void Bounds_that_do_not_ascend_are_refused(double[] bounds)
    {
        Assert.Throws<ArgumentException>(() => new HistogramBuckets(bounds));
    }

    [Fact]
    public void Quantiles_spread_the_values_of_a_bucket_evenly()
    {
        var registry = new StatsRegistry();
        using var shop = ShopStats.OpenFor(registry, "a");
        var shard = registry.CreateShard("worker_0");
        for (var i = 0; i < 50; i++)
            shard.Record(shop.Stay, 7);
        for (var i = 0; i < 50; i++)
            shard.Record(shop.Stay, 70);

        var reading = registry.Read(shop.Stay);

        Assert.Equal(5, reading.Quantile(0));
        Assert.Equal(7.5, reading.Quantile(0.25));
        Assert.Equal(10, reading.Quantile(0.5));
        Assert.Equal(75, reading.Quantile(0.75));
        Assert.Equal(100, reading.Quantile(1));
        Assert.Equal(100, reading.Count);
        Assert.Equal(50 * 7 + 50 * 70, reading.Sum);
    }

    [Fact]
    public void A_quantile_among_values_beyond_the_last_bound_is_the_last_bound()
    {
        var registry = new StatsRegistry();
        using var shop = ShopStats.OpenFor(registry, "a");
        registry.CreateShard("worker_0").Record(shop.Stay, long.MaxValue / 2);

        Assert.Equal(3_600_000, registry.Read(shop.Stay).Quantile(0.5));
    }

    [Fact]
    public void A_quantile_of_nothing_is_no_number()
    {
        var registry = new StatsRegistry();
        using var shop = ShopStats.OpenFor(registry, "a");

        Assert.True(double.IsNaN(registry.Read(shop.Stay).Quantile(0.5)));
    }

    [Fact]
    public void A_negative_value_counts_as_zero()
    {
        var registry = new StatsRegistry();
        using var shop = ShopStats.OpenFor(registry, "a");
        registry.CreateShard("worker_0").Record(shop.Stay, -3);

        Assert.Equal(0, registry.Read(shop.Stay).Sum);
        Assert.Equal(1, registry.Read(shop.Stay).Counts[0]);
    }
}
