using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Tests.Statistics;

public sealed class StatsRegistryTests
{
    private readonly StatsRegistry _registry = new();

    [Fact]
    public void A_value_is_the_sum_over_all_shards()
    {
        using var shop = ShopStats.OpenFor(_registry, "a");
        var (first, second) = (_registry.CreateShard("worker_0"), _registry.CreateShard("worker_1"));

        first.Add(shop.Visits, 40);
        second.Increment(shop.Visits);
        _registry.Shared.Add(shop.Visits);
        first.Increment(shop.Open);
        first.Increment(shop.Open);
        second.Decrement(shop.Open);

        Assert.Equal(42, _registry.Read(shop.Visits));
        Assert.Equal(1, _registry.Read(shop.Open));
        Assert.Equal(42, _registry.Find("cluster.a.visits_total"));
    }

    [Fact]
    public void Two_groups_of_one_scope_count_in_the_same_cells_so_that_a_reload_keeps_the_counts()
    {
        var shard = _registry.CreateShard("worker_0");
        var before = ShopStats.OpenFor(_registry, "a");
        shard.Increment(before.Visits);

        using var after = ShopStats.OpenFor(_registry, "a");
        before.Dispose();
        shard.Increment(after.Visits);

        Assert.Equal(2, _registry.Read(after.Visits));
    }

    [Fact]
    public void A_disposed_group_is_not_listed_and_its_cells_begin_at_zero_for_the_next_owner()
    {
        var shard = _registry.CreateShard("worker_0");
        var gone = ShopStats.OpenFor(_registry, "gone");
        shard.Add(gone.Visits, 7);
        gone.Dispose();
        gone.Dispose();

        using var next = ShopStats.OpenFor(_registry, "next");
        shard.Increment(next.Visits);

        Assert.Equal(gone.Visits, next.Visits);
        Assert.Null(_registry.Find("cluster.gone.visits_total"));
        Assert.Equal(1, _registry.Find("cluster.next.visits_total"));
    }

    [Fact]
    public void A_reset_zeroes_counters_and_histograms_and_leaves_gauges()
    {
        using var shop = ShopStats.OpenFor(_registry, "a");
        var shard = _registry.CreateShard("worker_0");
        shard.Add(shop.Visits, 5);
        shard.Increment(shop.Open);
        shard.Record(shop.Stay, 3);

        _registry.ResetCounters();
        shard.Increment(shop.Visits);

        Assert.Equal(1, _registry.Read(shop.Visits));
        Assert.Equal(1, _registry.Read(shop.Open));
        Assert.Equal(0, _registry.Read(shop.Stay).Count);
    }

    [Fact]
    public void A_handle_that_nobody_bound_counts_nowhere()
    {
        using var shop = ShopStats.OpenFor(_registry, "a");
        var shard = _registry.CreateShard("worker_0");

        shard.Increment(default(Counter));
        shard.Record(default, 1);
        shard.Increment(shop.Classes.For(0));
        shard.Increment(shop.Statuses.For(299));

        foreach (var reading in _registry.List())
            Assert.False(reading.IsUsed, reading.Name);
    }

    [Theory]
    [InlineData(200, "2xx")]
    [InlineData(404, "4xx")]
    [InlineData(599, "5xx")]
    public void A_status_counts_in_its_class(int status, string expected)
    {
        using var shop = ShopStats.OpenFor(_registry, "a");

        _registry.CreateShard("worker_0").Increment(shop.Classes.For(status));

        Assert.Equal(1, _registry.Find($"cluster.a.rq_{expected}"));
    }

    [Fact]
    public void A_counter_of_one_status_is_listed_once_it_was_used()
    {
        using var shop = ShopStats.OpenFor(_registry, "a");
        Assert.Null(_registry.Find("cluster.a.rq_503"));

        _registry.CreateShard("worker_0").Increment(shop.Statuses.For(503));

        Assert.Equal(1, _registry.Find("cluster.a.rq_503"));
        Assert.Null(_registry.Find("cluster.a.rq_504"));
    }

    [Fact]
    public void Collectors_publish_before_a_listing_is_made()
    {
        using var shop = ShopStats.OpenFor(_registry, "a");
        var calls = 0;
        _registry.OnCollect(shared => shared.Set(shop.Open, ++calls * 10));

        Assert.Equal(10, _registry.Find("cluster.a.doors.open"));
        Assert.Equal(20, _registry.Find("cluster.a.doors.open"));
    }

    [Fact]
    public void Sums_are_exact_after_the_threads_have_ended_and_never_go_back_while_they_count()
    {
        const int Threads = 4;
        const int Rounds = 200_000;
        var groups = Enumerable.Range(0, 300).Select(i => ShopStats.OpenFor(_registry, $"c{i}")).ToArray();
        using var start = new Barrier(Threads + 1);
        var threads = Enumerable.Range(0, Threads).Select(t => new Thread(() =>
        {
            var shard = _registry.CreateShard($"worker_{t}");
            shard.BindToCurrentThread();
            start.SignalAndWait(TestContext.Current.CancellationToken);
            for (var i = 0; i < Rounds; i++)
            {
                var group = groups[i % groups.Length];
                shard.Increment(group.Visits);
                shard.Increment(group.Open);
                shard.Record(group.Stay, i & 1023);
                shard.Decrement(group.Open);
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        start.SignalAndWait(TestContext.Current.CancellationToken);

        long last = 0;
        while (threads.Any(thread => thread.IsAlive))
        {
            var now = _registry.Read(groups[0].Visits);
            Assert.InRange(now, last, long.MaxValue);
            last = now;
        }
        foreach (var thread in threads)
            thread.Join();

        Assert.Equal((long)Threads * Rounds, groups.Sum(group => _registry.Read(group.Visits)));
        Assert.Equal(0, groups.Sum(group => _registry.Read(group.Open)));
        Assert.Equal((long)Threads * Rounds, groups.Sum(group => _registry.Read(group.Stay).Count));
        Assert.Equal(Threads * Enumerable.Range(0, Rounds).Sum(i => (long)(i & 1023)), groups.Sum(group => _registry.Read(group.Stay).Sum));
    }
}
