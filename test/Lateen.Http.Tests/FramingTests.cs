namespace Lateen.Http.Tests;

public sealed class FramingTests
{
    private const string Start = "POST / HTTP/1.1\r\nHost: a\r\n";

    [Theory]
    [InlineData("Content-Length: 5\r\nTransfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 5")]
    [InlineData("transfer-ENCODING: chunked\r\ncontent-LENGTH: 0")]
    [InlineData("Transfer-Encoding: identity\r\nContent-Length: 5")]
    [InlineData("Transfer-Encoding:\r\nContent-Length: 5")]
    public void Rfc9112_6_3_both_framings_are_rejected_with_400(string fields)
    {
        RequestLineTests.Refused(Start + fields + "\r\n\r\n0\r\n\r\n", 400, HttpRejectionCode.BothFramings);
        Assert.Equal("502 BothFramings", Exchange.Response("HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\n0\r\n\r\n").Verdict);
    }

    [Theory]
    [InlineData("+5")]
    [InlineData("-5")]
    [InlineData("0x5")]
    [InlineData("5 5")]
    [InlineData("5.0")]
    [InlineData("5e1")]
    [InlineData("five")]
    [InlineData("")]
    [InlineData("\u00b2")]
    [InlineData("9223372036854775808")]
    [InlineData("18446744073709551621")]
    [InlineData("99999999999999999999999999999999999999")]
    public void Rfc9112_6_3_content_length_that_is_no_number_is_rejected_with_400(string value)
    {
        RequestLineTests.Refused(Start + $"Content-Length: {value}\r\n\r\nhello", 400, HttpRejectionCode.ContentLengthMalformed);
        Assert.Equal("502 ContentLengthMalformed", Exchange.Response($"HTTP/1.1 200 OK\r\nContent-Length: {value}\r\n\r\nhello").Verdict);
    }

    [Theory]
    [InlineData("Content-Length: 5, 6")]
    [InlineData("Content-Length: 5\r\nContent-Length: 6")]
    [InlineData("Content-Length: 5, 5")]
    [InlineData("Content-Length: 5,")]
    [InlineData("Content-Length: 5\r\ncontent-length: 5")]
    public void Rfc9112_6_3_more_than_one_content_length_is_rejected_with_400(string fields)
    {
        RequestLineTests.Refused(Start + fields + "\r\n\r\nhello", 400, HttpRejectionCode.ContentLengthRepeated);
        Assert.Equal("502 ContentLengthRepeated", Exchange.Response("HTTP/1.1 200 OK\r\n" + fields + "\r\n\r\nhello").Verdict);
    }

    [Theory]
    [InlineData("0", 0, BodyFraming.None)]
    [InlineData("5", 5, BodyFraming.Length)]
    [InlineData("0005", 5, BodyFraming.Length)]
    [InlineData("9223372036854775807", long.MaxValue, BodyFraming.Length)]
    public void Rfc9110_8_6_content_length_is_digits(string value, long length, BodyFraming framing)
    {
        HttpRequestHead head = Exchange.Head(Start + $"Content-Length: {value}\r\n\r\n");
        Assert.Equal((length, framing), (head.ContentLength, head.Framing));
        Assert.EndsWith($"\r\ncontent-length: {length}\r\n\r\n", Wire.Of(head), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Transfer-Encoding: CHUNKED")]
    [InlineData("Transfer-Encoding: \tchunked ")]
    [InlineData("Transfer-Encoding: , chunked ,")]
    public void Rfc9112_7_1_chunked_content_is_decoded(string field)
    {
        Reading reading = Exchange.Request(Start + field + "\r\n\r\n5\r\nhello\r\n0\r\n\r\nrest");
        Assert.Equal(("complete", "hello", 4), (reading.Verdict, reading.Payload, reading.Rest));
    }

    [Theory]
    [InlineData("Transfer-Encoding: identity", 400, HttpRejectionCode.ChunkedNotFinal)]
    [InlineData("Transfer-Encoding: gzip", 400, HttpRejectionCode.ChunkedNotFinal)]
    [InlineData("Transfer-Encoding: chunked, gzip", 400, HttpRejectionCode.ChunkedNotFinal)]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400, HttpRejectionCode.ChunkedNotFinal)]
    [InlineData("Transfer-Encoding: xchunked", 400, HttpRejectionCode.ChunkedNotFinal)]
    [InlineData("Transfer-Encoding: chunked, chunked", 400, HttpRejectionCode.ChunkedRepeated)]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400, HttpRejectionCode.ChunkedRepeated)]
    [InlineData("Transfer-Encoding: gzip, chunked", 501, HttpRejectionCode.TransferCodingUnsupported)]
    [InlineData("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", 501, HttpRejectionCode.TransferCodingUnsupported)]
    [InlineData("Transfer-Encoding: \"chunked\"", 400, HttpRejectionCode.TransferEncodingMalformed)]
    [InlineData("Transfer-Encoding: chunked;q=1", 400, HttpRejectionCode.TransferEncodingMalformed)]
    [InlineData("Transfer-Encoding: chunked chunked", 400, HttpRejectionCode.TransferEncodingMalformed)]
    [InlineData("Transfer-Encoding: chun ked", 400, HttpRejectionCode.TransferEncodingMalformed)]
    [InlineData("Transfer-Encoding:", 400, HttpRejectionCode.TransferEncodingMalformed)]
    [InlineData("Transfer-Encoding: ,", 400, HttpRejectionCode.TransferEncodingMalformed)]
    [InlineData("Transfer-Encoding: chunked\u000b", 400, HttpRejectionCode.ControlByteInField)]
    public void Rfc9112_6_1_only_chunked_once_and_last_is_accepted(string fields, int status, HttpRejectionCode code) =>
        RequestLineTests.Refused(Start + fields + "\r\n\r\n0\r\n\r\n", status, code);

    [Fact]
    public void Rfc9112_6_1_transfer_encoding_in_http10_is_faulty_framing()
    {
        RequestLineTests.Refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, HttpRejectionCode.TransferEncodingInHttp10);
        Assert.Equal("502 TransferEncodingInHttp10", Exchange.Response("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n").Verdict);
    }

    [Fact]
    public void Rfc9112_6_3_request_without_framing_has_no_content()
    {
        Reading reading = Exchange.Request(Start + "\r\nGET /next");
        Assert.Equal(("complete", "", 9), (reading.Verdict, reading.Payload, reading.Rest));
    }

    [Fact]
    public void Rfc9110_9_3_6_connect_with_content_is_refused()
    {
        const string Connect = "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n";
        RequestLineTests.Refused(Connect + "Content-Length: 1\r\n\r\n", 400, HttpRejectionCode.ContentLengthForbidden);
        RequestLineTests.Refused(Connect + "Transfer-Encoding: chunked\r\n\r\n", 400, HttpRejectionCode.TransferEncodingForbidden);
        Assert.Equal(BodyFraming.Tunnel, Exchange.Head(Connect + "Content-Length: 0\r\n\r\n").Framing);
    }

    [Fact]
    public void Pipelined_request_is_left_for_the_next_head()
    {
        const string First = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
        const string Second = "GET /2 HTTP/1.1\r\nHost: b\r\n\r\n";
        Reading first = Exchange.Request(First + Second);
        Assert.Equal(("complete", "abc", Second.Length), (first.Verdict, first.Payload, first.Rest));
        Assert.Equal("complete", Exchange.Request((First + Second)[^first.Rest..]).Verdict);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", RequestMethod.Get, BodyFraming.Length, 5, true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", RequestMethod.Get, BodyFraming.None, 0, true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", RequestMethod.Get, BodyFraming.Chunked, -1, true)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", RequestMethod.Get, BodyFraming.UntilClose, -1, false)]
    [InlineData("HTTP/1.0 200 OK\r\n\r\n", RequestMethod.Get, BodyFraming.UntilClose, -1, false)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", RequestMethod.Head, BodyFraming.None, 5, true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", RequestMethod.Head, BodyFraming.None, -1, true)]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", RequestMethod.Head, BodyFraming.None, -1, true)]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\n", RequestMethod.Get, BodyFraming.None, -1, true)]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", RequestMethod.Get, BodyFraming.None, -1, true)]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", RequestMethod.Get, BodyFraming.None, -1, false)]
    [InlineData("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", RequestMethod.Get, BodyFraming.None, -1, false)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", RequestMethod.Get, BodyFraming.None, 5, true)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n", RequestMethod.Post, BodyFraming.None, -1, true)]
    [InlineData("HTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n", RequestMethod.Get, BodyFraming.None, -1, true)]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", RequestMethod.Get, BodyFraming.Tunnel, -1, false)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", RequestMethod.Connect, BodyFraming.Tunnel, -1, false)]
    [InlineData("HTTP/1.1 407 No\r\nContent-Length: 5\r\n\r\n", RequestMethod.Connect, BodyFraming.Length, 5, true)]
    public void Rfc9112_6_3_response_length_follows_status_and_method(
        string message, RequestMethod method, BodyFraming framing, long length, bool keepAlive)
    {
        HttpResponseHead head = Exchange.ResponseHead(message, method);
        Assert.Equal((framing, length, keepAlive), (head.Framing, head.ContentLength, head.KeepAlive));
        Exchange.Response(message, method);
    }

    [Theory]
    [InlineData("Transfer-Encoding: gzip", HttpRejectionCode.ChunkedNotFinal)]
    [InlineData("Transfer-Encoding: gzip, chunked", HttpRejectionCode.TransferCodingUnsupported)]
    public void Response_in_a_coding_that_cannot_be_undone_is_refused_with_502(string field, HttpRejectionCode code) =>
        Assert.Equal($"502 {code}", Exchange.Response($"HTTP/1.1 200 OK\r\n{field}\r\n\r\n").Verdict);

    [Fact]
    public void Rfc9112_8_content_cut_short_is_incomplete()
    {
        var decoder = new Http1BodyDecoder();
        decoder.Start(Exchange.ResponseHead("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), Http1Limits.Default);
        decoder.Decode("abc"u8);
        Assert.Equal(BodyStatus.Rejected, decoder.EndOfInput());
        Assert.Equal(HttpRejectionCode.ContentIncomplete, decoder.Rejection.Code);

        decoder.Start(Exchange.ResponseHead("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Http1Limits.Default);
        decoder.Decode("3\r\nabc\r\n0\r\n"u8);
        Assert.Equal(BodyStatus.Rejected, decoder.EndOfInput());

        decoder.Start(Exchange.ResponseHead("HTTP/1.1 200 OK\r\n\r\n"), Http1Limits.Default);
        decoder.Decode("abc"u8);
        Assert.Equal(BodyStatus.Complete, decoder.EndOfInput());
        Assert.Equal(3, decoder.PayloadOctets);
        Assert.Equal(HttpRejectionCode.None, decoder.Rejection.Code);
    }
}
