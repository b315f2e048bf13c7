using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Xds.Schema;
using Lateen.Xds.Wire;
using Lateen.Yaml;

namespace Lateen.Xds.Text;

/// <summary>
/// Writes messages by the proto3 JSON mapping, in the shape of Envoy's <c>/config_dump</c>: proto field names, only what is set,
/// <c>Any</c> opened with <c>@type</c> first. The result is a node tree, to be printed as JSON or YAML. Equal messages give equal text:
/// fields in declaration order, maps sorted by key.
/// </summary>
public sealed class ProtoJson
{
    /// <summary>Levels of nesting, as protobuf's own parsers have it.</summary>
    private const int MaxDepth = 100;

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

    /// <param name="typeName">Full name of the message in its .proto file.</param>
    public string WriteJson(string typeName, IMessage message, bool indented = true) => JsonWriter.Write(ToNode(typeName, message), indented);

    /// <summary>Of a message as it stands on the wire.</summary>
    /// <inheritdoc cref="ToNode(MessageSchema, ReadOnlyMemory{byte})"/>
    public string WriteJson(MessageSchema type, ReadOnlyMemory<byte> message) => JsonWriter.Write(ToNode(type, message), indented: true);

    /// <inheritdoc cref="WriteJson(string, IMessage, bool)"/>
    public string WriteYaml(string typeName, IMessage message) => YamlWriter.Write(ToNode(typeName, message));

    /// <inheritdoc cref="WriteJson(string, IMessage, bool)"/>
    public YamlNode ToNode(string typeName, IMessage message) => ToNode(ProtoSchema.Default.Get(typeName), message.ToByteArray());

    /// <summary>Of a message as it stands on the wire.</summary>
    /// <exception cref="FormatException">The bytes are no such message, or nest deeper than protobuf's parsers go.</exception>
    /// <exception cref="InvalidProtocolBufferException">The bytes of a duration, time or struct in it are none.</exception>
    public YamlNode ToNode(MessageSchema type, ReadOnlyMemory<byte> message) => ToNode(type, message, MaxDepth);

    private YamlNode ToNode(MessageSchema type, ReadOnlyMemory<byte> message, int depth)
    {
        if (depth == 0)
        {
            throw new FormatException($"messages nest more than {MaxDepth} deep");
        }

        if (WellKnownText.WrappedField(type) is { } wrapped)
        {
            return ToScalar(wrapped, Members(type, message).TryGetValue(wrapped, out List<Piece>? value) ? value[^1] : default);
        }

        return WellKnownText.TryWrite(type, message.Span)
            ?? (type.FullName == XdsTypeRegistry.AnyName ? ToAny(message, depth) : ToMapping(type, message, new YamlMappingBuilder(), depth));
    }

    private YamlMapping ToAny(ReadOnlyMemory<byte> message, int depth)
    {
        Any any = Any.Parser.ParseFrom(message.Span);
        var mapping = new YamlMappingBuilder();
        if (any.TypeUrl.Length == 0)
        {
            return mapping.Build();
        }

        mapping.Add("@type", any.TypeUrl);
        try
        {
            if (_registry.TryFind(any.TypeUrl, out MessageSchema? type))
            {
                return WellKnownText.HasOwnForm(type) ? mapping.Add("value", ToNode(type, any.Value.Memory, depth - 1)).Build() : ToMapping(type, any.Value.Memory, mapping, depth);
            }
        }
        catch (Exception fault) when (fault is FormatException or InvalidProtocolBufferException)
        {
            mapping = new YamlMappingBuilder().Add("@type", any.TypeUrl);
        }

        // Not one of ours, or none at all: its bytes are shown rather than nothing.
        return mapping.Add("value", any.Value.ToBase64()).Build();
    }

    private YamlMapping ToMapping(MessageSchema type, ReadOnlyMemory<byte> message, YamlMappingBuilder mapping, int depth)
    {
        Dictionary<FieldSchema, List<Piece>> members = Members(type, message);
        foreach (FieldSchema field in type.Fields)
        {
            if (members.TryGetValue(field, out List<Piece>? pieces) && ToFieldNode(field, pieces, depth) is { } node)
            {
                mapping.Add(_camelCase ? field.JsonName : field.Name, node);
            }
        }

        return mapping.Build();
    }

    /// <summary>What the wire holds of each field that we know.</summary>
    private static Dictionary<FieldSchema, List<Piece>> Members(MessageSchema type, ReadOnlyMemory<byte> message)
    {
        var members = new Dictionary<FieldSchema, List<Piece>>();
        var reader = new WireReader(message.Span);
        while (reader.MoveNext())
        {
            if (type.Find(reader.FieldNumber) is not { } field)
            {
                continue;
            }

            if (field.Oneof >= 0)
            {
                // The last one given is the one that counts.
                foreach (FieldSchema other in type.Fields)
                {
                    if (other != field && other.Oneof == field.Oneof)
                    {
                        members.Remove(other);
                    }
                }
            }

            if (!members.TryGetValue(field, out List<Piece>? pieces))
            {
                members.Add(field, pieces = []);
            }

            WireType expected = MessageDraft.TypeOf(field.Kind);
            if (reader.IsLengthDelimited && expected != WireType.LengthDelimited)
            {
                Unpack(expected, reader.Payload, pieces);
            }
            else if (reader.Type == expected)
            {
                pieces.Add(new Piece(reader.Value, message.Slice(reader.PayloadStart, reader.Payload.Length)));
            }
        }

        return reader.IsMalformed ? throw new FormatException($"the bytes are no {type}") : members;
    }

    /// <summary>Numbers of a list stand one after the other in one field.</summary>
    private static void Unpack(WireType type, ReadOnlySpan<byte> packed, List<Piece> pieces)
    {
        for (int at = 0; at < packed.Length;)
        {
            if (type == WireType.Varint)
            {
                if (!WireReader.TryReadVarint(packed, ref at, out ulong value))
                {
                    return;
                }

                pieces.Add(new Piece(value, default));
                continue;
            }

            int width = type == WireType.Fixed64 ? 8 : 4;
            if (packed.Length - at < width)
            {
                return;
            }

            pieces.Add(new Piece(width == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(packed[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(packed[at..]), default));
            at += width;
        }
    }

    private YamlNode? ToFieldNode(FieldSchema field, List<Piece> pieces, int depth)
    {
        if (field.IsMap)
        {
            return ToMap(field.MessageType, pieces, depth);
        }

        if (field.IsRepeated)
        {
            return pieces.Count == 0 ? null : new YamlSequence([.. pieces.Select(piece => ToSingle(field, piece, depth))]);
        }

        return pieces.Count == 0 || (!field.HasPresence && pieces[^1].IsDefault) ? null : ToSingle(field, Whole(field, pieces), depth);
    }

    /// <summary>A message that stands there more than once is all of them, one after the other; of anything else the last counts.</summary>
    private static Piece Whole(FieldSchema field, List<Piece> pieces) =>
        field.Kind == FieldKind.Message && pieces.Count > 1 ? new Piece(0, pieces.SelectMany(static piece => piece.Payload.ToArray()).ToArray()) : pieces[^1];

    private YamlMapping ToMap(MessageSchema entryType, List<Piece> pieces, int depth)
    {
        FieldSchema keyField = entryType.Find(1)!;
        FieldSchema valueField = entryType.Find(2)!;
        var entries = new SortedDictionary<string, YamlNode>(StringComparer.Ordinal);
        foreach (Piece piece in pieces)
        {
            Dictionary<FieldSchema, List<Piece>> pair = Members(entryType, piece.Payload);
            Piece key = pair.TryGetValue(keyField, out List<Piece>? keys) ? keys[^1] : default;
            Piece value = pair.TryGetValue(valueField, out List<Piece>? values) ? Whole(valueField, values) : default;
            entries[ToScalar(keyField, key).Text] = ToSingle(valueField, value, depth);
        }

        var mapping = new YamlMappingBuilder();
        foreach ((string key, YamlNode value) in entries)
        {
            mapping.Add(key, value);
        }

        return mapping.Build();
    }

    private YamlNode ToSingle(FieldSchema field, Piece piece, int depth) =>
        field.Kind == FieldKind.Message ? ToNode(field.MessageType, piece.Payload, depth - 1) : ToScalar(field, piece);

    private static YamlScalar ToScalar(FieldSchema field, Piece piece)
    {
        ulong bits = piece.Value;
        return field.Kind switch
        {
            FieldKind.String => YamlScalar.FromString(Encoding.UTF8.GetString(piece.Payload.Span)),
            FieldKind.Bytes => YamlScalar.FromString(Convert.ToBase64String(piece.Payload.Span)),
            FieldKind.Bool => YamlScalar.FromBoolean(bits != 0),
            FieldKind.Double => YamlScalar.FromDouble(BitConverter.UInt64BitsToDouble(bits)),
            FieldKind.Float => YamlScalar.FromSingle(BitConverter.UInt32BitsToSingle((uint)bits)),
            FieldKind.UInt32 or FieldKind.Fixed32 => YamlScalar.FromInteger((uint)bits),
            FieldKind.Int32 or FieldKind.SFixed32 => YamlScalar.FromInteger((int)bits),
            FieldKind.SInt32 => YamlScalar.FromInteger((int)UnZigZag(bits)),
            FieldKind.Enum => field.EnumType.Find((int)bits) is { } member ? YamlScalar.FromString(member.Name) : YamlScalar.FromInteger((int)bits),
            // 64-bit integers are text in proto3 JSON: many readers hold numbers as doubles.
            FieldKind.UInt64 or FieldKind.Fixed64 => YamlScalar.FromString(bits.ToString(CultureInfo.InvariantCulture)),
            FieldKind.SInt64 => YamlScalar.FromString(UnZigZag(bits).ToString(CultureInfo.InvariantCulture)),
            _ => YamlScalar.FromString(((long)bits).ToString(CultureInfo.InvariantCulture)),
        };
    }

    private static long UnZigZag(ulong bits) => (long)(bits >> 1) ^ -(long)(bits & 1);

    /// <summary>One value on the wire.</summary>
    private readonly record struct Piece(ulong Value, ReadOnlyMemory<byte> Payload)
    {
        public bool IsDefault => Value == 0 && Payload.IsEmpty;
    }
}
