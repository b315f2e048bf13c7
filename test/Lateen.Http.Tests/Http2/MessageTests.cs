namespace Lateen.Http.Tests.Http2;

/// <summary>RFC 9113 section 8 and RFC 8441: what makes a message malformed, and how the well-formed ones are read.</summary>
public sealed class MessageTests
{
    private const string AnyGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    public static TheoryData<string, string, HttpRejectionCode> MalformedRequests() => new()
    {
        { "Rfc9113_8_2_1 upper-case name", ":method GET|:scheme http|:path /|:authority a|X-Upper 1", HttpRejectionCode.FieldNameUpperCase },
        { "Rfc9113_8_2_1 known name in upper case", ":method GET|:scheme http|:path /|:authority a|Accept 1", HttpRejectionCode.FieldNameUpperCase },
        { "Rfc9113_8_2_1 name with a space", ":method GET|:scheme http|:path /|:authority a|x\u00a0y 1", HttpRejectionCode.FieldNameMalformed },
        { "Rfc9113_8_2_1 name with a colon inside", ":method GET|:scheme http|:path /|:authority a|x:y 1", HttpRejectionCode.FieldNameMalformed },
        { "Rfc9113_8_2_1 empty name", ":method GET|:scheme http|:path /|:authority a| 1", HttpRejectionCode.FieldNameMalformed },
        { "Rfc9113_8_2_1 CR in a value", ":method GET|:scheme http|:path /|:authority a|x a\rb", HttpRejectionCode.ControlByteInField },
        { "Rfc9113_8_2_1 LF in a value", ":method GET|:scheme http|:path /|:authority a|x a\nb", HttpRejectionCode.ControlByteInField },
        { "Rfc9113_8_2_1 NUL in a value", ":method GET|:scheme http|:path /|:authority a|x a\0b", HttpRejectionCode.ControlByteInField },
        { "Rfc9113_8_2_1 value begins with a space", ":method GET|:scheme http|:path /|:authority a|x  a", HttpRejectionCode.FieldValueWhitespace },
        { "Rfc9113_8_2_1 value ends with a tab", ":method GET|:scheme http|:path /|:authority a|x a\t", HttpRejectionCode.FieldValueWhitespace },
        { "Rfc9113_8_2_1 LF in a pseudo-field", ":method GET|:scheme http|:path /a\nb|:authority a", HttpRejectionCode.ControlByteInField },
        { "Rfc9113_8_2_2 connection", ":method GET|:scheme http|:path /|:authority a|connection close", HttpRejectionCode.ConnectionFieldForbidden },
        { "Rfc9113_8_2_2 keep-alive", ":method GET|:scheme http|:path /|:authority a|keep-alive 1", HttpRejectionCode.ConnectionFieldForbidden },
        { "Rfc9113_8_2_2 proxy-connection", ":method GET|:scheme http|:path /|:authority a|proxy-connection close", HttpRejectionCode.ConnectionFieldForbidden },
        { "Rfc9113_8_2_2 transfer-encoding", ":method POST|:scheme http|:path /|:authority a|transfer-encoding chunked", HttpRejectionCode.ConnectionFieldForbidden },
        { "Rfc9113_8_2_2 upgrade", ":method GET|:scheme http|:path /|:authority a|upgrade websocket", HttpRejectionCode.ConnectionFieldForbidden },
        { "Rfc9113_8_2_2 te other than trailers", ":method GET|:scheme http|:path /|:authority a|te trailers, gzip", HttpRejectionCode.TeForbidden },
        { "Rfc9113_8_3 unknown pseudo-field", ":method GET|:scheme http|:path /|:authority a|:foo b", HttpRejectionCode.PseudoFieldUnknown },
        { "Rfc9113_8_3 response pseudo-field", ":method GET|:scheme http|:path /|:authority a|:status 200", HttpRejectionCode.PseudoFieldUnknown },
        { "Rfc9113_8_3 pseudo-field after a field", ":method GET|:scheme http|:path /|x 1|:authority a", HttpRejectionCode.PseudoFieldMisplaced },
        { "Rfc9113_8_3 repeated path", ":method GET|:scheme http|:path /|:path /b|:authority a", HttpRejectionCode.PseudoFieldRepeated },
        { "Rfc9113_8_3_1 no method", ":scheme http|:path /|:authority a", HttpRejectionCode.PseudoFieldMissing },
        { "Rfc9113_8_3_1 no scheme", ":method GET|:path /|:authority a", HttpRejectionCode.PseudoFieldMissing },
        { "Rfc9113_8_3_1 no path", ":method GET|:scheme http|:authority a", HttpRejectionCode.PseudoFieldMissing },
        { "Rfc9113_8_3_1 empty path", ":method GET|:scheme http|:path |:authority a", HttpRejectionCode.TargetMalformed },
        { "Rfc9113_8_3_1 path without slash", ":method GET|:scheme http|:path a|:authority a", HttpRejectionCode.TargetMalformed },
        { "Rfc9113_8_3_1 absolute path", ":method GET|:scheme http|:path http://b/|:authority a", HttpRejectionCode.TargetMalformed },
        { "Rfc9113_8_3_1 space in the path", ":method GET|:scheme http|:path /a b|:authority a", HttpRejectionCode.TargetMalformed },
        { "Rfc9113_8_3_1 fragment", ":method GET|:scheme http|:path /a#b|:authority a", HttpRejectionCode.TargetFragment },
        { "Rfc9113_8_3_1 asterisk without OPTIONS", ":method GET|:scheme http|:path *|:authority a", HttpRejectionCode.TargetFormForbidden },
        { "Rfc9113_8_3_1 user information", ":method GET|:scheme http|:path /|:authority u@a", HttpRejectionCode.TargetUserInfo },
        { "Rfc9113_8_3_1 empty authority", ":method GET|:scheme http|:path /|:authority ", HttpRejectionCode.TargetHostEmpty },
        { "Rfc9113_8_3_1 neither authority nor Host", ":method GET|:scheme http|:path /", HttpRejectionCode.HostMissing },
        { "Rfc9113_8_3_1 Host that differs", ":method GET|:scheme http|:path /|:authority a|host b", HttpRejectionCode.AuthorityHostMismatch },
        { "two Hosts", ":method GET|:scheme http|:path /|host a|host a", HttpRejectionCode.HostRepeated },
        { "authority with a slash", ":method GET|:scheme http|:path /|:authority a/b", HttpRejectionCode.HostMalformed },
        { "method that is no token", ":method GE T|:scheme http|:path /|:authority a", HttpRejectionCode.MethodMalformed },
        { "Rfc9113_8_5 CONNECT with a path", ":method CONNECT|:scheme http|:path /|:authority a:1", HttpRejectionCode.PseudoFieldForbidden },
        { "Rfc9113_8_5 CONNECT without authority", ":method CONNECT", HttpRejectionCode.PseudoFieldMissing },
        { "Rfc9110_9_3_6 CONNECT without a port", ":method CONNECT|:authority a", HttpRejectionCode.TargetMalformed },
        { "Rfc8441_4 protocol without CONNECT", ":method GET|:protocol websocket|:scheme http|:path /|:authority a", HttpRejectionCode.ProtocolForbidden },
        { "content-length that is no number", ":method POST|:scheme http|:path /|:authority a|content-length x", HttpRejectionCode.ContentLengthMalformed },
        { "content-length twice", ":method POST|:scheme http|:path /|:authority a|content-length 1|content-length 1", HttpRejectionCode.ContentLengthRepeated },
    };

    [Theory]
    [MemberData(nameof(MalformedRequests))]
    public void Rfc9113_8_1_1_malformed_request_is_stream_error_or_400_as_configured(string rule, string fields, HttpRejectionCode code)
    {
        byte[] request = Peer.Headers(1, false, Fields(fields));
        byte[] next = Peer.Headers(3, true, Peer.Get);

        Outcome reset = Conversation.Server(request, next);
        reset.ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);
        Assert.Contains($"reset 1 ProtocolError StreamError {code}", reset.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("request 1", reset.Log, StringComparison.Ordinal);
        Assert.Contains("request 3", reset.Log, StringComparison.Ordinal);
        Assert.Equal(1, reset.Counters.MessagingErrors);

        Outcome answered = Conversation.Server(new Http2Options { InvalidMessages = Http2InvalidMessageAction.AnswerWithStatus }, request, next);
        answered.IsQuiet();
        Assert.Contains($" {code} (", answered.Log, StringComparison.Ordinal);

        Conversation.Server(new Http2Options { InvalidMessages = Http2InvalidMessageAction.CloseConnection }, request, next)
            .EndsWith(Http2Violation.MessageMalformed, Http2ErrorCode.ProtocolError);
        Assert.NotEmpty(rule);
    }

    public static TheoryData<string, HttpRejectionCode, int> RefusedRequests() => new()
    {
        { $":method {new string('X', 33)}|:scheme http|:path /|:authority a", HttpRejectionCode.MethodTooLong, 501 },
        { $":method GET|:scheme http|:path /{new string('x', 33_000)}|:authority a", HttpRejectionCode.TargetTooLong, 414 },
        { $":method GET|:scheme http|:path /|:authority a|x {new string('x', 62_000)}", HttpRejectionCode.FieldsTooLarge, 431 },
        { $":method GET|:scheme http|:path /|:authority a|{string.Join('|', Enumerable.Repeat("x 1", 101))}", HttpRejectionCode.TooManyFields, 431 },
        { ":method GET|:scheme ftp|:path /|:authority a", HttpRejectionCode.TargetSchemeUnsupported, 400 },
        { ":method POST|:scheme http|:path /|:authority a|expect magic", HttpRejectionCode.ExpectationUnsupported, 417 },
    };

    [Theory]
    [MemberData(nameof(RefusedRequests))]
    public void Well_formed_request_beyond_a_bound_is_answered_and_not_reset(string fields, HttpRejectionCode code, int status)
    {
        Outcome outcome = Conversation.Server([.. LargeHead(Fields(fields)), Peer.Headers(3, true, Peer.Get)]);
        outcome.IsQuiet();
        Assert.Contains($"{status} {code}", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("request 3", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Name_that_is_longer_than_its_index_can_say_is_refused_and_never_another_name()
    {
        // Of the length only 16 bits would be kept: the first octets of the name alone.
        string name = "x-forwarded-client-cert" + new string('x', 65_536);
        var limits = new Http1Limits { MaxHeadOctets = 256 * 1024 };

        var asked = new RecordingSession();
        var server = new Http2ServerConnection(
            Http2Options.Default, new Http1RequestOptions { Limits = limits }, asked, new MemoryOutput(), new Http2StreamPool(), new Http2Counters());
        asked.Connection = server;
        server.Start(0);
        server.Receive(Peer.Join([Peer.Hello, .. LargeHead([.. Peer.Get, (name, "forged")])]), 0);
        Assert.Contains("431 FieldsTooLarge", asked.Log, StringComparison.Ordinal);
        Assert.Equal(0, asked.Streams[1].Request!.Headers.Count);

        var answered = new RecordingSession();
        var client = new Http2ClientConnection(Http2Options.Default, limits, answered, new MemoryOutput(), new Http2StreamPool(), new Http2Counters());
        answered.Connection = client;
        client.Start(0);
        client.OpenStream(Exchange.Head(AnyGet), new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0);
        client.Receive(Peer.Join([Peer.Frame(4, 0, 0), .. LargeHead([(":status", "200"), (name, "forged")])]), 0);
        Assert.Contains("reset 1 ProtocolError StreamError FieldsTooLarge", answered.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_8_2_3_cookie_crumbs_become_one_cookie()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(1, true, [.. Peer.Get, ("cookie", "a=b"), ("x", "1"), ("cookie", "c=d"), ("cookie", "e=f")]));
        Assert.Contains("cookie: a=b; c=d; e=f\nx: 1\n", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_8_3_1_host_stands_for_a_missing_authority_and_equal_ones_are_one()
    {
        Outcome outcome = Conversation.Server(
            Peer.Headers(1, true, (":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "h.example:81")),
            Peer.Headers(3, true, (":method", "GET"), (":scheme", "https"), (":path", "/"), (":authority", "H.example"), ("host", "h.example")));
        outcome.IsQuiet();
        Assert.Contains("h.example:81", outcome.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("host:", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_8_5_connect_opens_a_tunnel_whose_content_ends_with_the_stream()
    {
        var pair = new ConnectionPair();
        pair.ServerSession.WhenRequest = s => pair.Server.SendResponse(s, ConnectionPair.Response("HTTP/1.1 200 OK\r\n\r\n", RequestMethod.Connect), endStream: false);
        Http2Stream stream = pair.Open("CONNECT db.example:5432 HTTP/1.1\r\nHost: db.example:5432\r\n\r\n", endStream: false);
        pair.Run();
        HttpRequestHead request = pair.ServerSession.Streams[1].Request!;
        Assert.Equal((RequestMethod.Connect, BodyFraming.Tunnel, TargetForm.Authority, 5432), (request.Method, request.Framing, request.Form, request.Port));
        Assert.Equal(BodyFraming.Tunnel, stream.Response!.Framing);
        pair.Client.SendData(stream, "up"u8, endStream: true);
        pair.Server.SendData(pair.ServerSession.Streams[1], "down"u8, endStream: true);
        pair.Run();
        Assert.Equal(("up", "down"), (pair.ServerSession.ContentOf(1), pair.ClientSession.ContentOf(1)));
        Assert.True(stream.IsClosed);
    }

    [Fact]
    public void Rfc9113_8_5_field_section_in_a_tunnel_is_stream_error() =>
        Conversation.Server(Peer.Headers(1, false, (":method", "CONNECT"), (":authority", "a:1")), Peer.Headers(1, true, ("x", "y")))
            .ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc8441_extended_connect_is_offered_read_and_sent()
    {
        var pair = new ConnectionPair(new Http2Options { AllowConnect = true });
        Assert.False(pair.Client.AllowsExtendedConnect);
        pair.Run();
        Assert.True(pair.Client.AllowsExtendedConnect);
        HttpRequestHead head = ConnectionPair.Request("GET /chat?x HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n");
        head.SetMethod(RequestMethod.Connect);
        head.SetConnectProtocol("websocket"u8);
        head.SetBody(BodyFraming.Tunnel);
        Assert.NotNull(pair.Client.OpenStream(head, new HttpResponseHead(), null, endStream: false, nowMilliseconds: 0));
        pair.Run();
        HttpRequestHead read = pair.ServerSession.Streams[1].Request!;
        Assert.Equal("websocket", Reading.Text(read.ConnectProtocol));
        Assert.Equal("/chat?x", Reading.Text(read.PathAndQuery));
        Assert.Equal((RequestMethod.Connect, BodyFraming.Tunnel), (read.Method, read.Framing));
        Assert.Equal("sec-websocket-version: 13\n", read.Headers.ToString());
    }

    [Fact]
    public void Rfc8441_3_extended_connect_that_was_not_offered_is_not_sent()
    {
        var pair = new ConnectionPair().Run();
        HttpRequestHead head = ConnectionPair.Request(AnyGet);
        head.SetMethod(RequestMethod.Connect);
        head.SetConnectProtocol("websocket"u8);
        Assert.Throws<InvalidOperationException>(() => pair.Client.OpenStream(head, new HttpResponseHead(), null, endStream: false, nowMilliseconds: 0));
    }

    [Theory]
    [InlineData("5", "hello", true)]
    [InlineData("0", "", true)]
    [InlineData("4", "hello", false)]
    [InlineData("6", "hello", false)]
    [InlineData("1", "", false)]
    public void Rfc9113_8_1_1_content_length_must_equal_the_sum_of_the_data(string declared, string content, bool matches)
    {
        byte[] head = Peer.Headers(1, false, [.. Peer.Post, ("content-length", declared)]);
        byte[] first = Peer.Data(1, content.Length > 2 ? content[..2] : "");
        foreach (byte[] end in (byte[][])[Peer.Data(1, content.Length > 2 ? content[2..] : content, end: true), Peer.Join(Peer.Data(1, content.Length > 2 ? content[2..] : content), Peer.Headers(1, true, ("t", "1")))])
        {
            Outcome outcome = content.Length > 2 ? Conversation.Server(head, first, end) : Conversation.Server(head, end);
            if (matches)
            {
                outcome.IsQuiet();
                Assert.Contains(declared == "5" ? "content of 1: hello" : "1 0", declared == "5" ? outcome.Frames : outcome.Log, StringComparison.Ordinal);
            }
            else
            {
                outcome.ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);
                Assert.Contains("ContentLengthMismatch", outcome.Log, StringComparison.Ordinal);
                Assert.DoesNotContain("end 1", outcome.Log, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void Rfc9113_8_1_1_declared_content_that_does_not_follow_is_malformed() =>
        Conversation.Server(Peer.Headers(1, true, [.. Peer.Post, ("content-length", "5")]))
            .ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_8_1_second_field_section_without_end_stream_is_malformed() =>
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Headers(1, false, ("x", "1")))
            .ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);

    [Theory]
    [InlineData(":path /")]
    [InlineData("X-Upper 1")]
    [InlineData("connection close")]
    [InlineData("x a\nb")]
    public void Rfc9113_8_1_malformed_trailers_are_stream_error(string field) =>
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Headers(1, true, Fields(field)))
            .ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9110_6_5_1_forbidden_trailers_are_dropped_and_large_ones_refused()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Headers(1, true, ("authorization", "x"), ("x-sum", "1"), ("content-length", "7")));
        outcome.IsQuiet();
        Assert.EndsWith("trailers 1 0 x-sum: 1\n", outcome.Log, StringComparison.Ordinal);
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(1, Peer.EndStream, 1, Peer.Block(("x", new string('y', 16_000)))), Peer.Frame(9, Peer.EndHeaders, 1, Peer.Block(("x", new string('y', 1000)))))
            .ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);
    }

    [Theory]
    [InlineData(":status 20", HttpRejectionCode.StatusCodeInvalid)]
    [InlineData(":status 099", HttpRejectionCode.StatusCodeInvalid)]
    [InlineData(":status 600", HttpRejectionCode.StatusCodeInvalid)]
    [InlineData(":status abc", HttpRejectionCode.StatusCodeInvalid)]
    [InlineData("x 1", HttpRejectionCode.PseudoFieldMissing)]
    [InlineData(":status 200|:status 200", HttpRejectionCode.PseudoFieldRepeated)]
    [InlineData(":status 200|:path /", HttpRejectionCode.PseudoFieldUnknown)]
    [InlineData("x 1|:status 200", HttpRejectionCode.PseudoFieldMisplaced)]
    [InlineData(":status 101", HttpRejectionCode.SwitchingProtocolsForbidden)]
    [InlineData(":status 200|transfer-encoding chunked", HttpRejectionCode.ConnectionFieldForbidden)]
    [InlineData(":status 200|content-length 5", HttpRejectionCode.ContentLengthMismatch)]
    [InlineData(":status 103", HttpRejectionCode.EndStreamMissing)]
    public void Rfc9113_8_1_1_malformed_response_is_stream_error(string fields, HttpRejectionCode code)
    {
        Outcome outcome = Conversation.Client([AnyGet, AnyGet], Peer.Headers(1, true, Fields(fields)), Peer.Headers(3, true, (":status", "204")));
        outcome.ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);
        Assert.Contains($"reset 1 ProtocolError StreamError {code}", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("response 3 204", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_8_1_content_before_the_response_is_stream_error() =>
        Conversation.Client([AnyGet], Peer.Data(1, "x")).ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_8_1_interim_responses_come_before_the_final_one()
    {
        Outcome outcome = Conversation.Client(
            [AnyGet], Peer.Headers(1, false, (":status", "100")), Peer.Headers(1, false, (":status", "103"), ("link", "x")), Peer.Headers(1, false, (":status", "200")), Peer.Data(1, "ok", end: true));
        outcome.IsQuiet();
        Assert.Equal(["settings", "interim 1 100", "interim 1 103", "link: x", "response 1 200", "end 1 2"], outcome.Log.Split('\n').Select(Begin).Where(line => line.Length > 0 && !line.StartsWith("end=", StringComparison.Ordinal)));

        static string Begin(string line) => line.StartsWith("end 1 2", StringComparison.Ordinal) ? "end 1 2" : line.Split('|')[0];
    }

    [Theory]
    [InlineData("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "200")]
    [InlineData(AnyGet, "304")]
    public void Rfc9110_8_6_length_of_content_that_is_not_sent_is_no_mismatch(string request, string status)
    {
        Outcome outcome = Conversation.Client([request], Peer.Headers(1, true, (":status", status), ("content-length", "500")));
        outcome.IsQuiet();
        Assert.Contains("|None|500|", outcome.Log, StringComparison.Ordinal);
        Conversation.Client([request], Peer.Headers(1, false, (":status", status), ("content-length", "500")), Peer.Data(1, "x"))
            .ResetsStream(1, Http2Violation.StreamMessageMalformed, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Never_indexed_field_stays_so_on_its_way_through_a_proxy()
    {
        var pair = new ConnectionPair();
        pair.Run();
        var head = new HttpRequestHead();
        var decoder = new HpackDecoder(4096);
        byte[] block = [.. Peer.Block(Peer.Get), 0x10, 8, .. "x-secret"u8, 1, (byte)'s', 0x10, 0x0a, .. "user-agent"u8, 1, (byte)'u'];
        Assert.Equal(HttpRejectionCode.None, new Http2RequestReader(new Http1RequestOptions(), false).Read(decoder, block, head, true, new Http2Counters()));
        pair.Client.OpenStream(head, new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0);
        ReadOnlySpan<byte> frame = pair.ClientOutput.Pending;
        Assert.True(frame.IndexOf([(byte)0x10, (byte)8, .. "x-secret"u8]) > 0);
        Assert.True(frame.IndexOf([(byte)0x1f, (byte)0x2b, (byte)1, (byte)'u']) > 0); // Name index 58 behind a prefix of four bits.
    }

    [Fact]
    public void Request_that_came_over_http_1_goes_out_without_what_concerns_its_hop()
    {
        var pair = new ConnectionPair();
        pair.Run();
        pair.Open("POST /a HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Hop, te\r\nX-Hop: 1\r\nTE: trailers, gzip\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n", endStream: false);
        Assert.Equal(["HEADERS 1 :method=POST;:scheme=http;:path=/a;:authority=a;x=1;te=trailers;"], Peer.Describe(pair.ClientOutput.Pending));
    }

    [Fact]
    public void Head_larger_than_a_frame_goes_out_in_pieces_and_is_read_as_one()
    {
        var requests = new Http1RequestOptions { Limits = new Http1Limits { MaxHeadOctets = 100_000 } };
        var pair = new ConnectionPair(requests: requests);
        pair.Run();
        var head = new HttpRequestHead();
        string value = new('v', 50_000);
        Assert.Equal(ParseStatus.Complete, new Http1RequestParser(requests).Parse(head, Reading.Bytes($"GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n"), out _));
        pair.ClientOutput.Slack = 0;
        Assert.NotNull(pair.Client.OpenStream(head, new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0));
        Assert.Equal(4, pair.ClientOutput.Pending.Length / 16_384 + 1);
        pair.Run();
        Assert.Equal($"x: {value}\n", pair.ServerSession.Streams[1].Request!.Headers.ToString());
    }

    private static (string, string)[] Fields(string text) => [.. text.Split('|').Select(field =>
    {
        int space = field.IndexOf(' ', StringComparison.Ordinal);
        return (field[..space], field[(space + 1)..]);
    })];
    /// <summary>The head of stream 1, in as many frames as it needs.</summary>
    private static List<byte[]> LargeHead((string, string)[] fields)
    {
        byte[] block = Peer.Block(fields);
        var frames = new List<byte[]>();
        for (int at = 0; at < block.Length; at += 16_384)
        {
            int length = Math.Min(16_384, block.Length - at);
            frames.Add(Peer.Frame(at == 0 ? 1 : 9, at + length == block.Length ? Peer.EndHeaders : 0, 1, block.AsSpan(at, length)));
        }

        return frames;
    }
}
