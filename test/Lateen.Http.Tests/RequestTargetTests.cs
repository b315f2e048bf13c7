namespace Lateen.Http.Tests;

public sealed class RequestTargetTests
{
    private const string Rest = " HTTP/1.1\r\nHost: other.example\r\n\r\n";

    [Theory]
    [InlineData("GET", "/", "/", "")]
    [InlineData("GET", "/a/b?x=1&y=2", "/a/b", "x=1&y=2")]
    [InlineData("GET", "/a?", "/a", "")]
    [InlineData("GET", "/a?b?c", "/a", "b?c")]
    [InlineData("GET", "//double", "//double", "")]
    [InlineData("GET", "/a:b@c", "/a:b@c", "")]
    [InlineData("GET", "/{a}|[b]^`\"<>\\", "/{a}|[b]^`\"<>\\", "")]
    [InlineData("GET", "/100%", "/100%", "")]
    public void Rfc9112_3_2_1_origin_form_splits_at_the_first_question_mark(string method, string target, string path, string query)
    {
        HttpRequestHead head = Exchange.Head(method + " " + target + Rest);
        Assert.Equal(TargetForm.Origin, head.Form);
        Assert.Equal(path, Reading.Text(head.Path));
        Assert.Equal(query, Reading.Text(head.Query));
        Assert.Equal(target.Contains('?', StringComparison.Ordinal), head.HasQuery);
        Assert.Equal("other.example", Reading.Text(head.Authority));
    }

    [Theory]
    [InlineData("http://shop.example/a?b", "shop.example", "/a", "b", -1)]
    [InlineData("HTTP://Shop.Example:8080/a", "Shop.Example:8080", "/a", "", 8080)]
    [InlineData("http://shop.example", "shop.example", "/", "", -1)]
    [InlineData("http://shop.example?q=1", "shop.example", "/", "q=1", -1)]
    [InlineData("http://[::1]:81/", "[::1]:81", "/", "", 81)]
    [InlineData("http://shop.example/http://evil.example/", "shop.example", "/http://evil.example/", "", -1)]
    public void Rfc9112_3_2_2_absolute_form_overrules_host(string target, string authority, string path, string query, int port)
    {
        HttpRequestHead head = Exchange.Head("GET " + target + Rest);
        Assert.Equal(TargetForm.Absolute, head.Form);
        Assert.Equal(authority, Reading.Text(head.Authority));
        Assert.Equal(authority.ToLowerInvariant(), Reading.Text(head.LowerAuthority));
        Assert.Equal(path, Reading.Text(head.Path));
        Assert.Equal(query, Reading.Text(head.Query));
        Assert.Equal(port, head.Port);
        Assert.False(head.Headers.Contains(KnownHeader.Host));
    }

    [Fact]
    public void Rfc9112_3_2_2_forwarded_host_is_rebuilt_from_an_absolute_target()
    {
        HttpRequestHead head = Exchange.Head("GET http://shop.example:8080/a HTTP/1.1\r\nHost: evil.example\r\nX-A: 1\r\n\r\n");
        Assert.Equal("GET /a HTTP/1.1\r\nhost: shop.example:8080\r\nX-A: 1\r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Scheme_comes_from_the_target_else_from_the_transport()
    {
        var tls = new Http1RequestOptions { TransportScheme = RequestScheme.Https };
        Assert.Equal(RequestScheme.Https, Exchange.Head("GET /" + Rest, tls).Scheme);
        Assert.Equal(RequestScheme.Http, Exchange.Head("GET http://a/" + Rest, tls).Scheme);
        Assert.Equal(RequestScheme.Https, Exchange.Head("GET https://a/" + Rest).Scheme);
        Assert.Equal(RequestScheme.Http, Exchange.Head("GET /" + Rest).Scheme);
    }

    [Fact]
    public void Rfc9112_3_2_3_connect_takes_authority_form()
    {
        HttpRequestHead head = Exchange.Head("CONNECT Db.example:5432 HTTP/1.1\r\nHost: db.example\r\n\r\n");
        Assert.Equal(TargetForm.Authority, head.Form);
        Assert.Equal("Db.example:5432", Reading.Text(head.Authority));
        Assert.Equal("db.example", Reading.Text(head.Host));
        Assert.Equal(5432, head.Port);
        Assert.Equal("", Reading.Text(head.Path));
        Assert.Equal(BodyFraming.Tunnel, head.Framing);
        Assert.Equal("CONNECT Db.example:5432 HTTP/1.1\r\nhost: Db.example:5432\r\n\r\n", Wire.Of(head));
    }

    [Theory]
    [InlineData("CONNECT db.example HTTP/1.1\r\n", HttpRejectionCode.TargetMalformed)]
    [InlineData("CONNECT db.example: HTTP/1.1\r\n", HttpRejectionCode.TargetMalformed)]
    [InlineData("CONNECT db.example:0 HTTP/1.1\r\n", HttpRejectionCode.TargetMalformed)]
    [InlineData("CONNECT db.example:65536 HTTP/1.1\r\n", HttpRejectionCode.TargetMalformed)]
    [InlineData("CONNECT db.example:5x HTTP/1.1\r\n", HttpRejectionCode.TargetMalformed)]
    [InlineData("CONNECT :80 HTTP/1.1\r\n", HttpRejectionCode.TargetMalformed)]
    [InlineData("CONNECT u@db.example:80 HTTP/1.1\r\n", HttpRejectionCode.TargetUserInfo)]
    [InlineData("CONNECT / HTTP/1.1\r\n", HttpRejectionCode.TargetFormForbidden)]
    [InlineData("CONNECT http://a:80/ HTTP/1.1\r\n", HttpRejectionCode.TargetFormForbidden)]
    [InlineData("CONNECT * HTTP/1.1\r\n", HttpRejectionCode.TargetMalformed)]
    public void Rfc9110_9_3_6_connect_without_a_valid_port_is_refused(string line, HttpRejectionCode code) =>
        RequestLineTests.Refused(line + "Host: a\r\n\r\n", 400, code);

    [Fact]
    public void Rfc9112_3_2_3_authority_form_is_for_connect_alone() =>
        RequestLineTests.Refused("GET shop.example:80" + Rest, 400, HttpRejectionCode.TargetFormForbidden);

    [Fact]
    public void Rfc9112_3_2_4_asterisk_form_is_for_options_alone()
    {
        HttpRequestHead head = Exchange.Head("OPTIONS *" + Rest);
        Assert.Equal(TargetForm.Asterisk, head.Form);
        Assert.Equal("*", Reading.Text(head.Path));
        RequestLineTests.Refused("GET *" + Rest, 400, HttpRejectionCode.TargetFormForbidden);
        RequestLineTests.Refused("OPTIONS *a" + Rest, 400, HttpRejectionCode.TargetMalformed);
    }

    [Fact]
    public void Rfc9112_3_2_4_options_of_an_absolute_target_without_path_is_forwarded_as_asterisk()
    {
        Assert.Equal("OPTIONS * HTTP/1.1\r\nhost: a.example:8001\r\n\r\n", Wire.Of(Exchange.Head("OPTIONS http://a.example:8001" + Rest)));
        Assert.Equal("OPTIONS / HTTP/1.1\r\nhost: a.example\r\n\r\n", Wire.Of(Exchange.Head("OPTIONS http://a.example/" + Rest)));
        Assert.Equal("OPTIONS /?x HTTP/1.1\r\nhost: a.example\r\n\r\n", Wire.Of(Exchange.Head("OPTIONS http://a.example?x" + Rest)));
    }

    [Theory]
    [InlineData("a", HttpRejectionCode.TargetMalformed)]
    [InlineData("a/b", HttpRejectionCode.TargetMalformed)]
    [InlineData("?q", HttpRejectionCode.TargetMalformed)]
    [InlineData("\\a", HttpRejectionCode.TargetMalformed)]
    [InlineData("/a#b", HttpRejectionCode.TargetFragment)]
    [InlineData("/#", HttpRejectionCode.TargetFragment)]
    [InlineData("http://a/#b", HttpRejectionCode.TargetFragment)]
    [InlineData("/a\u0001", HttpRejectionCode.TargetMalformed)]
    [InlineData("/\0", HttpRejectionCode.TargetMalformed)]
    [InlineData("/a\u007f", HttpRejectionCode.TargetMalformed)]
    [InlineData("/caf\u00e9", HttpRejectionCode.TargetMalformed)]
    [InlineData("ftp://a/b", HttpRejectionCode.TargetSchemeUnsupported)]
    [InlineData("file:///etc/passwd", HttpRejectionCode.TargetSchemeUnsupported)]
    [InlineData("1http://a/", HttpRejectionCode.TargetMalformed)]
    [InlineData("://a/", HttpRejectionCode.TargetMalformed)]
    [InlineData("http:/a/b", HttpRejectionCode.TargetMalformed)]
    [InlineData("http://u:p@a/", HttpRejectionCode.TargetUserInfo)]
    [InlineData("http://a@b/", HttpRejectionCode.TargetUserInfo)]
    [InlineData("http:///path", HttpRejectionCode.TargetHostEmpty)]
    [InlineData("http://:80/path", HttpRejectionCode.TargetHostEmpty)]
    [InlineData("http://", HttpRejectionCode.TargetHostEmpty)]
    [InlineData("http://a:b/", HttpRejectionCode.HostMalformed)]
    [InlineData("http://a:99999/", HttpRejectionCode.HostMalformed)]
    [InlineData("http://a\\b/", HttpRejectionCode.HostMalformed)]
    [InlineData("http://[::1/", HttpRejectionCode.HostMalformed)]
    [InlineData("http://a%zz/", HttpRejectionCode.HostMalformed)]
    public void Rfc9112_3_2_target_of_none_of_the_four_forms_is_refused(string target, HttpRejectionCode code) =>
        RequestLineTests.Refused("GET " + target + Rest, 400, code);

    [Fact]
    public void Rfc9112_3_2_request_without_host_is_refused()
    {
        RequestLineTests.Refused("GET / HTTP/1.1\r\n\r\n", 400, HttpRejectionCode.HostMissing);
        RequestLineTests.Refused("GET http://a.example/ HTTP/1.1\r\nX: y\r\n\r\n", 400, HttpRejectionCode.HostMissing);
    }

    [Theory]
    [InlineData("Host: a\r\nHost: a\r\n", HttpRejectionCode.HostRepeated)]
    [InlineData("Host: a\r\nhOST: b\r\n", HttpRejectionCode.HostRepeated)]
    [InlineData("Host:\r\n", HttpRejectionCode.TargetHostEmpty)]
    [InlineData("Host: \t \r\n", HttpRejectionCode.TargetHostEmpty)]
    [InlineData("Host: a b\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a, b\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a/b\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a?b\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a#b\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a\\b\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: u@a\r\n", HttpRejectionCode.TargetUserInfo)]
    [InlineData("Host: a:b\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a:80:80\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a:+80\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a:65536\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a:000080\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: [::1\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: []\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: [::g]\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: [::1]x\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: ::1\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: a%\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: :80\r\n", HttpRejectionCode.HostMalformed)]
    [InlineData("Host: caf\u00e9\r\n", HttpRejectionCode.HostMalformed)]
    public void Rfc9112_3_2_more_than_one_host_or_an_invalid_one_is_refused(string fields, HttpRejectionCode code)
    {
        RequestLineTests.Refused("GET / HTTP/1.1\r\n" + fields + "\r\n", 400, code);
        RequestLineTests.Refused("GET http://shop.example/ HTTP/1.1\r\n" + fields + "\r\n", 400, code);
    }

    [Theory]
    [InlineData("Shop.Example", "shop.example", "shop.example", -1)]
    [InlineData("Shop.Example:", "shop.example:", "shop.example", -1)]
    [InlineData("shop.example:8080", "shop.example:8080", "shop.example", 8080)]
    [InlineData("10.0.0.1:80", "10.0.0.1:80", "10.0.0.1", 80)]
    [InlineData("[2001:DB8::1]:443", "[2001:db8::1]:443", "[2001:db8::1]", 443)]
    [InlineData("my_service~v1", "my_service~v1", "my_service~v1", -1)]
    public void Host_has_a_compare_form_without_case_and_one_without_port(string value, string lower, string host, int port)
    {
        HttpRequestHead head = Exchange.Head($"GET / HTTP/1.1\r\nX-A: 1\r\nHost: {value}\r\nX-B: 2\r\n\r\n");
        Assert.Equal(value, Reading.Text(head.Authority));
        Assert.Equal(lower, Reading.Text(head.LowerAuthority));
        Assert.Equal(host, Reading.Text(head.Host));
        Assert.Equal(port, head.Port);
        Assert.Equal("X-A: 1\nX-B: 2\n", head.Headers.ToString());
    }
}
