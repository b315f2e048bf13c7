namespace Lateen.Http.Tests;

public sealed class RequestLineTests
{
    private const string Host = "Host: shop.example\r\n\r\n";

    [Theory]
    [InlineData("GET / HTTP/1.1\n" + Host, HttpRejectionCode.BareLineFeed)]
    [InlineData("GET / HTTP/1.1\r\nHost: shop.example\n\r\n", HttpRejectionCode.BareLineFeed)]
    [InlineData("GET / HTTP/1.1\r\nHost: shop.example\r\n\n", HttpRejectionCode.BareLineFeed)]
    [InlineData("\nGET / HTTP/1.1\r\n" + Host, HttpRejectionCode.BareLineFeed)]
    public void Rfc9112_2_2_line_feed_alone_ends_no_line(string message, HttpRejectionCode code) => Refused(message, 400, code);

    [Theory]
    [InlineData("GET / HTTP/1.1\rHost: a\r\n\r\n")]
    [InlineData("GE\rT / HTTP/1.1\r\n" + Host)]
    [InlineData("GET /\r HTTP/1.1\r\n" + Host)]
    [InlineData("GET / HTTP/1.1\r\r\n" + Host)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHo\rst: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n")]
    public void Rfc9112_2_2_bare_cr_is_invalid_outside_the_content(string message) => Refused(message, 400, HttpRejectionCode.BareCarriageReturn);

    [Fact]
    public void Rfc9112_2_2_empty_line_before_the_request_line_is_ignored()
    {
        Reading reading = Exchange.Request("\r\nGET /a HTTP/1.1\r\n" + Host);
        Assert.Equal("complete", reading.Verdict);
        Assert.StartsWith("GET|Get|Http11|Origin|Http|shop.example|shop.example|shop.example|-1|/a|", reading.Head, StringComparison.Ordinal);
    }

    [Fact]
    public void Endless_empty_lines_before_the_request_line_are_refused() =>
        Refused("\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" + Host, 400, HttpRejectionCode.RequestLineMalformed);

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n Host: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n\tX: y\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n")]
    public void Rfc9112_2_2_whitespace_between_start_line_and_first_field_is_refused(string message) =>
        Refused(message, 400, HttpRejectionCode.WhitespaceBeforeFirstField);

    [Theory]
    [InlineData("GET / http/1.1\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / Http/1.1\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / HTTP/1\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / HTTP/1.10\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / HTTP/01.1\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / HTTP/1,1\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / HTTP/x.1\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / ICAP/1.0\r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / \r\n", HttpRejectionCode.VersionMalformed)]
    [InlineData("GET / HTTP/1.1 \r\n", HttpRejectionCode.RequestLineMalformed)]
    [InlineData("GET / HTTP/1.1\t\r\n", HttpRejectionCode.VersionMalformed)]
    public void Rfc9112_2_3_version_is_case_sensitive_and_two_single_digits(string line, HttpRejectionCode code) =>
        Refused(line + Host, 400, code);

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("GET / HTTP/2.0\r\n" + Host)]
    [InlineData("GET / HTTP/0.9\r\n" + Host)]
    [InlineData("GET / HTTP/3.1\r\n" + Host)]
    public void Rfc9110_15_6_6_other_major_versions_are_answered_with_505(string message) =>
        Refused(message, 505, HttpRejectionCode.VersionUnsupported);

    [Fact]
    public void Rfc9110_2_5_higher_minor_version_is_read_as_the_highest_that_is_known() =>
        Assert.Equal(HttpProtocol.Http11, Exchange.Head("GET / HTTP/1.7\r\n" + Host).Protocol);

    [Theory]
    [InlineData("GET /\r\n", HttpRejectionCode.RequestLineMalformed)]
    [InlineData("GET\r\n", HttpRejectionCode.RequestLineMalformed)]
    [InlineData(" GET / HTTP/1.1\r\n", HttpRejectionCode.MethodMalformed)]
    [InlineData("GET  / HTTP/1.1\r\n", HttpRejectionCode.RequestLineMalformed)]
    [InlineData("GET /  HTTP/1.1\r\n", HttpRejectionCode.RequestLineMalformed)]
    [InlineData("GET\t/ HTTP/1.1\r\n", HttpRejectionCode.MethodMalformed)]
    [InlineData("GET / a HTTP/1.1\r\n", HttpRejectionCode.RequestLineMalformed)]
    [InlineData("GET /\tHTTP/1.1\r\n", HttpRejectionCode.RequestLineMalformed)]
    public void Rfc9112_3_request_line_has_three_parts_and_single_spaces(string line, HttpRejectionCode code) =>
        Refused(line + Host, 400, code);

    [Theory]
    [InlineData("G{T / HTTP/1.1\r\n")]
    [InlineData("G:T / HTTP/1.1\r\n")]
    [InlineData("GET\0 / HTTP/1.1\r\n")]
    [InlineData("GËT / HTTP/1.1\r\n")]
    [InlineData("GET,POST / HTTP/1.1\r\n")]
    [InlineData("\"GET\" / HTTP/1.1\r\n")]
    public void Rfc9112_3_1_method_that_is_no_token_is_refused(string line) => Refused(line + Host, 400, HttpRejectionCode.MethodMalformed);

    [Fact]
    public void Rfc9110_9_1_method_is_case_sensitive_and_unknown_ones_pass()
    {
        HttpRequestHead head = Exchange.Head("get / HTTP/1.1\r\n" + Host);
        Assert.Equal(RequestMethod.Other, head.Method);
        Assert.Equal("get", Reading.Text(head.MethodText));
        Assert.Equal("M-SEARCH!", Reading.Text(Exchange.Head("M-SEARCH! / HTTP/1.1\r\n" + Host).MethodText));
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("OPTIONS")]
    [InlineData("TRACE")]
    [InlineData("PATCH")]
    public void Listed_methods_are_recognised_and_spelled_back(string name)
    {
        HttpRequestHead head = Exchange.Head($"{name} / HTTP/1.1\r\n{Host}");
        Assert.Equal(name, head.Method.ToString().ToUpperInvariant());
        Assert.Equal(name, Reading.Text(RequestMethods.TextOf(head.Method)));
    }

    [Fact]
    public void Rfc9112_3_method_over_the_limit_is_answered_with_501()
    {
        Refused(new string('A', 33) + " / HTTP/1.1\r\n" + Host, 501, HttpRejectionCode.MethodTooLong);
        Assert.Equal(RequestMethod.Other, Exchange.Head(new string('A', 32) + " / HTTP/1.1\r\n" + Host).Method);
    }

    [Fact]
    public void Rfc9112_3_target_over_the_limit_is_answered_with_414()
    {
        var options = new Http1RequestOptions { Limits = new Http1Limits { MaxTargetOctets = 20 } };
        Reading fits = Exchange.Request($"GET /{new string('a', 19)} HTTP/1.1\r\n{Host}", options);
        Assert.Equal("complete", fits.Verdict);
        Refused($"GET /{new string('a', 20)} HTTP/1.1\r\n{Host}", 414, HttpRejectionCode.TargetTooLong, options);
        Refused($"GET /{new string('a', 200)}", 414, HttpRejectionCode.TargetTooLong, options);
    }

    [Fact]
    public void Method_without_end_is_refused_before_the_head_limit()
    {
        var options = new Http1RequestOptions { Limits = new Http1Limits { MaxTargetOctets = 20 } };
        Refused(new string('A', 100), 501, HttpRejectionCode.MethodTooLong, options);
        Refused(new string('\u0001', 100), 400, HttpRejectionCode.MethodMalformed, options);
    }

    internal static void Refused(string message, int status, HttpRejectionCode code, Http1RequestOptions? options = null) =>
        Assert.Equal($"{status} {code}", Exchange.Request(message, options).Verdict);
}
