using BenchmarkDotNet.Attributes;
using Lateen.Http;

namespace Lateen.Bench.Micro;

/// <summary>
/// HTTP/2's share of an exchange, both sides of one hop together: our client opens a stream, our server reads it and answers, the client reads the answer. No sockets;
/// bytes go from one buffer into the other connection.
/// </summary>
[MemoryDiagnoser]
public class Http2Benchmarks : IHttp2ServerSession, IHttp2ClientSession
{
    private readonly Output _up = new();
    private readonly Output _down = new();
    private readonly byte[] _content = new byte[64];
    private readonly HttpRequestHead _get = new();
    private readonly HttpRequestHead _grpc = new();
    private readonly HttpRequestHead _requestIn = new();
    private readonly HttpResponseHead _responseIn = new();
    private readonly HttpResponseHead _responseOut = new();
    private readonly HttpResponseHead _grpcOut = new();
    private readonly HeaderBlock _trailers = new();
    private Http2ServerConnection _server = null!;
    private Http2ClientConnection _client = null!;
    private int _answered;

    [GlobalSetup]
    public void Setup()
    {
        _server = new Http2ServerConnection(Http2Options.Default, new Http1RequestOptions { Path = PathPolicy.For(PathNormalization.Base) }, this, _down, new Http2StreamPool(), new Http2Counters());
        _client = new Http2ClientConnection(Http2Options.Default, Http1Limits.Default, this, _up, new Http2StreamPool(), new Http2Counters());
        _server.Start(0);
        _client.Start(0);
        Read(
            _get,
            "GET /api/v1/products/0/reviews?user=jason HTTP/1.1\r\nHost: reviews.bookshop:9080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"u8,
            "Accept: application/json\r\nAccept-Encoding: gzip, br\r\nX-Request-Id: 5e7a1c1e-2f5b-4a1d-9b0a-3f6f0f0c9a11\r\nCookie: session=0123456789abcdef\r\n\r\n"u8);
        Read(
            _grpc,
            "POST /bookshop.Reviews/Get HTTP/1.1\r\nHost: reviews.bookshop:9080\r\nUser-Agent: grpc-dotnet/2.85.0\r\nContent-Type: application/grpc\r\n"u8,
            "TE: trailers\r\nConnection: te\r\nGrpc-Accept-Encoding: identity,gzip,deflate\r\nTransfer-Encoding: chunked\r\n\r\n"u8);
        _responseOut.SetStatus(200);
        _responseOut.Headers.Add(KnownHeader.ContentType, "application/json"u8);
        _responseOut.Headers.Add(KnownHeader.Date, "Sun, 06 Nov 1994 08:49:37 GMT"u8);
        _responseOut.Headers.Add(KnownHeader.Server, "istio-envoy"u8);
        _responseOut.SetBody(BodyFraming.Length, 64);
        _grpcOut.SetStatus(200);
        _grpcOut.Headers.Add(KnownHeader.ContentType, "application/grpc"u8);
        _trailers.Add(KnownHeader.GrpcStatus, "0"u8);
        Carry();
    }

    [Benchmark]
    public int Get_with_64_octets_of_answer()
    {
        _client.OpenStream(_get, _responseIn, this, endStream: true, nowMilliseconds: 0);
        Carry();
        return _answered;
    }

    [Benchmark]
    public int Unary_call_with_trailers()
    {
        Http2Stream stream = _client.OpenStream(_grpc, _responseIn, this, endStream: false, nowMilliseconds: 0)!;
        _client.SendData(stream, _content, endStream: true);
        Carry();
        return _answered;
    }

    HttpRequestHead IHttp2ServerSession.OnStreamOpened(Http2Stream stream)
    {
        _requestIn.Reset();
        return _requestIn;
    }

    void IHttp2ServerSession.OnRequest(Http2Stream stream, bool endStream)
    {
        if (!endStream) return;
        _server.SendResponse(stream, _responseOut, endStream: false);
        _server.SendData(stream, _content, endStream: true);
        _server.Release(stream);
    }

    void IHttp2Session.OnData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream)
    {
        if (stream.User == this)
        {
            _client.Consume(stream, payload.Length);
            if (!endStream) return;
            _answered++;
            _client.Release(stream);
            return;
        }

        _server.Consume(stream, payload.Length);
        if (!endStream) return;
        _server.SendResponse(stream, _grpcOut, endStream: false);
        _server.SendData(stream, _content, endStream: false);
        _server.SendTrailers(stream, _trailers);
        _server.Release(stream);
    }

    void IHttp2Session.OnTrailers(Http2Stream stream)
    {
        _answered++;
        _client.Release(stream);
    }

    void IHttp2ClientSession.OnInterimResponse(Http2Stream stream)
    {
    }

    void IHttp2ClientSession.OnResponse(Http2Stream stream, bool endStream)
    {
    }

    void IHttp2Session.OnReset(Http2Stream stream, Http2ErrorCode error, Http2ResetOrigin origin) =>
        throw new InvalidOperationException($"{stream} was reset: {error}");

    void IHttp2Session.OnWindow(Http2Stream stream)
    {
    }

    void IHttp2Session.OnSettings()
    {
    }

    void IHttp2Session.OnGoAway(Http2ErrorCode error)
    {
    }

    private static void Read(HttpRequestHead head, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        var parser = new Http1RequestParser(new Http1RequestOptions());
        parser.Parse(head, first, out _);
        if (parser.Parse(head, second, out _) != ParseStatus.Complete) throw new InvalidOperationException(head.Rejection.ToString());
    }

    private void Carry()
    {
        while (_up.PendingOctets + _down.PendingOctets > 0)
        {
            _server.Receive(_up.Pending, 0);
            _up.Clear();
            _client.Receive(_down.Pending, 0);
            _down.Clear();
        }
    }

    private sealed class Output : IHttp2Output
    {
        private readonly byte[] _bytes = new byte[64 * 1024];

        public int PendingOctets { get; private set; }

        public ReadOnlySpan<byte> Pending => _bytes.AsSpan(0, PendingOctets);

        public Span<byte> GetSpan(int minimumOctets) => _bytes.AsSpan(PendingOctets);

        public void Advance(int octets) => PendingOctets += octets;

        public void Clear() => PendingOctets = 0;
    }
}
