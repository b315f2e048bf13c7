using System.Collections;
using System.Collections.Immutable;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Lateen.Yaml;

namespace Lateen.Xds.Text;

/// <summary>
/// Reads a protobuf message from YAML or JSON by the proto3 JSON mapping, as Envoy reads its bootstrap: field names in
/// <c>snake_case</c> or <c>camelCase</c>, enums by name or number, 64-bit integers also as strings, durations as <c>"1.5s"</c>,
/// wrappers as the bare value, <c>Any</c> by its <c>@type</c>. Strict: unknown fields, unknown types, two members of one oneof and
/// values out of range are faults. All faults are reported, each with path, place and, for a misspelt name, the likely one.
/// </summary>
/// <remarks>One reader serves one call and one thread. Native AOT safe: it uses generated descriptors and their accessors only.</remarks>
public sealed class ProtoYamlReader
{
    /// <summary>Faults kept of one text. Beyond it the file is of another kind, and more lines would bury the first.</summary>
    private const int MaxFaults = 100;

    private readonly XdsTypeRegistry _registry;
    private readonly List<ProtoFault> _faults = [];
    private readonly ProtoPath _path = new();

    private ProtoYamlReader(XdsTypeRegistry registry)
    {
        _registry = registry;
    }

    /// <summary>Reads <paramref name="node"/> as a <typeparamref name="T"/>.</summary>
    /// <returns>The message; partial when <paramref name="faults"/> is not empty, and then fit for nothing but more checks.</returns>
    public static T Read<T>(YamlNode node, out ImmutableArray<ProtoFault> faults, XdsTypeRegistry? registry = null)
        where T : class, IMessage<T>, new()
    {
        var message = new T();
        faults = Read(message, node, registry);
        return message;
    }

    /// <summary>Reads text that holds one document; syntax errors come back as faults with an empty path.</summary>
    public static T? ReadText<T>(string text, out ImmutableArray<ProtoFault> faults, XdsTypeRegistry? registry = null)
        where T : class, IMessage<T>, new()
    {
        YamlNode? root = YamlReader.ReadSingle(text, out ImmutableArray<YamlError> errors);
        if (root is null)
        {
            faults = [.. errors.Select(static error => new ProtoFault(string.Empty, error.Position, error.Message))];
            return null;
        }

        return Read<T>(root, out faults, registry);
    }

    /// <summary>Reads <paramref name="node"/> into an empty message whose type is known only at run time.</summary>
    public static ImmutableArray<ProtoFault> Read(IMessage message, YamlNode node, XdsTypeRegistry? registry = null)
    {
        var reader = new ProtoYamlReader(registry ?? XdsTypeRegistry.Default);
        reader.ReadMessage(message, node);
        return [.. reader._faults];
    }

    private void Fault(YamlNode at, string message) => Fault(at.Position, message);

    private void Fault(YamlPosition at, string message)
    {
        if (_faults.Count < MaxFaults)
        {
            _faults.Add(new ProtoFault(_path.ToString(), at, message));
        }
    }

    private void ReadMessage(IMessage message, YamlNode node, string? ignoredKey = null)
    {
        if (WellKnownText.TryRead(message, node, out string? reason))
        {
            if (reason is not null)
            {
                Fault(node, reason);
            }

            return;
        }

        if (message is Any any)
        {
            ReadAny(any, node);
            return;
        }

        if (node is not YamlMapping mapping)
        {
            if (!node.IsNull)
            {
                Fault(node, $"expected a mapping ({message.Descriptor.FullName}), found {node.Description}");
            }

            return;
        }

        var seen = new HashSet<FieldDescriptor>();
        foreach (YamlEntry entry in mapping)
        {
            if (entry.Name == ignoredKey)
            {
                continue;
            }

            FieldDescriptor? field = Find(message.Descriptor, entry.Name);
            if (field is null)
            {
                using (_path.Field(entry.Name))
                {
                    Fault(entry.Key, UnknownField(message.Descriptor, entry.Name));
                }

                continue;
            }

            using (_path.Field(field.Name))
            {
                if (!seen.Add(field))
                {
                    Fault(entry.Key, "the field is given twice, in both spellings");
                }
                else if (!IsUnset(field, entry.Value) && IsOneofFree(message, field, entry))
                {
                    ReadField(message, field, entry.Value);
                }
            }
        }
    }

    /// <summary>JSON null stands for "not given" everywhere but in a <see cref="Value"/>, which can hold null itself.</summary>
    private static bool IsUnset(FieldDescriptor field, YamlNode value) =>
        value.IsNull && !(field.FieldType == FieldType.Message && !field.IsRepeated && field.MessageType == Value.Descriptor);

    private bool IsOneofFree(IMessage message, FieldDescriptor field, YamlEntry entry)
    {
        FieldDescriptor? other = field.RealContainingOneof?.Accessor.GetCaseFieldDescriptor(message);
        if (other is null || other == field)
        {
            return true;
        }

        Fault(entry.Key, $"'{field.Name}' and '{other.Name}' exclude each other; keep one");
        return false;
    }

    private void ReadField(IMessage message, FieldDescriptor field, YamlNode value)
    {
        if (field.IsMap)
        {
            ReadMap((IDictionary)field.Accessor.GetValue(message), field, value);
        }
        else if (field.IsRepeated)
        {
            ReadList((IList)field.Accessor.GetValue(message), field, value);
        }
        else if (ReadSingle(field, value) is { } parsed)
        {
            field.Accessor.SetValue(message, parsed);
        }
    }

    private void ReadList(IList list, FieldDescriptor field, YamlNode value)
    {
        if (value is not YamlSequence sequence)
        {
            Fault(value, $"expected a list, found {value.Description}");
            return;
        }

        for (int i = 0; i < sequence.Count; i++)
        {
            using (_path.Item(i))
            {
                if (ReadSingle(field, sequence[i]) is { } item)
                {
                    list.Add(item);
                }
            }
        }
    }

    private void ReadMap(IDictionary map, FieldDescriptor field, YamlNode value)
    {
        if (value is not YamlMapping mapping)
        {
            Fault(value, $"expected a mapping, found {value.Description}");
            return;
        }

        FieldDescriptor keyField = field.MessageType.FindFieldByNumber(1);
        FieldDescriptor valueField = field.MessageType.FindFieldByNumber(2);
        foreach (YamlEntry entry in mapping)
        {
            using (_path.Key(entry.Name))
            {
                // A key is always text in JSON, whatever it means; a bare number or boolean in YAML is the same key.
                object? key = keyField.FieldType == FieldType.String ? entry.Name : ReadSingle(keyField, YamlScalar.FromString(entry.Name));
                if (key is not null && ReadSingle(valueField, entry.Value) is { } item)
                {
                    map[key] = item;
                }
            }
        }
    }

    /// <returns>The value in the form that the field's accessor takes, or null after a fault.</returns>
    private object? ReadSingle(FieldDescriptor field, YamlNode value)
    {
        if (field.FieldType is FieldType.Message)
        {
            return ReadSubmessage(field, value);
        }

        if (value is not YamlScalar scalar)
        {
            Fault(value, $"expected {ScalarText.Describe(field)}, found {value.Description}");
            return null;
        }

        object? parsed = ScalarText.Read(field, scalar, out string? reason);
        if (reason is not null)
        {
            Fault(value, reason);
        }

        return parsed;
    }

    private object? ReadSubmessage(FieldDescriptor field, YamlNode value)
    {
        FieldDescriptor? wrapped = WellKnownText.WrappedField(field.MessageType);
        if (wrapped is not null)
        {
            // The accessor of a wrapper field takes the bare value.
            return ReadSingle(wrapped, value);
        }

        if (value.IsNull && field.MessageType != Value.Descriptor)
        {
            Fault(value, $"expected a mapping ({field.MessageType.FullName}), found null");
            return null;
        }

        int before = _faults.Count;
        IMessage message = field.MessageType.Parser.ParseFrom(ByteString.Empty);
        ReadMessage(message, value);
        // A faulty message is kept: that it was given matters to the checks of its siblings (oneofs, presence).
        return _faults.Count > before && value is YamlScalar ? null : message;
    }

    private void ReadAny(Any any, YamlNode node)
    {
        if (node is not YamlMapping mapping)
        {
            Fault(node, $"expected a mapping with '@type', found {node.Description}");
            return;
        }

        if (mapping["@type"] is not YamlScalar { Type: YamlScalarType.String } typeUrl)
        {
            Fault(node, "'@type' is missing; it names the message, as in '@type: type.googleapis.com/envoy.extensions.filters.http.router.v3.Router'");
            return;
        }

        if (!_registry.TryFind(typeUrl.Text, out MessageDescriptor? type))
        {
            Fault(typeUrl, UnknownType(typeUrl.Text));
            return;
        }

        IMessage message = type.Parser.ParseFrom(ByteString.Empty);
        if (WellKnownText.HasOwnForm(type))
        {
            // Proto3 JSON: a type with a form of its own stands under "value" beside "@type".
            if (mapping.TryGet("value", out YamlNode? value))
            {
                using (_path.Field("value"))
                {
                    ReadMessage(message, value);
                }
            }
        }
        else
        {
            ReadMessage(message, mapping, ignoredKey: "@type");
        }

        any.TypeUrl = XdsTypeUrls.Prefix + type.FullName;
        any.Value = message.ToByteString();
    }

    private static FieldDescriptor? Find(MessageDescriptor type, string name)
    {
        FieldDescriptor? field = type.FindFieldByName(name);
        if (field is not null)
        {
            return field;
        }

        foreach (FieldDescriptor candidate in type.Fields.InFieldNumberOrder())
        {
            if (candidate.JsonName == name)
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>Packages of extensions look alike, so only the message's own name decides what was meant.</summary>
    private string UnknownType(string typeUrl)
    {
        string? near = Spelling.Nearest(LastName(typeUrl), _registry.TypeNames.Select(LastName));
        string? type = near is null ? null : _registry.TypeNames.Order(StringComparer.Ordinal).First(name => LastName(name) == near);
        return $"the type '{typeUrl}' is not supported{(type is null ? string.Empty : $"; did you mean '{XdsTypeUrls.Prefix}{type}'?")}";
    }

    private static string LastName(string typeName) => typeName[(typeName.LastIndexOf('.') + 1)..];

    private static string UnknownField(MessageDescriptor type, string name)
    {
        string? near = Spelling.Nearest(name, type.Fields.InDeclarationOrder().Select(static field => field.Name));
        string hint = near is null ? string.Empty : $"; did you mean '{near}'?";
        return $"no such field in {type.FullName}, or not supported{hint}";
    }
}
