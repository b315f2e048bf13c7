using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>The statistics of one proxy: the registry, the shard of each reactor, and the groups that exist once per process.</summary>
/// <remarks>Made once by the composition root. Per-listener, per-route and per-cluster groups are opened with
/// <see cref="Registry"/> while configuration is compiled and disposed with the snapshot that holds them.</remarks>
public sealed class ProxyStatistics
{
    private readonly StatShard[] _shards;

    /// <param name="registry">Where everything is counted.</param>
    /// <param name="reactorCount">How many reactors there are.</param>
    public ProxyStatistics(StatsRegistry registry, int reactorCount)
    {
        Registry = registry;
        _shards = new StatShard[reactorCount];
        for (var i = 0; i < reactorCount; i++)
            _shards[i] = registry.CreateShard($"worker_{i}");
        Server = ServerStats.Open(registry);
        Listeners = ListenerDirectoryStats.Open(registry);
        Clusters = ClusterDirectoryStats.Open(registry);
        ControlPlane = ControlPlaneStats.Open(registry);
        registry.Shared.Set(Server.Concurrency, reactorCount);
    }

    /// <summary>All stats.</summary>
    public StatsRegistry Registry { get; }

    /// <summary><c>server.*</c></summary>
    public ServerStats Server { get; }

    /// <summary><c>listener_manager.*</c></summary>
    public ListenerDirectoryStats Listeners { get; }

    /// <summary><c>cluster_manager.*</c></summary>
    public ClusterDirectoryStats Clusters { get; }

    /// <summary><c>control_plane.*</c></summary>
    public ControlPlaneStats ControlPlane { get; }

    /// <summary>The shard that the reactor of this index counts in, and nobody else.</summary>
    public StatShard ShardOf(int reactorIndex)
    {
        return _shards[reactorIndex];
    }
}
