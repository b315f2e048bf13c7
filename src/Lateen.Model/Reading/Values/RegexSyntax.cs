using System.Globalization;
using System.Text.RegularExpressions;

namespace Lateen.Model.Reading.Values;

/// <summary>
/// Regular expressions of the configuration are RE2, matched against the whole value. Refused are the constructs that RE2 does not have
/// (back-references, look-around, and others that need backtracking or are .NET's own), and those that RE2 has but that .NET's
/// non-backtracking engine, which runs them here in linear time, reads differently or not at all.
/// </summary>
internal static class RegexSyntax
{
    /// <summary>Istio's bound for expressions in routes. UTF-16 units.</summary>
    public const int MaxLength = 1024;

    /// <summary>RE2's bound on a counted repetition.</summary>
    private const int MaxRepetition = 1000;

    public static Complaint? Check(string pattern)
    {
        if (pattern.Length == 0) return new Complaint("a regular expression must not be empty");
        if (pattern.Length > MaxLength) return new Complaint($"the expression has {pattern.Length} characters", $"at most {MaxLength}");
        if (FindForeign(pattern) is { } foreign) return foreign;
        try
        {
            _ = new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
            return null;
        }
        catch (RegexParseException fault)
        {
            return new Complaint($"'{pattern}' is not a regular expression: {Explain(fault)} at character {fault.Offset + 1}");
        }
        catch (NotSupportedException)
        {
            return new Complaint($"'{pattern}' cannot be run in linear time", "repeat counts may be too large; make the expression smaller");
        }
    }

    private static string Explain(RegexParseException fault) => fault.Error switch
    {
        RegexParseError.InsufficientClosingParentheses => "a ')' is missing",
        RegexParseError.InsufficientOpeningParentheses => "there is a ')' too many",
        RegexParseError.UnterminatedBracket => "a ']' is missing",
        RegexParseError.QuantifierAfterNothing => "a repetition follows nothing",
        RegexParseError.NestedQuantifiersNotParenthesized => "a repetition follows a repetition",
        RegexParseError.ReversedQuantifierRange or RegexParseError.ReversedCharacterRange => "a range is written backwards",
        RegexParseError.UnescapedEndingBackslash => "a '\\' ends the expression",
        _ => string.Create(CultureInfo.InvariantCulture, $"{fault.Error}"),
    };

    private static Complaint? FindForeign(string pattern)
    {
        var isInClass = false;
        for (var i = 0; i < pattern.Length; i++)
        {
            var rest = pattern.AsSpan(i);
            switch (pattern[i])
            {
                case '\\':
                    if (rest.Length > 1 && ForeignEscape(rest, isInClass) is { } escape) return At(escape, i);
                    i++;
                    break;
                case '[' when isInClass:
                    if (rest.StartsWith("[:"))
                        return At(new Complaint("POSIX classes are valid RE2, but cannot be run here", "write the class out, [[:digit:]] as [0-9]"), i);
                    if (i > 0 && pattern[i - 1] == '-') return At(new Complaint("RE2 has no class subtraction"), i);
                    break;
                case '[':
                    isInClass = true;
                    // A ']' that comes first, or first after '^', is a member.
                    if (rest.StartsWith("[^]")) i += 2;
                    else if (rest.StartsWith("[]")) i += 1;
                    break;
                case ']':
                    isInClass = false;
                    break;
                case '{' when !isInClass && IsRepeatedTooOften(rest):
                    return At(new Complaint($"RE2 repeats at most {MaxRepetition} times"), i);
                case '(' when !isInClass && rest.StartsWith("(?"):
                    if (ForeignGroup(rest) is { } group) return At(group, i);
                    break;
            }
        }

        return null;
    }

    private static bool IsRepeatedTooOften(ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf('}');
        if (end < 2) return false;
        foreach (var range in rest[1..end].Split(','))
            if (int.TryParse(rest[1..end][range], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > MaxRepetition)
                return true;
        return false;
    }

    private static Complaint At(Complaint complaint, int index) => complaint with { Message = $"{complaint.Message} (character {index + 1})" };

    private static Complaint? ForeignEscape(ReadOnlySpan<char> rest, bool isInClass)
    {
        switch (rest[1])
        {
            case >= '1' and <= '9': return new Complaint("RE2 has no back-references", "match the parts separately");
            case 'k': return new Complaint("RE2 has no back-references", "match the parts separately");
            case 'Z': return new Complaint("RE2 has no \\Z", "the whole value must match anyway");
            case 'G' or 'c' or 'e' or 'u': return new Complaint($"RE2 has no \\{rest[1]}");
            case 'Q' or 'C' or 'N': return new Complaint($"\\{rest[1]} is valid RE2, but cannot be run here", "escape each character with '\\'");
            case 'x' when rest.Length > 2 && rest[2] == '{':
                return new Complaint("\\x{...} is valid RE2, but cannot be run here", "write the character itself, or \\xHH");
            case 'p' or 'P' when rest.Length > 2 && rest[2] != '{':
                return new Complaint("one-letter classes are valid RE2, but cannot be run here", $"write \\{rest[1]}{{{rest[2]}}}");
            case 'b' when isInClass: return new Complaint("RE2 has no \\b inside a class");
            default: return null;
        }
    }

    private static Complaint? ForeignGroup(ReadOnlySpan<char> rest)
    {
        var inner = rest[2..];
        if (inner.StartsWith("=") || inner.StartsWith("!"))
            return new Complaint("RE2 has no look-ahead", "use withoutHeaders, or an earlier route, for what must not match");
        if (inner.StartsWith("<=") || inner.StartsWith("<!"))
            return new Complaint("RE2 has no look-behind", "use withoutHeaders, or an earlier route, for what must not match");
        if (inner.StartsWith(">")) return new Complaint("RE2 has no atomic groups", "write (?:...)");
        if (inner.StartsWith("(") || inner.StartsWith("'")) return new Complaint("RE2 has no such group");
        if (inner.StartsWith("#")) return new Complaint("RE2 has no comments in expressions");
        if (inner.StartsWith("P<"))
            return new Complaint("(?P<name>...) is valid RE2, but cannot be run here", "write (?<name>...) or a plain group");
        var end = inner.IndexOfAny(':', ')');
        if (inner.StartsWith("<") || end < 0) return null;
        foreach (var flag in inner[..end])
        {
            if (flag is 'x' or 'n') return new Complaint($"RE2 has no flag '{flag}'");
            if (flag == 'U') return new Complaint("the flag 'U' is valid RE2, but cannot be run here", "write lazy repetitions: *?");
        }

        return null;
    }
}
