using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.Tests.Statistics;

public sealed class SeriesTests
{
    private readonly StatsRegistry _registry = new();

    [Fact]
    public void Equal_labels_are_one_series_and_different_ones_are_not()
    {
        var family = new SeriesFamily<ShopStats>(_registry, ShopStats.Schema);

        Assert.Same(family.Open(Scope("a")), family.Open(Scope("a")));
        Assert.NotSame(family.Open(Scope("a")), family.Open(Scope("b")));
    }

    [Fact]
    public void Combinations_beyond_the_bound_count_in_one_series_that_says_so()
    {
        var family = new SeriesFamily<ShopStats>(_registry, ShopStats.Schema, capacity: 2);
        var shard = _registry.CreateShard("worker_0");

        foreach (var name in new[] { "a", "b", "c", "d", "a" })
            shard.Increment(family.Open(Scope(name)).Visits);

        Assert.Equal(2, _registry.Find("x.visits_total.peer.a"));
        Assert.Equal(1, _registry.Find("x.visits_total.peer.b"));
        Assert.Equal(2, _registry.Find("x.visits_total.peer.overflow"));
        Assert.Equal(2, _registry.Find("lateen.stats.series_overflow"));
        Assert.Equal(2, _registry.Find("lateen.stats.series"));
    }

    [Fact]
    public void A_full_cache_forgets_and_goes_on()
    {
        var family = new SeriesFamily<ShopStats>(_registry, ShopStats.Schema);
        var cache = new SeriesCache<(int, int), ShopStats>(capacity: 3);

        for (var i = 0; i < 100; i++)
            cache.Add((i, 0), family.Open(Scope($"{i % 5}")));

        Assert.InRange(cache.Count, 1, 3);
        Assert.True(cache.TryGet((99, 0), out var series));
        Assert.Same(family.Open(Scope("4")), series);
        Assert.False(cache.TryGet((0, 0), out _));
    }

    private static StatScope Scope(string peer)
    {
        return StatScope.Labels("x.", [new StatTag("peer", peer)]);
    }
}
