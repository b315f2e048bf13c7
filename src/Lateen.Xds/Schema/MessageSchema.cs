using System.Collections.Immutable;
using System.Text;
using Lateen.Xds.Wire;

namespace Lateen.Xds.Schema;

/// <summary>One message of our .proto files.</summary>
/// <remarks>Immutable.</remarks>
public sealed class MessageSchema
{
    internal MessageSchema(ProtoSchema schema, string fullName, ReadOnlySpan<byte> descriptor)
    {
        FullName = fullName;
        var fields = ImmutableArray.CreateBuilder<FieldSchema>();
        var reader = new WireReader(descriptor);
        while (reader.MoveNext())
        {
            switch (reader.FieldNumber)
            {
                // DescriptorProto: field = 2, options = 7 (MessageOptions: map_entry = 7).
                case 2:
                    fields.Add(new FieldSchema(schema, reader.Payload));
                    break;
                case 7:
                    var options = new WireReader(reader.Payload);
                    while (options.MoveNext()) IsMapEntry |= options is { FieldNumber: 7, Value: not 0 };
                    break;
            }
        }

        Fields = fields.ToImmutable();
    }

    /// <summary>With its package, such as <c>envoy.config.cluster.v3.Cluster</c>.</summary>
    public string FullName { get; }

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<FieldSchema> Fields { get; }

    /// <summary>It stands for the pairs of a <c>map</c>: key = 1, value = 2.</summary>
    public bool IsMapEntry { get; }

    /// <summary>The field of that number; null when this release does not know it.</summary>
    public FieldSchema? Find(int number)
    {
        foreach (FieldSchema field in Fields)
        {
            if (field.Number == number) return field;
        }

        return null;
    }

    /// <summary>The field of that name, in <c>snake_case</c> or <c>camelCase</c>; null when there is none.</summary>
    public FieldSchema? Find(string name)
    {
        FieldSchema? alias = null;
        foreach (FieldSchema field in Fields)
        {
            if (field.Name == name) return field;
            if (field.JsonName == name) alias = field;
        }

        return alias;
    }

    public override string ToString() => FullName;
}

/// <summary>One field of a message.</summary>
/// <remarks>Immutable.</remarks>
public sealed class FieldSchema
{
    private readonly ProtoSchema _schema;
    private readonly string _typeName = string.Empty;

    /// <summary>FieldDescriptorProto: name = 1, number = 3, label = 4, type = 5, type_name = 6, oneof_index = 9, json_name = 10, proto3_optional = 17.</summary>
    internal FieldSchema(ProtoSchema schema, ReadOnlySpan<byte> descriptor)
    {
        const ulong Repeated = 3;
        _schema = schema;
        int oneof = -1;
        bool isOptional = false;
        var reader = new WireReader(descriptor);
        while (reader.MoveNext())
        {
            switch (reader.FieldNumber)
            {
                case 1: Name = Encoding.UTF8.GetString(reader.Payload); break;
                case 3: Number = (int)reader.Value; break;
                case 4: IsRepeated = reader.Value == Repeated; break;
                case 5: Kind = (FieldKind)reader.Value; break;
                // Fully qualified, with a dot before it.
                case 6: _typeName = Encoding.UTF8.GetString(reader.Payload[1..]); break;
                case 9: oneof = (int)reader.Value; break;
                case 10: JsonName = Encoding.UTF8.GetString(reader.Payload); break;
                case 17: isOptional = reader.Value != 0; break;
            }
        }

        if (JsonName == Name) JsonName = Name;
        // A proto3 `optional` is a oneof of its own, which is a detail of the compiler.
        Oneof = isOptional ? -1 : oneof;
        HasPresence = !IsRepeated && (Kind == FieldKind.Message || oneof >= 0);
    }

    /// <summary>In <c>snake_case</c>, as the file has it.</summary>
    public string Name { get; } = string.Empty;

    /// <summary>In <c>camelCase</c>.</summary>
    public string JsonName { get; } = string.Empty;

    public int Number { get; }

    public FieldKind Kind { get; }

    /// <summary>A list or a map.</summary>
    public bool IsRepeated { get; }

    /// <summary>Which <c>oneof</c> of its message it belongs to; -1: none.</summary>
    public int Oneof { get; }

    /// <summary>Its default value differs from not being there.</summary>
    public bool HasPresence { get; }

    /// <summary>Of a <c>map</c>: its message is the pair.</summary>
    public bool IsMap => IsRepeated && Kind == FieldKind.Message && MessageType.IsMapEntry;

    /// <summary>Of a field of <see cref="FieldKind.Message"/>.</summary>
    public MessageSchema MessageType => _schema.Get(_typeName);

    /// <summary>Of a field of <see cref="FieldKind.Enum"/>.</summary>
    public EnumSchema EnumType => _schema.GetEnum(_typeName);

    /// <summary>Full name of its message or enum; empty for others.</summary>
    public string TypeName => _typeName;

    public override string ToString() => Name;
}

/// <summary>The names of an enum.</summary>
/// <remarks>Immutable.</remarks>
public sealed class EnumSchema
{
    /// <summary>EnumDescriptorProto: value = 2 (EnumValueDescriptorProto: name = 1, number = 2).</summary>
    internal EnumSchema(ReadOnlySpan<byte> descriptor)
    {
        var members = ImmutableArray.CreateBuilder<EnumMember>();
        var reader = new WireReader(descriptor);
        while (reader.MoveNext())
        {
            if (reader.FieldNumber != 2) continue;
            int number = 0;
            var member = new WireReader(reader.Payload);
            while (member.MoveNext())
            {
                if (member.FieldNumber == 2) number = (int)(long)member.Value;
            }

            members.Add(new EnumMember(WireReader.ReadName(reader.Payload), number));
        }

        Members = members.ToImmutable();
    }

    /// <summary>In the order of the file.</summary>
    public ImmutableArray<EnumMember> Members { get; }

    /// <summary>The member of that name, as the file spells it; null when there is none.</summary>
    public EnumMember? Find(string name) => Members.FirstOrDefault(member => member.Name == name);

    /// <summary>The first member of that number; null when there is none.</summary>
    public EnumMember? Find(int number) => Members.FirstOrDefault(member => member.Number == number);
}

/// <summary>One name of an enum.</summary>
/// <param name="Name">As the file spells it.</param>
/// <param name="Number">What the wire carries.</param>
public sealed record EnumMember(string Name, int Number);

/// <summary>Types of fields, under the numbers of <c>FieldDescriptorProto.Type</c>.</summary>
public enum FieldKind
{
    None = 0,
    Double = 1,
    Float = 2,
    Int64 = 3,
    UInt64 = 4,
    Int32 = 5,
    Fixed64 = 6,
    Fixed32 = 7,
    Bool = 8,
    String = 9,
    Group = 10,
    Message = 11,
    Bytes = 12,
    UInt32 = 13,
    Enum = 14,
    SFixed32 = 15,
    SFixed64 = 16,
    SInt32 = 17,
    SInt64 = 18,
}
