using System.Collections.Frozen;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Statistics;

public sealed class ClusterTallyTests : IDisposable
{
    private readonly ProxyStatistics _statistics = new(new StatsRegistry(), reactorCount: 2);
    private readonly ProxySnapshotSource _snapshots = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ClusterTally _tally;

    public ClusterTallyTests() => _tally = new ClusterTally(_statistics, _snapshots, _time);

    public void Dispose() => _tally.Dispose();

    [Fact]
    public void Members_are_counted_by_health_when_a_listing_is_made()
    {
        Publish(Cluster("a", EndpointHealth.Healthy, EndpointHealth.Healthy, EndpointHealth.Degraded, EndpointHealth.Draining, EndpointHealth.Unhealthy));

        Assert.Equal(5, Find("cluster.a.membership_total"));
        Assert.Equal(2, Find("cluster.a.membership_healthy"));
        Assert.Equal(1, Find("cluster.a.membership_degraded"));
        Assert.Equal(1, Find("cluster.a.membership_excluded"));
        Assert.Equal(1, Find("cluster_manager.active_clusters"));
        Assert.Equal(1, Find("cluster_manager.cluster_added"));
    }

    [Fact]
    public void A_breaker_is_open_while_its_limit_is_reached()
    {
        var cluster = Cluster("a");
        Publish(cluster);
        for (var i = 0; i < 3; i++) Assert.True(cluster.State.TryAcquire(BudgetKind.Retries, cluster.Limits, reactorIndex: 0));
        Assert.Equal(1, Find("cluster.a.circuit_breakers.default.rq_retry_open"));

        cluster.State.Release(BudgetKind.Retries, reactorIndex: 0);

        Assert.Equal(0, Find("cluster.a.circuit_breakers.default.rq_retry_open"));
    }

    [Fact]
    public void What_a_breaker_still_allows_is_told_where_it_is_asked_for()
    {
        var limits = new CircuitBreakerLimits { MaxConnections = 5, MaxPendingRequests = 6, MaxRequests = 7, MaxRetries = 8, TrackRemaining = true };
        var cluster = Cluster("a", limits);
        Publish(cluster);
        Assert.True(cluster.State.TryAcquire(BudgetKind.Requests, limits, reactorIndex: 0));
        Assert.True(cluster.State.TryAcquire(BudgetKind.Requests, limits, reactorIndex: 1));

        Assert.Equal(5, Find("cluster.a.circuit_breakers.default.remaining_cx"));
        Assert.Equal(6, Find("cluster.a.circuit_breakers.default.remaining_pending"));
        Assert.Equal(5, Find("cluster.a.circuit_breakers.default.remaining_rq"));
        Assert.Equal(8, Find("cluster.a.circuit_breakers.default.remaining_retries"));
        Publish(Cluster("b"));
        Assert.Null(Find("cluster.b.circuit_breakers.default.remaining_rq"));
    }

    [Fact]
    public void A_removed_clusters_counters_are_given_back_after_the_grace_and_not_before()
    {
        var cluster = Cluster("gone");
        Publish(cluster);
        _statistics.ShardOf(0).Increment(ClusterStats.Of(cluster, _statistics.Registry).RequestTotal);
        Publish(cluster.State);

        _time.Advance(ClusterTally.Grace - TimeSpan.FromSeconds(1));
        Publish(Cluster("b"));
        Assert.Equal(1, Find("cluster.gone.upstream_rq_total"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Publish(Cluster("c"));

        Assert.Null(Find("cluster.gone.upstream_rq_total"));
        Assert.Equal(1, Find("cluster_manager.cluster_removed"));
    }

    [Fact]
    public void All_threads_count_in_the_same_group()
    {
        var cluster = Cluster("a");
        var groups = new ClusterStats[8];

        Parallel.For(0, groups.Length, i => groups[i] = ClusterStats.Of(cluster, _statistics.Registry));

        Assert.All(groups, group => Assert.Same(groups[0], group));
    }

    private long? Find(string name) => _statistics.Registry.Find(name);

    private static ClusterSnapshot Cluster(string name, params EndpointHealth[] endpoints) => Cluster(name, CircuitBreakerLimits.Default, endpoints);

    private static ClusterSnapshot Cluster(string name, CircuitBreakerLimits limits, params EndpointHealth[] endpoints)
    {
        var cluster = TestExchange.Cluster(name);
        return new ClusterSnapshot
        {
            Reference = cluster.Reference,
            StatName = name,
            State = new ClusterState(name, 2),
            Discovery = ClusterDiscovery.Static,
            Algorithm = LoadBalancingAlgorithm.RoundRobin,
            LoadBalancer = cluster.LoadBalancer,
            Limits = limits,
            Endpoints = [.. endpoints.Select(health => new EndpointSnapshot { State = TestExchange.Endpoint().State, Health = health })],
        };
    }

    private void Publish(ClusterSnapshot cluster) => Publish([cluster], []);

    private void Publish(ClusterState removed) => Publish([], [removed]);

    private void Publish(ClusterSnapshot[] clusters, ClusterState[] removed)
    {
        var previous = _snapshots.Current;
        _snapshots.Publish(new SnapshotChange
        {
            Previous = previous,
            Current = new ProxySnapshot(
                previous.Revision + 1, [], FrozenDictionary<string, Lateen.Proxy.Routing.RouteTable>.Empty, clusters, FrozenDictionary<string, ClusterReference>.Empty),
            RemovedClusters = [.. removed],
        });
    }
}
