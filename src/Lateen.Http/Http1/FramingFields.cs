using System.Text;

namespace Lateen.Http;

/// <summary>
/// Reads the fields that say where a message ends and what becomes of the connection: Content-Length, Transfer-Encoding, Connection, TE,
/// Upgrade. Used for both directions.
/// </summary>
internal static class FramingFields
{
    /// <summary>
    /// <c>Content-Length = 1*DIGIT</c>, RFC 9110 section 8.6. A list, or a second field, is refused even if all values agree: section 8.6
    /// leaves the choice, and peers on the two sides of us may choose differently.
    /// </summary>
    internal static HttpRejectionCode ReadContentLength(HeaderBlock headers, out long length)
    {
        length = -1;
        if (!headers.TryGet(KnownHeader.ContentLength, out ReadOnlySpan<byte> text)) return HttpRejectionCode.None;
        if (headers.CountOf(KnownHeader.ContentLength) > 1 || text.Contains((byte)',')) return HttpRejectionCode.ContentLengthRepeated;
        if (text.Length == 0) return HttpRejectionCode.ContentLengthMalformed;
        long value = 0;
        foreach (byte b in text)
        {
            uint digit = (uint)(b - '0');
            if (digit > 9 || value > (long.MaxValue - digit) / 10) return HttpRejectionCode.ContentLengthMalformed;
            value = (value * 10) + digit;
        }

        length = value;
        return HttpRejectionCode.None;
    }

    /// <summary>
    /// Accepts Transfer-Encoding only as chunked, once, alone. Codings are listed over all fields of the name (RFC 9112 section 6.1).
    /// </summary>
    internal static HttpRejectionCode ReadTransferEncoding(HeaderBlock headers)
    {
        bool chunked = false;
        bool other = false;
        for (int i = headers.IndexOf(KnownHeader.TransferEncoding); i >= 0; i = headers.IndexOf(KnownHeader.TransferEncoding, i + 1))
        {
            ReadOnlySpan<byte> rest = headers[i].Value;
            while (FieldList.TryNext(ref rest, out ReadOnlySpan<byte> coding))
            {
                bool isChunked = Ascii.EqualsIgnoreCase(coding, "chunked"u8);
                if (chunked) return isChunked ? HttpRejectionCode.ChunkedRepeated : HttpRejectionCode.ChunkedNotFinal;
                chunked = isChunked;
                if (isChunked) continue;
                other = true;
                int end = coding.IndexOf((byte)';');
                ReadOnlySpan<byte> name = end < 0 ? coding : FieldList.Trim(coding[..end]);
                if (!Grammar.IsToken(name)) return HttpRejectionCode.TransferEncodingMalformed;
                if (Ascii.EqualsIgnoreCase(name, "chunked"u8)) return HttpRejectionCode.TransferEncodingMalformed;
            }
        }

        if (!chunked) return other ? HttpRejectionCode.ChunkedNotFinal : HttpRejectionCode.TransferEncodingMalformed;
        return other ? HttpRejectionCode.TransferCodingUnsupported : HttpRejectionCode.None;
    }

    /// <summary>Reads all Connection fields. A request may nominate only what <see cref="HopByHop.MayNominate"/> allows.</summary>
    internal static HttpRejectionCode ReadConnection(HeaderBlock headers, int maxOptions, bool isResponse, out ConnectionOptions options)
    {
        options = ConnectionOptions.None;
        int count = 0;
        for (int i = headers.IndexOf(KnownHeader.Connection); i >= 0; i = headers.IndexOf(KnownHeader.Connection, i + 1))
        {
            ReadOnlySpan<byte> rest = headers[i].Value;
            while (FieldList.TryNext(ref rest, out ReadOnlySpan<byte> option))
            {
                if (!Grammar.IsToken(option)) return HttpRejectionCode.ConnectionMalformed;
                if (++count > maxOptions) return HttpRejectionCode.TooManyConnectionOptions;
                KnownHeader id = KnownHeaders.Recognize(option);
                if (id == KnownHeader.KeepAlive) options |= ConnectionOptions.KeepAlive;
                else if (id == KnownHeader.Upgrade) options |= ConnectionOptions.Upgrade;
                else if (id == KnownHeader.None && Ascii.EqualsIgnoreCase(option, "close"u8)) options |= ConnectionOptions.Close;
                else if (!isResponse && !HopByHop.MayNominate(id)) return HttpRejectionCode.ConnectionNominatesEndToEnd;
            }
        }

        return HttpRejectionCode.None;
    }

    /// <summary>The one Upgrade field, a list of <c>name [ "/" version ]</c> (RFC 9110 section 7.8).</summary>
    internal static HttpRejectionCode ReadUpgrade(HeaderBlock headers, out ByteRange range)
    {
        range = default;
        int at = headers.IndexOf(KnownHeader.Upgrade);
        if (at < 0) return HttpRejectionCode.None;
        if (headers.IndexOf(KnownHeader.Upgrade, at + 1) >= 0) return HttpRejectionCode.UpgradeMalformed;
        ReadOnlySpan<byte> rest = headers[at].Value;
        while (FieldList.TryNext(ref rest, out ReadOnlySpan<byte> protocol))
        {
            int slash = protocol.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = slash < 0 ? protocol : protocol[..slash];
            if (!Grammar.IsToken(name) || (slash >= 0 && !Grammar.IsToken(protocol[(slash + 1)..]))) return HttpRejectionCode.UpgradeMalformed;
        }

        range = headers.ValueRangeAt(at);
        return HttpRejectionCode.None;
    }

    /// <summary>True when TE lists trailers (RFC 9110 section 10.1.4).</summary>
    internal static bool AcceptsTrailers(HeaderBlock headers)
    {
        for (int i = headers.IndexOf(KnownHeader.Te); i >= 0; i = headers.IndexOf(KnownHeader.Te, i + 1))
            if (FieldList.ContainsToken(headers[i].Value, "trailers"u8)) return true;
        return false;
    }

    /// <summary>True when there is an expectation other than 100-continue.</summary>
    internal static bool ExpectsMore(HeaderBlock headers)
    {
        for (int i = headers.IndexOf(KnownHeader.Expect); i >= 0; i = headers.IndexOf(KnownHeader.Expect, i + 1))
        {
            ReadOnlySpan<byte> rest = headers[i].Value;
            while (FieldList.TryNext(ref rest, out ReadOnlySpan<byte> expectation))
                if (!Ascii.EqualsIgnoreCase(expectation, "100-continue"u8)) return true;
        }

        return false;
    }
}

/// <summary>The connection options that mean something to the codec itself.</summary>
[Flags]
internal enum ConnectionOptions : byte
{
    None = 0,
    Close = 1,
    KeepAlive = 2,
    Upgrade = 4,
}
