using System.Collections.Immutable;
using System.Text;
using Lateen.Xds.Schema;

namespace Lateen.Xds.Wire;

/// <summary>A field that came over the wire and whose wish is not done: this release does not know it, or knows it and does not serve it.</summary>
/// <param name="Path">
/// Of the message that holds it, in proto names, such as <c>filter_chains[0].filters[1].typed_config</c>; of the field itself when <paramref name="Reason"/> is given.
/// </param>
/// <param name="TypeName">Full name of that message.</param>
/// <param name="FieldNumber">Its number, to be looked up in the Envoy v3 API; 0 for an <c>Any</c> whose type is not supported.</param>
/// <param name="Reason">Why a field that our protos know is not served; null for one that they do not know.</param>
public sealed record UnknownField(string Path, string TypeName, int FieldNumber, string? Reason = null)
{
    public override string ToString() => Reason is not null ? $"{Path}: {Reason}"
        : FieldNumber == 0 ? $"{Path}: the type '{TypeName}' is not supported"
        : $"{(Path.Length == 0 ? "the resource" : Path)}: field number {FieldNumber} of {TypeName} is not supported";
}

/// <summary>What a walk over a resource asks about the fields that our protos know.</summary>
public interface IFieldJudge
{
    /// <summary>Why the field is not served with this value; null: it is.</summary>
    /// <param name="type">The message.</param>
    /// <param name="field">Set in it.</param>
    /// <param name="value">Of a number, an enum or a bool, bare or in a wrapper; 0 for anything else.</param>
    string? WhyNotServed(MessageSchema type, FieldSchema field, long value);

    /// <summary>The same message was walked before: it is not looked into again.</summary>
    bool IsWalked(MessageSchema type, FieldSchema field, ReadOnlySpan<byte> message);

    /// <summary>Fields of this message that we do not know are to be found however many others there are.</summary>
    bool IsStrict(MessageSchema type);
}

/// <summary>
/// Finds what a received resource holds beyond our protos. A static file is refused for an unknown field; a received resource is taken where nothing is guarded,
/// as every xDS client does, and this says what was passed over, so that it can be told.
/// </summary>
/// <remarks>Walks the bytes beside the schema, through nested messages and known <c>Any</c> types. Stateless.</remarks>
public static class UnknownFields
{
    /// <summary>Findings kept of one resource, and as many again of strict messages. Count. Hit: the rest of the resource is walked for strict messages only.</summary>
    public const int MaxFindings = 20;

    /// <summary>Levels of nesting looked into; protobuf's own parsers stop at 100.</summary>
    private const int MaxDepth = 100;

    /// <param name="type">What the bytes are.</param>
    /// <param name="bytes">The resource; walked as far as it is well-formed.</param>
    /// <param name="registry">Types that may stand inside an <c>Any</c>.</param>
    /// <param name="judge">Null: every field that our protos know is served.</param>
    public static ImmutableArray<UnknownField> Find(MessageSchema type, ReadOnlySpan<byte> bytes, XdsTypeRegistry? registry = null, IFieldJudge? judge = null)
    {
        var walk = new Walk(registry ?? XdsTypeRegistry.Default, judge);
        walk.Message(type, bytes);
        return [.. walk.Strict, .. walk.Others];
    }

    private sealed class Walk(XdsTypeRegistry registry, IFieldJudge? judge)
    {
        private readonly List<(string Name, int Index)> _path = [];

        public List<UnknownField> Strict { get; } = [];

        public List<UnknownField> Others { get; } = [];

        public void Message(MessageSchema type, ReadOnlySpan<byte> bytes)
        {
            if (type.FullName == XdsTypeRegistry.AnyName)
            {
                Packed(bytes);
                return;
            }

            Dictionary<int, int>? counts = null;
            var reader = new WireReader(bytes);
            while (reader.MoveNext())
            {
                FieldSchema? field = type.Find(reader.FieldNumber);
                if (field is null)
                {
                    Add(type, reader.FieldNumber);
                    continue;
                }

                bool isMessage = field.Kind == FieldKind.Message && reader.IsLengthDelimited;
                if (judge?.WhyNotServed(type, field, isMessage ? Wrapped(reader.Payload) : (long)reader.Value) is { } reason)
                {
                    Add(type, field, reason);
                }
                else if (isMessage && _path.Count < MaxDepth)
                {
                    int index = -1;
                    if (field.IsRepeated)
                    {
                        counts ??= [];
                        index = counts.GetValueOrDefault(field.Number);
                        counts[field.Number] = index + 1;
                    }

                    if (judge?.IsWalked(type, field, reader.Payload) is true)
                    {
                        continue;
                    }

                    _path.Add((field.Name, index));
                    Message(field.MessageType, reader.Payload);
                    _path.RemoveAt(_path.Count - 1);
                }
            }
        }

        /// <summary>The number in a wrapper (<c>BoolValue</c>, <c>UInt32Value</c>): its field 1, or 0 when that is left out, as proto3 does with a zero.</summary>
        private static long Wrapped(ReadOnlySpan<byte> message)
        {
            var reader = new WireReader(message);
            return reader.MoveNext() && reader.FieldNumber == 1 ? (long)reader.Value : 0;
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
            else if (typeUrl.Length > 0 && Others.Count < MaxFindings)
            {
                Keep(Others, new UnknownField(Path(), XdsTypeRegistry.TypeNameOf(typeUrl), 0));
            }
        }

        private void Add(MessageSchema type, int fieldNumber)
        {
            List<UnknownField> kept = judge?.IsStrict(type) is true ? Strict : Others;
            if (kept.Count < MaxFindings) Keep(kept, new UnknownField(Path(), type.FullName, fieldNumber));
        }

        private void Add(MessageSchema type, FieldSchema field, string reason)
        {
            if (Others.Count >= MaxFindings) return;
            string holder = Path();
            Keep(Others, new UnknownField(holder.Length == 0 ? field.Name : $"{holder}.{field.Name}", type.FullName, field.Number, reason));
        }

        private string Path() => string.Join('.', _path.Select(static segment => segment.Index < 0 ? segment.Name : $"{segment.Name}[{segment.Index}]"));

        private static void Keep(List<UnknownField> kept, UnknownField finding)
        {
            if (!kept.Contains(finding)) kept.Add(finding);
        }
    }
}
