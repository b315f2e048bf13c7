using System.Collections.Immutable;
using System.Text;
using Lateen.Xds.Schema;

namespace Lateen.Xds.Wire;

/// <summary>A field that came over the wire and that this release does not know; what it asks for is not done.</summary>
/// <param name="Path">Of the message that holds it, in proto names, such as <c>filter_chains[0].filters[1].typed_config</c>.</param>
/// <param name="TypeName">Full name of that message.</param>
/// <param name="FieldNumber">Its number, to be looked up in the Envoy v3 API; 0 for an <c>Any</c> whose type is not supported.</param>
public sealed record UnknownField(string Path, string TypeName, int FieldNumber)
{
    public override string ToString() => FieldNumber == 0
        ? $"{Path}: the type '{TypeName}' is not supported"
        : $"{(Path.Length == 0 ? "the resource" : Path)}: field number {FieldNumber} of {TypeName} is not supported";
}

/// <summary>
/// Finds what a received resource holds beyond our protos. A static file is refused for an unknown field; a received resource is taken,
/// as every xDS client does, and this says what was passed over, so that it can be warned about.
/// </summary>
/// <remarks>Walks the bytes beside the schema, through nested messages and known <c>Any</c> types. Stateless.</remarks>
public static class UnknownFields
{
    /// <summary>Findings kept of one resource: a warning, not a dump.</summary>
    private const int MaxFindings = 20;

    /// <summary>Levels of nesting looked into; protobuf's own parsers stop at 100.</summary>
    private const int MaxDepth = 100;

    public static ImmutableArray<UnknownField> Find(MessageSchema type, ReadOnlySpan<byte> bytes, XdsTypeRegistry? registry = null)
    {
        var walk = new Walk(registry ?? XdsTypeRegistry.Default);
        walk.Message(type, bytes);
        return walk.Findings.ToImmutable();
    }

    private sealed class Walk(XdsTypeRegistry registry)
    {
        private readonly List<(string Name, int Index)> _path = [];

        public ImmutableArray<UnknownField>.Builder Findings { get; } = ImmutableArray.CreateBuilder<UnknownField>();

        public void Message(MessageSchema type, ReadOnlySpan<byte> bytes)
        {
            if (type.FullName == XdsTypeRegistry.AnyName)
            {
                Packed(bytes);
                return;
            }

            Dictionary<int, int>? counts = null;
            var reader = new WireReader(bytes);
            while (reader.MoveNext() && Findings.Count < MaxFindings)
            {
                FieldSchema? field = type.Find(reader.FieldNumber);
                if (field is null)
                {
                    Add(type.FullName, reader.FieldNumber);
                }
                else if (field.Kind == FieldKind.Message && reader.IsLengthDelimited && _path.Count < MaxDepth)
                {
                    int index = -1;
                    if (field.IsRepeated)
                    {
                        counts ??= [];
                        index = counts.GetValueOrDefault(field.Number);
                        counts[field.Number] = index + 1;
                    }

                    _path.Add((field.Name, index));
                    Message(field.MessageType, reader.Payload);
                    _path.RemoveAt(_path.Count - 1);
                }
            }
        }

        private void Packed(ReadOnlySpan<byte> any)
        {
            string typeUrl = string.Empty;
            ReadOnlySpan<byte> value = default;
            var reader = new WireReader(any);
            while (reader.MoveNext())
            {
                switch (reader.FieldNumber)
                {
                    case 1:
                        typeUrl = Encoding.UTF8.GetString(reader.Payload);
                        break;
                    case 2:
                        value = reader.Payload;
                        break;
                }
            }

            if (registry.TryFind(typeUrl, out MessageSchema? type))
            {
                Message(type, value);
            }
            else if (typeUrl.Length > 0)
            {
                Add(XdsTypeRegistry.TypeNameOf(typeUrl), 0);
            }
        }

        private void Add(string typeName, int fieldNumber)
        {
            string path = string.Join('.', _path.Select(static segment => segment.Index < 0 ? segment.Name : $"{segment.Name}[{segment.Index}]"));
            var finding = new UnknownField(path, typeName, fieldNumber);
            if (!Findings.Contains(finding))
            {
                Findings.Add(finding);
            }
        }
    }
}
