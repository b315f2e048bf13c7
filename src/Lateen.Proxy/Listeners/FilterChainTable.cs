using Lateen.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners.Chains;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>A listener's filter chains as connections use them, and the choice among them.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class FilterChainTable
{
    private readonly FilterChainIndex _index;
    private readonly ServedChain[] _chains;
    private readonly ServedChain? _default;

    public FilterChainTable(ListenerSnapshot listener, ListenerScope scope, ProxyStatistics statistics)
    {
        _chains = [.. listener.FilterChains.Select(chain => new ServedChain(listener, chain, scope, statistics))];
        _default = listener.DefaultFilterChain is { } chain ? new ServedChain(listener, chain, scope, statistics) : null;
        _index = FilterChainIndex.Build([.. listener.FilterChains.Select(static one => one.Match)]);
        Only = _chains.Length == 1 && ReferenceEquals(listener.FilterChains[0].Match, FilterChainMatch.Any) ? _chains[0] : null;
    }

    /// <summary>The one chain that takes every connection, which is the common case; null when there is a choice.</summary>
    public ServedChain? Only { get; }

    /// <summary>The chain for a connection; null when none matches and there is no default.</summary>
    public ServedChain? Find(TransportConnection connection) => Only ?? Find(new ConnectionFacts(connection));

    /// <inheritdoc cref="Find(TransportConnection)"/>
    public ServedChain? Find(ConnectionFacts facts)
    {
        if (Only is not null) return Only;
        int found = _index.Find(facts);
        return found == FilterChainIndex.None ? _default : _chains[found];
    }
}
