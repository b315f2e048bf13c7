using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Statistics;

/// <summary>Counts handshakes where nobody knows the worker, only its reactor: those with a cluster's endpoints.</summary>
/// <remarks>Immutable; each reactor counts in its own shard.</remarks>
public sealed class TlsTally(TlsStats stats, ProxyStatistics statistics) : IDisposable
{
    /// <summary>A handshake is over.</summary>
    /// <param name="reactorIndex">Whose reactor calls.</param>
    /// <param name="outcome">How it ended.</param>
    public void Count(int reactorIndex, in TlsOutcome outcome) => stats.Count(statistics.ShardOf(reactorIndex), outcome);

    public void Dispose() => stats.Dispose();
}
