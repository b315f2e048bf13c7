using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Google.Protobuf;
using Lateen.Xds.Schema;

namespace Lateen.Xds.Wire;

/// <summary>
/// A message that is being put together, field by field in any order. What comes of it is as protobuf's own writers have it: by field number, numbers of a list packed, and
/// without what equals its default.
/// </summary>
internal sealed class MessageDraft
{
    private readonly List<(FieldSchema Field, byte[] Payload)> _values = [];

    /// <summary>Adds the value of a field, or an item of one that is repeated.</summary>
    /// <param name="value">A <see cref="string"/>, <see cref="bool"/>, number of the field's own type, <see cref="ByteString"/>, or the bytes of a message.</param>
    public void Add(FieldSchema field, object value) => _values.Add((field, Payload(field.Kind, value)));

    public byte[] ToArray()
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var group in _values.GroupBy(static value => value.Field).OrderBy(static group => group.Key.Number))
        {
            FieldSchema field = group.Key;
            WireType type = TypeOf(field.Kind);
            if (field.IsRepeated && type != WireType.LengthDelimited)
            {
                Varint(output, Tag(field.Number, WireType.LengthDelimited));
                Varint(output, (ulong)group.Sum(static value => value.Payload.Length));
                foreach (var (_, payload) in group) output.Write(payload);
                continue;
            }

            foreach (var (_, payload) in group)
            {
                if (!field.IsRepeated && !field.HasPresence && IsDefault(type, payload)) continue;
                Varint(output, Tag(field.Number, type));
                if (type == WireType.LengthDelimited) Varint(output, (ulong)payload.Length);
                output.Write(payload);
            }
        }

        return output.WrittenSpan.ToArray();
    }

    internal static ulong Tag(int number, WireType type) => ((ulong)number << 3) | (ulong)type;

    internal static void Varint(IBufferWriter<byte> output, ulong value)
    {
        Span<byte> octets = output.GetSpan(10);
        int length = 0;
        for (; value >= 0x80; value >>= 7) octets[length++] = (byte)(value | 0x80);
        octets[length++] = (byte)value;
        output.Advance(length);
    }

    internal static WireType TypeOf(FieldKind kind) => kind switch
    {
        FieldKind.String or FieldKind.Bytes or FieldKind.Message => WireType.LengthDelimited,
        FieldKind.Double or FieldKind.Fixed64 or FieldKind.SFixed64 => WireType.Fixed64,
        FieldKind.Float or FieldKind.Fixed32 or FieldKind.SFixed32 => WireType.Fixed32,
        _ => WireType.Varint,
    };

    /// <summary>No octets, or nothing but zeros: minus zero is not the default of a floating number, and is not all zeros.</summary>
    private static bool IsDefault(WireType type, byte[] payload) =>
        type == WireType.LengthDelimited ? payload.Length == 0 : !payload.AsSpan().ContainsAnyExcept((byte)0);

    private static byte[] Payload(FieldKind kind, object value) => (kind, value) switch
    {
        (FieldKind.Message, byte[] message) => message,
        (_, string text) => Encoding.UTF8.GetBytes(text),
        (_, ByteString bytes) => bytes.ToByteArray(),
        (_, bool truth) => [truth ? (byte)1 : (byte)0],
        (_, double number) => Fixed64(BitConverter.DoubleToUInt64Bits(number)),
        (_, float number) => Fixed32(BitConverter.SingleToUInt32Bits(number)),
        (FieldKind.Fixed64 or FieldKind.SFixed64, _) => Fixed64(Bits(value)),
        (FieldKind.Fixed32 or FieldKind.SFixed32, _) => Fixed32((uint)Bits(value)),
        (FieldKind.SInt32 or FieldKind.SInt64, _) => Varint(ZigZag((long)Bits(value))),
        _ => Varint(Bits(value)),
    };

    /// <summary>Negative numbers go over the wire with all their 64 bits.</summary>
    private static ulong Bits(object value) => value switch
    {
        int number => (ulong)(long)number,
        uint number => number,
        long number => (ulong)number,
        ulong number => number,
        _ => throw new ArgumentException($"no field holds a {value.GetType()}", nameof(value)),
    };

    private static ulong ZigZag(long number) => (ulong)((number << 1) ^ (number >> 63));

    private static byte[] Varint(ulong value)
    {
        var output = new ArrayBufferWriter<byte>(10);
        Varint(output, value);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Fixed64(ulong bits)
    {
        byte[] octets = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(octets, bits);
        return octets;
    }

    private static byte[] Fixed32(uint bits)
    {
        byte[] octets = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(octets, bits);
        return octets;
    }
}
