using System.Buffers.Binary;
using System.Text;

namespace Lateen.Xds.Wire;

/// <summary>How the payload of a field stands on the wire (protobuf.dev/programming-guides/encoding).</summary>
internal enum WireType
{
    Varint = 0,
    Fixed64 = 1,
    LengthDelimited = 2,
    Fixed32 = 5,
}

/// <summary>
/// Reads protobuf's wire format in place, field by field: <c>[varint tag = number &lt;&lt; 3 | type][payload]</c>. It allocates nothing
/// and trusts nothing: every length is checked against what is left.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    /// <summary>The number of the field read last.</summary>
    public int FieldNumber { get; private set; }

    public WireType Type { get; private set; }

    public readonly bool IsLengthDelimited => Type == WireType.LengthDelimited;

    /// <summary>The payload of the field read last when it is length-delimited (text, bytes, a message); otherwise empty.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>The value of the field read last when it is not: a varint, or the bits of a fixed field.</summary>
    public ulong Value { get; private set; }

    /// <summary>Where the field read last begins, its tag included. Octets from the start.</summary>
    public int Start { get; private set; }

    /// <summary>Where its <see cref="Payload"/> begins.</summary>
    public readonly int PayloadStart => End - Payload.Length;

    /// <summary>Where it ends.</summary>
    public int End { get; private set; }

    /// <summary>Reading ended before the bytes did: they are no protobuf message.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Moves to the next field. False at the end, and at the first malformed byte: the parser proper will say what is wrong.</summary>
    public bool MoveNext()
    {
        if (End == _bytes.Length || IsMalformed) return false;
        int at = End;
        IsMalformed = !TryRead(ref at);
        if (IsMalformed) return false;
        Start = End;
        End = at;
        return true;
    }

    /// <summary>The text of field 1, which is the name in all four resource types; the empty string when there is none.</summary>
    public static string ReadName(ReadOnlySpan<byte> resource)
    {
        var reader = new WireReader(resource);
        string name = string.Empty;
        while (reader.MoveNext())
        {
            if (reader is { FieldNumber: 1, IsLengthDelimited: true })
            {
                // The last one wins, as in any proto parser.
                name = Encoding.UTF8.GetString(reader.Payload);
            }
        }

        return name;
    }

    /// <summary>One varint: at most ten octets, seven bits each, the least first.</summary>
    public static bool TryReadVarint(ReadOnlySpan<byte> bytes, ref int at, out ulong value)
    {
        value = 0;
        for (int shift = 0; shift < 70 && at < bytes.Length; shift += 7)
        {
            byte part = bytes[at++];
            value |= (ulong)(part & 0x7f) << shift;
            if (part < 0x80) return true;
        }

        return false;
    }

    private bool TryRead(ref int at)
    {
        if (!TryReadVarint(_bytes, ref at, out ulong tag)) return false;
        FieldNumber = (int)Math.Min(tag >> 3, int.MaxValue);
        Type = (WireType)(tag & 7);
        Payload = default;
        Value = 0;
        switch (Type)
        {
            case WireType.Varint:
                bool isWhole = TryReadVarint(_bytes, ref at, out ulong value);
                Value = value;
                return isWhole;
            case WireType.Fixed64 when _bytes.Length - at >= 8:
                Value = BinaryPrimitives.ReadUInt64LittleEndian(_bytes[at..]);
                at += 8;
                return true;
            case WireType.Fixed32 when _bytes.Length - at >= 4:
                Value = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[at..]);
                at += 4;
                return true;
            case WireType.LengthDelimited when TryReadVarint(_bytes, ref at, out ulong length) && length <= (ulong)(_bytes.Length - at):
                Payload = _bytes.Slice(at, (int)length);
                at += (int)length;
                return true;
            default:
                // Cut short, or a group (types 3 and 4), which proto3 does not have.
                return false;
        }
    }
}
