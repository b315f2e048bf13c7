namespace Lateen.Http.Tests.Http2;

/// <summary>RFC 9113 sections 5.2 and 6.9.</summary>
public sealed class FlowControlTests
{
    [Fact]
    public void Rfc9113_6_9_increment_of_zero_is_an_error_of_the_connection_or_the_stream()
    {
        Conversation.Server(Peer.WindowUpdate(0, 0)).EndsWith(Http2Violation.WindowIncrementZero, Http2ErrorCode.ProtocolError);
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.WindowUpdate(1, 0))
            .ResetsStream(1, Http2Violation.StreamWindowIncrementZero, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_6_9_1_window_above_2_31_is_flow_control_error_of_the_connection_or_the_stream()
    {
        Conversation.Server(Peer.WindowUpdate(0, int.MaxValue)).EndsWith(Http2Violation.WindowOverflow, Http2ErrorCode.FlowControlError);
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.WindowUpdate(1, int.MaxValue))
            .ResetsStream(1, Http2Violation.StreamWindowOverflow, Http2ErrorCode.FlowControlError);
        Conversation.Server(Peer.WindowUpdate(0, int.MaxValue - 65_535)).IsQuiet();
    }

    [Fact]
    public void Rfc9113_6_9_1_content_beyond_the_streams_window_is_stream_error()
    {
        byte[][] frames = [Peer.Headers(1, false, Peer.Post), .. Enumerable.Repeat(Peer.Data(1, new string('x', 16_384)), 4), Peer.Data(1, "y")];
        Unconsumed(Http2Options.Default, frames, out Http2ServerConnection server, out MemoryOutput output);
        Assert.False(server.HasEnded);
        Assert.Contains("RST_STREAM 1 FlowControlError", Peer.Describe(output.Pending));
        Assert.Equal(1, server.Counters.Of(Http2Violation.StreamWindowExceeded));
    }

    [Fact]
    public void Rfc9113_6_9_1_content_beyond_the_connections_window_is_connection_error()
    {
        var options = new Http2Options { InitialConnectionWindow = 65_535, InitialStreamWindow = 1_000_000 };
        byte[][] frames = [Peer.Headers(1, false, Peer.Post), .. Enumerable.Repeat(Peer.Data(1, new string('x', 16_384)), 4)];
        Unconsumed(options, frames, out Http2ServerConnection server, out _);
        Assert.Equal(Http2Violation.WindowExceeded, server.Failure.Violation);
    }

    [Fact]
    public void Rfc9113_6_9_content_on_closed_and_refused_streams_is_given_back_to_the_connections_window()
    {
        var frames = new List<byte[]> { Peer.Headers(1, false, Peer.Post) };
        for (int i = 0; i < 200; i++) frames.Add(Peer.Data(1, new string('x', 10_000)));
        Outcome outcome = Conversation.Server(Http2Options.Default, (server, stream) => server.Reset(stream, Http2ErrorCode.Cancel), [.. frames]);
        Assert.Equal(Http2Violation.None, outcome.Violation);
    }

    [Fact]
    public void Rfc9113_6_9_padding_counts_and_is_given_back()
    {
        var frames = new List<byte[]> { Peer.Headers(1, false, Peer.Post) };
        for (int i = 0; i < 10_000; i++) frames.Add(Peer.Frame(0, Peer.Padded, 1, [255, (byte)'x', .. new byte[255]]));
        frames.Add(Peer.Data(1, "", end: true));
        Outcome outcome = Conversation.Server([.. frames]);
        outcome.IsQuiet();
        Assert.Contains("end 1 10000", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Content_that_is_held_by_the_session_is_given_back_at_the_release()
    {
        var pair = new ConnectionPair(new Http2Options { InitialConnectionWindow = 65_535 });
        pair.Run();
        pair.ServerSession.Consumes = false;
        for (int i = 0; i < 20; i++)
        {
            Http2Stream stream = pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
            Assert.Equal(40_000, pair.Client.SendData(stream, new byte[40_000], endStream: false));
            pair.Run();
            pair.ServerSession.Release(stream.Id);
            pair.Run();
        }
    }

    [Fact]
    public void Sender_stops_at_the_window_and_goes_on_when_the_consumer_has_taken_half()
    {
        var pair = new ConnectionPair();
        pair.Run();
        pair.ServerSession.Consumes = false;
        Http2Stream stream = pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        Assert.Equal(65_536, pair.Client.SendData(stream, new byte[100_000], endStream: true));
        pair.Run();
        Assert.False(stream.IsLocalEnded);
        Http2Stream server = pair.ServerSession.Streams[1];
        pair.Server.Consume(server, 32_767);
        Assert.Equal(0, pair.ServerOutput.PendingOctets);
        pair.Server.Consume(server, 1);
        Assert.Equal(["WINDOW_UPDATE 1 32768"], Peer.Describe(pair.ServerOutput.Pending));
        pair.Run();
        Assert.EndsWith("window 1", pair.ClientSession.Log, StringComparison.Ordinal);
        Assert.Equal(32_768, pair.Client.SendWindow(stream));
    }

    [Fact]
    public void Streams_that_wait_for_the_connections_window_are_told_in_turn()
    {
        var pair = new ConnectionPair(new Http2Options { InitialConnectionWindow = 65_535 });
        pair.Run();
        pair.ServerSession.Consumes = false;
        Http2Stream[] streams = [.. Enumerable.Range(0, 3).Select(_ => pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false))];
        Assert.Equal(65_535, pair.Client.SendData(streams[0], new byte[70_000], endStream: false));
        Assert.Equal(0, pair.Client.SendData(streams[1], new byte[10], endStream: false));
        Assert.Equal(0, pair.Client.SendWindow(streams[2]));
        pair.Run();
        pair.Server.Consume(pair.ServerSession.Streams[1], 65_535);
        pair.ClientSession.WhenWindow = stream => pair.Client.SendData(stream, new byte[5], endStream: false);
        pair.Run();
        Assert.Equal(["window 1", "window 3", "window 5"], pair.ClientSession.Lines.Where(line => line.StartsWith("window", StringComparison.Ordinal)).Take(3));
    }

    [Fact]
    public void Room_that_is_reserved_is_what_is_sent()
    {
        var pair = new ConnectionPair();
        pair.Run();
        Http2Stream stream = pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        Span<byte> room = pair.Client.ReserveData(stream, 100_000);
        Assert.InRange(room.Length, 1, 16_384);
        "in place"u8.CopyTo(room);
        pair.Client.CommitData(stream, 8, endStream: true);
        pair.Run();
        Assert.Equal("in place", pair.ServerSession.ContentOf(1));
    }

    private static void Unconsumed(Http2Options options, byte[][] frames, out Http2ServerConnection server, out MemoryOutput output)
    {
        var session = new RecordingSession { Consumes = false };
        output = new MemoryOutput();
        server = new Http2ServerConnection(options, new Http1RequestOptions(), session, output, new Http2StreamPool(), new Http2Counters());
        session.Connection = server;
        server.Start(0);
        server.Receive(Peer.Join([Peer.Hello, .. frames]), 0);
    }
}
