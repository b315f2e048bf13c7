using System.Text;
using BenchmarkDotNet.Attributes;
using Lateen.Http;

namespace Lateen.Bench.Micro;

/// <summary>
/// The codec's share of one proxied request: reading the client's head, writing it upstream, and the same for the response. The request is one
/// that a browser behind an ingress sends inside the mesh, about 300 octets.
/// </summary>
[MemoryDiagnoser]
public class CodecBenchmarks
{
    private static readonly byte[] Request = Encoding.ASCII.GetBytes(
        "GET /api/v1/products/0/reviews?user=jason HTTP/1.1\r\nHost: reviews.bookshop:9080\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        + "Accept: application/json\r\nAccept-Encoding: gzip, br\r\nX-Request-Id: 5e7a1c1e-2f5b-4a1d-9b0a-3f6f0f0c9a11\r\nCookie: session=0123456789abcdef\r\n\r\n");

    private static readonly byte[] MinimalRequest = Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");

    private static readonly byte[] Response = Encoding.ASCII.GetBytes(
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: application/json\r\nContent-Length: 64\r\nServer: upstream\r\n\r\n");

    private static readonly byte[] Chunks = Encoding.ASCII.GetBytes("40\r\n" + new string('x', 64) + "\r\n40\r\n" + new string('y', 64) + "\r\n0\r\n\r\n");

    private readonly Http1RequestParser _requestParser = new(new Http1RequestOptions { Path = PathPolicy.For(PathNormalization.Base) });
    private readonly Http1ResponseParser _responseParser = new(Http1Limits.Default);
    private readonly HttpRequestHead _request = new();
    private readonly HttpRequestHead _parsedRequest = new();
    private readonly HttpResponseHead _response = new();
    private readonly HttpResponseHead _parsedResponse = new();
    private readonly HttpRequestHead _chunkedRequest = new();
    private readonly Http1BodyDecoder _decoder = new();
    private readonly byte[] _buffer = new byte[4096];

    [GlobalSetup]
    public void Setup()
    {
        _requestParser.Parse(_parsedRequest, Request, out _);
        _responseParser.Parse(_parsedResponse, RequestMethod.Get, Response, out _);
        _chunkedRequest.SetBody(BodyFraming.Chunked);
    }

    [Benchmark]
    public ParseStatus Parse_request()
    {
        _request.Reset();
        return _requestParser.Parse(_request, Request, out _);
    }

    [Benchmark]
    public ParseStatus Parse_minimal_request()
    {
        _request.Reset();
        return _requestParser.Parse(_request, MinimalRequest, out _);
    }

    [Benchmark]
    public bool Write_request() => Http1Writer.TryWriteRequest(_parsedRequest, RequestWriteOptions.None, _buffer, out _);

    [Benchmark]
    public bool Parse_change_and_write_request()
    {
        _request.Reset();
        _requestParser.Parse(_request, Request, out _);
        _request.StripHopByHop();
        _request.Headers.AppendToList(KnownHeader.XForwardedFor, "10.244.0.17"u8);
        _request.Headers.Set(KnownHeader.XForwardedProto, "http"u8);
        return Http1Writer.TryWriteRequest(_request, RequestWriteOptions.None, _buffer, out _);
    }

    [Benchmark]
    public ParseStatus Parse_response()
    {
        _response.Reset();
        return _responseParser.Parse(_response, RequestMethod.Get, Response, out _);
    }

    [Benchmark]
    public bool Write_response()
    {
        ResponsePlan plan = ResponsePlan.For(_parsedResponse, RequestMethod.Get, HttpProtocol.Http11, keepAlive: true);
        return Http1Writer.TryWriteResponse(_parsedResponse, plan, _buffer, out _);
    }

    [Benchmark]
    public long Decode_chunked_content()
    {
        _decoder.Start(_chunkedRequest, Http1Limits.Default);
        ReadOnlySpan<byte> rest = Chunks;
        while (!_decoder.IsComplete) rest = rest[_decoder.Decode(rest).Consumed..];
        return _decoder.PayloadOctets;
    }
}
