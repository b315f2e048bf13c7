using System.Collections.Immutable;
using Envoy.Config.Listener.V3;

namespace Lateen.Translation.Connections;

/// <summary>
/// Gives each combination of destination and server name of a listener to the first filter chain that asks for it: a proxy refuses a listener in which two
/// chains match alike, and Istio keeps the first. One per listener.
/// </summary>
internal sealed class ChainClaims
{
    private const string Any = "";

    private readonly HashSet<(string Subnet, string Name)> _taken = [];

    /// <summary>
    /// The chain restricted to what is still free of <paramref name="subnets"/> and <paramref name="serverNames"/>; null when nothing is. Empty lists, and the
    /// name <c>*</c>, restrict nothing.
    /// </summary>
    public FilterChain? Claim(FilterChain chain, IEnumerable<string> subnets, IEnumerable<string> serverNames)
    {
        string[] ranges = [.. subnets.Distinct(StringComparer.Ordinal).DefaultIfEmpty(Any)];
        string[] names = [.. serverNames.Select(name => name == "*" ? Any : name.ToLowerInvariant()).Distinct(StringComparer.Ordinal).DefaultIfEmpty(Any)];
        // A wildcard for every name leaves the others of its list nothing to add.
        if (names.Contains(Any)) names = [Any];
        names = [.. names.Where(name => ranges.Any(range => !_taken.Contains((range, name))))];
        ranges = [.. ranges.Where(range => names.All(name => !_taken.Contains((range, name))))];
        if (names.Length == 0 || ranges.Length == 0) return null;
        foreach (string range in ranges)
            foreach (string name in names) _taken.Add((range, name));
        return TcpChains.When(chain, Without(ranges), Without(names));
    }

    private static ImmutableArray<string> Without(string[] values) => values is [Any] ? [] : [.. values];
}
