using System.Text;

namespace Lateen.Http;

/// <summary>The 61 entries of RFC 7541 appendix A, and the way from a known field name to its entry.</summary>
internal static class HpackStaticTable
{
    internal const int Count = 61;

    internal const int Authority = 1;
    internal const int MethodGet = 2;
    internal const int MethodPost = 3;
    internal const int Path = 4;
    internal const int SchemeHttp = 6;
    internal const int SchemeHttps = 7;
    internal const int Status = 8;

    private static readonly Entry[] Entries = Build();
    private static readonly byte[] IndexOfName = BuildNames();

    /// <summary>The entry at an index, 1 to 61.</summary>
    internal static ref readonly Entry At(int index) => ref Entries[index];

    /// <summary>The index of an entry with this name, or 0.</summary>
    internal static int IndexOf(KnownHeader id) => IndexOfName[(int)id];

    /// <summary>The index of <c>:status</c> with this value, or 0.</summary>
    internal static int IndexOfStatus(int status) => status switch
    {
        200 => 8,
        204 => 9,
        206 => 10,
        304 => 11,
        400 => 12,
        404 => 13,
        500 => 14,
        _ => 0,
    };

    private static byte[] BuildNames()
    {
        byte[] byName = new byte[KnownHeaders.Count];
        for (int i = Count; i > 0; i--)
            if (Entries[i].Id != KnownHeader.None) byName[(int)Entries[i].Id] = (byte)i;
        return byName;
    }

    private static Entry[] Build()
    {
        string[] lines =
        [
            "", ":authority", ":method GET", ":method POST", ":path /", ":path /index.html", ":scheme http", ":scheme https",
            ":status 200", ":status 204", ":status 206", ":status 304", ":status 400", ":status 404", ":status 500",
            "accept-charset", "accept-encoding gzip, deflate", "accept-language", "accept-ranges", "accept", "access-control-allow-origin",
            "age", "allow", "authorization", "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
            "content-location", "content-range", "content-type", "cookie", "date", "etag", "expect", "expires", "from", "host", "if-match",
            "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-modified", "link", "location", "max-forwards",
            "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh", "retry-after", "server", "set-cookie",
            "strict-transport-security", "transfer-encoding", "user-agent", "vary", "via", "www-authenticate",
        ];
        return Array.ConvertAll(lines, static line =>
        {
            int space = line.IndexOf(' ', StringComparison.Ordinal);
            byte[] name = Encoding.ASCII.GetBytes(space < 0 ? line : line[..space]);
            byte[] value = space < 0 ? [] : Encoding.ASCII.GetBytes(line[(space + 1)..]);
            bool isPseudo = name is [(byte)':', ..];
            return new Entry(name, value, isPseudo ? KnownHeader.None : KnownHeaders.Recognize(name));
        });
    }

    /// <summary>One entry; the value is empty where the appendix has none.</summary>
    internal readonly record struct Entry(byte[] Name, byte[] Value, KnownHeader Id);
}
