using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;
using Lateen.Telemetry.Tests.AccessLogs;
using Lateen.Telemetry.Tests.Statistics;

namespace Lateen.Telemetry.Tests;

/// <summary>The request path allocates nothing: each piece of it runs warm a thousand times, and the thread's allocation count stands
/// still.</summary>
public sealed class ZeroAllocationTests
{
    [Fact]
    public void Counting_allocates_nothing()
    {
        var registry = new StatsRegistry();
        using var shop = ShopStats.OpenFor(registry, "a");
        var shard = registry.CreateShard("worker_0");

        AssertAllocatesNothing(i =>
        {
            shard.Increment(shop.Visits);
            shard.Increment(shop.Open);
            shard.Add(shop.Open, -1);
            shard.Record(shop.Stay, i);
            shard.Increment(shop.Classes.For(200));
            shard.Increment(shop.Statuses.For(404));
        });
    }

    [Fact]
    public void Finding_the_series_of_labels_seen_before_allocates_nothing()
    {
        var registry = new StatsRegistry();
        var family = new SeriesFamily<ShopStats>(registry, ShopStats.Schema);
        var shard = registry.CreateShard("worker_0");
        var cache = new SeriesCache<(int Route, int Peer, short Status, ulong Flags), ShopStats>();
        for (var i = 0; i < 32; i++)
            cache.Add((i, 1, 200, 0), family.Open(StatScope.Labels("x.", [new StatTag("peer", i.ToString())])));

        AssertAllocatesNothing(i =>
        {
            if (cache.TryGet((i % 32, 1, 200, 0), out var series))
                shard.Increment(series.Visits);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Writing_a_log_line_allocates_nothing(bool isJson)
    {
        var format = isJson ? Formats.Json(DefaultFormats.IstioJson) : Formats.Text(DefaultFormats.IstioText);
        var record = new FakeRecord { Flags = ResponseFlags.UpstreamConnectionFailure | ResponseFlags.UpstreamRetryLimitExceeded };
        var buffer = new byte[4096];

        AssertAllocatesNothing(_ => Assert.True(format.TryWrite(record, buffer, out var _)));
    }

    private static void AssertAllocatesNothing(Action<int> step)
    {
        for (var i = 0; i < 1000; i++)
            step(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            step(i);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
