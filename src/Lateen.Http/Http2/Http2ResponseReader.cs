namespace Lateen.Http;

/// <summary>Reads a field block into a response head, RFC 9113 section 8.3.2, and trailers of either side, section 8.1. Immutable.</summary>
internal sealed class Http2ResponseReader(Http1Limits limits)
{
    /// <summary>Reads the block to its end, whatever it holds.</summary>
    /// <param name="head">Reset.</param>
    /// <param name="method">The method of the request that this answers.</param>
    /// <param name="endStream">No content follows.</param>
    internal HttpRejectionCode Read(HpackDecoder decoder, ReadOnlySpan<byte> block, HttpResponseHead head, RequestMethod method, bool endStream)
    {
        var rules = new Http2FieldRules(limits.MaxHeadOctets, limits.MaxFields, HttpRejectionCode.FieldsTooLarge);
        bool isRegular = false;
        int status = 0;
        HeaderBlock headers = head.Headers;
        head.Protocol = HttpProtocol.Http2;
        head.IsStripped = true;
        head.KeepAlive = true;
        head.WireOctets = block.Length;
        decoder.Begin();
        while (decoder.TryRead(ref block, out HpackField field))
        {
            rules.Count(field);
            if (field.Name is [(byte)':', ..])
            {
                if (isRegular) rules.Refuse(HttpRejectionCode.PseudoFieldMisplaced);
                else if (!field.Name.SequenceEqual(":status"u8)) rules.Refuse(HttpRejectionCode.PseudoFieldUnknown);
                else if (status != 0) rules.Refuse(HttpRejectionCode.PseudoFieldRepeated);
                else if (!TryReadStatus(field.Value, out status)) rules.Refuse(HttpRejectionCode.StatusCodeInvalid);
                continue;
            }

            isRegular = true;
            rules.Check(field);
            if (!rules.IsRefused && field.Id != KnownHeader.Te) headers.AddDecoded(field.Id, field.Name, field.Value, field.IsNeverIndexed);
        }

        decoder.End();
        if (rules.IsRefused) return rules.Code;
        if (status == 0) return HttpRejectionCode.PseudoFieldMissing;
        head.SetStatus(status);
        return Complete(head, method, endStream);
    }

    /// <summary>Reads trailers to their end. Those that RFC 9110 section 6.5.1 forbids are dropped.</summary>
    internal static HttpRejectionCode ReadTrailers(HpackDecoder decoder, ReadOnlySpan<byte> block, HeaderBlock trailers, Http1Limits limits)
    {
        var rules = new Http2FieldRules(limits.MaxTrailerOctets, limits.MaxFields, HttpRejectionCode.TrailersTooLarge);
        decoder.Begin();
        while (decoder.TryRead(ref block, out HpackField field))
        {
            rules.Count(field);
            if (field.Name is [(byte)':', ..])
            {
                rules.Refuse(HttpRejectionCode.PseudoFieldInTrailers);
                continue;
            }

            rules.Check(field);
            if (!rules.IsRefused && TrailerFields.IsAllowed(field.Id)) trailers.AddDecoded(field.Id, field.Name, field.Value, field.IsNeverIndexed);
        }

        decoder.End();
        return rules.Code;
    }

    /// <summary>Reads a block that nobody wants, so that the table stays the peer's.</summary>
    internal static void Discard(HpackDecoder decoder, ReadOnlySpan<byte> block)
    {
        decoder.Begin();
        while (decoder.TryRead(ref block, out _))
        {
        }

        decoder.End();
    }

    private static HttpRejectionCode Complete(HttpResponseHead head, RequestMethod method, bool endStream)
    {
        int status = head.Status;
        if (status == 101) return HttpRejectionCode.SwitchingProtocolsForbidden;
        if (status < 200) return endStream ? HttpRejectionCode.EndStreamMissing : HttpRejectionCode.None;
        HttpRejectionCode code = FramingFields.ReadContentLength(head.Headers, out long length);
        if (code != HttpRejectionCode.None) return code;
        if (method == RequestMethod.Connect && status < 300)
        {
            head.Framing = BodyFraming.Tunnel;
            return HttpRejectionCode.None;
        }

        // RFC 9110 section 8.6: these may declare the length of content that they do not have.
        if (method == RequestMethod.Head || status is 204 or 304)
        {
            if (status != 204) head.ContentLength = length;
            return HttpRejectionCode.None;
        }

        head.ContentLength = length;
        if (endStream) return length > 0 ? HttpRejectionCode.ContentLengthMismatch : HttpRejectionCode.None;
        head.Framing = length >= 0 ? BodyFraming.Length : BodyFraming.Chunked;
        return HttpRejectionCode.None;
    }

    private static bool TryReadStatus(ReadOnlySpan<byte> value, out int status)
    {
        status = 0;
        if (value.Length != 3) return false;
        foreach (byte b in value)
        {
            if (!char.IsAsciiDigit((char)b)) return false;
            status = (status * 10) + (b - '0');
        }

        return status is >= 100 and <= 599;
    }
}
