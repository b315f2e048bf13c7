using System.Buffers;
using System.Text;

namespace Lateen.Yaml;

/// <summary>Chooses and writes the style of a string scalar: plain, literal block or double-quoted.</summary>
internal static class YamlPlainText
{
    /// <summary>Characters that may open or structure something else; a string that starts with one is quoted.</summary>
    private static readonly SearchValues<char> Indicators = SearchValues.Create("-?:,[]{}#&*!|>'\"%@` \t=<.~+");

    private static readonly SearchValues<char> Yaml11Number = SearchValues.Create("0123456789_:.,eExXoabcdfABCDF+-TZtz ");

    public static void AppendKey(StringBuilder output, string key)
    {
        if (IsSafePlain(key))
        {
            output.Append(key);
        }
        else
        {
            JsonWriter.AppendString(output, key);
        }
    }

    /// <summary>Writes the value and the line's end. <paramref name="indent"/> is the column of a block's content.</summary>
    public static void AppendValue(StringBuilder output, string value, int indent)
    {
        if (IsSafePlain(value))
        {
            output.Append(value).Append('\n');
        }
        else if (indent > 0 && IsSafeBlock(value))
        {
            AppendBlock(output, value, indent);
        }
        else
        {
            JsonWriter.AppendString(output, value);
            output.Append('\n');
        }
    }

    private static void AppendBlock(StringBuilder output, string value, int indent)
    {
        output.Append(value.EndsWith('\n') ? "|\n" : "|-\n");
        foreach (ReadOnlySpan<char> line in value.AsSpan().TrimEnd('\n').EnumerateLines())
        {
            if (line.Length > 0)
            {
                output.Append(' ', indent).Append(line);
            }

            output.Append('\n');
        }
    }

    /// <summary>More than one line, at most one line break at the end, and nothing that a block could not show as it is.</summary>
    private static bool IsSafeBlock(string value)
    {
        ReadOnlySpan<char> body = value.EndsWith('\n') ? value.AsSpan(0, value.Length - 1) : value;
        if (!body.Contains('\n') || (body[0] is '\n' or ' ' or '\t') || (body[^1] is '\n' or ' ' or '\t'))
        {
            return false;
        }

        foreach (char c in body)
        {
            if (c is not '\n' && !IsPrintable(c))
            {
                return false;
            }
        }

        // A line of white space only, or with trailing space, would be hard to see; quotes show it.
        return !value.Contains(" \n", StringComparison.Ordinal);
    }

    private static bool IsSafePlain(string value)
    {
        if (value.Length == 0 || Indicators.Contains(value[0]) || (value[^1] is ' ' or ':') || YamlNumber.Resolve(value) != YamlScalarType.String)
        {
            return false;
        }

        // " *" and " &" are plain by the specification; YamlDotNet takes the first for an alias, and a reader of files may too.
        for (int i = 0; i < value.Length; i++)
        {
            char c = value[i];
            if (!IsPrintable(c)
                || (c == ':' && i + 1 < value.Length && value[i + 1] == ' ')
                || ((c is '#' or '*' or '&') && value[i - 1] == ' '))
            {
                return false;
            }
        }

        return !IsYaml11Special(value);
    }

    /// <summary>What a YAML 1.1 reader (most of Kubernetes' tools) would take for a boolean, a number or a date.</summary>
    private static bool IsYaml11Special(string value)
    {
        if (char.IsAsciiDigit(value[0]) && !value.AsSpan().ContainsAnyExcept(Yaml11Number))
        {
            return true;
        }

        return value.Length <= 5 && (value.ToUpperInvariant() is "Y" or "N" or "YES" or "NO" or "ON" or "OFF" or "TRUE" or "FALSE" or "NULL");
    }

    private static bool IsPrintable(char c) =>
        c is >= ' ' and <= '~' || (c >= '\u00a1' && !char.IsSurrogate(c) && c is not ('\u2028' or '\u2029' or '\ufeff') && c < '\ufffe');
}
