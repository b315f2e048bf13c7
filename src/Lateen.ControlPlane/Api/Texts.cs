using System.Collections.Immutable;
using Lateen.Model;

namespace Lateen.ControlPlane.Api;

/// <summary>What a set of texts came to: the good resources and everything that was found.</summary>
public sealed record ReadTexts(ImmutableArray<Resource> Resources, ImmutableArray<Diagnostic> Diagnostics);

/// <summary>Reads configuration texts as one set, the same way for apply, for delete and for validation without a control plane. Pure.</summary>
public static class Texts
{
    /// <param name="createdAt">Age of resources whose text does not say.</param>
    public static ReadTexts Read(IReadOnlyList<SourceText> texts, string? defaultNamespace, DateTimeOffset createdAt)
    {
        ArgumentNullException.ThrowIfNull(texts);
        var options = new ResourceReadOptions { DefaultNamespace = defaultNamespace ?? "default", DefaultCreatedAt = createdAt };
        var resources = ImmutableArray.CreateBuilder<Resource>();
        var diagnostics = ImmutableArray.CreateBuilder<Diagnostic>();
        var places = new Dictionary<ResourceKey, SourceLocation?>();
        foreach (var text in texts)
        {
            foreach (var document in ResourceReader.Read(text.Text, text.Path, options).Documents)
            {
                diagnostics.AddRange(document.Diagnostics);
                if (document.Resource is not { } resource) continue;
                var place = ResourceReader.PlaceOf(document);
                // Within one text the reader has seen to it; two files of one apply may still name one resource.
                if (places.TryAdd(resource.Key, place)) resources.Add(resource);
                else diagnostics.Add(ResourceReader.DuplicateOf(document, places[resource.Key]));
            }
        }

        return new ReadTexts(resources.ToImmutable(), diagnostics.ToImmutable());
    }

    /// <summary>Reads one document back from where it was stored; null when this release no longer accepts it.</summary>
    /// <param name="file">The file that it came from, and <paramref name="firstLine"/>: where in it; 0 for unknown.</param>
    internal static Resource? Reread(string text, string file, int firstLine, string resourceNamespace, DateTimeOffset createdAt) =>
        ResourceReader.Read(text, file, new ResourceReadOptions { DefaultNamespace = resourceNamespace, DefaultCreatedAt = createdAt, FirstLine = firstLine }).Resources.FirstOrDefault();

    /// <summary>What is to be said about a resource that is held.</summary>
    internal static IEnumerable<Diagnostic> Check(Resource resource) => ResourceReader.Read(
        resource.Text, resource.Metadata.Location?.File ?? "applied",
        new ResourceReadOptions { DefaultNamespace = resource.Namespace, FirstLine = resource.Metadata.TextLine }).Diagnostics;
}
