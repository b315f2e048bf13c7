namespace Lateen.Xds.Wire;

/// <summary>
/// Cuts a protobuf message at its top level without parsing what is inside: every occurrence of one length-delimited field is a slice, all
/// else is copied together. Layout: <c>[varint field number &lt;&lt; 3 | wire type][value]</c>, wire types 0 varint, 1 eight bytes, 2
/// length and bytes, 5 four bytes (protobuf.dev/programming-guides/encoding).
/// </summary>
public static class WireFields
{
    /// <param name="fieldNumber">Of the field whose occurrences are cut out.</param>
    /// <param name="pieces">Gets their payloads, as slices of <paramref name="message"/>.</param>
    /// <param name="rest">Gets all other fields, as they are.</param>
    /// <returns>False when the bytes are no protobuf message.</returns>
    public static bool TryCut(ReadOnlyMemory<byte> message, int fieldNumber, List<ReadOnlyMemory<byte>> pieces, Stream rest)
    {
        ArgumentNullException.ThrowIfNull(pieces);
        ArgumentNullException.ThrowIfNull(rest);
        var span = message.Span;
        var at = 0;
        while (at < span.Length)
        {
            var start = at;
            if (!TryReadVarint(span, ref at, out var tag)) return false;
            ulong skip = 0;
            switch (tag & 7)
            {
                case 0 when TryReadVarint(span, ref at, out _): break;
                case 1: skip = 8; break;
                case 2 when TryReadVarint(span, ref at, out skip): break;
                case 5: skip = 4; break;
                default: return false;
            }

            if (skip > (ulong)(span.Length - at)) return false;
            at += (int)skip;
            if (tag == (((ulong)fieldNumber << 3) | 2)) pieces.Add(message.Slice(at - (int)skip, (int)skip));
            else rest.Write(span[start..at]);
        }

        return true;
    }

    private static bool TryReadVarint(ReadOnlySpan<byte> span, ref int at, out ulong value)
    {
        value = 0;
        for (var shift = 0; shift < 64 && at < span.Length; shift += 7)
        {
            var part = span[at++];
            value |= (ulong)(part & 0x7F) << shift;
            if (part < 0x80) return true;
        }

        return false;
    }
}
