using System.Text;

namespace Lateen.Http;

/// <summary>
/// Reads a field block into the canonical request: pseudo-header fields (RFC 9113 section 8.3.1, RFC 8441 section 4) become what the request line and
/// Host are in HTTP/1.1, and from there on the same canonicalizer decides. Immutable; shared by the connections of a listener.
/// </summary>
internal sealed class Http2RequestReader(Http1RequestOptions options, bool allowsConnectProtocol)
{
    [Flags]
    private enum Pseudo : byte
    {
        None = 0,
        Method = 1,
        Scheme = 2,
        Authority = 4,
        Path = 8,
        Protocol = 16,
    }

    /// <summary>Reads the block to its end, whatever it holds.</summary>
    /// <param name="head">Reset.</param>
    /// <param name="endStream">No content follows.</param>
    /// <returns>Why the request is refused; what that means when the decoder is broken nobody needs to know.</returns>
    internal HttpRejectionCode Read(HpackDecoder decoder, ReadOnlySpan<byte> block, HttpRequestHead head, bool endStream, Http2Counters counters)
    {
        var rules = new Http2FieldRules(options.Limits.MaxHeadOctets, options.Limits.MaxFields, HttpRejectionCode.FieldsTooLarge);
        var seen = Pseudo.None;
        bool isRegular = false;
        HeaderBlock headers = head.Headers;
        head.Protocol = HttpProtocol.Http2;
        head.IsStripped = true; // There is nothing that concerns a hop: section 8.2.2 forbids it, and TE is taken out here.
        head.KeepAlive = true;
        head.WireOctets = block.Length;
        decoder.Begin();
        while (decoder.TryRead(ref block, out HpackField field))
        {
            rules.Count(field);
            if (field.Name is [(byte)':', ..])
            {
                if (isRegular) rules.Refuse(HttpRejectionCode.PseudoFieldMisplaced);
                rules.CheckValue(field.Value);
                if (!rules.IsRefused) rules.Refuse(ReadPseudo(head, field, ref seen));
                continue;
            }

            isRegular = true;
            rules.Check(field);
            if (rules.IsRefused) continue;
            if (field.Id == KnownHeader.Te)
            {
                head.AcceptsTrailers = true;
                continue;
            }

            if (field.Id == KnownHeader.None && options.Underscores != UnderscoreAction.Allow && field.Name.Contains((byte)'_'))
            {
                if (options.Underscores == UnderscoreAction.RejectRequest)
                {
                    counters.UnderscoreRequestsRejected++;
                    rules.Refuse(HttpRejectionCode.FieldNameUnderscore);
                }
                else
                {
                    counters.UnderscoreFieldsDropped++;
                }

                continue;
            }

            headers.AddDecoded(field.Id, field.Name, field.Value, field.IsNeverIndexed);
        }

        decoder.End();
        if (!rules.IsRefused) rules.Refuse(Complete(head, seen, endStream));
        return rules.Code;
    }

    private HttpRejectionCode ReadPseudo(HttpRequestHead head, in HpackField field, ref Pseudo seen)
    {
        ReadOnlySpan<byte> value = field.Value;
        Pseudo which;
        if (field.Name.SequenceEqual(":path"u8)) which = Pseudo.Path;
        else if (field.Name.SequenceEqual(":method"u8)) which = Pseudo.Method;
        else if (field.Name.SequenceEqual(":scheme"u8)) which = Pseudo.Scheme;
        else if (field.Name.SequenceEqual(":authority"u8)) which = Pseudo.Authority;
        else if (field.Name.SequenceEqual(":protocol"u8)) which = Pseudo.Protocol;
        else return HttpRejectionCode.PseudoFieldUnknown;
        if ((seen & which) != 0) return HttpRejectionCode.PseudoFieldRepeated;
        seen |= which;

        switch (which)
        {
            case Pseudo.Path:
                if (value.Length > options.Limits.MaxTargetOctets) return HttpRejectionCode.TargetTooLong;
                head.TargetRange = head.Headers.Append(value);
                return HttpRejectionCode.None;
            case Pseudo.Method:
                if (!Grammar.IsToken(value)) return HttpRejectionCode.MethodMalformed;
                if (value.Length > options.Limits.MaxMethodOctets) return HttpRejectionCode.MethodTooLong;
                head.ReadMethod(RequestMethods.Recognize(value), head.Headers.Append(value));
                return HttpRejectionCode.None;
            case Pseudo.Scheme:
                if (Ascii.EqualsIgnoreCase(value, "http"u8)) head.Scheme = RequestScheme.Http;
                else if (Ascii.EqualsIgnoreCase(value, "https"u8)) head.Scheme = RequestScheme.Https;
                else return HttpRejectionCode.TargetSchemeUnsupported;
                return HttpRejectionCode.None;
            case Pseudo.Authority:
                head.AuthorityRange = head.Headers.Append(value);
                return HttpRejectionCode.None;
            default:
                if (!allowsConnectProtocol) return HttpRejectionCode.ProtocolForbidden;
                if (!Grammar.IsToken(value)) return HttpRejectionCode.UpgradeMalformed;
                head.ConnectProtocolRange = head.Headers.Append(value);
                return HttpRejectionCode.None;
        }
    }

    private HttpRejectionCode Complete(HttpRequestHead head, Pseudo seen, bool endStream)
    {
        if ((seen & Pseudo.Method) == 0) return HttpRejectionCode.PseudoFieldMissing;
        bool isConnect = head.Method == RequestMethod.Connect;
        bool isExtended = (seen & Pseudo.Protocol) != 0;
        if (isExtended && !isConnect) return HttpRejectionCode.ProtocolForbidden;
        Pseudo wanted = isConnect && !isExtended ? Pseudo.Method | Pseudo.Authority : Pseudo.Method | Pseudo.Scheme | Pseudo.Path;
        if ((seen & wanted) != wanted) return HttpRejectionCode.PseudoFieldMissing;
        if (isConnect && !isExtended && (seen & (Pseudo.Scheme | Pseudo.Path)) != 0) return HttpRejectionCode.PseudoFieldForbidden;

        HttpRejectionCode code = ReadAuthority(head, (seen & Pseudo.Authority) != 0, isConnect && !isExtended);
        if (code == HttpRejectionCode.None && (!isConnect || isExtended)) code = ReadPath(head);
        if (code == HttpRejectionCode.None) code = ReadFraming(head, endStream);
        if (code == HttpRejectionCode.None) code = RequestCanonicalizer.ReadExpectation(head);
        if (code != HttpRejectionCode.None) return code;
        head.Headers.Join(KnownHeader.Cookie, "; "u8);
        return HttpRejectionCode.None;
    }

    /// <summary>
    /// <c>:authority</c>, or Host when there is none; where both are, they must agree (section 8.3.1). Host leaves the fields, as in HTTP/1.1.
    /// </summary>
    private static HttpRejectionCode ReadAuthority(HttpRequestHead head, bool hasAuthority, bool needsPort)
    {
        HeaderBlock headers = head.Headers;
        int at = headers.IndexOf(KnownHeader.Host);
        ByteRange authority = head.AuthorityRange;
        if (at >= 0)
        {
            if (headers.IndexOf(KnownHeader.Host, at + 1) >= 0) return HttpRejectionCode.HostRepeated;
            ByteRange host = headers.ValueRangeAt(at);
            if (!hasAuthority) authority = host;
            else if (!Ascii.EqualsIgnoreCase(headers.Slice(host), headers.Slice(authority))) return HttpRejectionCode.AuthorityHostMismatch;
            headers.RemoveAt(at);
        }
        else if (!hasAuthority)
        {
            return HttpRejectionCode.HostMissing;
        }

        ReadOnlySpan<byte> value = headers.Slice(authority);
        if (needsPort)
        {
            head.Form = TargetForm.Authority;
            head.TargetRange = authority;
            return value.Length == 0 ? HttpRejectionCode.TargetHostEmpty : RequestCanonicalizer.ReadAuthorityForm(head, value, authority);
        }

        if (value.Length == 0) return HttpRejectionCode.TargetHostEmpty;
        if (!AuthorityGrammar.TryParse(value, out int hostLength, out int port))
            return value.Contains((byte)'@') ? HttpRejectionCode.TargetUserInfo : HttpRejectionCode.HostMalformed;
        head.BuildAuthority(authority, hostLength, port);
        return HttpRejectionCode.None;
    }

    /// <summary><c>:path</c> is what origin-form and asterisk-form are in HTTP/1.1, and never empty (section 8.3.1).</summary>
    private HttpRejectionCode ReadPath(HttpRequestHead head)
    {
        ReadOnlySpan<byte> text = head.RawTarget;
        if (text is [(byte)'*'])
        {
            if (head.Method != RequestMethod.Options) return HttpRejectionCode.TargetFormForbidden;
            head.Form = TargetForm.Asterisk;
            head.ReadPath(head.TargetRange, 1);
            return HttpRejectionCode.None;
        }

        if (text is not [(byte)'/', ..]) return HttpRejectionCode.TargetMalformed;
        if (!Grammar.IsTarget(text)) return text.Contains((byte)'#') ? HttpRejectionCode.TargetFragment : HttpRejectionCode.TargetMalformed;
        head.Form = TargetForm.Origin;
        return RequestCanonicalizer.ReadPath(head, head.TargetRange, options.Path);
    }

    /// <summary>END_STREAM ends the content, not Content-Length; but what that declares must be what comes (section 8.1.1).</summary>
    private static HttpRejectionCode ReadFraming(HttpRequestHead head, bool endStream)
    {
        HttpRejectionCode code = FramingFields.ReadContentLength(head.Headers, out long length);
        if (code != HttpRejectionCode.None) return code;
        if (head.Method == RequestMethod.Connect)
        {
            if (length > 0) return HttpRejectionCode.ContentLengthForbidden;
            head.Framing = BodyFraming.Tunnel;
            return HttpRejectionCode.None;
        }

        head.ContentLength = length;
        if (endStream) return length > 0 ? HttpRejectionCode.ContentLengthMismatch : HttpRejectionCode.None;
        head.Framing = length >= 0 ? BodyFraming.Length : BodyFraming.Chunked;
        return HttpRejectionCode.None;
    }
}
