namespace Lateen.Http.Tests;

public sealed class FieldTests
{
    private const string Start = "GET / HTTP/1.1\r\nHost: a\r\n";

    [Theory]
    [InlineData("X-A: 1", "X-A: 1\n")]
    [InlineData("X-A:1", "X-A: 1\n")]
    [InlineData("X-A: \t 1 \t", "X-A: 1\n")]
    [InlineData("X-A:", "X-A: \n")]
    [InlineData("X-A: ", "X-A: \n")]
    [InlineData("x-a: b  c", "x-a: b  c\n")]
    [InlineData("X-A: a:b:c", "X-A: a:b:c\n")]
    [InlineData("X-A: \u00e9\u00ff", "X-A: \u00e9\u00ff\n")]
    [InlineData("!#$%&'*+-.^_`|~09azAZ: 1", "!#$%&'*+-.^_`|~09azAZ: 1\n")]
    public void Rfc9112_5_whitespace_around_a_value_is_not_part_of_it(string line, string expected)
    {
        Reading reading = Exchange.Request(Start + line + "\r\n\r\n");
        Assert.Equal("complete", reading.Verdict);
        Assert.EndsWith("\n" + expected, reading.Head, StringComparison.Ordinal);
    }

    [Fact]
    public void Order_and_case_and_repetition_of_fields_are_kept()
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nb: 1\r\nA: 2\r\nHost: a\r\nB: 3\r\ncookie: x\r\nCookie: y\r\n\r\n");
        Assert.Equal("b: 1\nA: 2\nB: 3\ncookie: x\nCookie: y\n", head.Headers.ToString());
        Assert.Equal(2, head.Headers.CountOf(KnownHeader.Cookie));
    }

    [Theory]
    [InlineData("X-A : 1")]
    [InlineData("X-A\t: 1")]
    [InlineData("Content-Length : 5")]
    [InlineData("Transfer-Encoding : chunked")]
    public void Rfc9112_5_1_whitespace_before_the_colon_of_a_request_is_refused(string line) =>
        RequestLineTests.Refused(Start + line + "\r\n\r\n", 400, HttpRejectionCode.WhitespaceBeforeColon);

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length\t: 2\r\n\r\nok", "X-A: 1\nContent-Length: 2\n")]
    public void Rfc9112_5_1_whitespace_before_the_colon_of_a_response_is_removed(string message, string fields)
    {
        Reading reading = Exchange.Response(message);
        Assert.Equal("complete", reading.Verdict);
        Assert.Equal("ok", reading.Payload);
        Assert.EndsWith("\n" + fields, reading.Head, StringComparison.Ordinal);
        Assert.Equal("HTTP/1.1 200 OK\r\nX-A: 1\r\ncontent-length: 2\r\n\r\n", Wire.Of(Exchange.ResponseHead(message)));
    }

    [Theory]
    [InlineData("X-A: 1\r\n 2")]
    [InlineData("X-A: 1\r\n\t2")]
    [InlineData("X-A: 1\r\n ")]
    [InlineData("Content-Length: 1\r\n 0")]
    [InlineData("Transfer-Encoding:\r\n chunked")]
    public void Rfc9112_5_2_folded_line_is_refused(string lines)
    {
        RequestLineTests.Refused(Start + lines + "\r\n\r\n", 400, HttpRejectionCode.ObsoleteLineFolding);
        Assert.Equal("502 ObsoleteLineFolding", Exchange.Response("HTTP/1.1 200 OK\r\n" + lines + "\r\n\r\n").Verdict);
    }

    [Theory]
    [InlineData("X-A", HttpRejectionCode.FieldLineMalformed)]
    [InlineData("X A", HttpRejectionCode.FieldLineMalformed)]
    [InlineData("X A: 1", HttpRejectionCode.FieldNameMalformed)]
    [InlineData(": 1", HttpRejectionCode.FieldNameMalformed)]
    [InlineData("X(A): 1", HttpRejectionCode.FieldNameMalformed)]
    [InlineData("X\0A: 1", HttpRejectionCode.FieldNameMalformed)]
    [InlineData("X\u00e9: 1", HttpRejectionCode.FieldNameMalformed)]
    [InlineData("\"X\": 1", HttpRejectionCode.FieldNameMalformed)]
    [InlineData("GET / HTTP/1.1", HttpRejectionCode.FieldLineMalformed)]
    public void Rfc9110_5_1_field_name_is_a_token(string line, HttpRejectionCode code) =>
        RequestLineTests.Refused(Start + line + "\r\n\r\n", 400, code);

    [Fact]
    public void Rfc9110_5_5_control_bytes_in_a_value_are_refused()
    {
        for (int b = 0; b < 256; b++)
        {
            string message = Start + "X-A: a" + (char)b + "b\r\n\r\n";
            string expected = b switch
            {
                '\t' => "complete",
                '\n' => "400 BareLineFeed",
                '\r' => "400 BareCarriageReturn",
                < 32 or 127 => "400 ControlByteInField",
                _ => "complete",
            };
            Assert.Equal(expected, Exchange.Request(message).Verdict);
        }
    }

    [Fact]
    public void Every_byte_outside_the_token_set_ends_a_field_name()
    {
        const string Token = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for (int b = 0; b < 256; b++)
        {
            Reading reading = Exchange.Request(Start + "X" + (char)b + "Y: 1\r\n\r\n");
            Assert.Equal(Token.Contains((char)b, StringComparison.Ordinal) || b == ':', reading.Verdict == "complete");
        }
    }

    [Fact]
    public void Rfc6585_5_head_over_its_limit_is_answered_with_431()
    {
        var options = new Http1RequestOptions { Limits = new Http1Limits { MaxHeadOctets = 100 } };
        int room = 100 - (Start + "X: \r\n\r\n").Length;
        Assert.Equal("complete", Exchange.Request(Start + "X: " + new string('a', room) + "\r\n\r\n", options).Verdict);
        RequestLineTests.Refused(Start + "X: " + new string('a', room + 1) + "\r\n\r\n", 431, HttpRejectionCode.FieldsTooLarge, options);
        RequestLineTests.Refused(Start + "X: " + new string('a', 500), 431, HttpRejectionCode.FieldsTooLarge, options);
    }

    [Fact]
    public void Rfc6585_5_more_fields_than_the_limit_are_answered_with_431()
    {
        var options = new Http1RequestOptions { Limits = new Http1Limits { MaxFields = 3 } };
        Assert.Equal("complete", Exchange.Request(Start + "A: 1\r\nB: 1\r\n\r\n", options).Verdict);
        RequestLineTests.Refused(Start + "A: 1\r\nB: 1\r\nC: 1\r\n\r\n", 431, HttpRejectionCode.TooManyFields, options);
    }

    [Fact]
    public void Names_with_underscores_are_kept_or_refused_or_dropped_as_configured()
    {
        const string Message = Start + "X_A: 1\r\nX-B: 2\r\n\r\n";
        Assert.EndsWith("\nX_A: 1\nX-B: 2\n", Exchange.Request(Message).Head, StringComparison.Ordinal);
        RequestLineTests.Refused(Message, 400, HttpRejectionCode.FieldNameUnderscore, new Http1RequestOptions { Underscores = UnderscoreAction.RejectRequest });
        Reading dropped = Exchange.Request(Message, new Http1RequestOptions { Underscores = UnderscoreAction.DropHeader });
        Assert.Equal("complete", dropped.Verdict);
        Assert.EndsWith("\nX-B: 2\n", dropped.Head, StringComparison.Ordinal);
        Assert.DoesNotContain("X_A", dropped.Head, StringComparison.Ordinal);
    }
}
