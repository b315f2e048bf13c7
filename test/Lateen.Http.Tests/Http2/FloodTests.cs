namespace Lateen.Http.Tests.Http2;

/// <summary>RFC 9113 section 10.5: each bound is hit, at its number and not before it, under its own name; and honest peers do not hit it.</summary>
public sealed class FloodTests
{
    [Fact]
    public void Continuation_frames_beyond_the_limit_end_the_connection()
    {
        byte[] begin = Peer.Frame(1, 0, 1, Peer.Block(Peer.Get));
        byte[] more = Peer.Frame(9, 0, 1, Peer.Block(("x", "1")));
        byte[] last = Peer.Frame(9, Peer.EndHeaders, 1, Peer.Block(("x", "1")));
        Conversation.Server([begin, .. Enumerable.Repeat(more, 7), last]).IsQuiet();
        Conversation.Server([begin, .. Enumerable.Repeat(more, 8), last]).EndsWith(Http2Violation.ContinuationFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Compressed_block_beyond_the_limit_ends_the_connection()
    {
        byte[] begin = Peer.Frame(1, 0, 1, Peer.Block(Peer.Get));
        byte[] more = Peer.Frame(9, 0, 1, Peer.Block(("x", new string('x', 16_000))));
        Conversation.Server([begin, .. Enumerable.Repeat(more, 5)]).EndsWith(Http2Violation.HeaderBlockFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Head_that_is_too_large_only_once_decompressed_is_answered_with_431_and_the_connection_goes_on()
    {
        // One entry of 4,000 octets, then a reference to it per octet: 20 more are 80 KB, above the limit of 60 and below its double.
        byte[][] frames = [Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 1, Bomb(20)), Peer.Headers(3, true, Peer.Get)];
        Outcome outcome = Conversation.Server(frames);
        outcome.IsQuiet();
        Assert.Contains("431 FieldsTooLarge", outcome.Log, StringComparison.Ordinal);
        Assert.Contains("request 3", outcome.Log, StringComparison.Ordinal);
        Assert.Equal(1, outcome.Counters.HeaderOverflows);
    }

    [Theory]
    [InlineData(1)] // A request's head.
    [InlineData(3)] // Trailers of one that is being sent.
    [InlineData(5)] // A stream that we have reset: nobody wants its fields.
    [InlineData(7)] // A stream more than are allowed.
    public void Hpack_bomb_ends_the_connection_wherever_it_lies_and_is_not_unpacked(int stream)
    {
        // 16 KB that stand for 48 MB.
        var options = new Http2Options { MaxConcurrentStreams = 1 };
        byte[][] frames =
        [
            .. stream == 1 ? [] : new[] { Peer.Headers(3, false, Peer.Post) },
            .. stream == 5 ? new[] { Peer.WindowUpdate(3, 0) } : [],
            Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, stream == 5 ? 3 : stream, Bomb(12_000)),
        ];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Outcome outcome = Feed(options, frames);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
        Assert.Equal(outcome.Log, Conversation.Server(options, frames).Log);
        outcome.EndsWith(Http2Violation.HeaderExpansionFlood, Http2ErrorCode.EnhanceYourCalm);
        Assert.DoesNotContain("431", outcome.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Block_may_stand_for_twice_the_limit_of_a_head_and_no_more()
    {
        // Both limits by fields of 4,001 octets, which count as 4,033, and by fields of 28, which are too many before they are too large.
        int largest = ((2 * Http1Limits.Default.MaxHeadOctets) - Peer.Get.Sum(field => field.Name.Length + field.Value.Length + 32)) / 4033;
        int most = (2 * Http1Limits.Default.MaxFields) - Peer.Get.Length;
        byte[] Many(int fields) => [.. Peer.Block(Peer.Get), .. Enumerable.Repeat((byte)0x90, fields)];
        foreach ((byte[] within, byte[] beyond) in new[] { (Bomb(largest - 1), Bomb(largest)), (Many(most), Many(most + 1)) })
        {
            Conversation.Server(Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 1, within)).IsQuiet();
            Conversation.Server(Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 1, beyond)).EndsWith(Http2Violation.HeaderExpansionFlood, Http2ErrorCode.EnhanceYourCalm);
        }
    }

    [Fact]
    public void Settings_beyond_the_limit_end_the_connection()
    {
        Conversation.Server([.. Enumerable.Repeat(Peer.Settings(), 99)]).IsQuiet(); // The first came with the preface.
        Conversation.Server([.. Enumerable.Repeat(Peer.Settings(), 100)]).EndsWith(Http2Violation.SettingsFlood, Http2ErrorCode.EnhanceYourCalm);
        Conversation.Server(Peer.Settings([.. Enumerable.Repeat((0xff, 1u), 32)])).IsQuiet();
        Conversation.Server(Peer.Settings([.. Enumerable.Repeat((0xff, 1u), 33)])).EndsWith(Http2Violation.SettingsFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Pings_beyond_the_limit_end_the_connection()
    {
        Conversation.Server([.. Enumerable.Repeat(Peer.Ping(), 100)]).IsQuiet();
        Outcome outcome = Conversation.Server([.. Enumerable.Repeat(Peer.Ping(), 101)]);
        outcome.EndsWith(Http2Violation.PingFlood, Http2ErrorCode.EnhanceYourCalm);
        Assert.Equal(100, outcome.Frames.Split('\n').Count(line => line.StartsWith("PING ack", StringComparison.Ordinal)));
    }

    [Fact]
    public void Pings_between_content_or_spread_over_time_are_no_flood()
    {
        var frames = new List<byte[]> { Peer.Headers(1, false, Peer.Post) };
        for (int i = 0; i < 1500; i++)
        {
            frames.Add(Peer.Ping());
            frames.Add(Peer.Data(1, "x"));
        }

        Conversation.Server(new Http2Options { MaxOutboundControlFrames = 10_000 }, [.. frames]).IsQuiet();

        var pair = new ConnectionPair().Run();
        for (int i = 0; i < 5000; i++)
        {
            Assert.True(pair.Server.Receive(Peer.Ping(), i * 100L));
            pair.ServerOutput.TakeAll();
        }
    }

    [Fact]
    public void Peer_who_does_not_read_the_answers_that_it_provokes_is_closed()
    {
        var options = new Http2Options { MaxPingFrames = int.MaxValue };
        Outcome outcome = Conversation.Server(options, [.. Enumerable.Repeat(Peer.Ping(), 20_000)]);
        outcome.EndsWith(Http2Violation.OutboundControlFlood, Http2ErrorCode.EnhanceYourCalm);
        Assert.InRange(outcome.Frames.Length, 0, 20_000);

        // The same number, read as they come, is none.
        var pair = new ConnectionPair(options).Run();
        for (int i = 0; i < 20_000; i++)
        {
            Assert.True(pair.Server.Receive(Peer.Ping(), 0));
            pair.ServerOutput.TakeAll();
        }
    }

    [Fact]
    public void Frames_that_wait_for_a_peer_who_does_not_read_are_bounded()
    {
        var pair = new ConnectionPair(new Http2Options { MaxOutboundFrames = 500 });
        Http2Stream client = pair.Open("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        pair.Run();
        Http2Stream stream = pair.ServerSession.Streams[client.Id];
        pair.Server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), endStream: false);
        for (int i = 0; i < 600; i++) pair.Server.SendData(stream, "x"u8, endStream: false);
        Assert.False(pair.Server.Receive(Peer.Ping(), 0));
        Assert.Equal(Http2Violation.OutboundFlood, pair.Server.Failure.Violation);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(0xbe)]
    public void Empty_frames_one_after_the_other_end_the_connection(int type)
    {
        byte[] empty = Peer.Frame(type, 0, 1);
        byte[] post = Peer.Headers(1, false, Peer.Post);
        Conversation.Server(post, empty, Peer.Data(1, "x"), empty, Peer.Frame(0, Peer.EndStream, 1)).IsQuiet();
        Conversation.Server(post, empty, empty).EndsWith(Http2Violation.EmptyFramesFlood, Http2ErrorCode.EnhanceYourCalm);
        Conversation.Server(new Http2Options { MaxConsecutiveEmptyFrames = 3 }, post, empty, empty, empty).IsQuiet();
    }

    [Fact]
    public void Data_frames_of_padding_alone_are_empty_frames()
    {
        byte[] post = Peer.Headers(1, false, Peer.Post);
        byte[] padding = Peer.Frame(0, Peer.Padded, 1, [2, 0, 0]);
        byte[] padded = Peer.Frame(0, Peer.Padded, 1, [1, (byte)'x', 0]);
        Conversation.Server(post, padding, padded, padding, Peer.Frame(0, Peer.Padded | Peer.EndStream, 1, [0])).IsQuiet();
        Conversation.Server(post, padding, padding).EndsWith(Http2Violation.EmptyFramesFlood, Http2ErrorCode.EnhanceYourCalm);
        Conversation.Server(post, padding, Peer.Frame(0, 0, 1), padded).EndsWith(Http2Violation.EmptyFramesFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Empty_headers_and_continuation_count_as_empty_frames() =>
        Conversation.Server(Peer.Frame(1, 0, 1), Peer.Frame(9, 0, 1), Peer.Frame(9, 0, 1)).EndsWith(Http2Violation.EmptyFramesFlood, Http2ErrorCode.EnhanceYourCalm);

    [Fact]
    public void Priority_frames_beyond_the_limit_end_the_connection()
    {
        byte[] priority = Peer.Frame(2, 0, 1, new byte[5]);
        Conversation.Server([.. Enumerable.Repeat(priority, 100)]).IsQuiet();
        Conversation.Server([.. Enumerable.Repeat(priority, 101)]).EndsWith(Http2Violation.PriorityFlood, Http2ErrorCode.EnhanceYourCalm);
        Conversation.Server([Peer.Headers(1, false, Peer.Post), .. Enumerable.Repeat(priority, 200)]).IsQuiet();
    }

    [Fact]
    public void Window_updates_beyond_the_limit_end_the_connection()
    {
        byte[] update = Peer.WindowUpdate(0, 1);
        Conversation.Server([.. Enumerable.Repeat(update, 5)]).IsQuiet();
        Conversation.Server([.. Enumerable.Repeat(update, 6)]).EndsWith(Http2Violation.WindowUpdateFlood, Http2ErrorCode.EnhanceYourCalm);
        Conversation.Server([Peer.Headers(1, false, Peer.Post), .. Enumerable.Repeat(update, 7)]).IsQuiet();
        Conversation.Server([Peer.Headers(1, false, Peer.Post), .. Enumerable.Repeat(update, 8)]).EndsWith(Http2Violation.WindowUpdateFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Rapid_reset_ends_the_connection_at_half_of_the_limit()
    {
        Outcome outcome = ResetEach(1000, now => 0, answers: false);
        outcome.EndsWith(Http2Violation.RapidResetFlood, Http2ErrorCode.EnhanceYourCalm);
        Assert.Equal(250, outcome.Counters.ResetsReceived);
    }

    [Fact]
    public void Resets_of_old_or_answered_streams_and_of_less_than_half_are_no_flood()
    {
        Assert.Equal(Http2Violation.None, ResetEach(1000, now => now + 1000, answers: false).Violation);
        Assert.Equal(Http2Violation.None, ResetEach(1000, now => now, answers: true).Violation);
        Assert.Equal(Http2Violation.None, ResetEach(2000, now => now, answers: false, everyNth: 3).Violation);
    }

    [Fact]
    public void Resets_that_a_peer_makes_us_send_end_the_connection_at_half_of_the_limit()
    {
        var provocations = new Func<int, byte[]>[]
        {
            id => Peer.WindowUpdate(id, 0),
            id => Peer.WindowUpdate(id, int.MaxValue),
            id => Peer.Headers(id, false, ("x", "1")),
            id => Peer.Frame(2, 0, id, new byte[4]),
            id => Peer.Join(Peer.Data(id, "", end: true), Peer.Data(id, "x")),
        };
        foreach (Func<int, byte[]> provoke in provocations)
        {
            var frames = new List<byte[]>();
            for (int id = 1; id < 2000; id += 2)
            {
                frames.Add(Peer.Headers(id, false, Peer.Post));
                frames.Add(provoke(id));
            }

            Outcome outcome = Feed(Http2Options.Default, [.. frames]);
            outcome.EndsWith(Http2Violation.ProvokedResetFlood, Http2ErrorCode.EnhanceYourCalm);
            Assert.Equal(250, outcome.Counters.ResetsSent);
        }
    }

    [Fact]
    public void Malformed_and_refused_requests_count_as_provoked_resets()
    {
        var malformed = new List<byte[]>();
        for (int id = 1; id < 2000; id += 2) malformed.Add(Peer.Headers(id, true, [.. Peer.Get, ("connection", "close")]));
        Feed(Http2Options.Default, [.. malformed]).EndsWith(Http2Violation.ProvokedResetFlood, Http2ErrorCode.EnhanceYourCalm);

        var refused = new List<byte[]> { Peer.Headers(1, false, Peer.Post) };
        for (int id = 3; id < 2000; id += 2) refused.Add(Peer.Headers(id, true, Peer.Get));
        Feed(new Http2Options { MaxConcurrentStreams = 1 }, [.. refused]).EndsWith(Http2Violation.ProvokedResetFlood, Http2ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Every_violation_has_a_code_a_clause_and_a_sentence()
    {
        foreach (Http2Violation violation in Enum.GetValues<Http2Violation>())
        {
            if (violation == Http2Violation.None) continue;
            var failure = new Http2Failure(violation);
            Assert.Matches("^(RFC [0-9]{4} [0-9.]+|Envoy [a-z_]+)$", failure.Clause);
            Assert.True(failure.Reason.Length > 10);
            Assert.Equal(failure.IsFlood, failure.ErrorCode == Http2ErrorCode.EnhanceYourCalm);
            Assert.Equal(0, new Http2Counters().Of(violation));
        }
    }

    /// <summary>A request whose block puts a field of 4,000 octets into the table and then names it so many times, with one octet each.</summary>
    private static byte[] Bomb(int references) =>
        [.. Peer.Block(Peer.Get), 0x40, 1, (byte)'b', 0x7f, 0xa1, 0x1e, .. Enumerable.Repeat((byte)'x', 4000), .. Enumerable.Repeat((byte)0xbe, references)];

    private static Outcome Feed(Http2Options options, byte[][] frames) =>
        Drive(options, (server, _) =>
        {
            foreach (byte[] frame in frames)
                if (!server.Receive(frame, 0)) return;
        });

    private static Outcome ResetEach(int streams, Func<long, long> age, bool answers, int everyNth = 1) =>
        Drive(Http2Options.Default, (server, session) =>
        {
            session.WhenRequest = stream =>
            {
                if (answers || ((stream.Id >> 1) % everyNth) != 0)
                    server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), endStream: true);
            };
            long now = 0;
            for (int id = 1; id < 2 * streams; id += 2)
            {
                if (!server.Receive(Peer.Headers(id, true, Peer.Get), now)) return;
                now = age(now);
                if (!server.Receive(Peer.Reset(id), now)) return;
                if (session.Streams.TryGetValue(id, out Http2Stream? stream) && stream.IsClosed) session.Release(id);
            }
        });

    private static Outcome Drive(Http2Options options, Action<Http2ServerConnection, RecordingSession> drive)
    {
        var session = new RecordingSession { ReleasesClosed = true };
        var output = new MemoryOutput();
        var server = new Http2ServerConnection(options, new Http1RequestOptions(), session, output, new Http2StreamPool(), new Http2Counters());
        session.Connection = server;
        server.Start(0);
        server.Receive(Peer.Hello, 0);
        drive(server, session);
        return new Outcome(session.Log, string.Join('\n', Peer.Describe(output.TakeAll())), server.Failure.Violation, server.Counters);
    }
}
