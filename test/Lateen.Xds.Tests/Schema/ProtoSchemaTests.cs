using Google.Protobuf.Reflection;
using Lateen.Xds.Schema;

namespace Lateen.Xds.Tests.Schema;

/// <summary>The schema says of each message what protobuf's own descriptors say of it.</summary>
public sealed class ProtoSchemaTests
{
    /// <summary>All that the generated code knows: every file of the assembly, and what those import.</summary>
    private static readonly List<MessageDescriptor> Described =
    [
        .. typeof(ProtoSchema).Assembly.GetTypes()
            .Select(static type => type.GetProperty("Descriptor", typeof(FileDescriptor))?.GetValue(null)).OfType<FileDescriptor>()
            .SelectMany(static file => file.Dependencies.Append(file)).Distinct()
            .SelectMany(static file => file.MessageTypes).SelectMany(WithNested),
    ];

    [Fact]
    public void Every_message_is_there_and_no_other()
    {
        Assert.InRange(Described.Count, 200, 10_000);
        Assert.Equal(Described.Select(static message => message.FullName).Order(StringComparer.Ordinal), ProtoSchema.Default.MessageNames.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_field_has_its_names_number_type_and_presence()
    {
        foreach (var message in Described)
        {
            var schema = ProtoSchema.Default.Get(message.FullName);
            Assert.Equal(message.Fields.InDeclarationOrder().Select(Told), schema.Fields.Select(field => Told(schema, field)));
        }
    }

    [Fact]
    public void Every_field_is_found_by_number_and_by_both_its_names()
    {
        foreach (var schema in ProtoSchema.Default.MessageNames.Select(ProtoSchema.Default.Get))
        {
            foreach (var field in schema.Fields)
            {
                Assert.Same(field, schema.Find(field.Number));
                Assert.Same(field, schema.Find(field.Name));
                Assert.Same(field, schema.Find(field.JsonName));
            }

            Assert.Null(schema.Find(0));
            Assert.Null(schema.Find("none_such"));
        }
    }

    [Fact]
    public void Every_enum_has_its_names_and_numbers()
    {
        foreach (var field in Described.SelectMany(static message => message.Fields.InDeclarationOrder()).Where(static field => field.FieldType == FieldType.Enum))
        {
            var schema = ProtoSchema.Default.Get(field.ContainingType.FullName).Find(field.FieldNumber)!;
            Assert.Equal(field.EnumType.Values.Select(static value => (value.Name, value.Number)), schema.EnumType.Members.Select(static member => (member.Name, member.Number)));
        }
    }

    [Fact]
    public void Every_type_that_an_any_may_hold_is_there()
    {
        foreach (string name in XdsTypeRegistry.Default.TypeNames) Assert.NotNull(ProtoSchema.Default.Find(name));
    }

    [Fact]
    public void A_name_that_no_file_has_is_not_found()
    {
        Assert.Null(ProtoSchema.Default.Find("envoy.config.cluster.v3.Clutter"));
        Assert.Null(ProtoSchema.Default.Find("envoy.config.cluster.v3.Cluster.DiscoveryType"));
        Assert.Throws<ArgumentException>(static () => ProtoSchema.Default.Get("none"));
    }

    private static IEnumerable<MessageDescriptor> WithNested(MessageDescriptor message) => message.NestedTypes.SelectMany(WithNested).Append(message);

    private static string Told(FieldDescriptor field) => string.Join(
        ' ', field.Name, field.JsonName, field.FieldNumber, field.FieldType.ToString().ToUpperInvariant(), field.IsRepeated, field.IsMap, field.HasPresence,
        field.RealContainingOneof?.Name ?? "-", field.FieldType == FieldType.Message ? field.MessageType.FullName : field.FieldType == FieldType.Enum ? field.EnumType.FullName : "-");

    private static string Told(MessageSchema message, FieldSchema field) => string.Join(
        ' ', field.Name, field.JsonName, field.Number, field.Kind.ToString().ToUpperInvariant(), field.IsRepeated, field.IsMap, field.HasPresence,
        field.Oneof < 0 ? "-" : Described.First(one => one.FullName == message.FullName).Oneofs[field.Oneof].Name, field.TypeName.Length > 0 ? field.TypeName : "-");
}
