using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Tcp;

/// <summary>A TCP proxy's options in the forms that sessions use: plain milliseconds, bound counters. Made once per listener snapshot.</summary>
/// <remarks>Immutable, shared by all reactors.</remarks>
internal sealed class TcpProfile
{
    private readonly uint _weightSum;

    public TcpProfile(ListenerSnapshot listener, FilterChainSnapshot chain, ListenerScope scope, ProxyStatistics statistics)
    {
        Listener = listener;
        FilterChain = chain;
        Scope = scope;
        Proxy = chain.TcpProxy ?? throw new ArgumentException("The chain is not one of TCP.", nameof(chain));
        Limits = new RelayLimits(Milliseconds(Proxy.IdleTimeout), Milliseconds(Proxy.MaxConnectionDuration));
        AccessLogs = [.. Proxy.AccessLogs.OfType<AccessLogger>()];
        Metrics = chain.NetworkFilters.OfType<IstioTcpStatsFilter>().FirstOrDefault();
        ListenerStats = ListenerStats.Open(statistics.Registry, listener.StatPrefix);
        Stats = TcpProxyStats.Open(statistics.Registry, Proxy.StatPrefix);
        foreach (TcpClusterShare share in Proxy.Clusters) _weightSum += share.Weight;
    }

    public ListenerSnapshot Listener { get; }

    public FilterChainSnapshot FilterChain { get; }

    /// <summary>The connections that drain together.</summary>
    public ListenerScope Scope { get; }

    public TcpProxySnapshot Proxy { get; }

    public RelayLimits Limits { get; }

    public AccessLogger[] AccessLogs { get; }

    /// <summary>Istio's metrics; null: they are not asked for.</summary>
    public IstioTcpStatsFilter? Metrics { get; }

    public ListenerStats ListenerStats { get; }

    public TcpProxyStats Stats { get; }

    /// <summary>Draws the cluster of a connection.</summary>
    public ClusterReference ChooseCluster(ReactorRandom random)
    {
        if (Proxy.Clusters.Length == 1) return Proxy.Clusters[0].Cluster;
        ulong drawn = random.Below((ulong)_weightSum);
        foreach (TcpClusterShare share in Proxy.Clusters)
        {
            if (drawn < share.Weight) return share.Cluster;
            drawn -= share.Weight;
        }

        return Proxy.Clusters[^1].Cluster;
    }

    private static long Milliseconds(TimeSpan? time) => time is { } value ? (long)Math.Ceiling(value.TotalMilliseconds) : 0;
}
