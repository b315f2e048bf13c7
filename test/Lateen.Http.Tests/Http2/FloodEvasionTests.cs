namespace Lateen.Http.Tests.Http2;

/// <summary>
/// RFC 9113 section 10.5: floods by peers who know the bounds and put something else between, who go on at streams that are closed, or who let us wait.
/// Beside each stands the honest peer that looks alike.
/// </summary>
public sealed class FloodEvasionTests
{
    private const string AnyGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private static readonly byte[] Unknown = Peer.Frame(0xbe, 0, 0, 1);
    private static readonly Http2Options Patient = new() { MaxOutboundControlFrames = 20_000 };

    public static TheoryData<string> Fillers => ["unknown frame", "octet of content", "request"];

    [Theory]
    [MemberData(nameof(Fillers))]
    public void Settings_are_counted_whatever_is_between_them(string filler)
    {
        var frames = new List<byte[]> { Peer.Headers(1, false, Peer.Post) };
        for (int i = 0; i < 100; i++) frames.AddRange([Peer.Settings(), Filler(filler, i)]);
        Conversation.Server(new Http2Options { MaxConcurrentStreams = 1000 }, [.. frames]).EndsWith(Http2Violation.SettingsFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Settings_that_are_spread_over_time_are_no_flood()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, _, output) =>
        {
            for (long i = 0; i < 1000; i++)
            {
                Assert.True(server.Receive(Peer.Settings(), i * 125));
                output.TakeAll();
            }
        });
        Assert.Equal(Http2Violation.None, outcome.Violation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)] // An acknowledgement of nothing.
    public void Pings_are_counted_when_unknown_frames_are_between_them(int flags)
    {
        byte[][] pair = [Peer.Frame(6, flags, 0, new byte[8]), Unknown];
        byte[][] frames = [.. Enumerable.Repeat(pair, 1001).SelectMany(one => one)];
        Conversation.Server(Patient with { MaxUnknownFrames = int.MaxValue }, frames).EndsWith(Http2Violation.PingFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void An_octet_of_content_pays_for_one_ping_and_no_more()
    {
        byte[][] two = [Peer.Ping(), Peer.Ping(), Peer.Data(1, "x")];
        byte[][] frames = [Peer.Headers(1, false, Peer.Post), .. Enumerable.Repeat(two, 1100).SelectMany(one => one)];
        Conversation.Server(Patient, frames).EndsWith(Http2Violation.PingFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Pings_for_each_frame_of_a_download_measure_bandwidth_and_are_no_flood()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, session, output) =>
        {
            server.Receive(Peer.Join(Peer.WindowUpdate(0, 1_000_000), Peer.Settings((4, 1_000_000)), Peer.Headers(1, true, Peer.Get)), 0);
            Http2Stream stream = session.Streams[1];
            server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), endStream: false);
            for (int i = 0; i < 5000; i++)
            {
                Assert.Equal(100, server.SendData(stream, new byte[100], endStream: false));
                Assert.True(server.Receive(Peer.Ping(), 0));
                output.TakeAll();
            }
        });
        Assert.Equal(Http2Violation.None, outcome.Violation);
    }

    [Fact]
    public void Initial_windows_that_go_up_and_down_end_the_connection()
    {
        byte[][] flaps = [.. Enumerable.Range(0, 33).Select(i => Peer.Settings((4, i % 2 == 0 ? 0u : 65_535u)))];
        Conversation.Server([Peer.Headers(1, true, Peer.Get), .. flaps]).EndsWith(Http2Violation.InitialWindowFlood, Http2ErrorCode.EnhanceYourCalm);
        Conversation.Server([Peer.Headers(1, true, Peer.Get), .. flaps[1..]]).IsQuiet();
    }

    [Fact]
    public void Initial_window_that_grows_with_the_measured_bandwidth_or_stays_is_no_flood()
    {
        byte[][] growth = [.. Enumerable.Range(0, 15).Select(i => Peer.Settings((4, 65_535u << i)))];
        Conversation.Server(growth).IsQuiet();
        Conversation.Server([.. Enumerable.Repeat(Peer.Settings((4, 65_535)), 90)]).IsQuiet();
    }

    [Fact]
    public void Unknown_frames_beyond_the_limit_end_the_connection()
    {
        Conversation.Server([.. Enumerable.Repeat(Unknown, 1000)]).IsQuiet();
        Conversation.Server([.. Enumerable.Repeat(Unknown, 1001)]).EndsWith(Http2Violation.UnknownFramesFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Unknown_frame_for_each_request_as_browsers_set_priorities_is_no_flood()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, session, output) =>
        {
            session.WhenRequest = stream => Answer(server, stream);
            for (int id = 1; id < 10_000; id += 2)
            {
                Assert.True(server.Receive(Peer.Join(Peer.Headers(id, true, Peer.Get), Peer.Frame(0x10, 0, 0, [0, 0, 0, 1, (byte)'u'])), 0));
                session.Release(id);
                output.TakeAll();
            }
        });
        Assert.Equal(Http2Violation.None, outcome.Violation);
    }

    [Fact]
    public void Unknown_frame_between_empty_ones_does_not_make_them_a_flow_of_content() =>
        Conversation.Server(Peer.Headers(1, false, Peer.Post), Peer.Data(1, ""), Unknown, Peer.Data(1, ""))
            .EndsWith(Http2Violation.EmptyFramesFlood, Http2ErrorCode.EnhanceYourCalm);

    [Fact]
    public void Resets_of_a_stream_that_is_closed_end_the_connection()
    {
        byte[][] Resets(int count) => [Peer.Headers(1, true, Peer.Get), .. Enumerable.Repeat(Peer.Reset(1), count)];
        Conversation.Server(Http2Options.Default, Answer, Resets(102)).IsQuiet();
        Conversation.Server(Http2Options.Default, Answer, Resets(103)).EndsWith(Http2Violation.ClosedStreamFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Field_blocks_on_a_stream_that_we_have_reset_end_the_connection()
    {
        byte[][] frames = [Peer.Headers(1, false, Peer.Post), .. Enumerable.Repeat(Peer.Headers(1, true, ("a", "b")), 103)];
        Conversation.Server(Http2Options.Default, (server, stream) => server.Reset(stream, Http2ErrorCode.Cancel), frames)
            .EndsWith(Http2Violation.ClosedStreamFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Requests_after_the_last_goaway_end_the_connection_when_they_do_not_stop()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, _, _) =>
        {
            server.Receive(Peer.Headers(1, true, Peer.Get), 0);
            server.BeginDrain();
            server.FinishDrain();
            for (int id = 3; server.Receive(Peer.Headers(id, true, Peer.Get), 0); id += 2) Assert.InRange(id, 3, 1000);
        });
        outcome.EndsWith(Http2Violation.ClosedStreamFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Client_that_cancels_each_of_its_streams_just_after_its_answer_is_no_flood()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, session, output) =>
        {
            session.WhenRequest = stream => Answer(server, stream);
            for (int id = 1; id < 10_000; id += 2)
            {
                Assert.True(server.Receive(Peer.Join(Peer.Headers(id, true, Peer.Get), Peer.Reset(id)), 0));
                session.Release(id);
                output.TakeAll();
            }
        });
        Assert.Equal(Http2Violation.None, outcome.Violation);
    }

    [Fact]
    public void Goaway_beyond_the_limit_ends_the_connection()
    {
        byte[] goAway = Peer.Frame(7, 0, 0, new byte[16_384]);
        Conversation.Server([.. Enumerable.Repeat(goAway, 10)]).IsQuiet();
        Conversation.Server([.. Enumerable.Repeat(goAway, 11)]).EndsWith(Http2Violation.GoAwayFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(200)]
    public void Windows_that_are_opened_by_crumbs_end_the_connection(int octets)
    {
        Outcome outcome = Download(100_000, initialWindow: 0, octets, connectionWindow: 1_000_000);
        outcome.EndsWith(Http2Violation.WindowDribbleFlood, Http2ErrorCode.EnhanceYourCalm);
        Assert.InRange(outcome.Frames.Split('\n').Count(line => line.StartsWith("DATA", StringComparison.Ordinal)), 100, 150);
    }

    [Fact]
    public void Window_of_the_connection_that_is_opened_by_crumbs_ends_the_connection() =>
        Download(100_000, initialWindow: 1_000_000, increment: 0, connectionWindow: 1).EndsWith(Http2Violation.WindowDribbleFlood, Http2ErrorCode.EnhanceYourCalm);

    [Theory]
    [InlineData(1000)] // A device with little memory.
    [InlineData(32_768)] // Half of a usual window, with a rest of less than a frame each time.
    public void Windows_of_honest_clients_are_no_flood(int octets)
    {
        Outcome outcome = Download(2_000_000, initialWindow: octets, octets, connectionWindow: 3_000_000);
        Assert.Equal(Http2Violation.None, outcome.Violation);
        Assert.Contains("DATA 1", outcome.Frames, StringComparison.Ordinal);
        Assert.EndsWith("end", outcome.Frames, StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_that_are_as_large_as_their_content_are_no_flood()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, session, output) =>
        {
            session.WhenRequest = stream =>
            {
                server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), endStream: false);
                Assert.Equal(5, server.SendData(stream, "hello"u8, endStream: false));
                server.EndStream(stream);
            };
            server.Receive(Peer.Settings((4, 5)), 0);
            for (int id = 1; id < 2000; id += 2)
            {
                Assert.True(server.Receive(Peer.Join(Peer.Headers(id, true, Peer.Get), Peer.WindowUpdate(0, 5)), 0));
                session.Release(id);
                output.TakeAll();
            }
        });
        Assert.Equal(Http2Violation.None, outcome.Violation);
    }

    [Fact]
    public void Field_sections_above_the_limit_end_the_connection_when_they_come_again_and_again()
    {
        // Each is a stream too: the eleventh is one too many, and is told so as soon as it has come.
        byte[][] heads = Many(11, i => LargeHead((2 * i) + 1));
        Conversation.Server(Http2Options.Default, Answer, heads[..10]).IsQuiet();
        Outcome outcome = Conversation.Server(Http2Options.Default, Answer, heads);
        outcome.EndsWith(Http2Violation.HeaderOverflowFlood, Http2ErrorCode.EnhanceYourCalm);
        Assert.Equal(11, outcome.Counters.HeaderOverflows);
    }

    [Fact]
    public void Field_sections_above_the_limit_among_many_that_are_not_are_no_flood()
    {
        byte[][] mixed = Many(160, i => i % 8 == 7 ? LargeHead((2 * i) + 1) : Peer.Headers((2 * i) + 1, true, Peer.Get));
        Outcome outcome = Conversation.Server(Http2Options.Default, Answer, mixed);
        outcome.IsQuiet();
        Assert.Equal(20, outcome.Counters.HeaderOverflows);
    }

    [Fact]
    public void Client_that_lets_many_streams_wait_and_opens_no_window_is_ended_by_time()
    {
        Outcome outcome = Wait(streams: 10, (server, _) =>
        {
            Assert.True(server.WantsCheck);
            Assert.True(server.CheckTime(1000));
            Assert.False(server.WantsCheck);
            Assert.Equal(21_000, server.NextDeadline);
            Assert.True(server.CheckTime(20_999));
            Assert.False(server.CheckTime(21_000));
        });
        outcome.EndsWith(Http2Violation.SlowReaderFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Octet_now_and_then_does_not_put_off_the_end_of_a_slow_reader()
    {
        Outcome outcome = Wait(streams: 20, (server, _) =>
        {
            server.CheckTime(0);
            for (int i = 1; i < 20; i++) Assert.True(server.Receive(Peer.WindowUpdate((2 * i) + 1, 1), i * 1000));
            Assert.False(server.CheckTime(20_000));
        });
        outcome.EndsWith(Http2Violation.SlowReaderFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Few_streams_that_wait_and_many_of_which_one_goes_on_may_take_their_time()
    {
        Assert.Equal(Http2Violation.None, Wait(streams: 9, (server, _) =>
        {
            Assert.False(server.WantsCheck);
            Assert.Equal(long.MaxValue, server.NextDeadline);
        }).Violation);
        Assert.Equal(Http2Violation.None, Wait(streams: 20, (server, _) =>
        {
            for (int i = 0; i < 100; i++)
            {
                Assert.True(server.CheckTime(i * 20_000));
                Assert.True(server.Receive(Peer.WindowUpdate(1, 5000), i * 20_000));
            }
        }).Violation);
        Assert.Equal(Http2Violation.None, Wait(streams: 20, (server, _) => Assert.True(server.CheckTime(1_000_000)), new Http2Options { StalledStreams = int.MaxValue }).Violation);
    }

    [Fact]
    public void Field_block_that_is_not_completed_is_answered_with_408_and_ends_the_connection()
    {
        byte[] block = Peer.Block(Peer.Get);
        foreach (byte[] begun in (byte[][])[Peer.Frame(1, 0, 1, block.AsSpan(0, 5)), Peer.Headers(1, true, Peer.Get)[..12]])
        {
            Outcome outcome = Drive(new Http2Options { HeadTimeoutMilliseconds = 5000 }, (server, _, _) =>
            {
                Assert.True(server.Receive(begun, 1000));
                Assert.Equal(6000, server.NextDeadline);
                Assert.True(server.CheckTime(5999));
                Assert.False(server.CheckTime(6000));
            });
            Assert.Equal(Http2Violation.HeadTimeout, outcome.Violation);
            Assert.EndsWith("HEADERS 1 end :status=408;\nGOAWAY 1 NoError", outcome.Frames, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Continuation_now_and_then_does_not_put_off_the_end_of_a_slow_field_block()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, _, _) =>
        {
            byte[] block = Peer.Block(Peer.Get);
            Assert.True(server.Receive(Peer.Frame(1, 0, 1, block.AsSpan(0, 5)), 0));
            for (int i = 1; i < 6; i++) Assert.True(server.Receive(Peer.Frame(9, 0, 1, block.AsSpan(4 + i, 1)), i * 10_000));
            Assert.False(server.CheckTime(60_000));
        });
        Assert.Equal(Http2Violation.HeadTimeout, outcome.Violation);
    }

    [Fact]
    public void Frame_that_counts_only_whole_and_is_not_ends_the_connection_and_content_does_not()
    {
        Outcome outcome = Drive(Http2Options.Default, (server, _, _) =>
        {
            Assert.True(server.Receive(Peer.Settings((4, 70_000)).AsSpan(0, 10), 0));
            Assert.False(server.CheckTime(60_000));
        });
        Assert.Equal(Http2Violation.HeadTimeout, outcome.Violation);
        Assert.DoesNotContain("408", outcome.Frames, StringComparison.Ordinal);
        Assert.Equal(Http2Violation.None, Drive(Http2Options.Default, (server, _, _) =>
        {
            Assert.True(server.Receive(Peer.Join(Peer.Headers(1, false, Peer.Post), Peer.Data(1, "half")[..11]), 0));
            Assert.Equal(long.MaxValue, server.NextDeadline);
        }).Violation);
    }

    [Fact]
    public void Field_block_that_comes_in_time_leaves_no_deadline()
    {
        byte[] block = Peer.Block(Peer.Get);
        Outcome outcome = Drive(Http2Options.Default, (server, session, _) =>
        {
            Assert.True(server.Receive(Peer.Frame(1, Peer.EndStream, 1, block.AsSpan(0, 5)), 0));
            Assert.True(server.Receive(Peer.Frame(9, Peer.EndHeaders, 1, block.AsSpan(5)), 59_000));
            Assert.Equal(long.MaxValue, server.NextDeadline);
            Assert.True(server.CheckTime(100_000));
            Assert.Contains("request 1", session.Log, StringComparison.Ordinal);
        });
        Assert.Equal(Http2Violation.None, outcome.Violation);
    }

    public static TheoryData<Http2Violation> OfServers =>
    [
        Http2Violation.SettingsFlood, Http2Violation.InitialWindowFlood, Http2Violation.PingFlood, Http2Violation.UnknownFramesFlood, Http2Violation.EmptyFramesFlood,
        Http2Violation.PriorityFlood, Http2Violation.WindowUpdateFlood, Http2Violation.GoAwayFlood, Http2Violation.ClosedStreamFlood, Http2Violation.ContinuationFlood,
        Http2Violation.HeaderBlockFlood, Http2Violation.HeaderExpansionFlood, Http2Violation.HeaderOverflowFlood, Http2Violation.ProvokedResetFlood,
        Http2Violation.OutboundControlFlood,
    ];

    [Theory]
    [MemberData(nameof(OfServers))]
    public void Servers_that_flood_a_client_are_left_for_the_same_reasons(Http2Violation violation)
    {
        byte[] ok = Peer.Headers(1, false, (":status", "200"));
        string[] requests = [.. Enumerable.Repeat(AnyGet, 300)];
        var options = new Http2Options { MaxConcurrentStreams = 1000 };
        byte[][] frames = violation switch
        {
            Http2Violation.SettingsFlood => Many(200, _ => Peer.Join(Peer.Settings(), Unknown)),
            Http2Violation.InitialWindowFlood => Many(50, i => Peer.Settings((4, (uint)(i % 2) * 65_535))),
            Http2Violation.PingFlood => Many(2000, _ => Peer.Join(Peer.Ping(), Unknown)),
            Http2Violation.UnknownFramesFlood => Many(2000, _ => Unknown),
            Http2Violation.EmptyFramesFlood => [ok, .. Many(2, _ => Peer.Data(1, ""))],
            Http2Violation.PriorityFlood => Many(40_000, _ => Peer.Frame(2, 0, 1, new byte[5])),
            Http2Violation.WindowUpdateFlood => Many(1000, _ => Peer.WindowUpdate(0, 1)),
            Http2Violation.GoAwayFlood => Many(11, _ => Peer.GoAway(int.MaxValue, Http2ErrorCode.NoError)),
            Http2Violation.ClosedStreamFlood => [Peer.Headers(1, true, (":status", "200")), .. Many(1000, _ => Peer.Reset(1))],
            Http2Violation.ContinuationFlood => [Peer.Frame(1, 0, 1, Peer.Block((":status", "200"))), .. Many(9, _ => Peer.Frame(9, 0, 1, Peer.Block(("a", "b"))))],
            Http2Violation.HeaderBlockFlood => [Peer.Frame(1, 0, 1, Peer.Block((":status", "200"))), .. Many(6, _ => Peer.Frame(9, 0, 1, new byte[16_000]))],
            Http2Violation.HeaderExpansionFlood => [Peer.Frame(1, Peer.EndHeaders, 1, [0x88, .. Enumerable.Repeat((byte)0x90, 3000)])],
            Http2Violation.HeaderOverflowFlood => Many(101, i => Peer.Headers((2 * i) + 1, true, [(":status", "200"), .. Enumerable.Repeat(("a", "b"), 150)])),
            Http2Violation.ProvokedResetFlood => Many(250, i => Peer.Headers((2 * i) + 1, true, (":status", "soso"))),
            _ => Many(1100, _ => Peer.Ping()),
        };
        if (violation == Http2Violation.OutboundControlFlood) options = options with { MaxPingFrames = 2000 };
        Conversation.Client(options, requests, frames).EndsWith(violation, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Server_that_opens_the_window_of_an_upload_by_crumbs_is_left()
    {
        var pair = new ConnectionPair();
        pair.Client.Receive(Peer.Join(Peer.Settings((4, 0)), Peer.Frame(4, Peer.Ack, 0)), 0);
        Http2Stream stream = pair.Open("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
        pair.ClientSession.WhenWindow = _ => pair.Client.SendData(stream, new byte[1000], endStream: false);
        pair.Client.SendData(stream, new byte[1000], endStream: false);
        for (int i = 0; i < 1000 && pair.Client.Receive(Peer.WindowUpdate(1, 1), 0); i++) Assert.InRange(i, 0, 200);
        Assert.Equal(Http2Violation.WindowDribbleFlood, pair.Client.Failure.Violation);
    }

    /// <summary>More fields than are allowed, and fewer than twice as many.</summary>
    private static byte[] LargeHead(int id) => Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, id, [.. Peer.Block(Peer.Get), .. Enumerable.Repeat((byte)0x90, 150)]);

    private static byte[][] Many(int count, Func<int, byte[]> frame) => [.. Enumerable.Range(0, count).Select(frame)];

    private static byte[] Filler(string filler, int number) => filler switch
    {
        "unknown frame" => Unknown,
        "octet of content" => Peer.Data(1, "x"),
        _ => Peer.Headers((2 * number) + 3, true, Peer.Get),
    };

    /// <summary>A client that downloads, with a window to begin with and an increment for each frame that it gets.</summary>
    private static Outcome Download(int content, int initialWindow, int increment, int connectionWindow) =>
        Drive(Http2Options.Default, (server, session, _) =>
        {
            int sent = 0;
            void Send(Http2Stream stream)
            {
                while (sent < content)
                {
                    int taken = server.SendData(stream, new byte[Math.Min(10_000, content - sent)], endStream: content - sent <= 10_000);
                    if (taken == 0) return;
                    sent += taken;
                }
            }

            session.WhenRequest = stream =>
            {
                server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), endStream: false);
                Send(stream);
            };
            session.WhenWindow = Send;
            server.Receive(Peer.Join(Peer.Settings((4, (uint)initialWindow)), Peer.Headers(1, true, Peer.Get)), 0);
            if (connectionWindow > 1) server.Receive(Peer.WindowUpdate(0, (uint)connectionWindow), 0);
            while (sent < content)
            {
                if (!server.Receive(increment > 0 ? Peer.WindowUpdate(1, (uint)increment) : Peer.WindowUpdate(0, (uint)connectionWindow), 0)) return;
            }
        });

    /// <summary>A client that asks for content on many streams and has no window for any of it.</summary>
    private static Outcome Wait(int streams, Action<Http2ServerConnection, RecordingSession> then, Http2Options? options = null) =>
        Drive(options ?? Http2Options.Default, (server, session, _) =>
        {
            session.WhenRequest = stream =>
            {
                server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), endStream: false);
                Assert.Equal(0, server.SendData(stream, new byte[100], endStream: false));
            };
            session.WhenWindow = stream => server.SendData(stream, new byte[100_000], endStream: false);
            server.Receive(Peer.Join([Peer.Settings((4, 0)), Peer.WindowUpdate(0, 1_000_000), .. Many(streams, i => Peer.Headers((2 * i) + 1, true, Peer.Get))]), 0);
            then(server, session);
        });

    private static void Answer(Http2ServerConnection server, Http2Stream stream) =>
        server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), endStream: true);

    private static Outcome Drive(Http2Options options, Action<Http2ServerConnection, RecordingSession, MemoryOutput> drive)
    {
        var session = new RecordingSession();
        var output = new MemoryOutput();
        var server = new Http2ServerConnection(options, new Http1RequestOptions(), session, output, new Http2StreamPool(), new Http2Counters());
        session.Connection = server;
        server.Start(0);
        server.Receive(Peer.Hello, 0);
        drive(server, session, output);
        return new Outcome(session.Log, string.Join('\n', Peer.Describe(output.TakeAll())), server.Failure.Violation, server.Counters);
    }
}
