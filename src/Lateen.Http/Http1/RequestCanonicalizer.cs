using System.Text;

namespace Lateen.Http;

/// <summary>
/// Turns a complete head into the canonical request: framing, connection control, authority, path. Everything that could be read in two
/// ways is decided here or refused here, before anybody else sees the request.
/// </summary>
internal sealed class RequestCanonicalizer
{
    private readonly Http1RequestOptions _options;
    private readonly byte[] _defaultHost;
    private readonly int _defaultHostLength;
    private readonly int _defaultPort = -1;

    internal RequestCanonicalizer(Http1RequestOptions options)
    {
        _options = options;
        _defaultHost = Encoding.ASCII.GetBytes(options.DefaultHostForHttp10 ?? "");
        if (_defaultHost.Length > 0 && !AuthorityGrammar.TryParse(_defaultHost, out _defaultHostLength, out _defaultPort))
            throw new ArgumentException("the default host is not host [ : port ]", nameof(options));
    }

    internal HttpRejectionCode Complete(HttpRequestHead head)
    {
        if (head.Protocol == HttpProtocol.Http10 && !_options.AcceptHttp10) return HttpRejectionCode.Http10Refused;
        HttpRejectionCode code = ReadFraming(head);
        if (code == HttpRejectionCode.None) code = ReadTarget(head);
        if (code == HttpRejectionCode.None) code = ReadConnection(head);
        if (code == HttpRejectionCode.None) code = ReadExpectation(head);
        return code;
    }

    private static HttpRejectionCode ReadFraming(HttpRequestHead head)
    {
        HeaderBlock headers = head.Headers;
        bool hasLength = headers.Contains(KnownHeader.ContentLength);
        if (!headers.Contains(KnownHeader.TransferEncoding))
        {
            if (head.Method == RequestMethod.Connect) head.Framing = BodyFraming.Tunnel;
            if (!hasLength) return HttpRejectionCode.None;
            HttpRejectionCode malformed = FramingFields.ReadContentLength(headers, out long length);
            if (malformed != HttpRejectionCode.None) return malformed;
            head.ContentLength = length;
            if (length == 0) return HttpRejectionCode.None;
            if (head.Method == RequestMethod.Connect) return HttpRejectionCode.ContentLengthForbidden;
            head.Framing = BodyFraming.Length;
            return HttpRejectionCode.None;
        }

        if (hasLength) return HttpRejectionCode.BothFramings;
        if (head.Protocol == HttpProtocol.Http10) return HttpRejectionCode.TransferEncodingInHttp10;
        HttpRejectionCode code = FramingFields.ReadTransferEncoding(headers);
        if (code != HttpRejectionCode.None) return code;
        if (head.Method == RequestMethod.Connect) return HttpRejectionCode.TransferEncodingForbidden;
        head.Framing = BodyFraming.Chunked;
        return HttpRejectionCode.None;
    }

    private HttpRejectionCode ReadConnection(HttpRequestHead head)
    {
        HeaderBlock headers = head.Headers;
        var options = ConnectionOptions.None;
        if (headers.Contains(KnownHeader.Connection))
        {
            HttpRejectionCode code = FramingFields.ReadConnection(headers, _options.Limits.MaxConnectionOptions, isResponse: false, out options);
            if (code != HttpRejectionCode.None) return code;
        }

        if (head.Protocol == HttpProtocol.Http10)
        {
            // A 1.0 client that talks to us as to a proxy may have got its Connection from somebody before it who did not understand
            // it (RFC 9112 section 9.3), so only one that takes us for the origin is believed.
            head.KeepAlive = (options & ConnectionOptions.KeepAlive) != 0 && (options & ConnectionOptions.Close) == 0
                && head.Form is TargetForm.Origin or TargetForm.Asterisk;
            return HttpRejectionCode.None;
        }

        head.KeepAlive = (options & ConnectionOptions.Close) == 0;
        head.AcceptsTrailers = FramingFields.AcceptsTrailers(headers);
        if ((options & ConnectionOptions.Upgrade) == 0) return HttpRejectionCode.None;
        HttpRejectionCode malformed = FramingFields.ReadUpgrade(headers, out ByteRange upgrade);
        head.UpgradeRange = upgrade;
        return malformed;
    }

    internal static HttpRejectionCode ReadExpectation(HttpRequestHead head)
    {
        // A 1.0 client's expectation is ignored (RFC 9110 section 10.1.1), and so is one that waits for nothing.
        if (head.Protocol == HttpProtocol.Http10 || !head.Headers.Contains(KnownHeader.Expect)) return HttpRejectionCode.None;
        if (FramingFields.ExpectsMore(head.Headers)) return HttpRejectionCode.ExpectationUnsupported;
        head.ExpectsContinue = head.HasBody;
        return HttpRejectionCode.None;
    }

    private HttpRejectionCode ReadTarget(HttpRequestHead head)
    {
        HttpRejectionCode code = ReadHost(head, out ByteRange host, out int hostLength, out int hostPort);
        if (code != HttpRejectionCode.None) return code;

        head.Scheme = _options.TransportScheme;
        ByteRange target = head.TargetRange;
        ReadOnlySpan<byte> text = head.RawTarget;
        if (text[0] == '/' && head.Method != RequestMethod.Connect)
        {
            head.Form = TargetForm.Origin;
            head.BuildAuthority(host, hostLength, hostPort);
            return ReadPath(head, target, _options.Path);
        }

        if (head.Method == RequestMethod.Connect)
        {
            head.Form = TargetForm.Authority;
            return ReadAuthorityForm(head, text, target);
        }

        if (text.SequenceEqual("*"u8))
        {
            if (head.Method != RequestMethod.Options) return HttpRejectionCode.TargetFormForbidden;
            head.Form = TargetForm.Asterisk;
            head.BuildAuthority(host, hostLength, hostPort);
            head.ReadPath(target, target.Length);
            return HttpRejectionCode.None;
        }

        return ReadAbsoluteForm(head, text, target);
    }

    /// <summary>
    /// One well-formed Host in each HTTP/1.1 request, also when the target will overrule it (RFC 9112 section 3.2). Takes it out of the fields.
    /// </summary>
    private HttpRejectionCode ReadHost(HttpRequestHead head, out ByteRange host, out int hostLength, out int port)
    {
        HeaderBlock headers = head.Headers;
        host = default;
        hostLength = 0;
        port = -1;
        int at = headers.IndexOf(KnownHeader.Host);
        if (at < 0)
        {
            if (head.Protocol != HttpProtocol.Http10) return HttpRejectionCode.HostMissing;
            if (_defaultHost.Length == 0) return HttpRejectionCode.None;
            host = headers.Append(_defaultHost);
            hostLength = _defaultHostLength;
            port = _defaultPort;
            return HttpRejectionCode.None;
        }

        if (headers.IndexOf(KnownHeader.Host, at + 1) >= 0) return HttpRejectionCode.HostRepeated;
        host = headers.ValueRangeAt(at);
        ReadOnlySpan<byte> value = headers.Slice(host);
        if (value.Length == 0) return HttpRejectionCode.TargetHostEmpty;
        if (!AuthorityGrammar.TryParse(value, out hostLength, out port))
            return value.Contains((byte)'@') ? HttpRejectionCode.TargetUserInfo : HttpRejectionCode.HostMalformed;
        headers.RemoveAt(at);
        return HttpRejectionCode.None;
    }

    /// <summary><c>uri-host ":" port</c>, the port not optional (RFC 9112 section 3.2.3), and one that can be connected to (RFC 9110 section 9.3.6).</summary>
    internal static HttpRejectionCode ReadAuthorityForm(HttpRequestHead head, ReadOnlySpan<byte> text, ByteRange target)
    {
        if (text.Contains((byte)'@')) return HttpRejectionCode.TargetUserInfo;
        if (!AuthorityGrammar.TryParse(text, out int hostLength, out int port))
            return text.Contains((byte)'/') ? HttpRejectionCode.TargetFormForbidden : HttpRejectionCode.TargetMalformed;
        if (port <= 0) return HttpRejectionCode.TargetMalformed;
        head.BuildAuthority(target, hostLength, port);
        return HttpRejectionCode.None;
    }

    /// <summary><c>scheme "://" authority path-abempty [ "?" query ]</c>; its authority replaces Host (RFC 9112 section 3.2.2).</summary>
    private HttpRejectionCode ReadAbsoluteForm(HttpRequestHead head, ReadOnlySpan<byte> text, ByteRange target)
    {
        int schemeLength = text.IndexOf("://"u8);
        if (schemeLength <= 0)
        {
            return AuthorityGrammar.TryParse(text, out _, out int port) && port >= 0
                ? HttpRejectionCode.TargetFormForbidden : HttpRejectionCode.TargetMalformed;
        }

        ReadOnlySpan<byte> scheme = text[..schemeLength];
        if (Ascii.EqualsIgnoreCase(scheme, "http"u8)) head.Scheme = RequestScheme.Http;
        else if (Ascii.EqualsIgnoreCase(scheme, "https"u8)) head.Scheme = RequestScheme.Https;
        else return IsScheme(scheme) ? HttpRejectionCode.TargetSchemeUnsupported : HttpRejectionCode.TargetMalformed;

        head.Form = TargetForm.Absolute;
        int start = schemeLength + 3;
        int length = text[start..].IndexOfAny((byte)'/', (byte)'?');
        if (length < 0) length = text.Length - start;
        ReadOnlySpan<byte> authority = text.Slice(start, length);
        if (authority.Contains((byte)'@')) return HttpRejectionCode.TargetUserInfo;
        if (authority.Length == 0 || authority[0] == ':') return HttpRejectionCode.TargetHostEmpty;
        if (!AuthorityGrammar.TryParse(authority, out int hostLength, out int absolutePort)) return HttpRejectionCode.HostMalformed;

        var path = new ByteRange(target.Start + start + length, text.Length - start - length);
        if (path.IsEmpty && head.Method == RequestMethod.Options)
        {
            // OPTIONS on a server without a path is OPTIONS * (RFC 9112 section 3.2.4).
            head.ReadPath(head.Headers.Append("*"u8), 1);
        }
        else
        {
            if (path.IsEmpty || text[start + length] == '?') path = PrependSlash(head.Headers, path);
            HttpRejectionCode code = ReadPath(head, path, _options.Path);
            if (code != HttpRejectionCode.None) return code;
        }

        head.BuildAuthority(new ByteRange(target.Start + start, length), hostLength, absolutePort);
        return HttpRejectionCode.None;
    }

    /// <summary>Splits path and query and brings the path to its one form. The bytes were checked to be a target's.</summary>
    internal static HttpRejectionCode ReadPath(HttpRequestHead head, ByteRange pathAndQuery, PathPolicy policy)
    {
        ReadOnlySpan<byte> text = head.Headers.Slice(pathAndQuery);
        int mark = text.IndexOf((byte)'?');
        head.ReadPath(pathAndQuery, mark < 0 ? text.Length : mark);
        if (policy.IsIdentity) return HttpRejectionCode.None;
        return PathNormalizer.Apply(policy, head);
    }

    private static ByteRange PrependSlash(HeaderBlock store, ByteRange query)
    {
        Span<byte> target = store.Reserved(query.Length + 1);
        target[0] = (byte)'/';
        store.Slice(query).CopyTo(target[1..]);
        return store.Commit(query.Length + 1);
    }

    /// <summary><c>ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )</c>, RFC 3986 section 3.1.</summary>
    private static bool IsScheme(ReadOnlySpan<byte> text)
    {
        if (!char.IsAsciiLetter((char)text[0])) return false;
        foreach (byte b in text)
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'+' or (byte)'-' or (byte)'.')) return false;
        return true;
    }
}
