using System.Collections.Immutable;

namespace Lateen.Yaml;

/// <summary>
/// Reads YAML 1.2 text, and JSON with it, into nodes that know their line and column. Strict where silence would hurt: a repeated key,
/// an unknown tag, a complex key and a cyclic alias are errors. Never throws on text, whatever it holds.
/// </summary>
/// <remarks>
/// Documents are separated before they are parsed: <c>---</c> at the start of a line is a document marker wherever it stands (YAML 1.2.2
/// section 9.1.2 forbids it as content even inside quoted and block scalars), so a fault in one document cannot hide the next.
/// Merge keys (<c>&lt;&lt;</c>) are honoured, since Kubernetes files use them. Stateless and thread-safe.
/// </remarks>
public static class YamlReader
{
    public static YamlDocuments Read(string text, YamlLimits? limits = null)
    {
        limits ??= YamlLimits.Default;
        if (text.Length > limits.MaxCharacters)
        {
            var tooLong = new YamlError(new YamlPosition(1, 1), $"the text has {text.Length} characters, more than the limit of {limits.MaxCharacters}");
            return new YamlDocuments([new YamlDocument(0, 1, null, [tooLong])]);
        }

        var documents = ImmutableArray.CreateBuilder<YamlDocument>();
        foreach (DocumentSplitter.Chunk chunk in DocumentSplitter.Split(text))
        {
            DocumentParser.Parse(chunk, limits, documents);
        }

        return new YamlDocuments(documents.ToImmutable());
    }

    /// <summary>
    /// Reads a text that must hold exactly one document, such as a bootstrap file. On any fault, none or several documents,
    /// <paramref name="errors"/> is not empty and the result is null.
    /// </summary>
    public static YamlNode? ReadSingle(string text, out ImmutableArray<YamlError> errors, YamlLimits? limits = null)
    {
        YamlDocuments documents = Read(text, limits);
        errors = [.. documents.Errors];
        if (errors.Length > 0)
        {
            return null;
        }

        if (documents.Documents.Length == 1)
        {
            return documents.Documents[0].Root;
        }

        errors = documents.Documents.Length == 0
            ? [new YamlError(new YamlPosition(1, 1), "the text holds no document")]
            : [new YamlError(new YamlPosition(documents.Documents[1].StartLine, 1), "one document is expected, this is the start of a second one")];
        return null;
    }
}
