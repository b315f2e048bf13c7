using System.Collections.Immutable;

namespace Lateen.Translation.Outbound;

/// <summary>
/// Gives each domain to the first virtual host that asks for it: the proxy refuses a table in which one domain stands twice, and Istio keeps the
/// first. The answer for a virtual host that loses nothing is the very list that it asked with.
/// </summary>
/// <remarks>Remembers the last question: as a rule nothing but routes changed, and twenty thousand domains need not be hashed again.</remarks>
internal sealed class DomainClaims
{
    private ImmutableArray<ImmutableArray<string>> _asked = [];
    private ImmutableArray<ImmutableArray<string>> _granted = [];

    public ImmutableArray<ImmutableArray<string>> Settle(ImmutableArray<ImmutableArray<string>> asked)
    {
        // ImmutableArray's own equality is that of the array inside, which the memo of domains keeps.
        if (_asked.AsSpan().SequenceEqual(asked.AsSpan())) return _granted;
        var taken = new HashSet<string>(asked.Length * 8, StringComparer.Ordinal);
        var granted = ImmutableArray.CreateBuilder<ImmutableArray<string>>(asked.Length);
        foreach (var domains in asked)
        {
            int free = domains.Count(taken.Add);
            // Those that were added above belong to this host; on a clash, keep exactly the ones that nobody before had.
            granted.Add(free == domains.Length ? domains : Remaining(granted, domains));
        }

        _asked = asked;
        _granted = granted.MoveToImmutable();
        return _granted;
    }

    private static ImmutableArray<string> Remaining(ImmutableArray<ImmutableArray<string>>.Builder granted, ImmutableArray<string> domains)
    {
        var before = granted.SelectMany(earlier => earlier).ToHashSet(StringComparer.Ordinal);
        return [.. domains.Distinct(StringComparer.Ordinal).Where(domain => !before.Contains(domain))];
    }
}
