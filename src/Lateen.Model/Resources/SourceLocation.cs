namespace Lateen.Model;

/// <summary>A place in a configuration source. Line and column count from 1; 0 means that only the file is known.</summary>
/// <param name="File">Path as the source names it, relative to the configuration directory where there is one.</param>
public readonly record struct SourceLocation(string File, int Line, int Column)
{
    /// <summary><c>file:line:column</c>, the form that editors and terminals turn into a link.</summary>
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}:{Column}";

    /// <summary><c>file:line</c>, for where a column would be noise.</summary>
    public string FileAndLine => Line == 0 ? File : $"{File}:{Line}";
}
