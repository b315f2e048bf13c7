namespace Lateen.Http.Tests.Http2;

/// <summary>RFC 9113 section 6.5.</summary>
public sealed class SettingsTests
{
    [Theory]
    [InlineData(2, 2u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)] // ENABLE_PUSH
    [InlineData(4, 0x8000_0000u, Http2Violation.SettingsWindowTooLarge, Http2ErrorCode.FlowControlError)] // INITIAL_WINDOW_SIZE
    [InlineData(5, 16_383u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)] // MAX_FRAME_SIZE
    [InlineData(5, 16_777_216u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)]
    [InlineData(8, 2u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)] // ENABLE_CONNECT_PROTOCOL, RFC 8441 section 3
    [InlineData(9, 2u, Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError)] // NO_RFC7540_PRIORITIES, RFC 9218 section 2.1
    public void Rfc9113_6_5_2_values_out_of_range_are_connection_errors(int id, uint value, Http2Violation violation, Http2ErrorCode error) =>
        Conversation.Server(Peer.Settings((id, value))).EndsWith(violation, error);

    [Fact]
    public void Rfc9113_6_5_2_unknown_settings_and_legal_values_are_acknowledged()
    {
        Outcome outcome = Conversation.Server(Peer.Settings((0xff, 1), (1, 0), (2, 1), (3, 0), (4, int.MaxValue), (5, 16_777_215), (6, 100_000)));
        outcome.IsQuiet();
        Assert.Equal("settings\nsettings", outcome.Log);
    }

    [Fact]
    public void Rfc9113_6_5_2_server_that_enables_push_or_takes_extended_connect_back_is_connection_error()
    {
        Conversation.Client([], Peer.Settings((2, 1))).EndsWith(Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError);
        Conversation.Client([], Peer.Settings((8, 1)), Peer.Settings((8, 0))).EndsWith(Http2Violation.SettingsValueInvalid, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_6_5_acknowledgement_with_payload_is_frame_size_error() =>
        Conversation.Server(Peer.Frame(4, Peer.Ack, 0, new byte[6])).EndsWith(Http2Violation.SettingsAckWithPayload, Http2ErrorCode.FrameSizeError);

    [Fact]
    public void Rfc9113_6_5_3_acknowledgement_of_nothing_is_protocol_error() =>
        Conversation.Server(Peer.Frame(4, Peer.Ack, 0)).EndsWith(Http2Violation.SettingsAckUnexpected, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_6_5_3_settings_that_are_not_acknowledged_in_time_end_the_connection()
    {
        var pair = new ConnectionPair();
        Assert.Equal(10_000, pair.Client.NextDeadline);
        Assert.True(pair.Client.CheckTime(9_999));
        Assert.False(pair.Client.CheckTime(10_000));
        Assert.Equal(Http2Violation.SettingsTimeout, pair.Client.Failure.Violation);
        Assert.Contains("GOAWAY 0 SettingsTimeout", Peer.Describe(pair.ClientOutput.Pending[Http2ServerConnection.Preface.Length..]));

        var acknowledged = new ConnectionPair().Run();
        Assert.Equal(long.MaxValue, acknowledged.Client.NextDeadline);
        Assert.True(acknowledged.Client.CheckTime(100_000));
    }

    [Fact]
    public void Rfc9113_6_9_2_smaller_window_makes_open_streams_negative_and_growth_wakes_them()
    {
        var pair = new ConnectionPair();
        pair.Run();
        Http2Stream stream = pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        Assert.Equal(50_000, pair.Client.SendData(stream, new byte[50_000], endStream: false));
        pair.ClientSession.Connection.Receive(Peer.Settings((4, 10_000)), 0);
        Assert.Equal(0, pair.Client.SendWindow(stream)); // 65,536 - 50,000 - 55,536
        pair.Client.Receive(Peer.WindowUpdate(1, 40_000), 0);
        Assert.DoesNotContain("window", pair.ClientSession.Log, StringComparison.Ordinal);
        Assert.Equal(0, pair.Client.SendWindow(stream));
        pair.Client.Receive(Peer.WindowUpdate(1, 1), 0);
        Assert.Contains("window 1", pair.ClientSession.Log, StringComparison.Ordinal);
        Assert.Equal(1, pair.Client.SendWindow(stream));
        pair.Client.Receive(Peer.Settings((4, 20_000)), 0);
        Assert.Equal(10_001, pair.Client.SendWindow(stream));
    }

    [Fact]
    public void Rfc9113_6_9_2_initial_window_that_overflows_a_streams_is_flow_control_error() =>
        Conversation.Server(
                Http2Options.Default, Peer.Headers(1, false, Peer.Post), Peer.WindowUpdate(1, 1_000_000), Peer.Settings((4, int.MaxValue)))
            .EndsWith(Http2Violation.SettingsWindowTooLarge, Http2ErrorCode.FlowControlError);

    [Fact]
    public void Peers_header_list_limit_is_obeyed()
    {
        var pair = new ConnectionPair(requests: new Http1RequestOptions { Limits = new Http1Limits { MaxHeadOctets = 500 } });
        pair.Run();
        HttpRequestHead large = ConnectionPair.Request($"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('x', 500)}\r\n\r\n");
        Assert.True(pair.Client.CanOpenStream);
        Assert.Null(pair.Client.OpenStream(large, new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0));
        Assert.Equal(0, pair.ClientOutput.PendingOctets);
    }

    [Fact]
    public void Table_of_size_zero_is_agreed_and_kept()
    {
        var pair = new ConnectionPair(new Http2Options { HpackTableOctets = 0 }, new Http2Options { HpackTableOctets = 0 });
        pair.ServerSession.WhenRequest = s => pair.Server.SendResponse(s, ConnectionPair.Response("HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 0\r\n\r\n"), endStream: true);
        for (int i = 0; i < 3; i++)
        {
            pair.Run();
            pair.Open("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: test\r\n\r\n");
        }

        pair.Run();
        Assert.False(pair.Server.HasEnded);
        Assert.False(pair.Client.HasEnded);
        Assert.Equal(0, pair.Server.Decoder.Table.Count + pair.Client.Decoder.Table.Count);
    }
}
