using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Yaml;

namespace Lateen.Xds.Text;

/// <summary>
/// Writes messages by the proto3 JSON mapping, in the shape of Envoy's <c>/config_dump</c>: proto field names, only what is set,
/// <c>Any</c> opened with <c>@type</c> first. The result is a node tree, to be printed as JSON or YAML. Equal messages give equal text:
/// fields in declaration order, maps sorted by key.
/// </summary>
public sealed class ProtoJson
{
    private readonly XdsTypeRegistry _registry;
    private readonly bool _camelCase;

    private ProtoJson(XdsTypeRegistry registry, bool camelCase)
    {
        _registry = registry;
        _camelCase = camelCase;
    }

    /// <summary>As Envoy's admin interface prints: <c>snake_case</c> names.</summary>
    public static ProtoJson Default { get; } = new(XdsTypeRegistry.Default, camelCase: false);

    /// <summary>As istioctl prints: <c>lowerCamelCase</c> names.</summary>
    public static ProtoJson CamelCase { get; } = new(XdsTypeRegistry.Default, camelCase: true);

    public string WriteJson(IMessage message, bool indented = true) => JsonWriter.Write(ToNode(message), indented);

    public string WriteYaml(IMessage message) => YamlWriter.Write(ToNode(message));

    public YamlNode ToNode(IMessage message)
    {
        if (WellKnownText.WrappedField(message.Descriptor) is { } wrapped)
        {
            return ToScalar(wrapped, wrapped.Accessor.GetValue(message));
        }

        return WellKnownText.TryWrite(message) ?? (message is Any any ? ToNode(any) : ToMapping(message, new YamlMappingBuilder()));
    }

    private YamlMapping ToNode(Any any)
    {
        var mapping = new YamlMappingBuilder();
        if (any.TypeUrl.Length == 0)
        {
            return mapping.Build();
        }

        mapping.Add("@type", any.TypeUrl);
        if (!_registry.TryUnpack(any, out IMessage? message, out _))
        {
            // Not one of ours: its bytes are shown rather than nothing.
            return mapping.Add("value", any.Value.ToBase64()).Build();
        }

        return WellKnownText.HasOwnForm(message.Descriptor) ? mapping.Add("value", ToNode(message)).Build() : ToMapping(message, mapping);
    }

    private YamlMapping ToMapping(IMessage message, YamlMappingBuilder mapping)
    {
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (ToFieldNode(message, field) is { } node)
            {
                mapping.Add(_camelCase ? field.JsonName : field.Name, node);
            }
        }

        return mapping.Build();
    }

    private YamlNode? ToFieldNode(IMessage message, FieldDescriptor field)
    {
        object? value = field.Accessor.GetValue(message);
        if (field.IsMap)
        {
            return value is IDictionary { Count: > 0 } map ? ToMap(field, map) : null;
        }

        if (field.IsRepeated)
        {
            return value is IList { Count: > 0 } list ? ToList(field, list) : null;
        }

        bool isSet = field.HasPresence ? field.Accessor.HasValue(message) : !IsDefault(value);
        return isSet && value is not null ? ToSingle(field, value) : null;
    }

    private YamlSequence ToList(FieldDescriptor field, IList list)
    {
        var items = ImmutableArray.CreateBuilder<YamlNode>(list.Count);
        foreach (object? item in list)
        {
            items.Add(ToSingle(field, item!));
        }

        return new YamlSequence(items.MoveToImmutable());
    }

    private YamlMapping ToMap(FieldDescriptor field, IDictionary map)
    {
        FieldDescriptor valueField = field.MessageType.FindFieldByNumber(2);
        var entries = new List<(string Key, object Value)>(map.Count);
        foreach (DictionaryEntry entry in map)
        {
            string key = entry.Key is bool truth ? (truth ? "true" : "false") : Convert.ToString(entry.Key, CultureInfo.InvariantCulture)!;
            entries.Add((key, entry.Value!));
        }

        entries.Sort(static (left, right) => string.CompareOrdinal(left.Key, right.Key));
        var mapping = new YamlMappingBuilder();
        foreach ((string key, object value) in entries)
        {
            mapping.Add(key, ToSingle(valueField, value));
        }

        return mapping.Build();
    }

    private YamlNode ToSingle(FieldDescriptor field, object value)
    {
        if (field.FieldType != FieldType.Message)
        {
            return ToScalar(field, value);
        }

        // The accessor of a wrapper field gives the bare value.
        return WellKnownText.WrappedField(field.MessageType) is { } wrapped ? ToScalar(wrapped, value) : ToNode((IMessage)value);
    }

    private static YamlScalar ToScalar(FieldDescriptor field, object value)
    {
        switch (value)
        {
            case string text:
                return YamlScalar.FromString(text);
            case bool truth:
                return YamlScalar.FromBoolean(truth);
            case ByteString bytes:
                return YamlScalar.FromString(bytes.ToBase64());
            case double number:
                return YamlScalar.FromDouble(number);
            case float number:
                return YamlScalar.FromSingle(number);
            case uint number:
                return YamlScalar.FromInteger(number);
            // 64-bit integers are text in proto3 JSON: many readers hold numbers as doubles.
            case long number:
                return YamlScalar.FromString(number.ToString(CultureInfo.InvariantCulture));
            case ulong number:
                return YamlScalar.FromString(number.ToString(CultureInfo.InvariantCulture));
            default:
                int whole = Convert.ToInt32(value, CultureInfo.InvariantCulture);
                return field.FieldType == FieldType.Enum && field.EnumType.FindValueByNumber(whole) is { } member
                    ? YamlScalar.FromString(member.Name)
                    : YamlScalar.FromInteger(whole);
        }
    }

    private static bool IsDefault(object? value) => value switch
    {
        null => true,
        string text => text.Length == 0,
        ByteString bytes => bytes.IsEmpty,
        bool truth => !truth,
        double number => number == 0 && !double.IsNegative(number),
        float number => number == 0 && !float.IsNegative(number),
        uint number => number == 0,
        long number => number == 0,
        ulong number => number == 0,
        _ => Convert.ToInt32(value, CultureInfo.InvariantCulture) == 0,
    };
}
