using System.Text;

namespace Lateen.Model;

/// <summary>How much a diagnostic weighs.</summary>
public enum DiagnosticSeverity
{
    /// <summary>The resource is refused; its last good version stays.</summary>
    Error = 0,

    /// <summary>The resource is served, but not all of it does what its author may think.</summary>
    Warning = 1,
}

/// <summary>The resource that a diagnostic speaks of, as written: kind and API version may be ones that Lateen does not know.</summary>
public readonly record struct ResourceRef(string ApiVersion, string Kind, string Namespace, string Name)
{
    public static ResourceRef Of(Resource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        return new ResourceRef(resource.ApiVersion, resource.Key.Kind.Name, resource.Namespace, resource.Name);
    }

    /// <summary><c>Kind/namespace/name</c>.</summary>
    public override string ToString() => $"{Kind}/{Namespace}/{Name}";
}

/// <summary>
/// One finding about configuration. The code is stable across releases (see <see cref="DiagnosticCodes"/>) and is what scripts may match;
/// the message says what is wrong, the hint what to write instead.
/// </summary>
/// <param name="Resource">Null when the text could not be read far enough to know.</param>
/// <param name="FieldPath">Path in the document, <c>spec.http[0].route[1].weight</c>; empty for the document as a whole.</param>
/// <param name="Hint">What to do; null when the message says it all.</param>
public sealed record Diagnostic(
    string Code,
    DiagnosticSeverity Severity,
    ResourceRef? Resource,
    string FieldPath,
    string Message,
    string? Hint,
    SourceLocation? Location)
{
    public bool IsError => Severity == DiagnosticSeverity.Error;

    /// <summary>One line: <c>file:line:column: error LAT0102: VirtualService/ns/name: spec.http[0].timout: message (hint)</c>.</summary>
    public override string ToString()
    {
        var line = new StringBuilder();
        if (Location is { } location) line.Append(location).Append(": ");
        line.Append(IsError ? "error " : "warning ").Append(Code).Append(": ");
        if (Resource is { } resource) line.Append(resource).Append(": ");
        if (FieldPath.Length > 0) line.Append(FieldPath).Append(": ");
        line.Append(Message);
        if (Hint is not null) line.Append(" (").Append(Hint).Append(')');
        return line.ToString();
    }
}
