using System.Collections.Immutable;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tcp;

/// <summary>Where a connection's bytes go and how long it may last: Envoy's <c>TcpProxy</c>.</summary>
/// <remarks>Immutable. Durations are null when the configuration turns them off.</remarks>
public sealed class TcpProxySnapshot
{
    /// <summary>The middle of every statistic's name: <c>tcp.STAT_PREFIX.downstream_cx_total</c>.</summary>
    public required string StatPrefix { get; init; }

    /// <summary>At least one; a connection draws among them by weight.</summary>
    public required ImmutableArray<TcpClusterShare> Clusters { get; init; }

    /// <summary>They stand in <c>weighted_clusters</c>, be it only one.</summary>
    public bool IsWeighted { get; init; }

    /// <summary>A connection on which nothing moved in either direction. Envoy's default is one hour.</summary>
    public TimeSpan? IdleTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The life of a connection (<c>max_downstream_connection_duration</c>). Default off.</summary>
    public TimeSpan? MaxConnectionDuration { get; init; }

    /// <summary>Endpoints tried before the connection is given up. Count; at least 1, the default.</summary>
    public uint MaxConnectAttempts { get; init; } = 1;

    public ImmutableArray<CompiledExtension> AccessLogs { get; init; } = [];
}

/// <summary>One cluster of a TCP proxy and its share of the connections.</summary>
/// <param name="Cluster">The cluster; it may not exist, which ends the connection with flag NC.</param>
/// <param name="Weight">Relative to the sum of all shares; above 0.</param>
public sealed record TcpClusterShare(ClusterReference Cluster, uint Weight);
