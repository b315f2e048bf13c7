using System.Collections.Immutable;

namespace Lateen.Yaml;

/// <summary>A fault in the text itself (not in what it means): where, and what to do about it in one sentence.</summary>
public sealed record YamlError(YamlPosition Position, string Message)
{
    public override string ToString() => $"{Position}: {Message}";
}

/// <summary>Bounds of one parse. A text beyond one of them is refused with an error that names the bound.</summary>
public sealed record YamlLimits
{
    public static YamlLimits Default { get; } = new();

    /// <summary>UTF-16 units of the whole text. 32 Mi: ten thousand services with their routes in one file stay below a third of it.</summary>
    public int MaxCharacters { get; init; } = 32 * 1024 * 1024;

    /// <summary>Levels of nesting. Envoy's deepest published examples use under 40.</summary>
    public int MaxDepth { get; init; } = 128;

    /// <summary>Nodes of one document with every alias written out, so that nested aliases cannot blow a small text up.</summary>
    public int MaxExpandedNodes { get; init; } = 4 * 1024 * 1024;
}

/// <summary>One document of a text: its place in the order, where it starts, and its root unless it is broken.</summary>
/// <param name="Index">0-based position among the non-empty documents.</param>
/// <param name="StartLine">1-based line of the document's first line (its <c>---</c>, if it has one).</param>
/// <param name="Root">The root value; null when <paramref name="Errors"/> is not empty.</param>
/// <param name="Errors">Faults in this document, first one first; a fault in one document leaves the others whole.</param>
public sealed record YamlDocument(int Index, int StartLine, YamlNode? Root, ImmutableArray<YamlError> Errors);

/// <summary>The documents of a text, in order, good and broken.</summary>
public sealed record YamlDocuments(ImmutableArray<YamlDocument> Documents)
{
    /// <summary>All faults of all documents, in the order of the text.</summary>
    public IEnumerable<YamlError> Errors => Documents.SelectMany(static document => document.Errors);

    public bool HasErrors => Documents.Any(static document => document.Errors.Length > 0);
}
