using System.Collections.Immutable;
using Lateen.Yaml;

namespace Lateen.Model;

/// <summary>What a document does not say itself.</summary>
public sealed record ResourceReadOptions
{
    public static readonly ResourceReadOptions Default = new();

    /// <summary>Namespace of documents that name none.</summary>
    public string DefaultNamespace { get; init; } = "default";

    /// <summary>Age of documents without <c>creationTimestamp</c>.</summary>
    public DateTimeOffset DefaultCreatedAt { get; init; } = DateTimeOffset.UnixEpoch;

    /// <summary>Line of the file in which the text begins, from 1, where it was cut out of one; 0: nobody knows, and locations name the file alone.</summary>
    public int FirstLine { get; init; } = 1;
}

/// <summary>One document of a text (or item of a <c>kind: List</c>) that claims to be a resource.</summary>
/// <param name="Reference">What it claims to be; null when it could not be read so far.</param>
/// <param name="Key">Its identity; null when the kind is not served or the name is missing.</param>
/// <param name="Resource">The resource; null when it was refused, or is of a kind that is not served.</param>
/// <param name="Diagnostics">What was found in it, in the order of the text.</param>
/// <param name="Lines">Lines of the file that it takes up, first and last, counted from 1; the whole list for an item of a list.</param>
public sealed record ReadDocument(
    ResourceRef? Reference, ResourceKey? Key, Resource? Resource, ImmutableArray<Diagnostic> Diagnostics, (int First, int Last) Lines);

/// <summary>Everything that a text holds.</summary>
public sealed record ResourceSet(ImmutableArray<ReadDocument> Documents)
{
    /// <summary>The good resources, in the order of the text; each key once.</summary>
    public IEnumerable<Resource> Resources => Documents.Where(document => document.Resource is not null).Select(document => document.Resource!);

    public IEnumerable<Diagnostic> Diagnostics => Documents.SelectMany(document => document.Diagnostics);

    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.IsError);
}

/// <summary>
/// Reads Kubernetes-style YAML or JSON into resources: one document, several, or lists of them. Every fault is reported, never the first
/// only; a document with an error gives no resource and does not touch the others. Never throws on text, whatever it holds. Pure.
/// </summary>
public static class ResourceReader
{
    /// <param name="file">Name of the text for locations.</param>
    public static ResourceSet Read(string text, string file, ResourceReadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        options ??= ResourceReadOptions.Default;
        var documents = ImmutableArray.CreateBuilder<ReadDocument>();
        var yaml = YamlReader.Read(text).Documents;
        var lines = new Reading.LineIndex(text);
        for (var i = 0; i < yaml.Length; i++)
        {
            var last = i + 1 < yaml.Length ? yaml[i + 1].StartLine - 1 : lines.Count;
            new Reading.DocumentReader(file, options, lines, (yaml[i].StartLine, last)).Read(yaml[i], documents);
        }

        RefuseRepeated(documents);
        return new ResourceSet(documents.ToImmutable());
    }

    /// <summary>A key that occurs twice is refused both times: nothing says which of the two was meant.</summary>
    private static void RefuseRepeated(ImmutableArray<ReadDocument>.Builder documents)
    {
        var first = new Dictionary<ResourceKey, int>();
        for (var i = 0; i < documents.Count; i++)
        {
            if (documents[i].Key is not { } key || first.TryAdd(key, i)) continue;
            var other = documents[first[key]];
            documents[i] = Refuse(documents[i], DuplicateOf(documents[i], PlaceOf(other)));
            documents[first[key]] = Refuse(other, DuplicateOf(other, PlaceOf(documents[i])));
        }
    }

    /// <summary>The diagnostic for a resource that is declared in another place too.</summary>
    public static Diagnostic DuplicateOf(ReadDocument document, SourceLocation? otherPlace)
    {
        ArgumentNullException.ThrowIfNull(document);
        var code = DiagnosticCodes.DuplicateResource;
        return new Diagnostic(
            code.Code, code.Severity, document.Reference, "metadata.name", $"{document.Key} is also declared at {otherPlace}",
            "remove one of the two, or rename it", PlaceOf(document));
    }

    /// <summary>Where a document begins.</summary>
    public static SourceLocation? PlaceOf(ReadDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        return document.Resource?.Metadata.Location ?? document.Diagnostics.FirstOrDefault(found => found.Location is not null)?.Location;
    }

    private static ReadDocument Refuse(ReadDocument document, Diagnostic reason) =>
        document.Diagnostics.Any(found => found.Code == reason.Code)
            ? document
            : document with { Resource = null, Diagnostics = document.Diagnostics.Add(reason) };
}
