using System.Text;
using Lateen.Http;

namespace Lateen.Proxy.Tests.Routing;

/// <summary>Requests for routing tests, read by the real parser from what a client would send.</summary>
internal static class Call
{
    private static readonly Http1RequestParser Parser = new(new Http1RequestOptions());

    /// <summary>A GET of <paramref name="path"/> at <paramref name="host"/>, with header lines as on the wire.</summary>
    public static HttpRequestHead Get(string host, string path, params string[] headers) => Of("GET", host, path, headers);

    public static HttpRequestHead Of(string method, string host, string path, params string[] headers)
    {
        var text = $"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{string.Concat(headers.Select(header => header + "\r\n"))}\r\n";
        var head = new HttpRequestHead();
        Assert.Equal(ParseStatus.Complete, Parser.Parse(head, Encoding.Latin1.GetBytes(text), out _));
        return head;
    }

    public static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);

    public static string? Header(HeaderBlock headers, string name)
    {
        var values = new List<string>();
        for (var at = headers.IndexOf(Encoding.ASCII.GetBytes(name)); at >= 0; at = headers.IndexOf(Encoding.ASCII.GetBytes(name), at + 1))
        {
            values.Add(Text(headers[at].Value));
        }

        return values.Count == 0 ? null : string.Join("|", values);
    }
}
