using System.Text;

namespace Lateen.Yaml;

/// <summary>
/// Writes nodes as block-style YAML that a person would have written: two spaces, list items at the column of their key (as kubectl
/// does), quotes only where a YAML 1.1 or 1.2 reader would otherwise see something else, literal blocks for multi-line text.
/// Equal nodes give equal bytes, and <see cref="YamlReader"/> reads back equal nodes.
/// </summary>
public static class YamlWriter
{
    public static string Write(YamlNode node)
    {
        var output = new StringBuilder();
        WriteRoot(output, node);
        return output.ToString();
    }

    /// <summary>Several documents, with <c>---</c> between them.</summary>
    public static string WriteAll(IEnumerable<YamlNode> documents)
    {
        var output = new StringBuilder();
        foreach (YamlNode document in documents)
        {
            if (output.Length > 0)
            {
                output.Append("---\n");
            }

            WriteRoot(output, document);
        }

        return output.ToString();
    }

    private static void WriteRoot(StringBuilder output, YamlNode node)
    {
        switch (node)
        {
            case YamlMapping { Count: > 0 } mapping:
                WriteMapping(output, mapping, 0, startsInline: false);
                break;
            case YamlSequence { Count: > 0 } sequence:
                WriteSequence(output, sequence, 0, startsInline: false);
                break;
            default:
                WriteInline(output, node, 0);
                break;
        }
    }

    private static void WriteMapping(StringBuilder output, YamlMapping mapping, int indent, bool startsInline)
    {
        foreach (YamlEntry entry in mapping)
        {
            Indent(output, indent, ref startsInline);
            YamlPlainText.AppendKey(output, entry.Name);
            output.Append(':');
            switch (entry.Value)
            {
                case YamlMapping { Count: > 0 } inner:
                    output.Append('\n');
                    WriteMapping(output, inner, indent + 2, startsInline: false);
                    break;
                case YamlSequence { Count: > 0 } inner:
                    output.Append('\n');
                    WriteSequence(output, inner, indent, startsInline: false);
                    break;
                default:
                    output.Append(' ');
                    WriteInline(output, entry.Value, indent + 2);
                    break;
            }
        }
    }

    private static void WriteSequence(StringBuilder output, YamlSequence sequence, int indent, bool startsInline)
    {
        foreach (YamlNode item in sequence)
        {
            Indent(output, indent, ref startsInline);
            output.Append("- ");
            switch (item)
            {
                case YamlMapping { Count: > 0 } inner:
                    WriteMapping(output, inner, indent + 2, startsInline: true);
                    break;
                case YamlSequence { Count: > 0 } inner:
                    WriteSequence(output, inner, indent + 2, startsInline: true);
                    break;
                default:
                    WriteInline(output, item, indent + 2);
                    break;
            }
        }
    }

    private static void WriteInline(StringBuilder output, YamlNode node, int indent)
    {
        switch (node)
        {
            case YamlMapping:
                output.Append("{}\n");
                break;
            case YamlSequence:
                output.Append("[]\n");
                break;
            case YamlScalar { Type: YamlScalarType.String } text:
                YamlPlainText.AppendValue(output, text.Text, indent);
                break;
            case YamlScalar { Type: YamlScalarType.Null }:
                output.Append("null\n");
                break;
            case YamlScalar scalar:
                output.Append(scalar.Text).Append('\n');
                break;
        }
    }

    private static void Indent(StringBuilder output, int indent, ref bool startsInline)
    {
        if (!startsInline)
        {
            output.Append(' ', indent);
        }

        startsInline = false;
    }
}
