namespace Lateen.Http.Tests.Http2;

/// <summary>RFC 9113 sections 3, 4 and 6: what frames may look like, and when they may come.</summary>
public sealed class FrameTests
{
    [Fact]
    public void Rfc9113_3_4_wrong_preface_is_connection_error()
    {
        byte[] wrong = [.. "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"u8];
        Conversation.RawServer(Http2Options.Default, null, wrong).EndsWith(Http2Violation.PrefaceInvalid, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_3_4_first_frame_that_is_not_settings_is_connection_error()
    {
        Conversation.RawServer(Http2Options.Default, null, Peer.Preface, Peer.Headers(1, true, Peer.Get)).EndsWith(Http2Violation.SettingsMissing, Http2ErrorCode.ProtocolError);
        Conversation.RawServer(Http2Options.Default, null, Peer.Preface, Peer.Frame(4, Peer.Ack, 0)).EndsWith(Http2Violation.SettingsMissing, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_3_4_server_begins_with_settings_and_acknowledges_the_clients()
    {
        Outcome outcome = Conversation.RawServer(Http2Options.Default, null, Peer.Preface, Peer.Settings());
        Assert.Equal("SETTINGS\nSETTINGS ack", outcome.Frames);
    }

    [Fact]
    public void Rfc9113_4_1_unknown_frame_types_and_flags_are_ignored()
    {
        Outcome outcome = Conversation.Server(Peer.Frame(0xbe, 0xff, 7, 1, 2, 3), Peer.Frame(1, 0xff & ~(Peer.Padded | Peer.Priority), 1, Peer.Block(Peer.Get)));
        outcome.IsQuiet();
        Assert.Contains("request 1", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_4_1_reserved_bit_of_the_stream_identifier_is_ignored()
    {
        byte[] frame = Peer.Headers(1, true, Peer.Get);
        frame[5] |= 0x80;
        Outcome outcome = Conversation.Server(frame);
        outcome.IsQuiet();
        Assert.Contains("request 1", outcome.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 1)]
    [InlineData(4, 0)]
    [InlineData(0x42, 3)]
    public void Rfc9113_4_2_frame_above_the_maximum_size_is_frame_size_error(int type, int id)
    {
        byte[] header = [0x00, 0x40, 0x01, (byte)type, 0, 0, 0, 0, (byte)id];
        Conversation.Server(header).EndsWith(Http2Violation.FrameTooLarge, Http2ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Rfc9113_4_2_frame_of_the_maximum_size_is_accepted()
    {
        Outcome outcome = Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Data(1, new string('x', 16_384), end: true));
        outcome.IsQuiet();
        Assert.Contains("end 1 16384", outcome.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(3, 1, 3)] // RST_STREAM, section 6.4
    [InlineData(3, 1, 5)]
    [InlineData(4, 0, 5)] // SETTINGS, section 6.5
    [InlineData(6, 0, 7)] // PING, section 6.7
    [InlineData(6, 0, 9)]
    [InlineData(7, 0, 7)] // GOAWAY, section 6.8
    [InlineData(8, 0, 3)] // WINDOW_UPDATE, section 6.9
    [InlineData(8, 0, 5)]
    public void Rfc9113_4_2_frame_with_a_length_that_its_type_forbids_is_frame_size_error(int type, int id, int length) =>
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(type, 0, id, new byte[length]))
            .EndsWith(Http2Violation.FrameLengthInvalid, Http2ErrorCode.FrameSizeError);

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
        Conversation.Server(Peer.Frame(type, 0, id, new byte[length])).EndsWith(Http2Violation.StreamIdentifierInvalid, Http2ErrorCode.ProtocolError);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Rfc9113_6_1_and_6_2_padding_as_long_as_the_payload_is_protocol_error(int type) =>
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(type, Peer.Padded | Peer.EndHeaders, 1, 3, 0, 0))
            .EndsWith(Http2Violation.PaddingTooLong, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_6_1_padding_of_data_and_headers_is_taken_off()
    {
        byte[] block = Peer.Block(Peer.Post);
        Outcome outcome = Conversation.Server(
            Peer.Frame(1, Peer.Padded | Peer.Priority | Peer.EndHeaders, 1, [4, 0x80, 0, 0, 3, 200, .. block, 9, 9, 9, 9]),
            Peer.Frame(0, Peer.Padded, 1, [2, (byte)'h', (byte)'i', 0, 0]),
            Peer.Frame(0, Peer.Padded, 1, [3, 0, 0, 0]),
            Peer.Frame(0, Peer.Padded | Peer.EndStream, 1, [1, (byte)'!', 0]));
        outcome.IsQuiet();
        Assert.Contains("content of 1: hi!", outcome.Frames, StringComparison.Ordinal);
        Assert.Contains("end 1 3", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_4_2_frame_without_room_for_its_pad_length_or_priority_is_frame_size_error()
    {
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(0, Peer.Padded | Peer.EndStream, 1)).EndsWith(Http2Violation.FrameLengthInvalid, Http2ErrorCode.FrameSizeError);
        Conversation.Server(Peer.Frame(1, Peer.Priority | Peer.EndHeaders, 1, 0, 0, 0)).EndsWith(Http2Violation.FrameLengthInvalid, Http2ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Rfc9113_6_2_block_in_pieces_is_one_block()
    {
        byte[] block = Peer.Block(Peer.Get);
        Outcome outcome = Conversation.Server(
            Peer.Frame(1, Peer.EndStream, 1, block.AsSpan(0, 5)), Peer.Frame(9, 0, 1, block.AsSpan(5, 15)), Peer.Frame(9, Peer.EndHeaders, 1, block.AsSpan(20)));
        outcome.IsQuiet();
        Assert.Contains("request 1", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("end=True", outcome.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 3)]
    [InlineData(6, 0)]
    [InlineData(9, 3)]
    [InlineData(0xbe, 1)]
    public void Rfc9113_6_2_block_that_is_interrupted_is_protocol_error(int type, int id) =>
        Conversation.Server(Peer.Frame(1, 0, 1, Peer.Block(Peer.Get)), Peer.Frame(type, 0, id, new byte[8]))
            .EndsWith(Http2Violation.HeaderBlockInterrupted, Http2ErrorCode.ProtocolError);

    [Fact]
    public void Rfc9113_6_10_continuation_that_continues_nothing_is_protocol_error()
    {
        Conversation.Server(Peer.Frame(9, Peer.EndHeaders, 1, Peer.Block(Peer.Get))).EndsWith(Http2Violation.ContinuationUnexpected, Http2ErrorCode.ProtocolError);
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(9, Peer.EndHeaders, 1, Peer.Block(("a", "b"))))
            .EndsWith(Http2Violation.ContinuationUnexpected, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_4_3_block_that_cannot_be_decompressed_is_compression_error()
    {
        Conversation.Server(Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 1, 0xff, 0xff, 0xff)).EndsWith(Http2Violation.CompressionBroken, Http2ErrorCode.CompressionError);
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 1, 0x80)).EndsWith(Http2Violation.CompressionBroken, Http2ErrorCode.CompressionError);
    }

    [Fact]
    public void Rfc9113_4_3_blocks_of_refused_and_reset_streams_still_change_the_table()
    {
        byte[] indexed = [0x82, 0x86, 0x84, 0x41, 1, (byte)'a', 0x40, 1, (byte)'k', 1, (byte)'v'];
        Outcome outcome = Conversation.Server(
            new Http2Options { MaxConcurrentStreams = 1 },
            Peer.Headers(1, false, Peer.Post),
            Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 3, indexed), // Refused.
            Peer.Reset(1),
            Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 5, 0x82, 0x86, 0x84, 0xbf, 0xbe));
        Assert.Equal(Http2Violation.None, outcome.Violation);
        Assert.Contains("k: v", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Rfc9113_6_3_priority_is_ignored_on_any_stream_and_of_wrong_length_is_stream_error()
    {
        Conversation.Server(Peer.Frame(2, 0, 77, new byte[5]), Peer.Headers(1, false, Peer.Post), Peer.Frame(2, 0, 1, 0, 0, 0, 1, 9)).IsQuiet();
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(2, 0, 1, new byte[4]))
            .ResetsStream(1, Http2Violation.StreamFrameLengthInvalid, Http2ErrorCode.FrameSizeError);
        Conversation.Server(Peer.Frame(2, 0, 1, new byte[6])).EndsWith(Http2Violation.FrameLengthInvalid, Http2ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Rfc9113_6_6_push_promise_is_protocol_error_on_both_sides()
    {
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Frame(5, Peer.EndHeaders, 1, 0, 0, 0, 2)).EndsWith(Http2Violation.PushForbidden, Http2ErrorCode.ProtocolError);
        Conversation.Client(["GET / HTTP/1.1\r\nHost: a\r\n\r\n"], Peer.Frame(5, Peer.EndHeaders, 1, 0, 0, 0, 2))
            .EndsWith(Http2Violation.PushForbidden, Http2ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9113_6_7_ping_is_answered_with_its_payload_and_an_answer_is_not()
    {
        Outcome outcome = Conversation.Server(Peer.Ping(42), Peer.Frame(6, Peer.Ack, 0, new byte[8]));
        outcome.IsQuiet();
        Assert.Contains("PING ack 42", outcome.Frames, StringComparison.Ordinal);
        Assert.Single(outcome.Frames.Split('\n'), line => line.StartsWith("PING", StringComparison.Ordinal));
    }
}
