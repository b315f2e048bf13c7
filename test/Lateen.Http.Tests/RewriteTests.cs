namespace Lateen.Http.Tests;

public sealed class RewriteTests
{
    [Fact]
    public void Rewritten_path_keeps_the_query_and_the_original()
    {
        HttpRequestHead head = Exchange.Head("GET /old/x?q=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        head.SetPath("/new/y"u8);
        Assert.Equal("/new/y", Reading.Text(head.Path));
        Assert.Equal("q=1", Reading.Text(head.Query));
        Assert.Equal("/old/x?q=1", Reading.Text(head.OriginalPathAndQuery));
        Assert.Equal("GET /new/y?q=1 HTTP/1.1\r\nhost: a\r\n\r\n", Wire.Of(head));
        head.SetPathAndQuery("/z"u8);
        Assert.False(head.HasQuery);
        Assert.Equal("GET /z HTTP/1.1\r\nhost: a\r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Rewritten_authority_becomes_the_host()
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        head.SetAuthority("New.Example:90"u8);
        Assert.Equal(("new.example", 90), (Reading.Text(head.Host), head.Port));
        Assert.Equal("GET / HTTP/1.1\r\nhost: New.Example:90\r\n\r\n", Wire.Of(head));
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("/a b")]
    [InlineData("/a\r\nX: 1")]
    [InlineData("/a#b")]
    public void Rewrite_that_would_break_the_request_line_throws(string path)
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Throws<ArgumentException>(() => head.SetPath(Reading.Bytes(path)));
        Assert.Throws<ArgumentException>(() => head.SetPathAndQuery(Reading.Bytes(path)));
        Assert.Throws<ArgumentException>(() => head.SetAuthority(Reading.Bytes(path + "/")));
        Assert.Throws<ArgumentException>(() => head.SetMethod(RequestMethod.Other, Reading.Bytes(path + " ")));
        Assert.Equal("GET / HTTP/1.1\r\nhost: a\r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Request_of_our_own_can_be_built()
    {
        var head = new HttpRequestHead();
        head.SetMethod(RequestMethod.Get);
        head.SetAuthority("health.example"u8);
        head.SetPathAndQuery("/ready?deep"u8);
        head.Headers.Add(KnownHeader.UserAgent, "lateen"u8);
        Assert.Equal("GET /ready?deep HTTP/1.1\r\nhost: health.example\r\nuser-agent: lateen\r\nconnection: close\r\n\r\n", Wire.Of(head, RequestWriteOptions.Close));
    }

    [Fact]
    public void Target_can_be_written_in_absolute_form()
    {
        HttpRequestHead head = Exchange.Head("GET /a?b HTTP/1.1\r\nHost: a.example\r\n\r\n");
        Assert.Equal("GET http://a.example/a?b HTTP/1.1\r\nhost: a.example\r\n\r\n", Wire.Of(head, RequestWriteOptions.AbsoluteForm));
        head = Exchange.Head("OPTIONS * HTTP/1.1\r\nHost: a.example:8001\r\n\r\n");
        Assert.Equal("OPTIONS http://a.example:8001 HTTP/1.1\r\nhost: a.example:8001\r\n\r\n", Wire.Of(head, RequestWriteOptions.AbsoluteForm));
    }

    [Fact]
    public void Framing_that_a_filter_declares_replaces_the_one_received()
    {
        HttpRequestHead head = Exchange.Head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        head.SetBody(BodyFraming.Chunked);
        Assert.Equal("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n", Wire.Of(head));
        head.SetBody(BodyFraming.Length, 7);
        Assert.Equal("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 7\r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Writer_takes_no_span_that_is_too_small_and_fits_exactly()
    {
        HttpRequestHead head = Exchange.Head("POST /a?b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B:2\r\nTE: trailers\r\nContent-Length: 5\r\n\r\n");
        string whole = Wire.Of(head, RequestWriteOptions.Close);
        HttpResponseHead response = Exchange.ResponseHead("HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B:2\r\nContent-Length: 5\r\n\r\n");
        ResponsePlan plan = ResponsePlan.For(response, RequestMethod.Get, HttpProtocol.Http11, keepAlive: false);
        string wholeResponse = Wire.Of(response, plan);
        for (int size = 0; size < whole.Length; size++)
        {
            Assert.False(Http1Writer.TryWriteRequest(head, RequestWriteOptions.Close, new byte[size], out int written));
            Assert.Equal(0, written);
        }

        for (int size = 0; size < wholeResponse.Length; size++)
            Assert.False(Http1Writer.TryWriteResponse(response, plan, new byte[size], out _));
        byte[] exact = new byte[whole.Length];
        Assert.True(Http1Writer.TryWriteRequest(head, RequestWriteOptions.Close, exact, out int length));
        Assert.Equal(whole, Reading.Text(exact.AsSpan(0, length)));
    }

    [Theory]
    [InlineData(1, "1\r\n")]
    [InlineData(255, "ff\r\n")]
    [InlineData(65536, "10000\r\n")]
    [InlineData(long.MaxValue, "7fffffffffffffff\r\n")]
    public void Chunk_prefix_is_hexadecimal(long length, string expected)
    {
        byte[] buffer = new byte[Http1Writer.MaxChunkPrefixOctets];
        Assert.True(Http1Writer.TryWriteChunkPrefix(length, buffer, out int written));
        Assert.Equal(expected, Reading.Text(buffer.AsSpan(0, written)));
        Assert.False(Http1Writer.TryWriteChunkPrefix(length, new byte[expected.Length - 1], out _));
    }

    [Fact]
    public void Chunk_of_nothing_cannot_be_written_by_mistake()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Http1Writer.TryWriteChunkPrefix(0, new byte[20], out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => Http1Writer.TryWriteChunk(default, new byte[20], out _));
    }

    [Fact]
    public void Chunks_and_trailers_that_are_written_are_read_back()
    {
        byte[] buffer = new byte[400];
        int at = 0;
        foreach (string payload in new[] { "hello ", "world", new string('x', 100) })
        {
            Assert.True(Http1Writer.TryWriteChunk(Reading.Bytes(payload), buffer.AsSpan(at), out int written));
            at += written;
        }

        var trailers = new HeaderBlock();
        trailers.Add(KnownHeader.GrpcStatus, "0"u8);
        trailers.Add("X-Sum"u8, "abc"u8);
        Assert.True(Http1Writer.TryWriteLastChunk(trailers, buffer.AsSpan(at), out int last));
        Reading reading = Exchange.Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + Reading.Text(buffer.AsSpan(0, at + last)));
        Assert.Equal(("complete", "hello world" + new string('x', 100), "grpc-status: 0\nX-Sum: abc\n"), (reading.Verdict, reading.Payload, reading.Trailers));
        Assert.True(Http1Writer.TryWriteLastChunk(null, buffer, out last));
        Assert.Equal(Reading.Text(Http1Writer.LastChunk), Reading.Text(buffer.AsSpan(0, last)));
    }
}
