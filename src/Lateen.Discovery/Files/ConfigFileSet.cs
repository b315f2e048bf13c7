using System.Collections.Immutable;
using Lateen.Model;

namespace Lateen.Discovery.Files;

/// <summary>Joins what the files of a directory stand for into one set.</summary>
internal static class ConfigFileSet
{
    /// <summary>
    /// Every key once. Where two files declare one key, the one that was served before stays, at first the one whose path comes first; the
    /// other is refused with an error that names both.
    /// </summary>
    /// <param name="inPathOrder">Files by path.</param>
    /// <param name="owners">File that each key was served from; brought up to date.</param>
    public static ConfigSet Join(IEnumerable<ConfigFile> inPathOrder, Dictionary<ResourceKey, string> owners, ImmutableArray<Diagnostic> beyond)
    {
        var files = inPathOrder as IReadOnlyCollection<ConfigFile> ?? [.. inPathOrder];
        var chosen = new Dictionary<ResourceKey, Resource>();
        var rivals = new Dictionary<ResourceKey, List<(ConfigFile File, Resource Resource)>>();
        foreach (var file in files)
            foreach (var resource in file.Resources)
            {
                if (chosen.TryAdd(resource.Key, resource)) continue;
                if (!rivals.TryGetValue(resource.Key, out var list)) rivals.Add(resource.Key, list = []);
                list.Add((file, resource));
            }

        var diagnostics = ImmutableArray.CreateBuilder<Diagnostic>();
        foreach (var (key, others) in rivals)
        {
            var candidates = others.Select(other => other.Resource).Prepend(chosen[key]).ToList();
            var owner = owners.GetValueOrDefault(key);
            var winner = candidates.FirstOrDefault(candidate => candidate.Metadata.Location?.File == owner) ?? candidates[0];
            chosen[key] = winner;
            foreach (var loser in candidates.Where(candidate => !ReferenceEquals(candidate, winner)))
                diagnostics.Add(Duplicate(loser, winner));
        }

        owners.Clear();
        foreach (var (key, resource) in chosen)
            if (resource.Metadata.Location is { } location) owners[key] = location.File;
        foreach (var file in files) diagnostics.AddRange(file.Diagnostics);
        diagnostics.AddRange(beyond);
        return new ConfigSet(
            [.. chosen.Values.OrderBy(resource => resource.Key)],
            [.. diagnostics
                .OrderBy(found => found.Location?.File, StringComparer.Ordinal)
                .ThenBy(found => found.Location?.Line)
                .ThenBy(found => found.Location?.Column)]);
    }

    private static Diagnostic Duplicate(Resource refused, Resource served)
    {
        var code = DiagnosticCodes.DuplicateResource;
        return new Diagnostic(
            code.Code, code.Severity, ResourceRef.Of(refused), "metadata.name",
            $"{refused.Key} is also declared at {served.Metadata.Location}, which is the one that is served",
            "remove one of the two, or rename it", refused.Metadata.Location);
    }
}
