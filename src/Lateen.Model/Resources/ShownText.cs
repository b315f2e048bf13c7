using Lateen.Yaml;

namespace Lateen.Model;

/// <summary>
/// The text of a resource as people may see it. For every kind but Secret that is the document as written. Of a Secret the names of the entries remain
/// and the values do not; comments go too, for they may hold anything. Whatever shows a resource takes its text from here.
/// </summary>
public static class ShownText
{
    internal const string Hidden = "***";

    /// <summary>Where kubectl keeps a copy of the whole document.</summary>
    private const string LastApplied = "kubectl.kubernetes.io/last-applied-configuration";

    public static string Of(Resource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return IsSecret(resource) ? Redact(resource.Text, null, Hidden) : resource.Text;
    }

    /// <summary>Both sides of a change. A value of a Secret that differs is marked on both, so that a comparison shows that it changed and not how.</summary>
    public static (string? Before, string? After) Of(Resource? before, Resource? after)
    {
        if (before is null || after is null || !IsSecret(after)) return (before is null ? null : Of(before), after is null ? null : Of(after));
        return (Redact(before.Text, after.Text, "*** (before)"), Redact(after.Text, before.Text, "*** (after)"));
    }

    private static bool IsSecret(Resource resource) => resource.Key.Kind == ResourceKind.Secret;

    /// <param name="other">The text to compare with; null: none.</param>
    private static string Redact(string text, string? other, string whereDifferent)
    {
        var document = YamlReader.ReadSingle(text, out _) as YamlMapping ?? YamlMapping.Empty;
        var compared = other is null ? null : YamlReader.ReadSingle(other, out _) as YamlMapping;
        var result = new YamlMappingBuilder();
        foreach (var entry in document)
        {
            result.Add(entry.Name, entry.Name switch
            {
                "data" or "stringData" => Values(entry.Value, compared?[entry.Name], isCompared: compared is not null, whereDifferent),
                "metadata" => Metadata(entry.Value),
                _ => entry.Value,
            });
        }

        return YamlWriter.Write(result.Build());
    }

    private static YamlNode Values(YamlNode values, YamlNode? compared, bool isCompared, string whereDifferent)
    {
        if (values is not YamlMapping mapping) return YamlScalar.FromString(Hidden);
        var result = new YamlMappingBuilder();
        foreach (var entry in mapping)
        {
            bool isSame = !isCompared || ((compared as YamlMapping)?[entry.Name] is YamlScalar there && entry.Value is YamlScalar here && there.Text == here.Text);
            result.Add(entry.Name, isSame ? Hidden : whereDifferent);
        }

        return result.Build();
    }

    private static YamlNode Metadata(YamlNode metadata)
    {
        if (metadata is not YamlMapping mapping || mapping["annotations"] is not YamlMapping annotations || !annotations.ContainsKey(LastApplied)) return metadata;
        var kept = new YamlMappingBuilder();
        foreach (var annotation in annotations)
            if (annotation.Name != LastApplied) kept.Add(annotation.Name, annotation.Value);
        var result = new YamlMappingBuilder();
        foreach (var entry in mapping) result.Add(entry.Name, entry.Name == "annotations" ? kept.Build() : entry.Value);
        return result.Build();
    }
}
