using System.Buffers.Text;
using System.Collections.Immutable;
using Lateen.Http;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>A header in which a token stands behind a prefix, such as <c>Authorization: Bearer TOKEN</c>.</summary>
/// <param name="Name">The header.</param>
/// <param name="Prefix">What comes before the token, in either case and with a tab for a space; fields without it hold none. May be empty.</param>
internal readonly record struct TokenHeader(HeaderName Name, byte[] Prefix)
{
    public static readonly TokenHeader Bearer = new(HeaderName.Create("authorization"), "Bearer "u8.ToArray());

    /// <summary>
    /// True when the value begins with the prefix as any server may read it: schemes have no case (RFC 9110 section 11.1), and some take any white space. A token
    /// that is not looked for is one that was not verified, and the server that finds it takes it for one that was.
    /// </summary>
    public bool IsBefore(ReadOnlySpan<byte> value)
    {
        if (value.Length < Prefix.Length) return false;
        for (int i = 0; i < Prefix.Length; i++)
        {
            byte expected = Prefix[i], actual = value[i];
            bool isLetter = char.IsAsciiLetter((char)expected);
            if (actual != expected && !(isLetter && (actual ^ expected) == 0x20) && !(expected == ' ' && actual == '\t')) return false;
        }

        return true;
    }
}

/// <summary>Where the tokens of a provider stand in a request: headers, query parameters, cookies.</summary>
/// <remarks>
/// Immutable. The canonical request is read. Names are compared with the bytes in it, those of query parameters with what their escapes stand for: a server
/// decodes them before it looks for a token.
/// </remarks>
/// <param name="Headers">Each field of that name is looked at.</param>
/// <param name="Parameters">Names of query parameters.</param>
/// <param name="Cookies">Names of cookies.</param>
internal sealed record TokenLocations(ImmutableArray<TokenHeader> Headers, ImmutableArray<byte[]> Parameters, ImmutableArray<byte[]> Cookies)
{
    private static ReadOnlySpan<byte> WhiteSpace => " \t"u8;

    /// <summary>Of a provider that names no place: <c>Authorization: Bearer</c> and <c>?access_token=</c> (RFC 6750 sections 2.1 and 2.3).</summary>
    public static TokenLocations Default { get; } = new([TokenHeader.Bearer], ["access_token"u8.ToArray()], []);

    /// <summary>All tokens of a request, one after the other. Valid until the request is changed.</summary>
    public TokenEnumerator Find(HttpRequestHead request) => new(this, request);

    /// <summary>Takes the tokens out of a request, so that the server does not see them.</summary>
    /// <param name="request">The request.</param>
    /// <param name="scratch">Room for what is written anew; replaced when it is too small.</param>
    public void Remove(HttpRequestHead request, ref byte[] scratch)
    {
        foreach (TokenHeader header in Headers)
        {
            for (int at = request.Headers.IndexOf(header.Name); at >= 0; at = request.Headers.IndexOf(header.Name, at))
            {
                if (header.IsBefore(request.Headers[at].Value)) request.Headers.RemoveAt(at);
                else at++;
            }
        }

        if (!Parameters.IsEmpty && request.HasQuery) RemoveParameters(request, ref scratch);
        if (!Cookies.IsEmpty) RemoveCookies(request.Headers, ref scratch);
    }

    private void RemoveParameters(HttpRequestHead request, ref byte[] scratch)
    {
        Reserve(ref scratch, request.PathAndQuery.Length);
        ReadOnlySpan<byte> path = request.Path;
        path.CopyTo(scratch);
        scratch[path.Length] = (byte)'?';
        int kept = path.Length + 1;
        kept += Without(request.Query, (byte)'&', Parameters, scratch.AsSpan(kept), out bool hasRemoved);
        if (!hasRemoved) return;
        if (kept == path.Length + 1) kept--;
        request.SetPathAndQuery(scratch.AsSpan(0, kept));
    }

    private void RemoveCookies(HeaderBlock headers, ref byte[] scratch)
    {
        for (int at = headers.IndexOf(KnownHeader.Cookie); at >= 0; at = headers.IndexOf(KnownHeader.Cookie, at))
        {
            ReadOnlySpan<byte> value = headers[at].Value;
            Reserve(ref scratch, value.Length);
            int kept = Without(value, (byte)';', Cookies, scratch, out bool hasRemoved);
            if (!hasRemoved)
            {
                at++;
                continue;
            }

            headers.RemoveAt(at);
            // At the end, where it is not looked at twice: it has none of the names any more.
            if (kept > 0) headers.Add(KnownHeader.Cookie, scratch.AsSpan(0, kept).Trim(WhiteSpace));
        }
    }

    /// <summary>A list of <c>name=value</c> without some names.</summary>
    private static int Without(ReadOnlySpan<byte> list, byte separator, ImmutableArray<byte[]> names, Span<byte> target, out bool hasRemoved)
    {
        hasRemoved = false;
        int written = 0;
        while (!list.IsEmpty)
        {
            ReadOnlySpan<byte> one = NextOf(ref list, separator);
            if (Contains(names, NameOf(one), isEscaped: separator == (byte)'&'))
            {
                hasRemoved = true;
                continue;
            }

            if (written > 0) target[written++] = separator;
            one.CopyTo(target[written..]);
            written += one.Length;
        }

        return written;
    }

    private static bool Contains(ImmutableArray<byte[]> names, ReadOnlySpan<byte> name, bool isEscaped)
    {
        isEscaped = isEscaped && name.ContainsAny((byte)'%', (byte)'+');
        foreach (byte[] one in names)
        {
            if (isEscaped ? IsEscaped(name, one) : name.SequenceEqual(one)) return true;
        }

        return false;
    }

    /// <summary>True when the text means the name: <c>access%5Ftoken</c>.</summary>
    private static bool IsEscaped(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name)
    {
        foreach (byte expected in name)
        {
            if (text.IsEmpty) return false;
            byte one = text[0] == (byte)'+' ? (byte)' ' : text[0];
            int octets = 1;
            if (one == (byte)'%' && text.Length >= 3 && Utf8Parser.TryParse(text[1..3], out byte decoded, out int digits, 'x') && digits == 2) (one, octets) = (decoded, 3);
            if (one != expected) return false;
            text = text[octets..];
        }

        return text.IsEmpty;
    }

    private static ReadOnlySpan<byte> NextOf(scoped ref ReadOnlySpan<byte> list, byte separator)
    {
        int end = list.IndexOf(separator);
        ReadOnlySpan<byte> one = end < 0 ? list : list[..end];
        list = end < 0 ? default : list[(end + 1)..];
        return one;
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> pair)
    {
        int equals = pair.IndexOf((byte)'=');
        return (equals < 0 ? pair : pair[..equals]).Trim(WhiteSpace);
    }

    private static void Reserve(ref byte[] scratch, int octets)
    {
        if (scratch.Length < octets) scratch = new byte[Math.Max(octets, 256)];
    }

    /// <summary>Walks over the tokens of one request.</summary>
    internal ref struct TokenEnumerator(TokenLocations locations, HttpRequestHead request)
    {
        private int _header;
        private int _field;
        private int _stage;
        private int _cookieField;
        private ReadOnlySpan<byte> _list;

        public ReadOnlySpan<byte> Current { get; private set; }

        public bool MoveNext()
        {
            if (_stage == 0)
            {
                if (NextInHeaders()) return true;
                _stage = 1;
                if (!locations.Parameters.IsEmpty) _list = request.Query;
            }

            if (_stage == 1)
            {
                if (NextIn((byte)'&', locations.Parameters)) return true;
                _stage = 2;
                _list = default;
            }

            if (locations.Cookies.IsEmpty) return false;
            while (true)
            {
                if (NextIn((byte)';', locations.Cookies)) return true;
                int at = request.Headers.IndexOf(KnownHeader.Cookie, _cookieField);
                if (at < 0) return false;
                _cookieField = at + 1;
                _list = request.Headers[at].Value;
            }
        }

        private bool NextInHeaders()
        {
            for (; _header < locations.Headers.Length; _header++, _field = 0)
            {
                TokenHeader header = locations.Headers[_header];
                for (int at = request.Headers.IndexOf(header.Name, _field); at >= 0; at = request.Headers.IndexOf(header.Name, at + 1))
                {
                    ReadOnlySpan<byte> value = request.Headers[at].Value;
                    if (!header.IsBefore(value)) continue;
                    _field = at + 1;
                    Current = value[header.Prefix.Length..].Trim(WhiteSpace);
                    return true;
                }
            }

            return false;
        }

        private bool NextIn(byte separator, ImmutableArray<byte[]> names)
        {
            while (!_list.IsEmpty)
            {
                ReadOnlySpan<byte> one = NextOf(ref _list, separator);
                if (!Contains(names, NameOf(one), isEscaped: separator == (byte)'&')) continue;
                int equals = one.IndexOf((byte)'=');
                Current = equals < 0 ? default : one[(equals + 1)..].Trim(WhiteSpace);
                return true;
            }

            return false;
        }
    }
}
