using System.Buffers;

namespace Lateen.Proxy.Listeners.Detection;

/// <summary>What plain first bytes look like.</summary>
internal enum SniffedProtocol
{
    /// <summary>They may still become HTTP.</summary>
    NeedMore,

    NotHttp,

    Http10,

    Http11,

    /// <summary>HTTP/2 by prior knowledge: the connection preface of RFC 9113 section 3.4.</summary>
    Http2,
}

/// <summary>
/// Tells HTTP from other protocols by the first line, without reading it as a request: a method, a target and a version have to be there,
/// since <c>get key</c> of memcached and <c>NICK name</c> of IRC begin like HTTP.
/// </summary>
/// <remarks>Keeps nothing between calls: it is given all bytes from the start again.</remarks>
internal static class HttpSniffer
{
    /// <summary>Octets of a method; the longest registered one has 17 (RFC 9110 section 18.2). Hit: not HTTP.</summary>
    private const int MaxMethodOctets = 32;

    private static readonly SearchValues<byte> TokenOctets =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    /// <param name="bytes">All that has come.</param>
    /// <param name="isFull">More cannot be looked at: a line that has not ended is a request that is too long.</param>
    public static SniffedProtocol Sniff(ReadOnlySpan<byte> bytes, bool isFull = false)
    {
        int common = Math.Min(bytes.Length, Preface.Length);
        if (common >= 3 && bytes[..common].SequenceEqual(Preface[..common]))
            return common == Preface.Length ? SniffedProtocol.Http2 : SniffedProtocol.NeedMore;

        // RFC 9112 section 2.2: a server should ignore an empty line before the request line.
        if (bytes.StartsWith("\r\n"u8)) bytes = bytes[2..];
        else if (bytes.SequenceEqual("\r"u8)) return SniffedProtocol.NeedMore;
        int methodEnd = bytes.IndexOfAnyExcept(TokenOctets);
        if (methodEnd < 0) return bytes.Length > MaxMethodOctets ? SniffedProtocol.NotHttp : SniffedProtocol.NeedMore;
        if (methodEnd is 0 or > MaxMethodOctets || bytes[methodEnd] != ' ') return SniffedProtocol.NotHttp;

        ReadOnlySpan<byte> rest = bytes[(methodEnd + 1)..];
        // Up to the end of the line no control octets, and no second space but the one before the version.
        int control = rest.IndexOfAnyInRange((byte)0, (byte)0x1F);
        ReadOnlySpan<byte> line = control < 0 ? rest : rest[..control];
        int space = line.IndexOf((byte)' ');
        if (space == 0) return SniffedProtocol.NotHttp;
        if (control < 0)
        {
            if (space >= 0 && !StartsLikeVersion(line[(space + 1)..])) return SniffedProtocol.NotHttp;
            return isFull ? SniffedProtocol.Http11 : SniffedProtocol.NeedMore;
        }

        if (space < 0 || rest[control] is not ((byte)'\r' or (byte)'\n')) return SniffedProtocol.NotHttp;
        ReadOnlySpan<byte> version = line[(space + 1)..];
        if (version.SequenceEqual("HTTP/1.1"u8)) return SniffedProtocol.Http11;
        return version.SequenceEqual("HTTP/1.0"u8) ? SniffedProtocol.Http10 : SniffedProtocol.NotHttp;
    }

    private static bool StartsLikeVersion(ReadOnlySpan<byte> text) =>
        text.Length <= 8 && ("HTTP/1.1"u8.StartsWith(text) || "HTTP/1.0"u8.StartsWith(text));
}
