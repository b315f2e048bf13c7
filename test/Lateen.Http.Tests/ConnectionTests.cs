namespace Lateen.Http.Tests;

public sealed class ConnectionTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n", true)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, CLOSE\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n", true)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: close\r\n", false)]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\n", false)]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n", true)]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n", false)]
    [InlineData("GET http://a/ HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n", false)]
    public void Rfc9112_9_3_persistence_follows_version_and_connection(string head, bool keepAlive)
    {
        Assert.Equal(keepAlive, Exchange.Head(head + "\r\n").KeepAlive);
        Assert.Equal("complete", Exchange.Request(head + "\r\n").Verdict);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n", false)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n", false)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n", true)]
    public void Rfc9112_9_3_upstream_persistence_follows_version_and_connection(string head, bool keepAlive) =>
        Assert.Equal(keepAlive, Exchange.ResponseHead(head + "\r\n").KeepAlive);

    [Fact]
    public void Http10_request_may_lack_host_and_takes_the_default_one()
    {
        Assert.Equal("", Reading.Text(Exchange.Head("GET / HTTP/1.0\r\n\r\n").Authority));
        HttpRequestHead head = Exchange.Head("GET /a HTTP/1.0\r\n\r\n", new Http1RequestOptions { DefaultHostForHttp10 = "Shop.example:81" });
        Assert.Equal("shop.example", Reading.Text(head.Host));
        Assert.Equal(81, head.Port);
        Assert.Equal("GET /a HTTP/1.1\r\nhost: Shop.example:81\r\n\r\n", Wire.Of(head));
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\n\r\n")]
    [InlineData("GET / HTTP/1.9\r\nHost: a\r\n\r\n")]
    public void Rfc9112_2_3_forwarded_request_carries_our_own_version(string message) =>
        Assert.Equal("GET / HTTP/1.1\r\nhost: a\r\n\r\n", Wire.Of(Exchange.Head(message)));

    [Fact]
    public void Rfc9112_6_2_length_and_transfer_encoding_are_never_sent_together()
    {
        HttpRequestHead head = Exchange.Head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
        head.Headers.Add(KnownHeader.TransferEncoding, "chunked"u8);
        head.Headers.Add(KnownHeader.ContentLength, "7"u8);
        head.Headers.Add("Host"u8, "evil"u8);
        Assert.Equal("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Rfc9112_3_2_1_empty_path_is_forwarded_as_a_slash() =>
        Assert.Equal("GET / HTTP/1.1\r\nhost: a.example\r\n\r\n", Wire.Of(Exchange.Head("GET http://a.example HTTP/1.1\r\nHost: b\r\n\r\n")));

    [Fact]
    public void Http10_can_be_refused_with_426() =>
        RequestLineTests.Refused("GET / HTTP/1.0\r\nHost: a\r\n\r\n", 426, HttpRejectionCode.Http10Refused, new Http1RequestOptions { AcceptHttp10 = false });

    [Fact]
    public void Rfc9110_7_6_1_nominated_and_hop_by_hop_fields_are_not_forwarded()
    {
        HttpRequestHead head = Exchange.Head(
            "GET /a HTTP/1.1\r\nHost: a\r\nA: 1\r\nConnection: X-Secret, keep-alive, close\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\n"
            + "Proxy-Connection: keep-alive\r\nTE: gzip\r\nUpgrade: websocket\r\nx-secret: 2\r\nB: 2\r\nProxy-Authorization: Basic x\r\nConnection: X-More\r\nX-More: 3\r\n\r\n");
        Assert.Equal("GET /a HTTP/1.1\r\nhost: a\r\nA: 1\r\nB: 2\r\nProxy-Authorization: Basic x\r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Rfc9110_7_6_1_hop_by_hop_fields_of_a_response_are_not_forwarded()
    {
        HttpResponseHead head = Exchange.ResponseHead(
            "HTTP/1.1 200 Fine\r\nA: 1\r\nConnection: X-Hop, Keep-Alive\r\nKeep-Alive: timeout=5\r\nX-Hop: 1\r\nContent-Length: 3\r\nProxy-Authenticate: Basic\r\n\r\n");
        Assert.Equal("HTTP/1.1 200 OK\r\nA: 1\r\nProxy-Authenticate: Basic\r\ncontent-length: 3\r\n\r\n", Wire.Of(head));
    }

    [Fact]
    public void Fields_added_after_stripping_stay()
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nConnection: x-mine\r\nX-Mine: theirs\r\n\r\n");
        head.StripHopByHop();
        head.Headers.Add("x-mine"u8, "ours"u8);
        Assert.Equal("GET / HTTP/1.1\r\nhost: a\r\nx-mine: ours\r\n\r\n", Wire.Of(head));
    }

    [Theory]
    [InlineData("Host")]
    [InlineData("Content-Length")]
    [InlineData("Authorization")]
    [InlineData("Cookie")]
    [InlineData("cache-control")]
    [InlineData("X-Forwarded-For")]
    [InlineData("X-Request-Id")]
    [InlineData("x-envoy-internal")]
    [InlineData("traceparent")]
    public void Rfc9110_7_6_1_nominating_a_field_for_all_recipients_is_refused(string name) =>
        RequestLineTests.Refused($"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, {name}\r\n\r\n", 400, HttpRejectionCode.ConnectionNominatesEndToEnd);

    [Fact]
    public void Connection_that_is_no_list_of_tokens_is_refused()
    {
        RequestLineTests.Refused("GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", 400, HttpRejectionCode.ConnectionMalformed);
        RequestLineTests.Refused("GET / HTTP/1.1\r\nHost: a\r\nConnection: \"close\"\r\n\r\n", 400, HttpRejectionCode.ConnectionMalformed);
    }

    [Fact]
    public void Connection_options_are_limited()
    {
        string nine = string.Join(", ", Enumerable.Range(0, 9).Select(i => "x" + i));
        Assert.Equal("complete", Exchange.Request($"GET / HTTP/1.1\r\nHost: a\r\nConnection: {nine}\r\n\r\n").Verdict);
        RequestLineTests.Refused($"GET / HTTP/1.1\r\nHost: a\r\nConnection: {nine}, y\r\n\r\n", 400, HttpRejectionCode.TooManyConnectionOptions);
        RequestLineTests.Refused($"GET / HTTP/1.1\r\nHost: a\r\nConnection: {nine}\r\nConnection: y\r\n\r\n", 400, HttpRejectionCode.TooManyConnectionOptions);
    }

    [Fact]
    public void Rfc9110_7_8_upgrade_counts_only_with_its_connection_option_and_in_http11()
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c, WebSocket\r\n\r\n");
        Assert.True(head.AsksUpgradeTo("websocket"u8));
        Assert.False(head.AsksUpgradeTo("web"u8));
        Assert.Equal("", Reading.Text(Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n").Upgrade));
        Assert.Equal("", Reading.Text(Exchange.Head("GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").Upgrade));
        RequestLineTests.Refused("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a b\r\n\r\n", 400, HttpRejectionCode.UpgradeMalformed);
        RequestLineTests.Refused("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: a\r\nUpgrade: b\r\n\r\n", 400, HttpRejectionCode.UpgradeMalformed);
    }

    [Fact]
    public void Upgrade_is_forwarded_only_when_asked()
    {
        const string Message = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n";
        Assert.Equal("GET / HTTP/1.1\r\nhost: a\r\nSec-WebSocket-Key: k\r\n\r\n", Wire.Of(Exchange.Head(Message)));
        Assert.Equal(
            "GET / HTTP/1.1\r\nhost: a\r\nSec-WebSocket-Key: k\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
            Wire.Of(Exchange.Head(Message), RequestWriteOptions.ForwardUpgrade));
        HttpResponseHead switched = Exchange.ResponseHead("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s\r\n\r\n");
        Assert.Equal("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: s\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", Wire.Of(switched));
    }

    [Fact]
    public void Rfc9112_7_4_te_trailers_is_forwarded_with_its_connection_option()
    {
        HttpRequestHead head = Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\nTE: gzip;q=0.5, trailers\r\nConnection: TE\r\n\r\n");
        Assert.True(head.AcceptsTrailers);
        Assert.Equal("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\nconnection: te, close\r\n\r\n", Wire.Of(head, RequestWriteOptions.Close));
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\nok", true)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n", true)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue\r\n\r\n", false)]
    [InlineData("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok", false)]
    [InlineData("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 2\r\nExpect: tea\r\n\r\nok", false)]
    public void Rfc9110_10_1_1_expectation_of_100_needs_content_and_http11(string message, bool expects)
    {
        Assert.Equal(expects, Exchange.Head(message).ExpectsContinue);
        Assert.Equal("complete", Exchange.Request(message).Verdict);
    }

    [Fact]
    public void Rfc9110_10_1_1_other_expectations_are_answered_with_417() =>
        RequestLineTests.Refused("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nExpect: 100-continue, tea\r\n\r\n", 417, HttpRejectionCode.ExpectationUnsupported);
}
