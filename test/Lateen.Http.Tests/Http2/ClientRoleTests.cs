namespace Lateen.Http.Tests.Http2;

/// <summary>RFC 9113 from the client's side: what a server may not send, and what of it costs the connection or one stream.</summary>
public sealed class ClientRoleTests
{
    private const string AnyGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private static readonly string[] One = [AnyGet];
    private static readonly byte[] Ok = Peer.Headers(1, false, (":status", "200"));

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(4, 0)]
    [InlineData(0x42, 3)]
    public void Rfc9113_4_2_frame_above_the_maximum_size_is_frame_size_error(int type, int id)
    {
        byte[] header = [0x00, 0x40, 0x01, (byte)type, 0, 0, 0, 0, (byte)id];
        Conversation.Client(One, header).EndsWith(Http2Violation.FrameTooLarge, Http2ErrorCode.FrameSizeError);
    }

    [Theory]
    [InlineData(3, 1, 3)] // RST_STREAM, section 6.4
    [InlineData(4, 0, 5)] // SETTINGS, section 6.5
    [InlineData(6, 0, 7)] // PING, section 6.7
    [InlineData(7, 0, 7)] // GOAWAY, section 6.8
    [InlineData(8, 1, 5)] // WINDOW_UPDATE, section 6.9
    public void Rfc9113_4_2_frame_with_a_length_that_its_type_forbids_is_frame_size_error(int type, int id, int length) =>
        Conversation.Client(One, Peer.Frame(type, 0, id, new byte[length])).EndsWith(Http2Violation.FrameLengthInvalid, Http2ErrorCode.FrameSizeError);

    [Fact]
    public void Rfc9113_4_3_block_that_cannot_be_decompressed_is_compression_error()
    {
        Conversation.Client(One, Peer.Frame(1, Peer.EndHeaders, 1, 0x80)).EndsWith(Http2Violation.CompressionBroken, Http2ErrorCode.CompressionError);
        Conversation.Client(One, Ok, Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 1, 0xff, 0xff, 0xff)).EndsWith(Http2Violation.CompressionBroken, Http2ErrorCode.CompressionError);
    }

    [Theory]
    [InlineData(0, 0)] // DATA, section 6.1
    [InlineData(1, 0)] // HEADERS, section 6.2
    [InlineData(2, 0)] // PRIORITY, section 6.3
    [InlineData(3, 0)] // RST_STREAM, section 6.4
    [InlineData(4, 1)] // SETTINGS, section 6.5
    [InlineData(6, 1)] // PING, section 6.7
    [InlineData(7, 1)] // GOAWAY, section 6.8
    public void Rfc9113_6_frame_on_the_wrong_kind_of_stream_is_protocol_error(int type, int id)
    {
        int length = type switch { 2 => 5, 3 => 4, 4 => 6, _ => 8 };
        Conversation.Client(One, Peer.Frame(type, 0, id, new byte[length])).EndsWith(Http2Violation.StreamIdentifierInvalid, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_6_1_and_6_2_padding_is_taken_off_and_as_long_as_the_payload_is_protocol_error()
    {
        Outcome outcome = Conversation.Client(
            One, Peer.Frame(1, Peer.Padded | Peer.EndHeaders, 1, [2, .. Peer.Block((":status", "200")), 0, 0]),
            Peer.Frame(0, Peer.Padded | Peer.EndStream, 1, [2, (byte)'h', (byte)'i', 0, 0]));
        outcome.IsQuiet();
        Assert.Contains("content of 1: hi", outcome.Frames, StringComparison.Ordinal);
        Conversation.Client(One, Peer.Frame(1, Peer.Padded | Peer.EndHeaders, 1, 3, 0, 0)).EndsWith(Http2Violation.PaddingTooLong, Http2ErrorCode.ProtocolError);
        Conversation.Client(One, Ok, Peer.Frame(0, Peer.Padded, 1, 3, 0, 0)).EndsWith(Http2Violation.PaddingTooLong, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_6_2_and_6_10_response_in_pieces_is_one_block()
    {
        byte[] block = Peer.Block((":status", "200"), ("server", "x"));
        Outcome outcome = Conversation.Client(
            One, Peer.Frame(1, Peer.EndStream, 1, block.AsSpan(0, 3)), Peer.Frame(9, 0, 1, block.AsSpan(3, 9)), Peer.Frame(9, Peer.EndHeaders, 1, block.AsSpan(12)));
        outcome.IsQuiet();
        Assert.Contains("response 1 200", outcome.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(6, 0)]
    [InlineData(9, 3)]
    public void Rfc9113_6_2_block_that_is_interrupted_is_protocol_error(int type, int id) =>
        Conversation.Client([AnyGet, AnyGet], Peer.Frame(1, 0, 1, Peer.Block((":status", "200"))), Peer.Frame(type, 0, id, new byte[8]))
            .EndsWith(Http2Violation.HeaderBlockInterrupted, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_6_10_continuation_that_continues_nothing_is_protocol_error() =>
        Conversation.Client(One, Ok, Peer.Frame(9, Peer.EndHeaders, 1, Peer.Block(("a", "b")))).EndsWith(Http2Violation.ContinuationUnexpected, Http2ErrorCode.ProtocolError);

    [Theory]
    [InlineData(2, 1u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)] // ENABLE_PUSH: a server's can only be 0.
    [InlineData(2, 2u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)]
    [InlineData(4, 0x8000_0000u, Http2Violation.SettingsWindowTooLarge, Http2ErrorCode.FlowControlError)] // INITIAL_WINDOW_SIZE
    [InlineData(5, 16_383u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)] // MAX_FRAME_SIZE
    [InlineData(5, 16_777_216u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)]
    [InlineData(8, 2u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)] // ENABLE_CONNECT_PROTOCOL, RFC 8441 section 3
    public void Rfc9113_6_5_2_values_out_of_range_are_connection_errors(int id, uint value, Http2Violation violation, Http2ErrorCode error) =>
        Conversation.Client(One, Peer.Settings((id, value))).EndsWith(violation, error);

    [Fact]
    public void Rfc9113_6_5_acknowledgements_with_payload_or_of_nothing_are_connection_errors()
    {
        Conversation.Client(One, Peer.Frame(4, Peer.Ack, 0, new byte[6])).EndsWith(Http2Violation.SettingsAckWithPayload, Http2ErrorCode.FrameSizeError);
        Conversation.Client(One, Peer.Frame(4, Peer.Ack, 0)).EndsWith(Http2Violation.SettingsAckUnexpected, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_6_9_increments_of_zero_and_windows_above_2_31_are_errors_of_the_connection_or_the_stream()
    {
        string[] post = ["POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"];
        Conversation.Client(post, Peer.WindowUpdate(0, 0)).EndsWith(Http2Violation.WindowIncrementZero, Http2ErrorCode.ProtocolError);
        Conversation.Client(post, Peer.WindowUpdate(1, 0)).ResetsStream(1, Http2Violation.StreamWindowIncrementZero, Http2ErrorCode.ProtocolError);
        Conversation.Client(post, Peer.WindowUpdate(0, int.MaxValue)).EndsWith(Http2Violation.WindowOverflow, Http2ErrorCode.FlowControlError);
        Conversation.Client(post, Peer.WindowUpdate(1, int.MaxValue)).ResetsStream(1, Http2Violation.StreamWindowOverflow, Http2ErrorCode.FlowControlError);
    }

    [Theory]
    [InlineData(1024 * 1024, Http2Violation.StreamWindowExceeded)]
    [InlineData(65_535, Http2Violation.WindowExceeded)]
    public void Rfc9113_6_9_1_content_beyond_a_window_is_an_error_of_the_stream_or_the_connection(int connectionWindow, Http2Violation violation)
    {
        var pair = new ConnectionPair(clientOptions: new Http2Options { InitialConnectionWindow = connectionWindow });
        pair.ClientSession.Consumes = false;
        pair.Run();
        pair.Open(AnyGet);
        pair.Client.Receive(Peer.Join([Ok, .. Enumerable.Repeat(Peer.Data(1, new string('x', 16_384)), 4), Peer.Data(1, "y")]), 0);
        Assert.Equal(1, pair.Client.Counters.Of(violation));
        Assert.Equal(violation == Http2Violation.WindowExceeded, pair.Client.HasEnded);
        Assert.Contains("FlowControlError", pair.ClientSession.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_5_1_frames_after_the_servers_end_of_stream_are_errors()
    {
        byte[] done = Peer.Headers(1, true, (":status", "204"));
        Conversation.Client(One, done, Peer.Data(1, "x")).EndsWith(Http2Violation.FrameOnClosedStream, Http2ErrorCode.StreamClosed);
        Conversation.Client(One, done, Peer.Headers(1, true, ("a", "b"))).EndsWith(Http2Violation.FrameOnClosedStream, Http2ErrorCode.StreamClosed);
    }

    [Fact]
    public void Rfc9113_5_1_1_identifiers_that_are_used_up_end_the_use_of_the_connection_and_not_its_streams()
    {
        var pair = new ConnectionPair();
        pair.Run();
        pair.Client.NextStreamId = int.MaxValue - 2;
        Http2Stream last = pair.Open(AnyGet);
        Assert.True(pair.Client.CanOpenStream);
        Http2Stream veryLast = pair.Open(AnyGet);
        Assert.Equal((int.MaxValue - 2, int.MaxValue), (last.Id, veryLast.Id));
        Assert.False(pair.Client.CanOpenStream);
        Assert.True(pair.Client.IsDraining);
        Assert.Null(pair.Client.OpenStream(ConnectionPair.Request(AnyGet), new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0));
        Assert.False(pair.Client.IsDrained);

        pair.ServerSession.WhenRequest = stream =>
            pair.Server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), endStream: true);
        pair.Run();
        Assert.Equal(2, pair.ClientSession.Lines.Count(line => line.StartsWith("response", StringComparison.Ordinal)));
        Assert.True(pair.Client.IsDrained);
    }

    /// <summary>A server of gRPC may have thousands of calls on one connection, sets windows as it measures bandwidth, and restarts. Nobody else may wait for that.</summary>
    [Fact]
    public void Windows_and_ends_of_very_many_streams_cost_a_walk_over_them_and_not_one_for_each()
    {
        const int Streams = 40_000;
        var session = new RecordingSession();
        var options = new Http2Options { MaxConcurrentStreams = int.MaxValue, MaxOutboundFrames = int.MaxValue };
        var client = new Http2ClientConnection(options, Http1Limits.Default, session, new MemoryOutput(), new Http2StreamPool(), new Http2Counters());
        session.Connection = client;
        client.Start(0);
        client.Receive(Peer.Join(Peer.Settings((4, 0)), Peer.Frame(4, Peer.Ack, 0)), 0);
        HttpRequestHead request = Exchange.Head(AnyGet);
        var response = new HttpResponseHead();
        for (int i = 0; i < Streams; i++) Assert.Equal(0, client.SendWindow(client.OpenStream(request, response, null, endStream: false, nowMilliseconds: 0)!));

        long begun = TimeProvider.System.GetTimestamp();
        client.Receive(Peer.Join(Peer.WindowUpdate(0, 1), Peer.Settings((4, 1)), Peer.GoAway(Streams, Http2ErrorCode.NoError)), 0);
        client.TransportClosed();

        // A walk for each takes many seconds.
        Assert.InRange(TimeProvider.System.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(2));
        Assert.Equal(Streams, session.Lines.Count(static line => line.StartsWith("window ", StringComparison.Ordinal)));
        Assert.Equal(Streams / 2, session.Lines.Count(static line => line.EndsWith(" RefusedStream GoAway None", StringComparison.Ordinal)));
        Assert.Equal(Streams / 2, session.Lines.Count(static line => line.EndsWith(" Cancel Connection None", StringComparison.Ordinal)));
    }

    [Fact]
    public void Rfc9113_8_1_response_that_is_complete_stands_when_the_server_wants_no_more_of_the_request()
    {
        var pair = new ConnectionPair();
        pair.Run();
        Http2Stream stream = pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        pair.Client.Receive(Peer.Join(Peer.Headers(1, false, (":status", "413")), Peer.Data(1, "too large", end: true), Peer.Reset(1, Http2ErrorCode.NoError)), 0);
        Assert.Equal(413, stream.Response!.Status);
        Assert.Equal("too large", pair.ClientSession.ContentOf(1));
        Assert.True(stream.IsRemoteEnded);
        // The end of the response comes first, and then, as an event of its own, that nothing more is to be sent.
        Assert.StartsWith("end 1 9", pair.ClientSession.Lines[^2], StringComparison.Ordinal);
        Assert.Equal("reset 1 NoError Peer None", pair.ClientSession.Lines[^1]);
        Assert.False(pair.Client.HasEnded);
    }

    [Fact]
    public void Rfc9113_8_7_streams_that_were_not_processed_are_told_from_those_that_may_have_been()
    {
        Outcome outcome = Conversation.Client(
            [AnyGet, AnyGet, AnyGet, AnyGet], Peer.Reset(1, Http2ErrorCode.RefusedStream), Peer.Reset(3, Http2ErrorCode.Cancel), Peer.GoAway(5, Http2ErrorCode.NoError));
        outcome.IsQuiet();
        // Refused, or above the last stream of a GOAWAY: may be sent again whatever the method. Reset otherwise: may not. At or below the last: goes on.
        Assert.Contains("reset 1 RefusedStream Peer", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("reset 3 Cancel Peer", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("reset 7 RefusedStream GoAway", outcome.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("reset 5", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_3_4_preface_of_the_client_and_settings_come_before_its_first_request_and_the_servers_settings_first()
    {
        var pair = new ConnectionPair();
        pair.Open(AnyGet);
        ReadOnlySpan<byte> sent = pair.ClientOutput.Pending;
        Assert.True(sent.StartsWith(Http2ServerConnection.Preface));
        Assert.Equal("SETTINGS", Peer.Describe(sent[Http2ServerConnection.Preface.Length..])[0]);
        Assert.False(pair.Client.Receive(Peer.Ping(), 0));
        Assert.Equal(Http2Violation.SettingsMissing, pair.Client.Failure.Violation);
    }
}
