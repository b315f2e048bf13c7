namespace Lateen.Http.Tests;

public sealed class PathNormalizationTests
{
    [Theory]
    [InlineData("/", "/", "/", "/", "/")]
    [InlineData("/a/b", "/a/b", "/a/b", "/a/b", "/a/b")]
    [InlineData("/a/./b", "/a/./b", "/a/b", "/a/b", "/a/b")]
    [InlineData("/a/../b", "/a/../b", "/b", "/b", "/b")]
    [InlineData("/a/b/..", "/a/b/..", "/a/", "/a/", "/a/")]
    [InlineData("/a/b/.", "/a/b/.", "/a/b/", "/a/b/", "/a/b/")]
    [InlineData("/..", "/..", "/", "/", "/")]
    [InlineData("/../../etc/passwd", "/../../etc/passwd", "/etc/passwd", "/etc/passwd", "/etc/passwd")]
    [InlineData("/a/.../b", "/a/.../b", "/a/.../b", "/a/.../b", "/a/.../b")]
    [InlineData("/.a/..b", "/.a/..b", "/.a/..b", "/.a/..b", "/.a/..b")]
    [InlineData("/a/%2e%2E/b", "/a/%2e%2E/b", "/b", "/b", "/b")]
    [InlineData("/a/.%2e/b", "/a/.%2e/b", "/b", "/b", "/b")]
    [InlineData("/%61dmin", "/%61dmin", "/admin", "/admin", "/admin")]
    [InlineData("/a%7Eb%5fc%2d", "/a%7Eb%5fc%2d", "/a~b_c-", "/a~b_c-", "/a~b_c-")]
    [InlineData("/a%20b%3fc%23", "/a%20b%3fc%23", "/a%20b%3fc%23", "/a%20b%3fc%23", "/a%20b%3fc%23")]
    [InlineData("/%252e%252e/b", "/%252e%252e/b", "/%252e%252e/b", "/%252e%252e/b", "/%252e%252e/b")]
    [InlineData("/a\\b", "/a\\b", "/a/b", "/a/b", "/a/b")]
    [InlineData("/a\\..\\b", "/a\\..\\b", "/b", "/b", "/b")]
    [InlineData("/a//b", "/a//b", "/a//b", "/a/b", "/a/b")]
    [InlineData("//a///b//", "//a///b//", "//a///b//", "/a/b/", "/a/b/")]
    [InlineData("/a//../b", "/a//../b", "/a/b", "/a/b", "/a/b")]
    [InlineData("/a/\\b", "/a/\\b", "/a//b", "/a/b", "/a/b")]
    [InlineData("/a%2Fb", "/a%2Fb", "/a%2Fb", "/a%2Fb", "/a/b")]
    [InlineData("/a%2fb", "/a%2fb", "/a%2fb", "/a%2fb", "/a/b")]
    [InlineData("/a%5Cb", "/a%5Cb", "/a%5Cb", "/a%5Cb", "/a/b")]
    [InlineData("/a/%2F%2f/b", "/a/%2F%2f/b", "/a/%2F%2f/b", "/a/%2F%2f/b", "/a/b")]
    [InlineData("/a%2f..%2fb", "/a%2f..%2fb", "/a%2f..%2fb", "/a%2f..%2fb", "/b")]
    [InlineData("/a%252Fb", "/a%252Fb", "/a%252Fb", "/a%252Fb", "/a%252Fb")]
    [InlineData("/file.tar.gz", "/file.tar.gz", "/file.tar.gz", "/file.tar.gz", "/file.tar.gz")]
    public void Each_level_brings_a_path_to_one_form(string path, string none, string basic, string merged, string decoded)
    {
        string[] expected = [none, basic, merged, decoded];
        foreach (PathNormalization level in Enum.GetValues<PathNormalization>())
        {
            foreach (string query in new[] { "", "?", "?x=/../%2F//\\" })
            {
                var options = new Http1RequestOptions { Path = PathPolicy.For(level) };
                HttpRequestHead head = Exchange.Head($"GET {path}{query} HTTP/1.1\r\nHost: a\r\n\r\n", options);
                Assert.Equal(expected[(int)level], Reading.Text(head.Path));
                Assert.Equal(expected[(int)level] + query, Reading.Text(head.PathAndQuery));
                Assert.Equal(query.Length > 0 ? query[1..] : "", Reading.Text(head.Query));
                Assert.Equal(path + query, Reading.Text(head.OriginalPathAndQuery));
                Assert.False(head.WantsPathRedirect);
            }
        }
    }

    [Theory]
    [InlineData("/a%")]
    [InlineData("/a%2")]
    [InlineData("/a%zz")]
    [InlineData("/a%2g/b")]
    [InlineData("/%%41")]
    [InlineData("/%u002e")]
    public void Rfc3986_2_1_percent_sign_without_two_hex_digits_is_refused_when_normalising(string path)
    {
        RequestLineTests.Refused($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n", 400, HttpRejectionCode.PathEscapeMalformed, Base);
        Assert.Equal("complete", Exchange.Request($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").Verdict);
    }

    [Fact]
    public void Escaped_nul_is_refused_when_normalising() =>
        RequestLineTests.Refused("GET /a%00.jpg HTTP/1.1\r\nHost: a\r\n\r\n", 400, HttpRejectionCode.PathEscapedNul, Base);

    [Theory]
    [InlineData("/a%2Fb")]
    [InlineData("/a%5cb")]
    public void Escaped_slash_can_be_refused(string path)
    {
        var options = new Http1RequestOptions { Path = new PathPolicy { EscapedSlashes = EscapedSlashAction.RejectRequest } };
        RequestLineTests.Refused($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n", 400, HttpRejectionCode.PathEscapedSlash, options);
        Assert.Equal("complete", Exchange.Request("GET /a%2Eb//c HTTP/1.1\r\nHost: a\r\n\r\n", options).Verdict);
    }

    [Fact]
    public void Escaped_slash_can_ask_for_a_redirect_to_the_decoded_path()
    {
        var options = new Http1RequestOptions { Path = new PathPolicy { Normalize = true, EscapedSlashes = EscapedSlashAction.UnescapeAndRedirect } };
        HttpRequestHead head = Exchange.Head("GET /a%2Fb?q HTTP/1.1\r\nHost: a\r\n\r\n", options);
        Assert.True(head.WantsPathRedirect);
        Assert.Equal("/a/b?q", Reading.Text(head.PathAndQuery));
        Assert.False(Exchange.Head("GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", options).WantsPathRedirect);
    }

    [Fact]
    public void Envoys_switches_work_one_without_the_other()
    {
        var merge = new Http1RequestOptions { Path = new PathPolicy { MergeSlashes = true } };
        Assert.Equal("/a/../b%2e", Reading.Text(Exchange.Head("GET //a//..//b%2e HTTP/1.1\r\nHost: a\r\n\r\n", merge).Path));
        var unescape = new Http1RequestOptions { Path = new PathPolicy { EscapedSlashes = EscapedSlashAction.UnescapeAndForward } };
        Assert.Equal("/a/../b\\c", Reading.Text(Exchange.Head("GET /a%2F..%2fb%5Cc HTTP/1.1\r\nHost: a\r\n\r\n", unescape).Path));
    }

    [Fact]
    public void Absolute_target_is_normalised_too()
    {
        HttpRequestHead head = Exchange.Head("GET http://a/b/../c HTTP/1.1\r\nHost: a\r\n\r\n", Base);
        Assert.Equal("/c", Reading.Text(head.Path));
        Assert.Equal("/b/../c", Reading.Text(head.OriginalPathAndQuery));
    }

    [Fact]
    public void Normal_form_is_a_fixed_point_for_random_paths()
    {
        string[] parts = ["/", "//", ".", "..", "a", "%2e", "%2F", "%5C", "\\", "%41", "%25", "b~", "%c3%a9"];
        var random = new Random(20261123);
        for (int i = 0; i < 3000; i++)
        {
            string path = "/" + string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => parts[random.Next(parts.Length)]));
            foreach (PathNormalization level in Enum.GetValues<PathNormalization>())
            {
                var options = new Http1RequestOptions { Path = PathPolicy.For(level) };
                string once = Reading.Text(Exchange.Head($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n", options).Path);
                if (level == PathNormalization.DecodeAndMergeSlashes) continue; // %252F is decoded once each time, so it has no fixed point.
                string twice = Reading.Text(Exchange.Head($"GET {once} HTTP/1.1\r\nHost: a\r\n\r\n", options).Path);
                Assert.True(once == twice, $"{level}: {path} -> {once} -> {twice}");
                if (level == PathNormalization.None) continue;
                Assert.DoesNotContain("/../", once + "/", StringComparison.Ordinal);
                Assert.DoesNotContain("/./", once + "/", StringComparison.Ordinal);
                Assert.DoesNotContain("\\", once, StringComparison.Ordinal);
            }
        }
    }

    private static Http1RequestOptions Base => new() { Path = PathPolicy.For(PathNormalization.Base) };
}
