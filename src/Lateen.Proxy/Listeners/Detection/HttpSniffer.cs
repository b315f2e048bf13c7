using System.Buffers;
using System.Text;

namespace Lateen.Proxy.Listeners.Detection;

/// <summary>What plain first bytes look like.</summary>
internal enum SniffedProtocol
{
    /// <summary>They may still become HTTP: they are the beginning of a request line with a method that is known.</summary>
    NeedMore,

    /// <summary>They begin with a word that is no known method. With the rest of a request line behind it, it is one; a word alone hardly is.</summary>
    Unlikely,

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

    /// <summary>The registered methods (IANA, HTTP Method Registry), and those that servers of UPnP and caches made common.</summary>
    private static readonly byte[][] KnownMethods =
    [
        .. ("ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF "
            + "MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PRI PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK "
            + "UPDATE UPDATEREDIRECTREF VERSION-CONTROL M-SEARCH NOTIFY SUBSCRIBE UNSUBSCRIBE PURGE").Split(' ').Select(Encoding.ASCII.GetBytes),
    ];

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
        if (methodEnd < 0)
        {
            if (bytes.Length > MaxMethodOctets) return SniffedProtocol.NotHttp;
            return IsKnownMethod(bytes, isWhole: false) ? SniffedProtocol.NeedMore : SniffedProtocol.Unlikely;
        }

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
            if (isFull) return SniffedProtocol.Http11;
            return IsKnownMethod(bytes[..methodEnd], isWhole: true) ? SniffedProtocol.NeedMore : SniffedProtocol.Unlikely;
        }

        if (space < 0 || rest[control] is not ((byte)'\r' or (byte)'\n')) return SniffedProtocol.NotHttp;
        ReadOnlySpan<byte> version = line[(space + 1)..];
        if (version.SequenceEqual("HTTP/1.1"u8)) return SniffedProtocol.Http11;
        return version.SequenceEqual("HTTP/1.0"u8) ? SniffedProtocol.Http10 : SniffedProtocol.NotHttp;
    }

    private static bool IsKnownMethod(ReadOnlySpan<byte> word, bool isWhole)
    {
        foreach (byte[] method in KnownMethods)
        {
            if (isWhole ? word.SequenceEqual(method) : method.AsSpan().StartsWith(word)) return true;
        }

        return false;
    }

    private static bool StartsLikeVersion(ReadOnlySpan<byte> text) =>
        text.Length <= 8 && ("HTTP/1.1"u8.StartsWith(text) || "HTTP/1.0"u8.StartsWith(text));
}
