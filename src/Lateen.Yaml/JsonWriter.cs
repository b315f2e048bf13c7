using System.Buffers;
using System.Globalization;
using System.Text;

namespace Lateen.Yaml;

/// <summary>
/// Writes nodes as JSON (RFC 8259), compact or indented by two spaces. Equal nodes give equal bytes. Numbers that JSON cannot hold
/// (infinities, NaN) are written as strings in the proto3 JSON spelling; octal and hexadecimal integers in decimal.
/// </summary>
public static class JsonWriter
{
    private static readonly SearchValues<char> Escaped =
        SearchValues.Create("\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000a\u000b\u000c\u000d\u000e\u000f"
            + "\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f\u007f\u0085\u00a0\u2028\u2029\ufeff\ufffe\uffff");

    /// <param name="node">The value to write.</param>
    /// <param name="indented">Two spaces per level and a line break at the end; otherwise one line without spaces or break.</param>
    public static string Write(YamlNode node, bool indented = false)
    {
        var output = new StringBuilder();
        Append(output, node, indented ? 0 : -1);
        if (indented)
        {
            output.Append('\n');
        }

        return output.ToString();
    }

    /// <summary>Appends a quoted JSON string; it is a YAML double-quoted scalar as well.</summary>
    internal static void AppendString(StringBuilder output, string value)
    {
        output.Append('"');
        ReadOnlySpan<char> rest = value;
        while (true)
        {
            int at = IndexOfEscape(rest);
            if (at < 0)
            {
                output.Append(rest).Append('"');
                return;
            }

            output.Append(rest[..at]);
            AppendEscape(output, rest[at]);
            rest = rest[(at + 1)..];
        }
    }

    private static int IndexOfEscape(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (Escaped.Contains(text[i]))
            {
                return i;
            }

            if (char.IsSurrogate(text[i]))
            {
                if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                {
                    i++;
                }
                else
                {
                    return i;
                }
            }
        }

        return -1;
    }

    private static void AppendEscape(StringBuilder output, char c)
    {
        switch (c)
        {
            case '"':
                output.Append("\\\"");
                break;
            case '\\':
                output.Append("\\\\");
                break;
            case '\n':
                output.Append("\\n");
                break;
            case '\r':
                output.Append("\\r");
                break;
            case '\t':
                output.Append("\\t");
                break;
            default:
                // An unpaired surrogate has no UTF-8 form; it becomes the replacement character.
                output.Append("\\u").Append(((int)(char.IsSurrogate(c) ? '\ufffd' : c)).ToString("x4", CultureInfo.InvariantCulture));
                break;
        }
    }

    private static void Append(StringBuilder output, YamlNode node, int indent)
    {
        switch (node)
        {
            case YamlMapping mapping:
                AppendMapping(output, mapping, indent);
                break;
            case YamlSequence sequence:
                AppendSequence(output, sequence, indent);
                break;
            case YamlScalar scalar:
                AppendScalar(output, scalar);
                break;
        }
    }

    private static void AppendMapping(StringBuilder output, YamlMapping mapping, int indent)
    {
        output.Append('{');
        bool first = true;
        foreach (YamlEntry entry in mapping)
        {
            Separate(output, ref first, indent);
            AppendString(output, entry.Name);
            output.Append(indent < 0 ? ":" : ": ");
            Append(output, entry.Value, indent < 0 ? -1 : indent + 1);
        }

        Close(output, first, indent, '}');
    }

    private static void AppendSequence(StringBuilder output, YamlSequence sequence, int indent)
    {
        output.Append('[');
        bool first = true;
        foreach (YamlNode item in sequence)
        {
            Separate(output, ref first, indent);
            Append(output, item, indent < 0 ? -1 : indent + 1);
        }

        Close(output, first, indent, ']');
    }

    private static void Separate(StringBuilder output, ref bool first, int indent)
    {
        if (!first)
        {
            output.Append(',');
        }

        first = false;
        if (indent >= 0)
        {
            output.Append('\n').Append(' ', 2 * (indent + 1));
        }
    }

    private static void Close(StringBuilder output, bool isEmpty, int indent, char bracket)
    {
        if (!isEmpty && indent >= 0)
        {
            output.Append('\n').Append(' ', 2 * indent);
        }

        output.Append(bracket);
    }

    private static void AppendScalar(StringBuilder output, YamlScalar scalar)
    {
        switch (scalar.Type)
        {
            case YamlScalarType.Null:
                output.Append("null");
                break;
            case YamlScalarType.Boolean:
                output.Append(scalar.TryGetBoolean(out bool truth) && truth ? "true" : "false");
                break;
            case YamlScalarType.Integer or YamlScalarType.Float:
                AppendNumber(output, scalar);
                break;
            default:
                AppendString(output, scalar.Text);
                break;
        }
    }

    private static void AppendNumber(StringBuilder output, YamlScalar scalar)
    {
        if (IsJsonNumber(scalar.Text))
        {
            output.Append(scalar.Text);
        }
        else if (scalar.TryGetUInt64(out ulong unsigned))
        {
            output.Append(unsigned);
        }
        else if (scalar.TryGetDouble(out double value) && double.IsFinite(value))
        {
            output.Append(value.ToString("R", CultureInfo.InvariantCulture));
        }
        else
        {
            AppendString(output, double.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
        }
    }

    /// <summary>RFC 8259 section 6: no plus sign, no leading zeros, digits on both sides of the point.</summary>
    private static bool IsJsonNumber(string text)
    {
        int at = text[0] == '-' ? 1 : 0;
        if (at >= text.Length || !char.IsAsciiDigit(text[at]) || (text[at] == '0' && at + 1 < text.Length && text[at + 1] is not ('.' or 'e' or 'E')))
        {
            return false;
        }

        int point = text.IndexOf('.');
        return point < 0 || (point + 1 < text.Length && char.IsAsciiDigit(text[point + 1]));
    }
}
