using System.Collections.Frozen;
using Lateen.Model;
using Lateen.Model.Security;

namespace Lateen.Discovery.Jwks;

/// <summary>The sources of keys that policies name, as many as may be fetched, chosen so that no namespace can take another's place. Immutable.</summary>
/// <param name="Sources">Each with how long a fetch may take: the most patient of the rules that name it decides.</param>
/// <param name="LeftOut">How many are not fetched, by namespace, for the log; empty: none.</param>
internal sealed record WantedSources(FrozenDictionary<KeySource, TimeSpan> Sources, string LeftOut)
{
    public static WantedSources Of(MeshSnapshot snapshot, JwksOptions options)
    {
        // The root namespace speaks for the whole mesh and is served first; in a namespace, the oldest policy.
        var byNamespace = snapshot.RequestAuthentications.All
            .GroupBy(policy => policy.Namespace, StringComparer.Ordinal)
            .OrderBy(policies => policies.Key != snapshot.Mesh.RootNamespace).ThenBy(policies => policies.Key, StringComparer.Ordinal)
            .Select(policies => (Namespace: policies.Key, Sources: Named(policies)))
            .ToList();
        var chosen = new Dictionary<KeySource, TimeSpan>();
        int mostTurns = Math.Min(options.MaxSourcesPerNamespace, byNamespace.Count == 0 ? 0 : byNamespace.Max(entry => entry.Sources.Count));
        for (int turn = 0; turn < mostTurns; turn++)
        {
            foreach (var (_, sources) in byNamespace)
            {
                if (turn < sources.Count && (chosen.Count < options.MaxSources || chosen.ContainsKey(sources[turn].Source))) Add(chosen, sources[turn]);
            }
        }

        // What another namespace had fetched is there for all; patience counts wherever it is asked for.
        foreach (var named in byNamespace.SelectMany(entry => entry.Sources))
            if (chosen.ContainsKey(named.Source)) Add(chosen, named);
        var leftOut = byNamespace
            .Select(entry => (entry.Namespace, Count: entry.Sources.Count(named => !chosen.ContainsKey(named.Source))))
            .Where(entry => entry.Count > 0);
        return new WantedSources(
            chosen.ToFrozenDictionary(),
            string.Join(", ", leftOut.Select(entry => $"{entry.Count} of the sources that the namespace {entry.Namespace} names")));
    }

    /// <summary>The different sources of some policies in their order.</summary>
    private static List<(KeySource Source, TimeSpan Timeout)> Named(IEnumerable<Resource<RequestAuthentication>> policies) =>
    [
        .. policies.SelectMany(policy => policy.Spec.JwtRules)
            .Select(rule => (Source: KeySource.Of(rule), rule.Timeout))
            .Where(named => named.Source is not null)
            .GroupBy(named => named.Source!.Value)
            .Select(group => (group.Key, group.Max(named => named.Timeout))),
    ];

    private static void Add(Dictionary<KeySource, TimeSpan> chosen, (KeySource Source, TimeSpan Timeout) named)
    {
        if (!chosen.TryGetValue(named.Source, out var known) || named.Timeout > known) chosen[named.Source] = named.Timeout;
    }
}
