using System.Text.Json;
using Lateen.Yaml;

namespace Lateen.Cli.Output;

/// <summary>Writes JSON as block-style YAML, with the same fields in the same order.</summary>
internal static class JsonToYaml
{
    public static string Convert(JsonElement value) => YamlWriter.Write(Node(value));

    private static YamlNode Node(JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var mapping = new YamlMappingBuilder();
                foreach (var property in value.EnumerateObject()) mapping.Add(property.Name, Node(property.Value));
                return mapping.Build();
            case JsonValueKind.Array:
                return new YamlSequence([.. value.EnumerateArray().Select(Node)]);
            case JsonValueKind.String:
                return YamlScalar.FromString(value.GetString()!);
            case JsonValueKind.True or JsonValueKind.False:
                return YamlScalar.FromBoolean(value.GetBoolean());
            case JsonValueKind.Number:
                return value.TryGetInt64(out long integer) ? YamlScalar.FromInteger(integer) : YamlScalar.FromDouble(value.GetDouble());
            default:
                return YamlScalar.Null;
        }
    }
}
