namespace Lateen.Http.Tests;

public sealed class ChunkedTests
{
    private const string Start = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

    [Theory]
    [InlineData("0\r\n\r\n", "")]
    [InlineData("000\r\n\r\n", "")]
    [InlineData("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world")]
    [InlineData("A\r\n0123456789\r\n0\r\n\r\n", "0123456789")]
    [InlineData("a\r\n0123456789\r\n0\r\n\r\n", "0123456789")]
    [InlineData("0000000000000005\r\nhello\r\n0\r\n\r\n", "hello")]
    [InlineData("2\r\n\r\n\r\n0\r\n\r\n", "\r\n")]
    [InlineData("5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n")]
    public void Rfc9112_7_1_3_chunks_are_joined(string content, string payload)
    {
        Reading reading = Exchange.Request(Start + content + "next");
        Assert.Equal(("complete", payload, 4), (reading.Verdict, reading.Payload, reading.Rest));
    }

    [Theory]
    [InlineData("\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("x\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("-1\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("+5\r\nhello\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("0x5\r\nhello\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("5x\r\nhello\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData(" 5\r\nhello\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("5 \r\nhello\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("5 5\r\nhello\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("5_0\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData(";a=b\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("\0\r\n", HttpRejectionCode.ChunkSizeMalformed)]
    [InlineData("5\nhello\r\n", HttpRejectionCode.BareLineFeed)]
    [InlineData("5;a\nhello\r\n", HttpRejectionCode.BareLineFeed)]
    [InlineData("5\rhello\r\n", HttpRejectionCode.BareCarriageReturn)]
    [InlineData("5;a\rb\r\nhello\r\n", HttpRejectionCode.BareCarriageReturn)]
    [InlineData("8000000000000000\r\n", HttpRejectionCode.ChunkSizeTooLarge)]
    [InlineData("FFFFFFFFFFFFFFFF\r\n", HttpRejectionCode.ChunkSizeTooLarge)]
    [InlineData("10000000000000005\r\nhello\r\n", HttpRejectionCode.ChunkSizeTooLarge)]
    [InlineData("00000000000000005\r\nhello\r\n", HttpRejectionCode.ChunkSizeTooLarge)]
    [InlineData("5\r\nhello", null)]
    [InlineData("5\r\nhelloX\r\n", HttpRejectionCode.ChunkTerminatorMissing)]
    [InlineData("5\r\nhello\n0\r\n\r\n", HttpRejectionCode.ChunkTerminatorMissing)]
    [InlineData("5\r\nhello\rX", HttpRejectionCode.ChunkTerminatorMissing)]
    [InlineData("5\r\nhello0\r\n\r\n", HttpRejectionCode.ChunkTerminatorMissing)]
    [InlineData("0\r\n\rX", HttpRejectionCode.BareCarriageReturn)]
    [InlineData("0\r\n\n", HttpRejectionCode.BareLineFeed)]
    public void Rfc9112_7_1_malformed_chunks_are_refused(string content, HttpRejectionCode? code)
    {
        string expected = code is null ? "incomplete body" : $"400 {code}";
        Assert.Equal(expected, Exchange.Request(Start + content).Verdict);
    }

    [Fact]
    public void Largest_chunk_size_that_can_be_counted_to_is_taken() =>
        Assert.Equal("incomplete body", Exchange.Request(Start + "7FFFFFFFFFFFFFFF\r\nhello").Verdict);

    [Theory]
    [InlineData("5;a=b\r\nhello\r\n0;last\r\n\r\n")]
    [InlineData("5 ; a = \"b;c\"\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5\t;\u00e9\r\nhello\r\n0\r\n\r\n")]
    [InlineData("5;\r\nhello\r\n0\r\n\r\n")]
    public void Rfc9112_7_1_1_extensions_are_ignored(string content)
    {
        Reading reading = Exchange.Request(Start + content);
        Assert.Equal(("complete", "hello"), (reading.Verdict, reading.Payload));
    }

    [Fact]
    public void Rfc9112_7_1_1_length_of_extensions_is_limited_over_the_whole_message()
    {
        var options = new Http1RequestOptions { Limits = new Http1Limits { MaxChunkExtensionOctets = 10 } };
        Assert.Equal("complete", Exchange.Request(Start + "1;1234\r\na\r\n1;1234\r\nb\r\n0\r\n\r\n", options).Verdict);
        RequestLineTests.Refused(Start + "1;1234\r\na\r\n1;1234\r\nb\r\n0;\r\n\r\n", 400, HttpRejectionCode.ChunkExtensionsTooLong, options);
        RequestLineTests.Refused(Start + "1;" + new string('x', 1000), 400, HttpRejectionCode.ChunkExtensionsTooLong, options);
        RequestLineTests.Refused(Start + "1" + new string(' ', 1000), 400, HttpRejectionCode.ChunkExtensionsTooLong, options);
    }

    [Fact]
    public void Control_byte_in_an_extension_is_refused() =>
        RequestLineTests.Refused(Start + "5;a\0b\r\nhello\r\n", 400, HttpRejectionCode.ChunkExtensionMalformed);

    [Fact]
    public void Rfc9112_7_1_2_trailers_are_kept_apart_from_the_head()
    {
        Reading reading = Exchange.Request(Start + "2\r\nok\r\n0\r\ngrpc-status: 0\r\nX-Sum:  abc \r\n\r\nrest");
        Assert.Equal(("complete", "ok", "grpc-status: 0\nX-Sum: abc\n", 4), (reading.Verdict, reading.Payload, reading.Trailers, reading.Rest));
        Assert.DoesNotContain("grpc-status", reading.Head, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Content-Length: 5")]
    [InlineData("Transfer-Encoding: chunked")]
    [InlineData("Host: evil")]
    [InlineData("Connection: close")]
    [InlineData("Authorization: Basic x")]
    [InlineData("Cookie: a=b")]
    [InlineData("Set-Cookie: a=b")]
    [InlineData("Content-Type: text/html")]
    [InlineData("X-Forwarded-For: 1.2.3.4")]
    [InlineData("X-Envoy-Internal: true")]
    [InlineData("Trailer: x")]
    public void Rfc9110_6_5_1_fields_that_may_not_be_trailers_are_dropped(string field)
    {
        Reading reading = Exchange.Request(Start + $"0\r\n{field}\r\nX-Ok: 1\r\n\r\n");
        Assert.Equal(("complete", "X-Ok: 1\n"), (reading.Verdict, reading.Trailers));
    }

    [Theory]
    [InlineData("X A: 1", HttpRejectionCode.FieldNameMalformed)]
    [InlineData("X-A : 1", HttpRejectionCode.WhitespaceBeforeColon)]
    [InlineData(" X: 1", HttpRejectionCode.WhitespaceBeforeFirstField)]
    [InlineData("X: 1\r\n 2", HttpRejectionCode.ObsoleteLineFolding)]
    [InlineData("X: \0", HttpRejectionCode.ControlByteInField)]
    [InlineData("X: 1\n", HttpRejectionCode.BareLineFeed)]
    [InlineData("X", HttpRejectionCode.FieldLineMalformed)]
    public void Malformed_trailers_are_refused_like_malformed_fields(string field, HttpRejectionCode code) =>
        RequestLineTests.Refused(Start + $"0\r\n{field}\r\n\r\n", 400, code);

    [Fact]
    public void Trailers_over_their_limits_are_answered_with_431()
    {
        var options = new Http1RequestOptions { Limits = new Http1Limits { MaxTrailerOctets = 40, MaxFields = 3 } };
        Assert.Equal("complete", Exchange.Request(Start + "0\r\nA: " + new string('a', 33) + "\r\n\r\n", options).Verdict);
        RequestLineTests.Refused(Start + "0\r\nA: " + new string('a', 34) + "\r\n\r\n", 431, HttpRejectionCode.TrailersTooLarge, options);
        RequestLineTests.Refused(Start + "0\r\nA: " + new string('a', 300), 431, HttpRejectionCode.TrailersTooLarge, options);
        RequestLineTests.Refused(Start + "0\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n", 431, HttpRejectionCode.TooManyFields, options);
    }

    [Fact]
    public void Trailers_of_one_message_are_gone_in_the_next()
    {
        var decoder = new Http1BodyDecoder();
        HttpRequestHead head = Exchange.Head(Start);
        decoder.Start(head, Http1Limits.Default);
        decoder.Decode("0\r\nX: 1\r\n\r\n"u8);
        Assert.Equal(1, decoder.Trailers!.Count);
        decoder.Start(head, Http1Limits.Default);
        Assert.Null(decoder.Trailers);
        decoder.Decode("0\r\n\r\n"u8);
        Assert.True(decoder.IsComplete);
        Assert.Null(decoder.Trailers);
    }
}
