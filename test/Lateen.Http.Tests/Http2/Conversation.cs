namespace Lateen.Http.Tests.Http2;

/// <summary>What one side made of what a peer sent: its events, the frames that it wrote, and how it ended.</summary>
internal sealed record Outcome(string Log, string Frames, Http2Violation Violation, Http2Counters Counters)
{
    public void EndsWith(Http2Violation violation, Http2ErrorCode error)
    {
        Assert.True(Violation == violation, $"ended with {Violation}\n{Log}\n{Frames}");
        Assert.Contains($" {error}", Frames.Split('\n').Last(line => line.StartsWith("GOAWAY", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Equal(1, Counters.Of(violation));
    }

    public void ResetsStream(int id, Http2Violation violation, Http2ErrorCode error)
    {
        Assert.True(Violation == Http2Violation.None, $"ended with {Violation}");
        Assert.Contains($"RST_STREAM {id} {error}", Frames.Split('\n'));
        Assert.Equal(1, Counters.Of(violation));
    }

    public void IsQuiet()
    {
        Assert.Equal(Http2Violation.None, Violation);
        Assert.DoesNotContain("RST_STREAM", Frames, StringComparison.Ordinal);
        Assert.DoesNotContain("GOAWAY", Frames, StringComparison.Ordinal);
    }
}

/// <summary>
/// Feeds one side with what a peer says, whole, octet by octet and in random pieces, and fails unless all come to the same. WINDOW_UPDATEs are left out of the comparison:
/// when they go depends on the pieces.
/// </summary>
internal static class Conversation
{
    /// <summary>A server, after <see cref="Peer.Hello"/>.</summary>
    public static Outcome Server(params byte[][] frames) => Server(Http2Options.Default, null, frames);

    public static Outcome Server(Http2Options options, params byte[][] frames) => Server(options, null, frames);

    /// <param name="whenRequest">What the server does with each request.</param>
    public static Outcome Server(Http2Options options, Action<Http2ServerConnection, Http2Stream>? whenRequest, params byte[][] frames) =>
        RawServer(options, whenRequest, [Peer.Hello, .. frames]);

    public static Outcome RawServer(Http2Options options, Action<Http2ServerConnection, Http2Stream>? whenRequest, params byte[][] frames) =>
        Same(Peer.Join(frames), (input, pieces) =>
        {
            var session = new RecordingSession();
            var output = new MemoryOutput();
            var connection = new Http2ServerConnection(options, new Http1RequestOptions(), session, output, new Http2StreamPool(), new Http2Counters());
            session.Connection = connection;
            session.WhenRequest = stream => whenRequest?.Invoke(connection, stream);
            return Feed(connection, session, output, input, pieces);
        });

    /// <summary>A client that has opened streams 1, 3, ... with these heads, after the server's SETTINGS and acknowledgement.</summary>
    public static Outcome Client(string[] requests, params byte[][] frames) => Client(Http2Options.Default, requests, frames);

    public static Outcome Client(Http2Options options, string[] requests, params byte[][] frames) =>
        Same(Peer.Join([Peer.Frame(4, 0, 0), Peer.Frame(4, Peer.Ack, 0), .. frames]), (input, pieces) =>
        {
            var session = new RecordingSession();
            var output = new MemoryOutput();
            var connection = new Http2ClientConnection(options, Http1Limits.Default, session, output, new Http2StreamPool(), new Http2Counters());
            session.Connection = connection;
            return Feed(connection, session, output, input, pieces, () =>
            {
                foreach (string request in requests)
                {
                    Http2Stream? stream = connection.OpenStream(Exchange.Head(request), new HttpResponseHead(), null, endStream: true, nowMilliseconds: 0);
                    Assert.NotNull(stream);
                    session.Streams[stream.Id] = stream;
                }
            });
        });

    private static Outcome Feed(
        Http2Connection connection, RecordingSession session, MemoryOutput output, byte[] input, int[] pieces, Action? afterStart = null)
    {
        connection.Start(0);
        afterStart?.Invoke();
        int at = 0;
        foreach (int end in pieces)
        {
            bool goesOn = connection.Receive(input.AsSpan(at, end - at), 0);
            Assert.Equal(!connection.HasEnded, goesOn);
            at = end;
            if (!goesOn) break;
        }

        byte[] written = output.TakeAll();
        if (connection is Http2ClientConnection) written = written[Http2ServerConnection.Preface.Length..];
        string frames = string.Join('\n', Peer.Describe(written).Where(line => !line.StartsWith("WINDOW_UPDATE", StringComparison.Ordinal)));
        foreach ((int id, Http2Stream stream) in session.Streams)
            if (session.ContentOf(id).Length > 0) frames += $"\ncontent of {stream.Id}: {session.ContentOf(id)}";
        return new Outcome(session.Log, frames, connection.Failure.Violation, connection.Counters);
    }

    private static Outcome Same(byte[] input, Func<byte[], int[], Outcome> run)
    {
        Outcome whole = run(input, [input.Length]);
        var random = new Random(input.Length);
        int[][] cuts = [Enumerable.Range(1, input.Length).ToArray(), [.. Enumerable.Range(0, 20).Select(_ => random.Next(1, input.Length)).Append(input.Length).Order().Distinct()]];
        foreach (int[] pieces in input.Length > 300_000 ? cuts[1..] : cuts)
        {
            Outcome cut = run(input, pieces);
            Assert.Equal(whole.Log, cut.Log);
            Assert.Equal(whole.Frames, cut.Frames);
            Assert.Equal(whole.Violation, cut.Violation);
        }

        return whole;
    }
}
