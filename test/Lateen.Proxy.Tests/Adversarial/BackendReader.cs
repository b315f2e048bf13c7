using System.Globalization;
using System.Text;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>
/// What servers make of a request's head that the proxy sent them, written without a look at the proxy's own code: a strict one that takes every
/// byte as it stands, and a lenient one that decodes, trims, folds and resolves whatever some server is known to.
/// </summary>
internal sealed class BackendReader
{
    private readonly List<string> _roles = [];

    private BackendReader(string method, string path, HostName host)
    {
        Method = method;
        Path = LenientPath = path;
        Host = host;
    }

    /// <summary>As it stands; a lenient server takes it in capitals.</summary>
    public string Method { get; }

    public HostName Host { get; }

    /// <summary>Without the query, as it stands.</summary>
    public string Path { get; }

    /// <summary>As a lenient server reads it.</summary>
    public string LenientPath { get; private set; }

    /// <summary>Some server reads it in a way that is neither of these: it ends or trims what it decoded, or cannot decode it.</summary>
    public bool IsPathInDoubt { get; private set; }

    public bool IsHostInDoubt => Host.Written.Contains('%', StringComparison.Ordinal);

    /// <summary>The values of the field <c>x-role</c>.</summary>
    public IReadOnlyList<string> Roles => _roles;

    public static BackendReader Read(string head)
    {
        ReadOnlySpan<char> text = head.AsSpan(0, head.IndexOf("\r\n\r\n", StringComparison.Ordinal));
        ReadOnlySpan<char> start = Line(ref text);
        int first = start.IndexOf(' '), last = start.LastIndexOf(' ');
        if (first <= 0 || last == first || start[(first + 1)..last].Contains(' ') || !start[(last + 1)..].SequenceEqual("HTTP/1.1")) Assert.Fail($"no request line: {start}");
        ReadOnlySpan<char> target = start[(first + 1)..last];
        int mark = target.IndexOf('?');
        HostName? host = null;
        var roles = new List<string>();
        while (!text.IsEmpty)
        {
            ReadOnlySpan<char> line = Line(ref text);
            int colon = line.IndexOf(':');
            if (colon <= 0 || line[colon - 1] is ' ' or '\t' || line[0] is ' ' or '\t' || line.ContainsAny('\r', '\n', '\0')) Assert.Fail($"no field: {line}");
            ReadOnlySpan<char> value = line[(colon + 1)..].Trim(" \t");
            if (line[..colon].Equals("x-role", StringComparison.OrdinalIgnoreCase)) roles.Add(value.ToString());
            if (!line[..colon].Equals("host", StringComparison.OrdinalIgnoreCase)) continue;
            Assert.Null(host);
            host = Name(value.ToString());
        }

        Assert.NotNull(host);
        var read = new BackendReader(start[..first].ToString(), (mark < 0 ? target : target[..mark]).ToString(), host);
        read._roles.AddRange(roles);
        if (!read.Path.StartsWith('/')) return read;
        read.LenientPath = Resolve(Decode(read.Path, out bool isInDoubt));
        read.IsPathInDoubt = isInDoubt;
        return read;
    }

    private static ReadOnlySpan<char> Line(ref ReadOnlySpan<char> text)
    {
        int end = text.IndexOf("\r\n");
        ReadOnlySpan<char> line = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 2)..];
        return line;
    }

    private static HostName Name(string host)
    {
        string lower = host.ToLowerInvariant();
        int colon = lower.LastIndexOf(':');
        if (colon < 0 || lower.EndsWith(']')) return new HostName(lower, lower.TrimEnd('.'));
        string port = lower[(colon + 1)..];
        return new HostName(lower, lower[..colon].TrimEnd('.') + (port.Length == 0 ? "" : ":" + int.Parse(port, CultureInfo.InvariantCulture).ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>A host and its port, in lower case: as it was written, and without what makes no other name of it (the root's dot, zeros, an empty port).</summary>
    internal sealed record HostName(string Written, string Plain);

    private static string Decode(string path, out bool isInDoubt)
    {
        isInDoubt = false;
        if (!path.Contains('%', StringComparison.Ordinal)) return path;
        int last = -1;
        var decoded = new StringBuilder();
        for (int i = 0; i < path.Length; i++)
        {
            if (path[i] != '%')
            {
                last = -1;
                decoded.Append(path[i]);
                continue;
            }

            if (i + 2 >= path.Length || !int.TryParse(path.AsSpan(i + 1, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int octet))
            {
                isInDoubt = true;
                return path;
            }

            // Where a server that decodes before it looks for query and fragment cuts the path, or one that trims does, or a text ends; UTF-8 in more octets than a character
            // needs (RFC 3629 section 3).
            isInDoubt |= octet is < 0x20 or 0x7F or '?' or '#' or 0xC0 or 0xC1 || (last, octet) is (0xE0, >= 0x80 and < 0xA0) or (0xF0, >= 0x80 and < 0x90);
            last = octet;
            decoded.Append((char)octet);
            i += 2;
        }

        return decoded.ToString();
    }

    private static string Resolve(string path)
    {
        var kept = new List<string>();
        bool isFolder = false;
        foreach (string raw in path.Replace('\\', '/').Split('/').Skip(1))
        {
            string segment = raw.Split(';')[0];
            isFolder = segment is "" or "." or "..";
            if (segment == "..")
            {
                if (kept.Count > 0) kept.RemoveAt(kept.Count - 1);
            }
            else if (!isFolder)
            {
                kept.Add(segment);
            }
        }

        return kept.Count == 0 ? "/" : "/" + string.Join('/', kept) + (isFolder ? "/" : "");
    }
}
