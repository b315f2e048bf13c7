using System.Globalization;
using System.Text;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>
/// What servers make of a request's head that the proxy sent them, written without a look at the proxy's own code: a strict one that takes every
/// byte as it stands, and a lenient one that decodes, trims, folds and resolves whatever some server is known to.
/// </summary>
internal sealed class BackendReader
{
    private readonly List<(string Name, string Value)> _fields = [];

    private BackendReader(string method, HostName host, string path)
    {
        Method = method;
        Host = host;
        Path = path;
    }

    public string Method { get; }

    public HostName Host { get; }

    /// <summary>Without the query; null when the reader does not know what to make of it.</summary>
    public string? Path { get; private set; }

    /// <summary>Some server reads it in a way that is neither of these.</summary>
    public bool IsPathInDoubt { get; private set; }

    public bool IsHostInDoubt => Host.Written.Contains('%', StringComparison.Ordinal);

    public string[] Values(string name) => [.. _fields.Where(field => field.Name == name).Select(static field => field.Value)];

    public static BackendReader Strict(string head)
    {
        string[] lines = head[..head.IndexOf("\r\n\r\n", StringComparison.Ordinal)].Split("\r\n");
        string[] start = lines[0].Split(' ');
        Assert.True(start.Length == 3 && start[2] == "HTTP/1.1", $"no request line: {lines[0]}");
        string[] hosts = [.. lines.Where(static line => line.StartsWith("host:", StringComparison.OrdinalIgnoreCase)).Select(static line => line[5..].Trim(' '))];
        Assert.Single(hosts);
        int mark = start[1].IndexOf('?', StringComparison.Ordinal);
        var read = new BackendReader(start[0], Name(hosts[0]), mark < 0 ? start[1] : start[1][..mark]);
        foreach (string line in lines[1..])
        {
            Assert.DoesNotContain(line, static c => c is '\r' or '\n' or '\0');
            int colon = line.IndexOf(':', StringComparison.Ordinal);
            Assert.True(colon > 0 && line[colon - 1] is not (' ' or '\t') && line[0] is not (' ' or '\t'), $"no field: {line}");
            read._fields.Add((line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim(' ', '\t')));
        }

        return read;
    }

    public static BackendReader Lenient(string head)
    {
        BackendReader strict = Strict(head);
        var read = new BackendReader(strict.Method.ToUpperInvariant(), strict.Host, strict.Path!);
        read._fields.AddRange(strict._fields);
        if (!strict.Path!.StartsWith('/')) return read;
        read.Path = Resolve(Decode(strict.Path, out bool isInDoubt));
        read.IsPathInDoubt = isInDoubt;
        return read;
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

            // An end of text for some; UTF-8 in more octets than a character needs (RFC 3629 section 3).
            isInDoubt |= octet is 0 or 0xC0 or 0xC1 || (last, octet) is (0xE0, >= 0x80 and < 0xA0) or (0xF0, >= 0x80 and < 0x90);
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
