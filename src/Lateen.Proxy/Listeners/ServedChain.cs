using Lateen.Proxy.Configuration;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tcp;

namespace Lateen.Proxy.Listeners;

/// <summary>A filter chain in the form that connections use: its options bound to counters, by kind.</summary>
/// <remarks>Immutable, shared by all reactors. Exactly one of <see cref="Http"/> and <see cref="Tcp"/> is set.</remarks>
internal sealed class ServedChain
{
    public ServedChain(ListenerSnapshot listener, FilterChainSnapshot chain, ListenerScope scope, ProxyStatistics statistics)
    {
        Snapshot = chain;
        Filters = [.. chain.NetworkFilters.OfType<NetworkFilter>()];
        HandshakeMilliseconds = chain.HandshakeTimeout is { } timeout ? (long)Math.Ceiling(timeout.TotalMilliseconds) : 0;
        if (chain.Kind == FilterChainKind.Tcp) Tcp = new TcpProfile(listener, chain, scope, statistics);
        else Http = new HttpConnectionProfile(listener, chain, scope, statistics);
    }

    public FilterChainSnapshot Snapshot { get; }

    public HttpConnectionProfile? Http { get; }

    public TcpProfile? Tcp { get; }

    /// <summary>In configuration order.</summary>
    public NetworkFilter[] Filters { get; }

    /// <summary>0: no limit.</summary>
    public long HandshakeMilliseconds { get; }
}
