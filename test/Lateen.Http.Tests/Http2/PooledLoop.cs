namespace Lateen.Http.Tests.Http2;

/// <summary>Our client and server over fixed buffers, with sessions that allocate nothing, as those of the proxy do.</summary>
internal sealed class PooledLoop : IHttp2ServerSession, IHttp2ClientSession, IDisposable
{
    private static readonly byte[] Content = new byte[700];
    private readonly FixedOutput _up = new();
    private readonly FixedOutput _down = new();
    private readonly HttpRequestHead _requestIn = new();
    private readonly HttpRequestHead _requestOut = new();
    private readonly HttpResponseHead _responseIn = new();
    private readonly HttpResponseHead _responseOut = new();
    private readonly HeaderBlock _trailers = new();
    private readonly Http2ClientConnection _client;

    public PooledLoop()
    {
        Server = new Http2ServerConnection(Http2Options.Default, new Http1RequestOptions(), this, _down, new Http2StreamPool(), new Http2Counters());
        _client = new Http2ClientConnection(Http2Options.Default, Http1Limits.Default, this, _up, new Http2StreamPool(), new Http2Counters());
        _client.Start(0);
        Server.Start(0);
        new Http1RequestParser(new Http1RequestOptions()).Parse(
            _requestOut,
            "POST /bookshop.Reviews/Get HTTP/1.1\r\nHost: reviews:9080\r\nUser-Agent: grpc\r\nContent-Type: application/grpc\r\nTE: trailers\r\nConnection: te\r\nCookie: a=b\r\nX-Request-Id: 5e7a1c1e\r\nTransfer-Encoding: chunked\r\n\r\n"u8,
            out _);
        _responseOut.SetStatus(200);
        _responseOut.Headers.Add(KnownHeader.ContentType, "application/grpc"u8);
        _responseOut.Headers.Add(KnownHeader.Server, "istio-envoy"u8);
        _trailers.Add(KnownHeader.GrpcStatus, "0"u8);
        Carry();
    }

    public Http2ServerConnection Server { get; }

    public int Answered { get; private set; }

    public void Exchange()
    {
        Http2Stream stream = _client.OpenStream(_requestOut, _responseIn, this, endStream: false, nowMilliseconds: 0)!;
        _client.SendData(stream, Content, endStream: true);
        Carry();
    }

    public void Dispose() => Server.TransportClosed();

    public HttpRequestHead OnStreamOpened(Http2Stream stream)
    {
        _requestIn.Reset();
        return _requestIn;
    }

    public void OnRequest(Http2Stream stream, bool endStream)
    {
    }

    public void OnData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream)
    {
        if (stream.User == this)
        {
            _client.Consume(stream, payload.Length);
            return;
        }

        Server.Consume(stream, payload.Length);
        if (!endStream) return;
        Server.SendResponse(stream, _responseOut, endStream: false);
        Server.SendData(stream, Content, endStream: false);
        Server.SendTrailers(stream, _trailers);
        Server.Release(stream);
    }

    public void OnTrailers(Http2Stream stream)
    {
        Answered++;
        _client.Release(stream);
    }

    public void OnInterimResponse(Http2Stream stream)
    {
    }

    public void OnResponse(Http2Stream stream, bool endStream)
    {
    }

    public void OnReset(Http2Stream stream, Http2ErrorCode error, Http2ResetOrigin origin)
    {
    }

    public void OnWindow(Http2Stream stream)
    {
    }

    public void OnSettings()
    {
    }

    public void OnGoAway(Http2ErrorCode error)
    {
    }

    private void Carry()
    {
        while (_up.PendingOctets + _down.PendingOctets > 0)
        {
            Server.Receive(_up.Pending, 0);
            _up.Clear();
            _client.Receive(_down.Pending, 0);
            _down.Clear();
        }
    }

    private sealed class FixedOutput : IHttp2Output
    {
        private readonly byte[] _bytes = new byte[64 * 1024];

        public int PendingOctets { get; private set; }

        public ReadOnlySpan<byte> Pending => _bytes.AsSpan(0, PendingOctets);

        public Span<byte> GetSpan(int minimumOctets) => _bytes.AsSpan(PendingOctets);

        public void Advance(int octets) => PendingOctets += octets;

        public void Clear() => PendingOctets = 0;
    }
}
