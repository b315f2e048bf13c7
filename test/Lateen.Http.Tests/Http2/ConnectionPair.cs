namespace Lateen.Http.Tests.Http2;

/// <summary>Our client and our server, connected in memory. <see cref="Run"/> carries bytes both ways until both are silent.</summary>
internal sealed class ConnectionPair
{
    private readonly Random _random;
    private readonly int _maxPiece;

    public ConnectionPair(Http2Options? serverOptions = null, Http2Options? clientOptions = null, int seed = 0, int maxPiece = int.MaxValue, Http1RequestOptions? requests = null)
    {
        _random = new Random(seed);
        _maxPiece = maxPiece;
        Server = new Http2ServerConnection(
            serverOptions ?? Http2Options.Default, requests ?? new Http1RequestOptions(), ServerSession, ServerOutput, ServerPool, new Http2Counters());
        Client = new Http2ClientConnection(clientOptions ?? Http2Options.Default, Http1Limits.Default, ClientSession, ClientOutput, ClientPool, new Http2Counters());
        ServerSession.Connection = Server;
        ClientSession.Connection = Client;
        Client.Start(0);
        Server.Start(0);
    }

    public Http2ServerConnection Server { get; }

    public Http2ClientConnection Client { get; }

    public RecordingSession ServerSession { get; } = new();

    public RecordingSession ClientSession { get; } = new();

    public MemoryOutput ServerOutput { get; } = new();

    public MemoryOutput ClientOutput { get; } = new();

    public Http2StreamPool ServerPool { get; } = new();

    public Http2StreamPool ClientPool { get; } = new();

    public long Now { get; set; }

    /// <summary>A head as HTTP/1.1 would read it: the easiest way to write one down.</summary>
    public static HttpRequestHead Request(string http1)
    {
        HttpRequestHead head = Exchange.Head(http1);
        return head;
    }

    public static HttpResponseHead Response(string http1, RequestMethod method = RequestMethod.Get) => Exchange.ResponseHead(http1, method);

    public Http2Stream Open(string http1, bool endStream = true)
    {
        Http2Stream? stream = Client.OpenStream(Request(http1), new HttpResponseHead(), null, endStream, Now);
        Assert.NotNull(stream);
        ClientSession.Streams[stream.Id] = stream;
        return stream;
    }

    public ConnectionPair Run()
    {
        for (int turns = 0; ServerOutput.PendingOctets + ClientOutput.PendingOctets > 0; turns++)
        {
            Assert.True(turns < 1_000_000, "the two never fall silent");
            Carry(ClientOutput, Server);
            Carry(ServerOutput, Client);
        }

        return this;
    }

    private void Carry(MemoryOutput from, Http2Connection to)
    {
        int length = Math.Min(from.PendingOctets, _maxPiece == int.MaxValue ? int.MaxValue : _random.Next(1, _maxPiece + 1));
        if (length == 0) return;
        byte[] piece = from.Pending[..length].ToArray();
        from.Take(length);
        to.Receive(piece, Now);
    }
}
