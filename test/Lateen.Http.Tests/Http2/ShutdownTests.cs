namespace Lateen.Http.Tests.Http2;

/// <summary>GOAWAY both ways, drain in two steps, keep-alive.</summary>
public sealed class ShutdownTests
{
    private const string AnyGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    [Fact]
    public void Rfc9113_6_8_drain_announces_first_and_gives_up_new_streams_after_a_round_trip()
    {
        var pair = new ConnectionPair();
        pair.Open(AnyGet);
        pair.Run();
        pair.Server.BeginDrain();
        Assert.Equal(["GOAWAY 2147483647 NoError", "PING"], Peer.Describe(pair.ServerOutput.Pending));

        // A request that is under way while the announcement is.
        pair.Open(AnyGet);
        pair.Run();
        Assert.Contains("goaway NoError", pair.ClientSession.Log, StringComparison.Ordinal);
        Assert.False(pair.Client.CanOpenStream);
        Assert.True(pair.Client.IsDraining);
        Assert.Equal(2, pair.Server.ActiveStreams);
        Assert.DoesNotContain("reset", pair.ClientSession.Log, StringComparison.Ordinal);

        foreach (int id in (int[])[1, 3])
        {
            Assert.False(pair.Server.IsDrained);
            pair.Server.SendResponse(pair.ServerSession.Streams[id], ConnectionPair.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), endStream: true);
        }

        pair.Run();
        Assert.True(pair.Server.IsDrained);
        Assert.True(pair.Client.IsDrained);
    }

    [Fact]
    public void Rfc9113_6_8_streams_after_the_last_goaway_are_ignored()
    {
        var session = new RecordingSession();
        var output = new MemoryOutput();
        var server = new Http2ServerConnection(Http2Options.Default, new Http1RequestOptions(), session, output, new Http2StreamPool(), new Http2Counters());
        session.Connection = server;
        server.Start(0);
        server.Receive(Peer.Join(Peer.Hello, Peer.Headers(1, true, Peer.Get)), 0);
        server.BeginDrain();
        server.FinishDrain();
        server.FinishDrain();
        Assert.Equal(["GOAWAY 2147483647 NoError", "PING", "GOAWAY 1 NoError"], Peer.Describe(output.TakeAll()).TakeLast(3));
        Assert.True(server.Receive(Peer.Join(Peer.Headers(3, false, Peer.Post), Peer.Data(3, "x"), Peer.WindowUpdate(3, 1), Peer.Reset(3), Peer.Ping(1)), 0));
        Assert.DoesNotContain("request 3", session.Log, StringComparison.Ordinal);
        Assert.Equal(["PING ack 1"], Peer.Describe(output.TakeAll()));
    }

    [Fact]
    public void Rfc9113_6_8_streams_that_a_goaway_gives_up_may_be_sent_again_and_the_others_go_on()
    {
        Outcome outcome = Conversation.Client([AnyGet, AnyGet, AnyGet], Peer.GoAway(3, Http2ErrorCode.NoError), Peer.Headers(1, true, (":status", "200")));
        outcome.IsQuiet();
        Assert.Contains("reset 5 RefusedStream GoAway None\ngoaway NoError", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("response 1 200", outcome.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("reset 3", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_6_8_last_stream_of_a_goaway_may_not_grow()
    {
        Conversation.Client([AnyGet], Peer.GoAway(int.MaxValue, Http2ErrorCode.NoError), Peer.GoAway(1, Http2ErrorCode.NoError)).IsQuiet();
        Conversation.Client([AnyGet], Peer.GoAway(1, Http2ErrorCode.NoError), Peer.GoAway(3, Http2ErrorCode.NoError))
            .EndsWith(Http2Violation.GoAwayIncreased, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_5_4_1_connection_error_names_the_last_stream_and_resets_all()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(1, true, Peer.Get), Peer.Headers(7, false, Peer.Post), Peer.WindowUpdate(0, 0), Peer.Headers(9, true, Peer.Get));
        Assert.Contains("GOAWAY 7 ProtocolError", outcome.Frames, StringComparison.Ordinal);
        Assert.EndsWith("reset 1 ProtocolError Connection None\nreset 7 ProtocolError Connection None", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Closing_says_so_and_resets_all()
    {
        var pair = new ConnectionPair();
        pair.Open(AnyGet);
        pair.Run();
        pair.Server.Close(Http2ErrorCode.NoError);
        pair.Run();
        Assert.EndsWith("reset 1 Cancel Connection None", pair.ServerSession.Log, StringComparison.Ordinal);
        Assert.Contains("goaway NoError", pair.ClientSession.Log, StringComparison.Ordinal);
        Assert.Equal(1, pair.Client.ActiveStreams); // It was counted, so an answer might have come; the end of the transport resets it.
    }

    [Fact]
    public void Keep_alive_sends_pings_and_gives_up_when_nothing_comes_back()
    {
        var pair = new ConnectionPair(clientOptions: new Http2Options { KeepAlive = new Http2KeepAlive(Interval: 1000, Timeout: 300) });
        pair.Run();
        Assert.Equal(1000, pair.Client.NextDeadline);
        Assert.True(pair.Client.CheckTime(999));
        Assert.Equal(0, pair.ClientOutput.PendingOctets);
        Assert.True(pair.Client.CheckTime(1000));
        Assert.Equal(["PING"], Peer.Describe(pair.ClientOutput.Pending));
        Assert.Equal(1300, pair.Client.NextDeadline);
        pair.Now = 1100;
        pair.Run();
        Assert.Equal(2000, pair.Client.NextDeadline);

        Assert.True(pair.Client.CheckTime(2000));
        Assert.True(pair.Client.CheckTime(2299));
        Assert.False(pair.Client.CheckTime(2300));
        Assert.Equal(Http2Violation.KeepAliveTimeout, pair.Client.Failure.Violation);
        Assert.Equal(1, pair.Client.Counters.Of(Http2Violation.KeepAliveTimeout));
        Assert.Equal(long.MaxValue, pair.Client.NextDeadline);
    }

    [Fact]
    public void Connection_that_was_silent_gets_a_ping_before_its_next_stream()
    {
        var pair = new ConnectionPair(clientOptions: new Http2Options { KeepAlive = new Http2KeepAlive(Interval: 0, Timeout: 300, IdleInterval: 5000) });
        pair.Run();
        pair.Open(AnyGet);
        Assert.DoesNotContain("PING", Peer.Describe(pair.ClientOutput.Pending));
        pair.Run();
        pair.Now = 5000;
        pair.Open(AnyGet);
        Assert.Equal("PING", Peer.Describe(pair.ClientOutput.Pending)[0]);
        Assert.Equal(5300, pair.Client.NextDeadline);
    }
}
