using System.Text;
using Lateen.Proxy.Listeners.Detection;

namespace Lateen.Proxy.Tests.Detection;

/// <summary>HTTP told from what looks like it, with all bytes and with any part of them.</summary>
public sealed class HttpSnifferTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", "Http11")]
    [InlineData("GET / HTTP/1.0\r\n", "Http10")]
    [InlineData("POST http://a/b?c=d HTTP/1.1\nHost: a\n\n", "Http11")]
    [InlineData("OPTIONS * HTTP/1.1\r\n\r\n", "Http11")]
    [InlineData("CONNECT a:443 HTTP/1.1\r\n", "Http11")]
    [InlineData("M-SEARCH /x HTTP/1.1\r\n", "Http11")]
    [InlineData("\r\nGET / HTTP/1.1\r\n", "Http11")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "Http2")]
    public void Http_is_found_with_its_last_byte_and_not_before(string text, string expected)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        var end = text.StartsWith("PRI", StringComparison.Ordinal) ? bytes.Length : text.IndexOf('\n', 2) + 1;
        for (var length = 0; length < end - 1; length++)
        {
            // A carriage return after the version is enough.
            if (bytes[length] == '\n' || (length > 0 && bytes[length - 1] == '\r')) continue;
            Assert.Equal(SniffedProtocol.NeedMore, HttpSniffer.Sniff(bytes.AsSpan(0, length)));
        }

        Assert.Equal(expected, HttpSniffer.Sniff(bytes).ToString());
    }

    [Theory]
    [InlineData("*1\r\n$4\r\nPING\r\n")]
    [InlineData("PING\r\n")]
    [InlineData("get key\r\n")]
    [InlineData("NICK name\r\nUSER x 0 * :x\r\n")]
    [InlineData("HELO example.org\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001")]
    [InlineData("\u0000\u0000\u0000\u0008\u0004\u00d2\u0016\u002f")]
    [InlineData(" GET / HTTP/1.1\r\n")]
    [InlineData("GET  / HTTP/1.1\r\n")]
    [InlineData("GET / HTTP/1.2\r\n")]
    [InlineData("GET / HTTP/1.1 x\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n")]
    [InlineData("AVERYLONGWORDTHATISNOMETHODOFANYPROTOCOLONEARTH")]
    public void What_is_not_http_is_never_taken_for_it(string text)
    {
        var bytes = Encoding.Latin1.GetBytes(text);
        for (var length = 0; length < bytes.Length; length++)
            Assert.Contains(HttpSniffer.Sniff(bytes.AsSpan(0, length)), new[] { SniffedProtocol.NeedMore, SniffedProtocol.Unlikely, SniffedProtocol.NotHttp });

        Assert.Equal(SniffedProtocol.NotHttp, HttpSniffer.Sniff(bytes));
    }

    [Theory]
    [InlineData("ruok")]
    [InlineData("PI")]
    [InlineData("STATUS")]
    [InlineData("AUTH secret")]
    [InlineData("GETS / HTTP/1.1")]
    [InlineData("\r\nBREW /pot HTTP/1.1")]
    public void A_word_that_is_no_known_method_is_hardly_a_request(string text) =>
        Assert.Equal(SniffedProtocol.Unlikely, HttpSniffer.Sniff(Encoding.Latin1.GetBytes(text)));

    [Fact]
    public void A_whole_request_line_is_http_whatever_its_method() =>
        Assert.Equal(SniffedProtocol.Http11, HttpSniffer.Sniff("BREW /pot HTTP/1.1\r\n"u8));

    [Fact]
    public void A_request_line_that_does_not_end_is_http_that_is_too_long()
    {
        var bytes = Encoding.Latin1.GetBytes("GET /" + new string('a', 70_000));

        Assert.Equal(SniffedProtocol.NeedMore, HttpSniffer.Sniff(bytes));
        Assert.Equal(SniffedProtocol.Http11, HttpSniffer.Sniff(bytes, isFull: true));
    }
}
