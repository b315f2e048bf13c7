using System.Net;
using System.Text;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>HTTP/1.1 and HTTP/2 on either side, between a client and a server that we did not write.</summary>
public sealed class PairingTests
{
    public static TheoryData<int, int> Pairings => new() { { 1, 1 }, { 1, 2 }, { 2, 1 }, { 2, 2 } };

    [Theory]
    [MemberData(nameof(Pairings))]
    public async Task A_request_without_content_and_its_response_pass(int down, int up)
    {
        await using var pair = await Pair.StartAsync(down, up, server => server.MapGet("/hello", (HttpContext context) =>
        {
            context.Response.Headers["x-seen"] = $"{context.Request.Protocol} {context.Request.Host} {context.Request.Path}{context.Request.QueryString} {context.Request.Headers["x-own"]}";
            return "hello";
        }));

        var request = pair.Request(HttpMethod.Get, "/hello?a=b");
        request.Headers.Add("x-own", "mine");
        using var response = await pair.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(new Version(down, down == 1 ? 1 : 0), response.Version);
        Assert.Equal("hello", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal($"HTTP/{(up == 1 ? "1.1" : "2")} shop.example /hello?a=b mine", response.Headers.GetValues("x-seen").Single());
        Assert.StartsWith($"200 HTTP/{(down == 1 ? "1.1" : "2")} HTTP/{(up == 1 ? "1.1" : "2")} 5", await pair.Log.NextAsync());
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public async Task Large_contents_pass_both_ways_at_once(int down, int up)
    {
        await using var pair = await Pair.StartAsync(down, up, server => server.MapPost("/echo", async (HttpContext context) =>
        {
            var buffer = new byte[32 * 1024];
            for (int read; (read = await context.Request.Body.ReadAsync(buffer)) > 0;) await context.Response.Body.WriteAsync(buffer.AsMemory(0, read));
        }));
        var content = new byte[4 * 1024 * 1024];
        new Random(1).NextBytes(content);

        foreach (var isChunked in new[] { false, true })
        {
            var request = pair.Request(HttpMethod.Post, "/echo");
            request.Content = new DuplexContent(content, isChunked ? null : content.Length);
            using var response = await pair.SendAsync(request);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal(content, await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        }
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public async Task A_response_without_content_says_how_long_it_would_be(int down, int up)
    {
        await using var pair = await Pair.StartAsync(down, up, server =>
        {
            server.MapMethods("/head", ["HEAD"], (HttpContext context) =>
            {
                // A statement, not its value: that would be content, which an answer to HEAD has none of.
                context.Response.ContentLength = 1234;
            });
            server.MapGet("/none", () => Results.NoContent());
            server.MapGet("/same", () => Results.StatusCode(304));
        });

        using var head = await pair.SendAsync(pair.Request(HttpMethod.Head, "/head"));
        Assert.Equal(1234, head.Content.Headers.ContentLength);
        using var none = await pair.SendAsync(pair.Request(HttpMethod.Get, "/none"));
        Assert.Equal(HttpStatusCode.NoContent, none.StatusCode);
        using var same = await pair.SendAsync(pair.Request(HttpMethod.Get, "/same"));
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public async Task An_expectation_is_answered_and_the_content_follows(int down, int up)
    {
        await using var pair = await Pair.StartAsync(down, up, server =>
            server.MapPost("/expect", (Func<HttpContext, Task<string>>)(static context => new StreamReader(context.Request.Body).ReadToEndAsync())));
        var request = pair.Request(HttpMethod.Post, "/expect");
        request.Headers.ExpectContinue = true;
        request.Content = new StringContent("content");

        using var response = await pair.SendAsync(request);

        Assert.Equal("content", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public async Task Cookies_reach_the_server_and_come_back_as_many_fields(int down, int up)
    {
        await using var pair = await Pair.StartAsync(down, up, server => server.MapGet("/cookies", (HttpContext context) =>
        {
            context.Response.Cookies.Append("c", "3");
            context.Response.Cookies.Append("d", "4");
            return context.Request.Headers.Cookie.ToString();
        }));
        var request = pair.Request(HttpMethod.Get, "/cookies");
        request.Headers.Add("cookie", "a=1; b=2");

        using var response = await pair.SendAsync(request);

        Assert.Equal("a=1; b=2", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(2, response.Headers.GetValues("set-cookie").Count());
    }

    /// <summary>RFC 9113 section 8.2.3: a client of HTTP/2 may send its cookies in pieces, and a server of HTTP/1.1 gets them in one field.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Cookies_in_pieces_reach_the_server_as_one_field(int up)
    {
        await using var pair = await Pair.StartAsync(2, up, server => server.MapGet("/", (HttpContext context) =>
            $"{context.Request.Headers.Cookie.Count} {context.Request.Headers.Cookie}"));
        using var client = await RawHttp2Client.ConnectAsync(pair.Address);
        // GET http / for shop, and field 32 of the static table, never indexed, twice.
        byte[] block = [0x82, 0x86, 0x84, 0x41, 4, .. "shop"u8, 0x1f, 0x11, 3, .. "a=1"u8, 0x1f, 0x11, 3, .. "b=2"u8];
        await client.SendAsync(RawFrame.Headers, RawFrame.EndHeaders | RawFrame.EndStream, 1, block);

        Assert.Equal("1 a=1; b=2", await client.ReadContentAsync(1));
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Pairings))]
    public async Task A_response_that_comes_before_the_request_is_complete_ends_the_exchange(int down, int up)
    {
        await using var pair = await Pair.StartAsync(down, up, server => server.MapPost("/early", () => Results.StatusCode(413)));
        if (down == 1)
        {
            // A client that writes on and on may see its connection end before it has read anything; one that pauses reads the response.
            using var client = await RawClient.ConnectAsync(pair.Address);
            await client.SendAsync("POST /early HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1000000000\r\n\r\nthe beginning");
            Assert.Equal(413, (await client.ReadResponseAsync()).Status);
        }
        else
        {
            var request = pair.Request(HttpMethod.Post, "/early");
            request.Content = new EndlessContent();
            using var response = await pair.SendAsync(request);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        }

        using var next = await pair.SendAsync(pair.Request(HttpMethod.Get, "/nowhere"));
        Assert.Equal(HttpStatusCode.NotFound, next.StatusCode);
    }

    [Theory]
    [MemberData(nameof(Pairings))]
    public async Task Many_requests_at_once_are_answered_each_by_its_own(int down, int up)
    {
        await using var pair = await Pair.StartAsync(down, up, server => server.MapGet("/n/{n}", async (int n) =>
        {
            await Task.Yield();
            return $"{n} {new string('x', n * 37)}";
        }));

        await Parallel.ForEachAsync(Enumerable.Range(0, 400), new ParallelOptions { MaxDegreeOfParallelism = 64 }, async (n, _) =>
        {
            using var response = await pair.SendAsync(pair.Request(HttpMethod.Get, $"/n/{n}"));
            Assert.Equal($"{n} {new string('x', n * 37)}", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        });
    }

    /// <summary>Content that is sent while the response is read; the framework's own kinds are sent before.</summary>
    private sealed class DuplexContent(byte[] content, long? declared) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            await stream.WriteAsync(content, TestContext.Current.CancellationToken);

        protected override bool TryComputeLength(out long length)
        {
            length = declared ?? 0;
            return declared is not null;
        }
    }

    private sealed class EndlessContent : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            var piece = new byte[16 * 1024];
            while (true) await stream.WriteAsync(piece, TestContext.Current.CancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }

    private sealed class Pair : IAsyncDisposable
    {
        private readonly KestrelUpstream _upstream;
        private readonly EngineUnderTest _proxy;
        private readonly HttpClient _client;
        private readonly int _version;

        private Pair(KestrelUpstream upstream, EngineUnderTest proxy, RecordingLog log, int version)
        {
            _upstream = upstream;
            _proxy = proxy;
            _version = version;
            Log = log;
            _client = new HttpClient(new SocketsHttpHandler { UseCookies = false });
        }

        public RecordingLog Log { get; }

        public IPEndPoint Address => _proxy.Address;

        public static async Task<Pair> StartAsync(int down, int up, Action<WebApplication> server)
        {
            var upstream = await KestrelUpstream.StartAsync(up == 1 ? HttpProtocols.Http1 : HttpProtocols.Http2, server);
            var log = new RecordingLog
            {
                Format = static exchange =>
                {
                    Telemetry.AccessLogs.IAccessLogRecord record = exchange;
                    var protocol = Encoding.ASCII.GetString(record.Text(Telemetry.AccessLogs.AccessLogText.Protocol));
                    var upstreamProtocol = Encoding.ASCII.GetString(record.Text(Telemetry.AccessLogs.AccessLogText.UpstreamProtocol));
                    return $"{exchange.Record.ResponseStatus} {protocol} {upstreamProtocol} {exchange.Record.BytesSent}";
                },
            };
            var proxy = EngineUnderTest.Start(recipe =>
            {
                var cluster = recipe.Cluster("backend", upstream.Address);
                cluster.Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2;
                cluster.Connections = cluster.Connections with { EnableTrailers = true };
                recipe.Http1 = new Http1Options { EnableTrailers = true };
                recipe.AccessLogs.Add(log);
            });
            return new Pair(upstream, proxy, log, down);
        }

        public HttpRequestMessage Request(HttpMethod method, string path) => new(method, $"http://{_proxy.Address}{path}")
        {
            Version = _version == 1 ? HttpVersion.Version11 : HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { Host = "shop.example" },
        };

        public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => _client.SendAsync(request, TestContext.Current.CancellationToken);

        public async ValueTask DisposeAsync()
        {
            _client.Dispose();
            await _proxy.DisposeAsync();
            await _upstream.DisposeAsync();
        }
    }
}
