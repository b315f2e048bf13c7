using System.Net;
using System.Net.Http.Headers;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>Trailers and <c>te</c> between both versions of HTTP on either side; in HTTP/1.1 trailers are there where <c>enable_trailers</c> says so.</summary>
public sealed class TrailerTests
{
    public static TheoryData<int, int, bool> Pairings => new()
    {
        { 1, 1, false }, { 1, 2, false }, { 2, 1, false }, { 2, 2, false }, { 1, 1, true }, { 1, 2, true }, { 2, 1, true }, { 2, 2, true },
    };

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Pairings))]
    public async Task Trailers_of_a_request(int down, int up, bool isEnabled)
    {
        await using var server = up == 1
            ? new Server(TestUpstream.Serving(static async peer =>
            {
                while (await peer.ReadRequestAsync() is { } request)
                    await peer.SendAsync($"HTTP/1.1 200 OK\r\ncontent-length: {request.Body.Length}\r\n\r\n{request.Body}");
            }))
            : new Server(await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static async context =>
            {
                var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
                var sum = context.Request.GetTrailer("x-sum");
                await context.Response.WriteAsync(sum.Count == 0 ? body : $"{body}|x-sum: {sum}");
            })));
        await using var proxy = Start(server.Address, up, isEnabled);

        Assert.Equal((down == 2 || isEnabled) && (up == 2 || isEnabled) ? "body|x-sum: 42" : "body", await PostAsync(proxy.Address, down));
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Pairings))]
    public async Task Trailers_of_a_response(int down, int up, bool isEnabled)
    {
        await using var server = up == 1
            ? new Server(TestUpstream.Answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n"))
            : new Server(await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static async context =>
            {
                await context.Response.WriteAsync("body");
                context.Response.AppendTrailer("x-sum", "42");
            })));
        await using var proxy = Start(server.Address, up, isEnabled);

        var (body, sum) = await GetAsync(proxy.Address, down);

        Assert.Equal("body", body);
        Assert.Equal(down == 2 || isEnabled ? "42" : null, sum);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Pairings))]
    public async Task A_server_is_told_whether_its_client_takes_trailers(int down, int up, bool takesTrailers)
    {
        await using var raw = TestUpstream.Answering();
        await using var kestrel = await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static context =>
            context.Response.WriteAsync($"{context.Request.Headers.TE}")));
        await using var proxy = Start(up == 1 ? raw.Address : kestrel.Address, up, isEnabled: true);

        var (body, _) = await GetAsync(proxy.Address, down, takesTrailers);

        if (up == 2)
        {
            Assert.Equal(takesTrailers ? "trailers" : "", body);
            return;
        }

        var fields = Assert.Single(raw.Heads).ToLowerInvariant().Split("\r\n");
        Assert.Equal(takesTrailers, fields.Contains("te: trailers"));
        // RFC 9110 section 10.1.4: TE is of the connection, and is named as such.
        Assert.Equal(takesTrailers, fields.Contains("connection: te"));
    }

    private static EngineUnderTest Start(IPEndPoint server, int up, bool isEnabled) => EngineUnderTest.Start(recipe =>
    {
        var cluster = recipe.Cluster("backend", server);
        cluster.Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2;
        cluster.Connections = cluster.Connections with { EnableTrailers = isEnabled };
        recipe.Http1 = new Http1Options { EnableTrailers = isEnabled };
    });

    /// <summary>Content and trailers of a request, and the content of its response.</summary>
    private static async Task<string> PostAsync(IPEndPoint address, int version)
    {
        if (version == 1)
            return (await RawClient.ExchangeAsync(address, "POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n")).Body;
        using var client = await RawHttp2Client.ConnectAsync(address);
        byte[] trailers = [0, 5, .. "x-sum"u8, 2, .. "42"u8];
        await client.SendBytesAsync(
            RawHttp2Client.Post(1), RawHttp2Client.Frame(RawFrame.Data, 0, 1, "body"u8),
            RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndHeaders | RawFrame.EndStream, 1, trailers));
        return await client.ReadContentAsync(1);
    }

    /// <summary>Content and trailer of a response.</summary>
    private static async Task<(string Body, string? Sum)> GetAsync(IPEndPoint address, int version, bool takesTrailers = true)
    {
        if (version == 1)
        {
            var raw = await RawClient.ExchangeAsync(address, $"GET / HTTP/1.1\r\nHost: shop\r\n{(takesTrailers ? "TE: trailers\r\nConnection: TE\r\n" : "")}\r\n");
            return (raw.Body, raw.Trailers.SingleOrDefault()?["x-sum: ".Length..]);
        }

        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{address}/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (takesTrailers) request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (body, response.TrailingHeaders.TryGetValues("x-sum", out var sum) ? sum.Single() : null);
    }

    /// <summary>A server of either version.</summary>
    private sealed class Server(IAsyncDisposable server) : IAsyncDisposable
    {
        public IPEndPoint Address => server is TestUpstream raw ? raw.Address : ((KestrelUpstream)server).Address;

        public ValueTask DisposeAsync() => server.DisposeAsync();
    }
}
