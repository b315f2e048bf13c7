namespace Lateen.Http.Tests.Http2;

/// <summary>RFC 9113 section 5: identifiers, states, limits, and frames where they do not belong.</summary>
public sealed class StreamTests
{
    private const string AnyGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    [Fact]
    public void Rfc9113_5_1_1_even_stream_identifier_from_a_client_is_connection_error() =>
        Conversation.Server(Peer.Headers(2, true, Peer.Get)).EndsWith(Http2Violation.StreamIdentifierInvalid, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_5_1_1_identifier_below_the_last_that_was_never_used_is_connection_error() =>
        Conversation.Server(Peer.Headers(5, true, Peer.Get), Peer.Headers(3, true, Peer.Get)).EndsWith(Http2Violation.StreamIdentifierReused, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_5_1_1_identifiers_may_be_skipped()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(5, true, Peer.Get), Peer.Headers(1001, true, Peer.Get), Peer.Headers(int.MaxValue, true, Peer.Get));
        outcome.IsQuiet();
        Assert.Contains("request 2147483647", outcome.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(8)]
    public void Rfc9113_5_1_idle_stream_takes_only_headers_and_priority(int type)
    {
        byte[] payload = type == 0 ? [1] : [0, 0, 0, 1];
        Conversation.Server(Peer.Frame(type, 0, 1, payload)).EndsWith(Http2Violation.FrameOnIdleStream, Http2ErrorCode.ProtocolError);
        Conversation.Server(Peer.Frame(type, 0, 2, payload)).EndsWith(Http2Violation.FrameOnIdleStream, Http2ErrorCode.ProtocolError);
        Conversation.Client([AnyGet], Peer.Frame(type, 0, 3, payload)).EndsWith(Http2Violation.FrameOnIdleStream, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_5_1_headers_on_an_idle_stream_of_a_client_are_connection_error()
    {
        Conversation.Client([AnyGet], Peer.Headers(3, true, (":status", "200"))).EndsWith(Http2Violation.FrameOnIdleStream, Http2ErrorCode.ProtocolError);
        Conversation.Client([AnyGet], Peer.Headers(2, true, (":status", "200"))).EndsWith(Http2Violation.StreamIdentifierInvalid, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_5_1_half_closed_remote_stream_that_gets_data_or_headers_is_stream_error_of_stream_closed()
    {
        Conversation.Server(Peer.Headers(1, true, Peer.Get), Peer.Data(1, "x")).ResetsStream(1, Http2Violation.FrameAfterEndOfStream, Http2ErrorCode.StreamClosed);
        Conversation.Server(Peer.Headers(1, true, Peer.Get), Peer.Headers(1, true, ("a", "b"))).ResetsStream(1, Http2Violation.FrameAfterEndOfStream, Http2ErrorCode.StreamClosed);
    }

    [Fact]
    public void Rfc9113_5_1_half_closed_remote_stream_takes_window_update_priority_and_reset()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(1, true, Peer.Get), Peer.WindowUpdate(1, 5), Peer.Frame(2, 0, 1, new byte[5]), Peer.Reset(1));
        outcome.IsQuiet();
        Assert.EndsWith("reset 1 Cancel Peer None", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_5_1_stream_that_the_peer_closed_takes_no_data_or_headers()
    {
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Reset(1), Peer.Data(1, "x")).EndsWith(Http2Violation.FrameOnClosedStream, Http2ErrorCode.StreamClosed);
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Reset(1), Peer.Headers(1, true, ("a", "b"))).EndsWith(Http2Violation.FrameOnClosedStream, Http2ErrorCode.StreamClosed);
        Conversation.Server(Http2Options.Default, Answer, Peer.Headers(1, true, Peer.Get), Peer.Data(1, "x")).EndsWith(Http2Violation.FrameOnClosedStream, Http2ErrorCode.StreamClosed);
    }

    [Fact]
    public void Rfc9113_5_1_closed_stream_takes_window_update_and_reset_in_silence()
    {
        Outcome outcome = Conversation.Server(
            Http2Options.Default, Answer, Peer.Headers(1, true, Peer.Get), Peer.WindowUpdate(1, 9), Peer.Reset(1), Peer.Frame(2, 0, 1, new byte[5]));
        outcome.IsQuiet();
    }

    [Fact]
    public void Rfc9113_5_1_frames_that_crossed_our_reset_are_ignored()
    {
        Outcome outcome = Conversation.Server(
            Http2Options.Default, (server, stream) => server.Reset(stream, Http2ErrorCode.Cancel),
            Peer.Headers(1, false, Peer.Post), Peer.Data(1, "late"), Peer.WindowUpdate(1, 1), Peer.Headers(1, true, ("late", "trailer")), Peer.Reset(1), Peer.Ping(7));
        Assert.Equal(Http2Violation.None, outcome.Violation);
        Assert.Contains("RST_STREAM 1 Cancel", outcome.Frames, StringComparison.Ordinal);
        Assert.EndsWith("PING ack 7", outcome.Frames, StringComparison.Ordinal);
        Assert.DoesNotContain("late", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_5_1_2_streams_above_the_limit_are_refused_and_later_ones_accepted()
    {
        Outcome outcome = Conversation.Server(
            new Http2Options { MaxConcurrentStreams = 2 },
            Peer.Headers(1, false, Peer.Post), Peer.Headers(3, false, Peer.Post), Peer.Headers(5, true, Peer.Get), Peer.Reset(1), Peer.Headers(7, true, Peer.Get));
        outcome.ResetsStream(5, Http2Violation.StreamRefused, Http2ErrorCode.RefusedStream);
        Assert.DoesNotContain("request 5", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("request 7", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Streams_that_the_session_has_not_released_are_bounded_too()
    {
        var frames = new List<byte[]>();
        for (int id = 1; id < 2000; id += 2)
        {
            frames.Add(Peer.Headers(id, false, Peer.Post));
            frames.Add(Peer.Reset(id));
        }

        Outcome outcome = Conversation.Server(
            new Http2Options { MaxConcurrentStreams = 10, PrematureResetStreams = 1_000_000, ProvokedResetStreams = 1_000_000 }, [.. frames]);
        Assert.Equal(20, outcome.Log.Split('\n').Count(line => line.StartsWith("request", StringComparison.Ordinal)));
        Assert.Equal(980, outcome.Counters.Of(Http2Violation.StreamRefused));
    }

    [Fact]
    public void Rfc9113_5_1_2_client_opens_no_more_streams_than_the_server_allows()
    {
        var pair = new ConnectionPair(new Http2Options { MaxConcurrentStreams = 2 });
        pair.Run();
        Assert.Equal(2, pair.Client.FreeStreams);
        pair.Open(AnyGet);
        pair.Open(AnyGet);
        Assert.False(pair.Client.CanOpenStream);
        Assert.Null(pair.Client.OpenStream(ConnectionPair.Request(AnyGet), new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0));
        pair.ServerSession.WhenRequest = s => Answer(pair.Server, s);
        pair.Run();
        Assert.Equal(2, pair.Client.FreeStreams);
    }

    [Fact]
    public void Rfc9113_5_4_2_reset_is_not_answered_with_a_reset()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Reset(1, Http2ErrorCode.InternalError));
        Assert.DoesNotContain("RST_STREAM", outcome.Frames, StringComparison.Ordinal);
        Assert.EndsWith("reset 1 InternalError Peer None", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_7_unknown_error_code_is_read_as_internal_error()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Reset(1, (Http2ErrorCode)0xdead));
        Assert.EndsWith("reset 1 InternalError Peer None", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_8_1_server_that_is_done_before_the_request_is_tells_the_client_not_to_go_on()
    {
        var pair = new ConnectionPair();
        pair.ServerSession.WhenRequest = s =>
        {
            Answer(pair.Server, s);
            pair.ServerSession.Release(s.Id);
        };
        Http2Stream stream = pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        pair.Run();
        Assert.Equal(200, stream.Response!.Status);
        Assert.EndsWith("reset 1 NoError Peer None", pair.ClientSession.Log, StringComparison.Ordinal);
        Assert.Equal(0, pair.Server.ActiveStreams);
    }

    [Fact]
    public void Releasing_an_open_stream_cancels_it_and_its_object_is_used_again()
    {
        var pair = new ConnectionPair();
        Http2Stream stream = pair.Open(AnyGet);
        pair.Run();
        pair.ClientSession.Release(1);
        Assert.Equal(1, pair.ClientPool.Retained);
        Assert.Same(stream, pair.Open(AnyGet));
        Assert.Throws<InvalidOperationException>(() =>
        {
            pair.ClientSession.Release(3);
            pair.Client.Release(stream);
        });
        pair.Run();
        Assert.Contains("reset 1 Cancel Peer None", pair.ServerSession.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Sends_on_a_closed_stream_do_nothing()
    {
        var pair = new ConnectionPair();
        pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        pair.Run();
        Http2Stream stream = pair.ServerSession.Streams[1];
        pair.Server.Reset(stream, Http2ErrorCode.Cancel);
        int pending = pair.ServerOutput.PendingOctets;
        Assert.True(pair.Server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\n\r\n"), endStream: false));
        Assert.Equal(0, pair.Server.SendData(stream, "x"u8, endStream: true));
        pair.Server.SendTrailers(stream, new HeaderBlock());
        pair.Server.Reset(stream, Http2ErrorCode.Cancel);
        Assert.Equal(pending, pair.ServerOutput.PendingOctets);
        Assert.Equal(0, pair.Server.SendWindow(stream));
    }

    [Fact]
    public void End_of_the_transport_resets_every_stream_once()
    {
        var pair = new ConnectionPair();
        pair.Open(AnyGet);
        pair.Open(AnyGet);
        pair.Run();
        pair.Client.TransportClosed();
        pair.Client.TransportClosed();
        Assert.Equal(2, pair.ClientSession.Lines.Count(line => line.EndsWith("Cancel Connection None", StringComparison.Ordinal)));
        Assert.Equal(0, pair.Client.ActiveStreams);
        Assert.False(pair.Client.CanOpenStream);
    }

    private static void Answer(Http2ServerConnection server, Http2Stream stream) =>
        server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), endStream: true);

    [Fact]
    public void Table_finds_what_is_in_it_and_nothing_else_whatever_came_and_went()
    {
        var random = new Random(1);
        var table = new Http2StreamTable();
        var open = new Dictionary<int, Http2Stream>();
        for (int step = 0; step < 20_000; step++)
        {
            // Few slots and many identifiers: most are pushed along.
            int id = (random.Next(1000) * 2) + 1;
            if (open.Remove(id, out Http2Stream? gone)) table.Remove(gone);
            else if (open.Count < 100) table.Add(open[id] = new Http2Stream { Id = id });
            int sought = (random.Next(1000) * 2) + 1;
            Assert.Same(open.GetValueOrDefault(sought), table.Find(sought));
        }

        Assert.Equal(open.Count, table.Count);
        int slot = 0;
        while (table.FindAbove(1000, ref slot) is { } stream)
        {
            table.Remove(stream);
            Assert.True(open.Remove(stream.Id));
        }

        Assert.All(open.Keys, id => Assert.InRange(id, 1, 1000));
        Assert.All(open, one => Assert.Same(one.Value, table.Find(one.Key)));
    }
}
