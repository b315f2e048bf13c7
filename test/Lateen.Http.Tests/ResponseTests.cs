namespace Lateen.Http.Tests;

public sealed class ResponseTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK", 200, "OK")]
    [InlineData("HTTP/1.1 200 ", 200, "")]
    [InlineData("HTTP/1.1 200", 200, "")]
    [InlineData("HTTP/1.1 404 Not \tFound\u00e9", 404, "Not \tFound\u00e9")]
    [InlineData("HTTP/1.0 599 x", 599, "x")]
    public void Rfc9112_4_status_line_is_read_with_or_without_a_reason(string line, int status, string reason)
    {
        string message = line + "\r\nContent-Length: 0\r\n\r\n";
        HttpResponseHead head = Exchange.ResponseHead(message);
        Assert.Equal((status, reason), (head.Status, Reading.Text(head.ReasonPhrase)));
        Assert.Equal("complete", Exchange.Response(message).Verdict);
    }

    [Theory]
    [InlineData("200 OK", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("HTTP/1.1", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("HTTP/1.1  200 OK", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("HTTP/1.1 20 OK", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("HTTP/1.1 2000 OK", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("HTTP/1.1 2x0 OK", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("HTTP/1.1 +20 OK", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("HTTP/1.1\t200 OK", HttpRejectionCode.StatusLineMalformed)]
    [InlineData("http/1.1 200 OK", HttpRejectionCode.VersionMalformed)]
    [InlineData("HTTP/2.0 200 OK", HttpRejectionCode.VersionUnsupported)]
    [InlineData("HTTP/1.1 099 Low", HttpRejectionCode.StatusCodeInvalid)]
    [InlineData("HTTP/1.1 600 High", HttpRejectionCode.StatusCodeInvalid)]
    [InlineData("HTTP/1.1 000 None", HttpRejectionCode.StatusCodeInvalid)]
    [InlineData("HTTP/1.1 200 O\0K", HttpRejectionCode.ControlByteInField)]
    [InlineData("HTTP/1.1 200 O\rK", HttpRejectionCode.BareCarriageReturn)]
    [InlineData("", HttpRejectionCode.StatusLineMalformed)]
    public void Rfc9112_4_malformed_status_line_is_answered_with_502(string line, HttpRejectionCode code) =>
        Assert.Equal($"502 {code}", Exchange.Response(line + "\r\nContent-Length: 0\r\n\r\n").Verdict);

    [Fact]
    public void Rfc9110_15_2_interim_response_is_followed_by_another_head()
    {
        const string Message = "HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        var head = new HttpResponseHead();
        var parser = new Http1ResponseParser(Http1Limits.Default);
        byte[] bytes = Reading.Bytes(Message);
        var statuses = new List<int>();
        int at = 0;
        do
        {
            head.Reset();
            Assert.Equal(ParseStatus.Complete, parser.Parse(head, RequestMethod.Post, bytes.AsSpan(at), out int consumed));
            at += consumed;
            statuses.Add(head.Status);
        }
        while (head.IsInterim);
        Assert.Equal([100, 103, 200], statuses);
        Assert.Equal("ok", Reading.Text(bytes.AsSpan(at)));
    }

    [Fact]
    public void Interim_response_is_written_without_framing()
    {
        byte[] buffer = new byte[200];
        HttpResponseHead head = Exchange.ResponseHead("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 5\r\nConnection: close\r\n\r\n");
        Assert.True(Http1Writer.TryWriteInterim(head, buffer, out int written));
        Assert.Equal("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", Reading.Text(buffer.AsSpan(0, written)));
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "content-length: 5\r\n", BodyFraming.Length)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", RequestMethod.Get, HttpProtocol.Http11, false, "content-length: 5\r\nconnection: close\r\n", BodyFraming.Length)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", RequestMethod.Get, HttpProtocol.Http10, true, "content-length: 5\r\nconnection: keep-alive\r\n", BodyFraming.Length)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", RequestMethod.Head, HttpProtocol.Http11, true, "content-length: 5\r\n", BodyFraming.None)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "content-length: 0\r\n", BodyFraming.None)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "transfer-encoding: chunked\r\n", BodyFraming.Chunked)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", RequestMethod.Head, HttpProtocol.Http11, true, "", BodyFraming.None)]
    [InlineData("HTTP/1.1 200 OK\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "transfer-encoding: chunked\r\n", BodyFraming.Chunked)]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "", BodyFraming.None)]
    [InlineData("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "", BodyFraming.None)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "content-length: 7\r\n", BodyFraming.None)]
    [InlineData("HTTP/1.1 304 Not Modified\r\n", RequestMethod.Get, HttpProtocol.Http11, true, "", BodyFraming.None)]
    [InlineData("HTTP/1.1 200 OK\r\n", RequestMethod.Connect, HttpProtocol.Http11, true, "", BodyFraming.Tunnel)]
    public void Rfc9112_6_response_is_framed_for_this_client(
        string fields, RequestMethod method, HttpProtocol client, bool keepAlive, string expected, BodyFraming framing)
    {
        HttpResponseHead head = Exchange.ResponseHead(fields + "\r\n", method);
        ResponsePlan plan = ResponsePlan.For(head, method, client, keepAlive);
        Assert.Equal(framing, plan.Framing);
        string wire = Wire.Of(head, plan);
        Assert.Equal(expected + "\r\n", wire[(wire.IndexOf('\n', StringComparison.Ordinal) + 1)..]);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n")]
    public void Rfc9112_6_1_http10_client_never_gets_chunked(string message)
    {
        HttpResponseHead head = Exchange.ResponseHead(message);
        ResponsePlan plan = ResponsePlan.For(head, RequestMethod.Get, HttpProtocol.Http10, keepAlive: true);
        Assert.Equal((BodyFraming.UntilClose, false), (plan.Framing, plan.KeepAlive));
        Assert.Equal("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", Wire.Of(head, plan));
    }

    [Fact]
    public void Refused_connect_ends_its_connection()
    {
        HttpResponseHead head = Exchange.ResponseHead("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", RequestMethod.Connect);
        Assert.False(ResponsePlan.For(head, RequestMethod.Connect, HttpProtocol.Http11, keepAlive: true).KeepAlive);
    }

    [Fact]
    public void Response_of_our_own_without_content_says_so()
    {
        var head = new HttpResponseHead();
        head.SetStatus(404);
        head.Headers.Add(KnownHeader.Server, "lateen"u8);
        Assert.Equal("HTTP/1.1 404 Not Found\r\nserver: lateen\r\ncontent-length: 0\r\n\r\n", Wire.Of(head));
        Assert.Equal("HTTP/1.1 404 Not Found\r\nserver: lateen\r\n\r\n", Wire.Of(head, RequestMethod.Head));
    }

    [Fact]
    public void Unregistered_status_has_an_empty_reason()
    {
        var head = new HttpResponseHead();
        head.SetStatus(299);
        Assert.StartsWith("HTTP/1.1 299 \r\n", Wire.Of(head), StringComparison.Ordinal);
    }

    [Fact]
    public void Head_over_its_limit_is_refused_with_502()
    {
        var limits = new Http1Limits { MaxHeadOctets = 60 };
        Assert.Equal("502 FieldsTooLarge", Exchange.Response("HTTP/1.1 200 OK\r\nX: " + new string('a', 60) + "\r\n\r\n", limits: limits).Verdict);
        Assert.Equal("502 StatusLineTooLong", Exchange.Response("HTTP/1.1 200 " + new string('a', 60), limits: limits).Verdict);
    }

    [Fact]
    public void Every_rejection_has_a_status_and_a_clause_and_a_sentence()
    {
        foreach (HttpRejectionCode code in Enum.GetValues<HttpRejectionCode>())
        {
            if (code == HttpRejectionCode.None) continue;
            var rejection = new HttpRejection(code, ofResponse: false);
            Assert.InRange(rejection.Status, 400, 599);
            Assert.Matches("^(RFC [0-9]{4} [0-9.]+|Envoy [a-z_]+)$", rejection.Clause);
            Assert.True(rejection.Reason.Length > 10, code.ToString());
            Assert.Equal(502, new HttpRejection(code, ofResponse: true).Status);
        }

        Assert.Equal(0, default(HttpRejection).Status);
    }
}
