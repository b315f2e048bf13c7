using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// Keeps the statistics of clusters in step with the configuration: members and open circuit breakers are looked up when a listing is
/// made, and a removed cluster's counters are given back once no request can be counting in them.
/// </summary>
/// <remarks>One per process. Costs requests nothing.</remarks>
public sealed class ClusterTally : IDisposable
{
    /// <summary>How long a removed cluster's counters are kept for the requests that were in flight. A request that lasts longer would
    /// count into cells that may belong to another by then; none of Envoy's timeouts lets one last so long by default.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly ProxyStatistics _statistics;
    private readonly ProxySnapshotSource _snapshots;
    private readonly TimeProvider _time;
    private readonly Queue<(ClusterState Cluster, long RemovedAt)> _removed = [];

    public ClusterTally(ProxyStatistics statistics, ProxySnapshotSource snapshots, TimeProvider time)
    {
        _statistics = statistics;
        _snapshots = snapshots;
        _time = time;
        snapshots.Published += OnPublished;
        statistics.Registry.OnCollect(Publish);
    }

    public void Dispose() => _snapshots.Published -= OnPublished;

    private void OnPublished(SnapshotChange change)
    {
        var removed = change.RemovedClusters.Length;
        var added = change.Current.Clusters.Count() - change.Previous.Clusters.Count() + removed;
        var shared = _statistics.Registry.Shared;
        if (added > 0) shared.Add(_statistics.Clusters.Added, added);
        if (removed > 0) shared.Add(_statistics.Clusters.Removed, removed);
        BindTls(change.Current);
        lock (_lock)
        {
            foreach (var cluster in change.RemovedClusters) _removed.Enqueue((cluster, _time.GetTimestamp()));
            while (_removed.TryPeek(out var oldest) && _time.GetElapsedTime(oldest.RemovedAt) >= Grace)
            {
                var forgotten = _removed.Dequeue().Cluster;
                (forgotten.Statistics as ClusterStats)?.Dispose();
                forgotten.TlsTally?.Dispose();
            }
        }
    }

    private void BindTls(ProxySnapshot current)
    {
        foreach (var cluster in current.Clusters)
        {
            if ((cluster.UsesTls || cluster.UpstreamTls is not null) && cluster.State.TlsTally is null)
                cluster.State.TlsTally = new TlsTally(TlsStats.OpenCluster(_statistics.Registry, cluster.StatName), _statistics);
        }
    }

    private void Publish(SharedStatShard shared)
    {
        long active = 0;
        foreach (var cluster in _snapshots.Current.Clusters)
        {
            active++;
            var stats = ClusterStats.Of(cluster, _statistics.Registry);
            Publish(shared, stats, cluster);
        }

        shared.Set(_statistics.Clusters.Active, active);
    }

    private static void Publish(SharedStatShard shared, ClusterStats stats, ClusterSnapshot cluster)
    {
        long healthy = 0, degraded = 0, excluded = 0, maxWeight = 0;
        foreach (var endpoint in cluster.Endpoints)
        {
            if (endpoint.Health == EndpointHealth.Healthy) healthy++;
            else if (endpoint.Health == EndpointHealth.Degraded) degraded++;
            else if (endpoint.Health == EndpointHealth.Draining) excluded++;
            maxWeight = Math.Max(maxWeight, endpoint.Weight);
        }

        shared.Set(stats.MembershipTotal, cluster.Endpoints.Length);
        shared.Set(stats.MembershipHealthy, healthy);
        shared.Set(stats.MembershipDegraded, degraded);
        shared.Set(stats.MembershipExcluded, excluded);
        shared.Set(stats.MaxHostWeight, maxWeight);
        shared.Set(stats.BreakerConnectionsOpen, IsOpen(cluster, BudgetKind.Connections));
        shared.Set(stats.BreakerPendingOpen, IsOpen(cluster, BudgetKind.PendingRequests));
        shared.Set(stats.BreakerRequestsOpen, IsOpen(cluster, BudgetKind.Requests));
        shared.Set(stats.BreakerRetriesOpen, IsOpen(cluster, BudgetKind.Retries));
        // As in Envoy: where nobody asks, there is nothing to tell, or 0 where somebody did.
        if ((cluster.Limits.TrackRemaining ? stats.Remaining : stats.RemainingIfOpen) is not { } remaining) return;
        shared.Set(remaining.Connections, Remaining(cluster, BudgetKind.Connections));
        shared.Set(remaining.PendingRequests, Remaining(cluster, BudgetKind.PendingRequests));
        shared.Set(remaining.Requests, Remaining(cluster, BudgetKind.Requests));
        shared.Set(remaining.Retries, Remaining(cluster, BudgetKind.Retries));
    }

    private static long Remaining(ClusterSnapshot cluster, BudgetKind kind) =>
        cluster.Limits.TrackRemaining ? Math.Max(0, cluster.Limits[kind] - cluster.State.InUse(kind)) : 0;

    private static long IsOpen(ClusterSnapshot cluster, BudgetKind kind)
    {
        var limit = cluster.Limits[kind];
        return limit != CircuitBreakerLimits.Unlimited && cluster.State.InUse(kind) >= limit ? 1 : 0;
    }
}
