using System.Collections.Immutable;
using Google.Protobuf;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;
using Lateen.Yaml;

namespace Lateen.Xds.Text;

/// <summary>
/// Reads a protobuf message from YAML or JSON by the proto3 JSON mapping, as Envoy reads its bootstrap: field names in
/// <c>snake_case</c> or <c>camelCase</c>, enums by name or number, 64-bit integers also as strings, durations as <c>"1.5s"</c>,
/// wrappers as the bare value, <c>Any</c> by its <c>@type</c>. Strict: unknown fields, unknown types, two members of one oneof and
/// values out of range are faults. All faults are reported, each with path, place and, for a misspelt name, the likely one.
/// </summary>
/// <remarks>One reader serves one call and one thread. It goes by <see cref="ProtoSchema"/> and makes the bytes of the message, which the generated parser then reads.</remarks>
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
    /// <param name="typeName">Full name of <typeparamref name="T"/> in its .proto file.</param>
    /// <returns>The message; partial when <paramref name="faults"/> is not empty, and then fit for nothing but more checks.</returns>
    public static T Read<T>(string typeName, YamlNode node, out ImmutableArray<ProtoFault> faults, XdsTypeRegistry? registry = null)
        where T : class, IMessage<T>, new()
    {
        var reader = new ProtoYamlReader(registry ?? XdsTypeRegistry.Default);
        var message = new T();
        message.MergeFrom(reader.ReadMessage(ProtoSchema.Default.Get(typeName), node));
        faults = [.. reader._faults];
        return message;
    }

    /// <summary>Reads text that holds one document; syntax errors come back as faults with an empty path.</summary>
    /// <param name="typeName">Full name of <typeparamref name="T"/> in its .proto file.</param>
    public static T? ReadText<T>(string typeName, string text, out ImmutableArray<ProtoFault> faults, XdsTypeRegistry? registry = null)
        where T : class, IMessage<T>, new()
    {
        YamlNode? root = YamlReader.ReadSingle(text, out ImmutableArray<YamlError> errors);
        if (root is null)
        {
            faults = [.. errors.Select(static error => new ProtoFault(string.Empty, error.Position, error.Message))];
            return null;
        }

        return Read<T>(typeName, root, out faults, registry);
    }

    private void Fault(YamlNode at, string message) => Fault(at.Position, message);

    private void Fault(YamlPosition at, string message)
    {
        if (_faults.Count < MaxFaults)
        {
            _faults.Add(new ProtoFault(_path.ToString(), at, message));
        }
    }

    /// <returns>The bytes of the message.</returns>
    private byte[] ReadMessage(MessageSchema type, YamlNode node, string? ignoredKey = null)
    {
        if (WellKnownText.TryRead(type, node, out byte[] wellKnown, out string? reason))
        {
            if (reason is not null)
            {
                Fault(node, reason);
            }

            return wellKnown;
        }

        if (type.FullName == XdsTypeRegistry.AnyName)
        {
            return ReadAny(type, node);
        }

        var draft = new MessageDraft();
        if (node is not YamlMapping mapping)
        {
            if (!node.IsNull)
            {
                Fault(node, $"expected a mapping ({type.FullName}), found {node.Description}");
            }

            return draft.ToArray();
        }

        var named = new HashSet<FieldSchema>();
        var given = new List<FieldSchema>();
        foreach (YamlEntry entry in mapping)
        {
            if (entry.Name == ignoredKey)
            {
                continue;
            }

            FieldSchema? field = type.Find(entry.Name);
            if (field is null)
            {
                using (_path.Field(entry.Name))
                {
                    Fault(entry.Key, UnknownField(type, entry.Name));
                }

                continue;
            }

            using (_path.Field(field.Name))
            {
                if (!named.Add(field))
                {
                    Fault(entry.Key, "the field is given twice, in both spellings");
                }
                else if (!IsUnset(field, entry.Value) && IsOneofFree(given, field, entry))
                {
                    given.Add(field);
                    ReadField(draft, field, entry.Value);
                }
            }
        }

        return draft.ToArray();
    }

    /// <summary>JSON null stands for "not given" everywhere but in a <c>Value</c>, which can hold null itself.</summary>
    private static bool IsUnset(FieldSchema field, YamlNode value) => value.IsNull && (field.IsRepeated || field.TypeName != WellKnownText.ValueName);

    private bool IsOneofFree(List<FieldSchema> given, FieldSchema field, YamlEntry entry)
    {
        FieldSchema? other = field.Oneof < 0 ? null : given.Find(earlier => earlier.Oneof == field.Oneof);
        if (other is null)
        {
            return true;
        }

        Fault(entry.Key, $"'{field.Name}' and '{other.Name}' exclude each other; keep one");
        return false;
    }

    private void ReadField(MessageDraft draft, FieldSchema field, YamlNode value)
    {
        if (field.IsMap)
        {
            ReadMap(draft, field, value);
        }
        else if (field.IsRepeated)
        {
            ReadList(draft, field, value);
        }
        else if (ReadSingle(field, value) is { } parsed)
        {
            draft.Add(field, parsed);
        }
    }

    private void ReadList(MessageDraft draft, FieldSchema field, YamlNode value)
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
                    draft.Add(field, item);
                }
            }
        }
    }

    private void ReadMap(MessageDraft draft, FieldSchema field, YamlNode value)
    {
        if (value is not YamlMapping mapping)
        {
            Fault(value, $"expected a mapping, found {value.Description}");
            return;
        }

        FieldSchema keyField = field.MessageType.Find(1)!;
        FieldSchema valueField = field.MessageType.Find(2)!;
        foreach (YamlEntry entry in mapping)
        {
            using (_path.Key(entry.Name))
            {
                // A key is always text in JSON, whatever it means; a bare number or boolean in YAML is the same key.
                object? key = keyField.Kind == FieldKind.String ? entry.Name : ReadSingle(keyField, YamlScalar.FromString(entry.Name));
                if (key is not null && ReadSingle(valueField, entry.Value) is { } item)
                {
                    var pair = new MessageDraft();
                    pair.Add(keyField, key);
                    pair.Add(valueField, item);
                    draft.Add(field, pair.ToArray());
                }
            }
        }
    }

    /// <returns>The value as <see cref="MessageDraft.Add"/> takes it, or null after a fault.</returns>
    private object? ReadSingle(FieldSchema field, YamlNode value)
    {
        if (field.Kind is FieldKind.Message)
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

    private byte[]? ReadSubmessage(FieldSchema field, YamlNode value)
    {
        MessageSchema type = field.MessageType;
        if (value.IsNull && type.FullName != WellKnownText.ValueName && WellKnownText.WrappedField(type) is null)
        {
            Fault(value, $"expected a mapping ({type.FullName}), found null");
            return null;
        }

        int before = _faults.Count;
        byte[] message = ReadMessage(type, value);
        // A faulty message is kept: that it was given matters to the checks of its siblings (oneofs, presence).
        return _faults.Count > before && value is YamlScalar ? null : message;
    }

    private byte[] ReadAny(MessageSchema anyType, YamlNode node)
    {
        if (node is not YamlMapping mapping)
        {
            Fault(node, $"expected a mapping with '@type', found {node.Description}");
            return [];
        }

        if (mapping["@type"] is not YamlScalar { Type: YamlScalarType.String } typeUrl)
        {
            Fault(node, "'@type' is missing; it names the message, as in '@type: type.googleapis.com/envoy.extensions.filters.http.router.v3.Router'");
            return [];
        }

        if (!_registry.TryFind(typeUrl.Text, out MessageSchema? type))
        {
            Fault(typeUrl, UnknownType(typeUrl.Text));
            return [];
        }

        byte[] message = [];
        if (!WellKnownText.HasOwnForm(type))
        {
            message = ReadMessage(type, mapping, ignoredKey: "@type");
        }
        else if (mapping.TryGet("value", out YamlNode? value))
        {
            // Proto3 JSON: a type with a form of its own stands under "value" beside "@type".
            using (_path.Field("value"))
            {
                message = ReadMessage(type, value);
            }
        }

        var any = new MessageDraft();
        any.Add(anyType.Find(1)!, XdsTypeUrls.Prefix + type.FullName);
        any.Add(anyType.Find(2)!, ByteString.CopyFrom(message));
        return any.ToArray();
    }

    /// <summary>Packages of extensions look alike, so only the message's own name decides what was meant.</summary>
    private string UnknownType(string typeUrl)
    {
        string? near = Spelling.Nearest(LastName(typeUrl), _registry.TypeNames.Select(LastName));
        string? type = near is null ? null : _registry.TypeNames.Order(StringComparer.Ordinal).First(name => LastName(name) == near);
        return $"the type '{typeUrl}' is not supported{(type is null ? string.Empty : $"; did you mean '{XdsTypeUrls.Prefix}{type}'?")}";
    }

    private static string LastName(string typeName) => typeName[(typeName.LastIndexOf('.') + 1)..];

    private static string UnknownField(MessageSchema type, string name)
    {
        string? near = Spelling.Nearest(name, type.Fields.Select(static field => field.Name));
        string hint = near is null ? string.Empty : $"; did you mean '{near}'?";
        return $"no such field in {type.FullName}, or not supported{hint}";
    }
}
