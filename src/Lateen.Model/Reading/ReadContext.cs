using Lateen.Yaml;

namespace Lateen.Model.Reading;

/// <summary>What the readers of one document share: whose document it is, and the diagnostics so far.</summary>
/// <param name="lineOffset">Lines of the file above the text that the nodes were parsed from; null: unknown, only the file is.</param>
internal sealed class ReadContext(string file, ResourceRef? resource, int? lineOffset = 0, int columnOffset = 0)
{
    private readonly List<Diagnostic> _diagnostics = [];

    public ResourceRef? Resource { get; } = resource;

    /// <summary>Namespace of the resource, for rules that compare with it.</summary>
    public string Namespace => Resource?.Namespace ?? "";

    /// <summary>Annotations of the resource, for the few rules of a spec that depend on one.</summary>
    public StringMap<string> Annotations { get; set; } = StringMap<string>.Empty;

    public IReadOnlyList<Diagnostic> Diagnostics => _diagnostics;

    public bool HasErrors { get; private set; }

    public void Report(DiagnosticCode code, FieldPath path, YamlNode? at, string message, string? hint = null) =>
        Report(code, path.ToString(), at?.Position ?? default, message, hint);

    public void Report(DiagnosticCode code, string path, YamlPosition at, string message, string? hint = null)
    {
        HasErrors |= code.Severity == DiagnosticSeverity.Error;
        _diagnostics.Add(new Diagnostic(code.Code, code.Severity, Resource, path, message, hint, Locate(at)));
    }

    /// <summary>See <see cref="ResourceMetadata.TextLine"/>.</summary>
    public int TextLine { get; init; }

    public SourceLocation Locate(YamlPosition at) => at.Line == 0 || lineOffset is not { } above
        ? new SourceLocation(file, 0, 0)
        : new SourceLocation(file, at.Line + above, at.Column + columnOffset);
}
