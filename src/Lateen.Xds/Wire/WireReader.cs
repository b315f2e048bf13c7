using System.Text;

namespace Lateen.Xds.Wire;

/// <summary>
/// Reads protobuf's wire format in place, field by field: <c>[varint tag = number &lt;&lt; 3 | type][payload]</c>. It allocates nothing
/// and trusts nothing: every length is checked against what is left.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> bytes)
{
    private const int Varint = 0;
    private const int Fixed64 = 1;
    private const int LengthDelimited = 2;
    private const int Fixed32 = 5;

    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>The number of the field read last.</summary>
    public int FieldNumber { get; private set; }

    public bool IsLengthDelimited { get; private set; }

    /// <summary>The payload of the field read last when it is length-delimited (text, bytes, a message); otherwise empty.</summary>
    public ReadOnlySpan<byte> Payload { get; private set; }

    /// <summary>Moves to the next field. False at the end, and at the first malformed byte: the parser proper will say what is wrong.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty || !TryReadVarint(out ulong tag))
        {
            return false;
        }

        FieldNumber = (int)Math.Min(tag >> 3, int.MaxValue);
        IsLengthDelimited = (tag & 7) == LengthDelimited;
        Payload = default;
        switch (tag & 7)
        {
            case Varint:
                return TryReadVarint(out _);
            case Fixed64:
                return TrySkip(8);
            case Fixed32:
                return TrySkip(4);
            case LengthDelimited:
                if (!TryReadVarint(out ulong length) || length > (ulong)_rest.Length)
                {
                    return false;
                }

                Payload = _rest[..(int)length];
                _rest = _rest[(int)length..];
                return true;
            default:
                // Groups (types 3 and 4) are not used by proto3.
                return false;
        }
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

    private bool TrySkip(int count)
    {
        if (_rest.Length < count)
        {
            return false;
        }

        _rest = _rest[count..];
        return true;
    }

    private bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (int i = 0; i < 10 && i < _rest.Length; i++)
        {
            value |= (ulong)(_rest[i] & 0x7f) << (7 * i);
            if (_rest[i] < 0x80)
            {
                _rest = _rest[(i + 1)..];
                return true;
            }
        }

        return false;
    }
}
