namespace Lateen.Xds.Wire;

/// <summary>Cuts a protobuf message at its top level without parsing what is inside: every occurrence of one length-delimited field is a slice, all else is copied together.</summary>
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
        var reader = new WireReader(message.Span);
        while (reader.MoveNext())
        {
            if (reader.FieldNumber == fieldNumber && reader.IsLengthDelimited) pieces.Add(message.Slice(reader.PayloadStart, reader.Payload.Length));
            else rest.Write(message.Span[reader.Start..reader.End]);
        }

        return !reader.IsMalformed;
    }
}
