using System.Collections.Immutable;
using System.Net;
using Lateen.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// Finds the filter chain for a connection. Envoy's rule: criterion by criterion (destination port, destination address, server name,
/// transport, application protocol, direct source, source type, source address, source port), only the chains stay that match most
/// specifically; one that is left out at an earlier criterion does not come back because a later one fails.
/// </summary>
/// <remarks>Immutable. Runs once per connection; plain loops over a few chains.</remarks>
internal sealed class FilterChainTable
{
    private const int NoMatch = -1;
    private const int Unset = 0;
    private const int MaxChainsOnStack = 128;

    private readonly FilterChainMatch[] _matches;
    private readonly HttpConnectionProfile[] _profiles;
    private readonly HttpConnectionProfile? _default;

    public FilterChainTable(ListenerSnapshot listener, ListenerScope scope, ProxyStatistics statistics)
    {
        _matches = [.. listener.FilterChains.Select(static chain => chain.Match)];
        _profiles = [.. listener.FilterChains.Select(chain => new HttpConnectionProfile(listener, chain, scope, statistics))];
        _default = listener.DefaultFilterChain is { } chain ? new HttpConnectionProfile(listener, chain, scope, statistics) : null;
    }

    /// <summary>The chain's profile; null when no chain matches and there is no default.</summary>
    public HttpConnectionProfile? Find(TransportConnection connection)
    {
        // The common listener has one chain for everybody.
        if (_matches.Length == 1 && ReferenceEquals(_matches[0], FilterChainMatch.Any)) return _profiles[0];

        Span<bool> isLeft = _matches.Length <= MaxChainsOnStack ? stackalloc bool[_matches.Length] : new bool[_matches.Length];
        isLeft.Fill(true);
        var local = connection.LocalEndPoint as IPEndPoint;
        var remote = connection.RemoteEndPoint as IPEndPoint;
        Narrow(isLeft, match => Exact(match.DestinationPort, local?.Port));
        Narrow(isLeft, match => Longest(match.DestinationPrefixes, local?.Address));
        Narrow(isLeft, static match => match.ServerNames.IsDefaultOrEmpty ? Unset : NoMatch);
        Narrow(isLeft, static match => match.TransportProtocol.Length == 0 ? Unset : match.TransportProtocol == "raw_buffer" ? 1 : NoMatch);
        Narrow(isLeft, static match => match.ApplicationProtocols.IsDefaultOrEmpty ? Unset : NoMatch);
        Narrow(isLeft, match => Longest(match.DirectSourcePrefixes, remote?.Address));
        Narrow(isLeft, match => FromWhere(match.SourceType, local?.Address, remote?.Address));
        Narrow(isLeft, match => Longest(match.SourcePrefixes, remote?.Address));
        Narrow(isLeft, match => match.SourcePorts.IsDefaultOrEmpty ? Unset : remote is not null && match.SourcePorts.Contains((ushort)remote.Port) ? 1 : NoMatch);
        int found = isLeft.IndexOf(true);
        return found < 0 ? _default : _profiles[found];
    }

    private void Narrow(Span<bool> isLeft, Func<FilterChainMatch, int> specificity)
    {
        int best = NoMatch;
        for (int i = 0; i < isLeft.Length; i++)
        {
            if (isLeft[i]) best = Math.Max(best, specificity(_matches[i]));
        }

        for (int i = 0; i < isLeft.Length; i++)
        {
            isLeft[i] &= best != NoMatch && specificity(_matches[i]) == best;
        }
    }

    private static int Exact(ushort? wanted, int? port) => wanted is null ? Unset : wanted == port ? 1 : NoMatch;

    private static int Longest(ImmutableArray<IPNetwork> prefixes, IPAddress? address)
    {
        if (prefixes.IsDefaultOrEmpty) return Unset;
        if (address is null) return NoMatch;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        int best = NoMatch;
        foreach (IPNetwork prefix in prefixes)
        {
            if (prefix.BaseAddress.AddressFamily == address.AddressFamily && prefix.Contains(address)) best = Math.Max(best, prefix.PrefixLength + 1);
        }

        return best;
    }

    private static int FromWhere(ConnectionSourceType wanted, IPAddress? local, IPAddress? remote)
    {
        if (wanted == ConnectionSourceType.Any) return Unset;
        bool isNear = remote is null || IPAddress.IsLoopback(remote) || remote.Equals(local);
        return isNear == (wanted == ConnectionSourceType.SameIpOrLoopback) ? 1 : NoMatch;
    }
}
