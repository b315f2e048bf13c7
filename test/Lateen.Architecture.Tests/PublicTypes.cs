using System.Text.RegularExpressions;

namespace Lateen.Architecture.Tests;

/// <summary>The types of a source file that others can see: public, and within nothing that is not.</summary>
/// <remarks>Reads indentation of four spaces and one declaration on a line, as the formatter leaves them.</remarks>
internal static partial class PublicTypes
{
    /// <summary>A type.</summary>
    /// <param name="Name">With the names of the types around it.</param>
    /// <param name="IsDocumented">It has a summary, or takes one over.</param>
    public sealed record Found(string Name, bool IsDocumented);

    public static IEnumerable<Found> In(IEnumerable<string> lines)
    {
        // What is around the current line, from the outside; null for what cannot be seen.
        var around = new Stack<string?>();
        var told = false;
        foreach (var line in lines)
        {
            var declaration = Declaration().Match(line);
            if (declaration.Success)
            {
                var depth = declaration.Groups["indent"].Length / 4;
                while (around.Count > depth) around.Pop();
                var isVisible = declaration.Groups["access"].Value == "public" && (depth == 0 || (around.Count == depth && around.Peek() is not null));
                var name = depth == 0 || !isVisible ? declaration.Groups["name"].Value : $"{around.Peek()}.{declaration.Groups["name"].Value}";
                around.Push(isVisible ? name : null);
                if (isVisible) yield return new Found(name, told);
            }

            // What stands above a declaration ends with the member before it: attributes may take several lines, and so may their arguments.
            var text = line.Trim();
            if (text.StartsWith("///", StringComparison.Ordinal)) told |= text.Contains("<summary>", StringComparison.Ordinal) || text.Contains("<inheritdoc", StringComparison.Ordinal);
            else if (text.Length == 0 || text[^1] is ';' or '{' or '}' || declaration.Success) told = false;
        }
    }

    [GeneratedRegex(@"^(?<indent> *)(?:(?<access>public|internal|private|protected|file) )?(?:(?:static|sealed|abstract|readonly|ref|partial|unsafe|new|internal|protected) )*(?:class|struct|interface|enum|record struct|record class|record|delegate [\w<>?\[\], .]+?) +(?<name>\w+)")]
    private static partial Regex Declaration();
}
