using YamlDotNet.Core;

namespace Lateen.Yaml;

/// <summary>Turns the scanner's fault into one sentence that starts in lower case and stands after a position.</summary>
internal static class SyntaxMessage
{
    public static string Of(YamlException fault)
    {
        string text = fault.Message;
        // Older releases repeat the position in the message: "(Line: 1, Col: 2, Idx: 3) - (...): what".
        int said = text.StartsWith("(Line", StringComparison.Ordinal) ? text.IndexOf("): ", StringComparison.Ordinal) : -1;
        if (said >= 0)
        {
            text = text[(said + 3)..];
        }

        text = text.Trim().TrimEnd('.');
        return text.Length == 0 ? "not valid YAML" : $"not valid YAML: {char.ToLowerInvariant(text[0])}{text[1..]}";
    }
}
