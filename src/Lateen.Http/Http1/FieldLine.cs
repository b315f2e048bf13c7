namespace Lateen.Http;

/// <summary><c>field-line = field-name ":" OWS field-value OWS</c>, RFC 9112 section 5, for heads and trailers alike.</summary>
internal static class FieldLine
{
    /// <summary>
    /// Checks one line, without its CRLF, and finds name and value.
    /// </summary>
    /// <param name="line">Not empty.</param>
    /// <param name="isFirst">True for the first line after the start line.</param>
    /// <param name="isResponse">
    /// A proxy removes whitespace before the colon from a response and refuses a request that has it (RFC 9112 section 5.1).
    /// </param>
    /// <param name="nameLength">Octets of the name, which starts the line.</param>
    /// <param name="value">Where the trimmed value lies in the line.</param>
    internal static HttpRejectionCode Read(ReadOnlySpan<byte> line, bool isFirst, bool isResponse, out int nameLength, out ByteRange value)
    {
        value = default;
        nameLength = line.IndexOfAnyExcept(Grammar.Token);
        if (nameLength <= 0 || line[nameLength] != ':') return ReadOddName(line, isFirst, isResponse, ref nameLength, ref value);
        return ReadValue(line, nameLength + 1, ref value);
    }

    private static HttpRejectionCode ReadValue(ReadOnlySpan<byte> line, int start, ref ByteRange value)
    {
        int bad = line[start..].IndexOfAny(Grammar.ForbiddenInValue);
        if (bad >= 0) return line[start + bad] == '\r' ? HttpRejectionCode.BareCarriageReturn : HttpRejectionCode.ControlByteInField;
        int end = line.Length;
        while (start < end && line[start] is (byte)' ' or (byte)'\t') start++;
        while (end > start && line[end - 1] is (byte)' ' or (byte)'\t') end--;
        value = new ByteRange(start, end - start);
        return HttpRejectionCode.None;
    }

    private static HttpRejectionCode ReadOddName(
        ReadOnlySpan<byte> line, bool isFirst, bool isResponse, ref int nameLength, ref ByteRange value)
    {
        if (line[0] is (byte)' ' or (byte)'\t')
            return isFirst ? HttpRejectionCode.WhitespaceBeforeFirstField : HttpRejectionCode.ObsoleteLineFolding;
        if (nameLength < 0) return HttpRejectionCode.FieldLineMalformed;
        int at = nameLength;
        while (at < line.Length && line[at] is (byte)' ' or (byte)'\t') at++;
        if (nameLength > 0 && at > nameLength && at < line.Length && line[at] == ':')
            return isResponse ? ReadValue(line, at + 1, ref value) : HttpRejectionCode.WhitespaceBeforeColon;
        if (line.Contains((byte)'\r')) return HttpRejectionCode.BareCarriageReturn;
        return line.Contains((byte)':') ? HttpRejectionCode.FieldNameMalformed : HttpRejectionCode.FieldLineMalformed;
    }
}
