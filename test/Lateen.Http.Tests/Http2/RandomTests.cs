namespace Lateen.Http.Tests.Http2;

/// <summary>
/// Random frames and damaged conversations, both sides: never an exception, never an endless loop, nothing left behind, and the same outcome
/// however the bytes are cut. Seeds are fixed, so a failure repeats.
/// </summary>
public sealed class RandomTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Corpus", "Http2");

    public static TheoryData<string> Files() => [.. Directory.GetFiles(Folder, "*.h2").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public void Corpus_conversation_ends_as_its_name_says(string file)
    {
        byte[] input = File.ReadAllBytes(Path.Combine(Folder, file));
        Http2Violation expected = Enum.Parse<Http2Violation>(file.Split('.')[0]);
        bool isOfStream = new Http2Failure(expected).IsOfStream;
        Outcome outcome = Run(input, [input.Length], asServer: true);
        Assert.Equal(isOfStream ? Http2Violation.None : expected, outcome.Violation);
        if (expected != Http2Violation.None) Assert.Equal(1, outcome.Counters.Of(expected));
        Check(input, new Random(1), asServer: true);
        Check(input, new Random(2), asServer: false);
    }

    [Fact]
    public void Corpus_has_a_conversation_for_every_violation_that_octets_alone_can_show()
    {
        Http2Violation[] others =
        [
            Http2Violation.SettingsTimeout, Http2Violation.KeepAliveTimeout, Http2Violation.HeadTimeout, Http2Violation.SlowReaderFlood, // They take time.
            Http2Violation.MessageMalformed, // It takes an option.
            Http2Violation.WindowExceeded, Http2Violation.StreamWindowExceeded, // They take a reader who keeps what came.
            Http2Violation.OutboundFlood, Http2Violation.WindowDribbleFlood, // They take a response.
        ];
        HashSet<string> shown = [.. Directory.GetFiles(Folder, "*.h2").Select(file => Path.GetFileName(file).Split('.')[0])];
        Assert.DoesNotContain(Enum.GetValues<Http2Violation>().Except(others), violation => !shown.Contains($"{violation}"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Random_frames_do_no_harm(bool asServer)
    {
        var random = new Random(21);
        int survived = 0;
        for (int i = 0; i < 3000; i++)
        {
            var input = new List<byte>(asServer ? Peer.Hello : Peer.Join(Peer.Frame(4, 0, 0), Peer.Frame(4, Peer.Ack, 0)));
            for (int n = random.Next(1, 20); n > 0; n--) input.AddRange(RandomFrame(random, asServer));
            if (Check([.. input], random, asServer) == Http2Violation.None) survived++;
        }

        Assert.InRange(survived, 100, 2900); // If all ended at once, or none, little was tested.
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Damaged_conversations_do_no_harm(bool asServer)
    {
        byte[] conversation = asServer ? Requests() : Responses();
        Assert.Equal(Http2Violation.None, Check(conversation, new Random(0), asServer));
        var random = new Random(22);
        for (int i = 0; i < 4000; i++)
        {
            var input = new List<byte>(conversation);
            for (int edits = random.Next(1, 4); edits > 0; edits--)
            {
                int at = random.Next(asServer ? 24 : 0, input.Count);
                switch (random.Next(4))
                {
                    case 0: input[at] = (byte)random.Next(256); break;
                    case 1: input[at] ^= (byte)(1 << random.Next(8)); break;
                    case 2: input.RemoveRange(at, Math.Min(random.Next(1, 12), input.Count - at)); break;
                    default: input.InsertRange(at, conversation.AsSpan(random.Next(conversation.Length - 30), random.Next(30)).ToArray()); break;
                }
            }

            Check([.. input], random, asServer);
        }
    }

    [Fact]
    public void Random_exchanges_between_our_two_sides_come_through_in_any_pieces()
    {
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var pair = new ConnectionPair(
                new Http2Options { HuffmanEncode = seed % 2 == 0, InitialStreamWindow = 65_535 + random.Next(10_000), HpackTableOctets = random.Next(5) * 1000 },
                new Http2Options { HuffmanEncode = seed % 3 == 0 }, seed, maxPiece: random.Next(1, 4000));
            var up = new Dictionary<int, (byte[] Content, int Sent)>();
            var down = new Dictionary<int, (byte[] Content, int Sent)>();
            pair.ServerSession.WhenRequest = stream =>
            {
                down[stream.Id] = (Content(random), 0);
                pair.Server.SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nServer: x\r\nTransfer-Encoding: chunked\r\n\r\n"), endStream: false);
                Push(pair.Server, stream, down);
            };
            pair.ServerSession.WhenWindow = stream => Push(pair.Server, stream, down);
            pair.ClientSession.WhenWindow = stream => Push(pair.Client, stream, up);
            for (int i = 0; i < 40; i++)
            {
                Http2Stream stream = pair.Open($"POST /{i} HTTP/1.1\r\nHost: host-{i % 3}\r\nX-{i}: {new string('x', random.Next(300))}\r\nTransfer-Encoding: chunked\r\n\r\n", endStream: false);
                up[stream.Id] = (Content(random), 0);
                Push(pair.Client, stream, up);
                if (random.Next(3) == 0) pair.Run();
            }

            pair.Run();
            foreach ((int id, (byte[] content, _)) in up) Assert.Equal(Reading.Text(content), pair.ServerSession.ContentOf(id));
            foreach ((int id, (byte[] content, _)) in down) Assert.Equal(Reading.Text(content), pair.ClientSession.ContentOf(id));
            Assert.Equal(40, down.Count);
            Assert.Equal(0, pair.Server.ActiveStreams + pair.Client.ActiveStreams);
            foreach (Http2Stream stream in pair.ServerSession.Streams.Values) pair.Server.Release(stream);
            Assert.Equal(0, pair.Server.RentedStreams);
        }
    }

    private static byte[] Content(Random random)
    {
        byte[] content = new byte[random.Next(4) == 0 ? random.Next(200_000) : random.Next(500)];
        random.NextBytes(content);
        return content;
    }

    private static void Push(Http2Connection connection, Http2Stream stream, Dictionary<int, (byte[] Content, int Sent)> contents)
    {
        (byte[] content, int sent) = contents[stream.Id];
        if (stream.IsLocalEnded) return;
        sent += connection.SendData(stream, content.AsSpan(sent), endStream: true);
        contents[stream.Id] = (content, sent);
    }

    private static Http2Violation Check(byte[] input, Random random, bool asServer)
    {
        Outcome whole = Run(input, [input.Length], asServer);
        var cuts = new SortedSet<int> { input.Length };
        for (int i = random.Next(12); i > 0; i--) cuts.Add(random.Next(1, input.Length + 1));
        Outcome pieces = Run(input, [.. cuts], asServer);
        if (whole.Log != pieces.Log || whole.Frames != pieces.Frames || whole.Violation != pieces.Violation)
            Assert.Fail($"{Convert.ToHexString(input)}\n{whole}\n{pieces}");
        return whole.Violation;
    }

    private static Outcome Run(byte[] input, int[] pieces, bool asServer)
    {
        var session = new RecordingSession { ReleasesClosed = asServer };
        var output = new MemoryOutput();
        var pool = new Http2StreamPool();
        Http2Connection connection = asServer
            ? new Http2ServerConnection(new Http2Options { AllowConnect = true, MaxConcurrentStreams = 5 }, new Http1RequestOptions(), session, output, pool, new Http2Counters())
            : new Http2ClientConnection(Http2Options.Default, Http1Limits.Default, session, output, pool, new Http2Counters());
        session.Connection = connection;
        connection.Start(0);
        if (connection is Http2ClientConnection client)
            for (int i = 0; i < 3; i++) session.Streams[(2 * i) + 1] = client.OpenStream(Exchange.Head("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0)!;
        else
            session.WhenRequest = stream =>
            {
                ((Http2ServerConnection)connection).SendResponse(stream, ConnectionPair.Response("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), endStream: stream.Id % 3 == 0);
                if (stream.IsClosed) session.Release(stream.Id);
            };

        int at = 0;
        foreach (int end in pieces)
        {
            if (!connection.Receive(input.AsSpan(at, end - at), 0)) break;
            at = end;
        }

        byte[] written = output.TakeAll();
        if (!asServer) written = written[Http2ServerConnection.Preface.Length..];
        string frames = string.Join('\n', Peer.Describe(written).Where(line => !line.StartsWith("WINDOW_UPDATE", StringComparison.Ordinal)));
        string log = session.Log;
        Http2Violation violation = connection.Failure.Violation;

        connection.TransportClosed();
        Assert.Equal(0, connection.ActiveStreams);
        foreach (Http2Stream stream in session.Streams.Values) connection.Release(stream);
        Assert.Equal(0, connection.RentedStreams);
        return new Outcome(log, frames, violation, connection.Counters);
    }

    private static byte[] RandomFrame(Random random, bool asServer)
    {
        int id = random.Next(5) switch { 0 => 0, 1 => random.Next(20), _ => (random.Next(4) * 2) + 1 };
        byte[] noise = new byte[random.Next(20)];
        random.NextBytes(noise);
        return random.Next(12) switch
        {
            0 => Peer.Frame(random.Next(12), random.Next(256), id, noise),
            1 => Peer.Data(id, "some content", random.Next(3) == 0),
            2 => Peer.Frame(0, Peer.Padded, id, [(byte)random.Next(6), 1, 2, 3, 4, 5]),
            3 => Peer.Ping(),
            4 => Peer.WindowUpdate(id, (uint)random.Next(1, 1000)),
            5 => Peer.Reset(id),
            6 => Peer.Settings((random.Next(1, 10), (uint)random.Next(100_000))),
            7 => Peer.Frame(1, Peer.EndHeaders | random.Next(2), id, noise),
            8 => Peer.Headers(id, true, ("x-trailer", "1")),
            _ => asServer
                ? Peer.Headers((random.Next(1, 30) * 2) + 1, random.Next(2) == 0, random.Next(2) == 0 ? Peer.Get : Peer.Post)
                : Peer.Headers((random.Next(3) * 2) + 1, random.Next(2) == 0, (":status", random.Next(4) == 0 ? "103" : "200")),
        };
    }

    private static byte[] Requests() => Peer.Join(
        Peer.Hello, Peer.Settings((1, 100), (4, 70_000)), Peer.Headers(1, true, [.. Peer.Get, ("cookie", "a=b"), ("te", "trailers")]), Peer.WindowUpdate(0, 1000),
        Peer.Headers(3, false, [.. Peer.Post, ("content-length", "11")]), Peer.Data(3, "hello "), Peer.Ping(3), Peer.Data(3, "world", end: true),
        Peer.Frame(1, 0, 5, Peer.Block(Peer.Post)), Peer.Frame(9, Peer.EndHeaders, 5, Peer.Block(("x", "y"))), Peer.Frame(0, Peer.Padded, 5, 2, 65, 66, 0, 0),
        Peer.Headers(5, true, ("x-sum", "1")), Peer.Headers(7, false, (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":path", "/w"), (":authority", "a")),
        Peer.Data(7, "frame"), Peer.Reset(7), Peer.Frame(1, Peer.EndHeaders | Peer.EndStream, 9, 0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab, 0x90, 0xf4, 0xff));

    private static byte[] Responses() => Peer.Join(
        Peer.Settings((3, 100)), Peer.Frame(4, Peer.Ack, 0), Peer.Headers(1, false, (":status", "103"), ("link", "x")), Peer.Headers(1, false, (":status", "200"), ("content-length", "5")),
        Peer.Data(1, "hello", end: true), Peer.Headers(3, false, (":status", "200"), ("content-type", "application/grpc")), Peer.Data(3, "\0\0\0\0\u0002ab"), Peer.Ping(2),
        Peer.Headers(3, true, ("grpc-status", "0")), Peer.GoAway(int.MaxValue, Http2ErrorCode.NoError), Peer.Headers(5, true, (":status", "204")));
}
