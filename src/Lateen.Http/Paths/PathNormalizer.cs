using System.Buffers;
using System.Diagnostics;

namespace Lateen.Http;

/// <summary>
/// Brings a path to the form that a <see cref="PathPolicy"/> asks for. A path that is in that form already, which is nearly every path,
/// is found so by one vectorised search and not copied.
/// </summary>
/// <remarks>
/// No step makes a path longer, so one buffer of the original's length takes them all in place. Escapes are decoded once and never again:
/// <c>%252e</c> stays as it is. Dot segments stop at the root (RFC 3986 section 5.2.4).
/// </remarks>
internal static class PathNormalizer
{
    private static readonly SearchValues<byte> Suspicious = SearchValues.Create("%\\./"u8);

    internal static HttpRejectionCode Apply(PathPolicy policy, HttpRequestHead head)
    {
        ReadOnlySpan<byte> path = head.Path;
        if (IsNormal(path)) return HttpRejectionCode.None;

        HeaderBlock store = head.Headers;
        int queryLength = head.PathAndQuery.Length - path.Length; // The question mark is in it.
        Span<byte> target = store.Reserved(path.Length + queryLength);
        path = head.Path; // The reservation may have moved the store.
        path.CopyTo(target);
        int length = path.Length;
        bool unescaped = false;

        if (policy.EscapedSlashes != EscapedSlashAction.KeepUnchanged)
        {
            int before = length;
            length = UnescapeSlashes(target[..length]);
            unescaped = length != before;
            if (unescaped && policy.EscapedSlashes == EscapedSlashAction.RejectRequest) return HttpRejectionCode.PathEscapedSlash;
        }

        if (policy.Normalize)
        {
            HttpRejectionCode code = DecodeUnreserved(target[..length], out length);
            if (code != HttpRejectionCode.None) return code;
            length = RemoveDotSegments(target[..length]);
        }

        if (policy.MergeSlashes) length = MergeSlashes(target[..length]);

        head.PathAndQuery[path.Length..].CopyTo(target[length..]);
        head.WantsPathRedirect = unescaped && policy.EscapedSlashes == EscapedSlashAction.UnescapeAndRedirect;
        head.SetNormalizedPath(store.Commit(length + queryLength), length);
        return HttpRejectionCode.None;
    }

    /// <summary>True for paths that no policy would change: no escape, no backslash, no segment that starts with a dot, no empty segment.</summary>
    private static bool IsNormal(ReadOnlySpan<byte> path)
    {
        Debug.Assert(path.Length > 0 && path[0] == '/', "the target's form was checked");
        int at = 1;
        while (true)
        {
            int found = path[at..].IndexOfAny(Suspicious);
            if (found < 0) return true;
            at += found;
            byte b = path[at];
            if (b is (byte)'%' or (byte)'\\' || path[at - 1] == '/') return false;
            at++;
        }
    }

    /// <summary><c>%2F</c> to <c>/</c> and <c>%5C</c> to <c>\</c>, once.</summary>
    private static int UnescapeSlashes(Span<byte> path)
    {
        int write = 0;
        for (int read = 0; read < path.Length; read++, write++)
        {
            byte b = path[read];
            if (b == '%' && PercentEncoding.TryDecode(path[read..], out byte octet) && octet is (byte)'/' or (byte)'\\')
            {
                b = octet;
                read += 2;
            }

            path[write] = b;
        }

        return write;
    }

    /// <summary>Escapes of unreserved characters to what they stand for (RFC 3986 section 6.2.2.2), <c>\</c> to <c>/</c>; others stay, case of hex included.</summary>
    private static HttpRejectionCode DecodeUnreserved(Span<byte> path, out int length)
    {
        int write = 0;
        length = 0;
        for (int read = 0; read < path.Length; read++)
        {
            byte b = path[read];
            if (b == '\\') b = (byte)'/';
            if (b == '%')
            {
                if (!PercentEncoding.TryDecode(path[read..], out byte octet)) return HttpRejectionCode.PathEscapeMalformed;
                if (octet == 0) return HttpRejectionCode.PathEscapedNul;
                if (IsUnreserved(octet))
                {
                    b = octet;
                }
                else
                {
                    path[write++] = b;
                    path[write++] = path[read + 1];
                    b = path[read + 2];
                }

                read += 2;
            }

            path[write++] = b;
        }

        length = write;
        return HttpRejectionCode.None;
    }

    /// <summary>RFC 3986 section 5.2.4, in place: <c>write</c> is always at the end of a segment, so going up is a search for its slash.</summary>
    private static int RemoveDotSegments(Span<byte> path)
    {
        int write = 0;
        int read = 0;
        while (read < path.Length)
        {
            // path[read] is the slash that opens a segment.
            int length = path[(read + 1)..].IndexOf((byte)'/');
            bool isLast = length < 0;
            if (isLast) length = path.Length - read - 1;
            Span<byte> segment = path.Slice(read + 1, length);
            if (segment is [(byte)'.'] or [(byte)'.', (byte)'.'])
            {
                if (segment.Length == 2) write = Math.Max(path[..write].LastIndexOf((byte)'/'), 0);
                if (isLast) path[write++] = (byte)'/';
            }
            else
            {
                path.Slice(read, length + 1).CopyTo(path[write..]);
                write += length + 1;
            }

            read += length + 1;
        }

        return write;
    }

    private static int MergeSlashes(Span<byte> path)
    {
        int write = 0;
        foreach (byte b in path)
        {
            if (b == '/' && write > 0 && path[write - 1] == '/') continue;
            path[write++] = b;
        }

        return write;
    }

    private static bool IsUnreserved(byte b) => char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~';
}
