using System.Net;
using Grpc.Core;
using Grpc.Net.Client;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class AllocationTests
{
    private const string Get = "GET /product/1?x=y HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
    private const string Post = "POST /cart HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 9\r\n\r\nsome=body";

    [Theory]
    [InlineData(Get)]
    [InlineData(Post)]
    public async Task Ten_thousand_requests_on_warm_connections_allocate_nothing_on_the_reactor(string request)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        var clients = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RawClient.ConnectAsync(proxy.Address)));
        await RunAsync(clients, request, 250);

        var best = await ReactorAllocation.LeastAsync(proxy.Engine.Reactors[0], () => RunAsync(clients, request, 1250));

        foreach (var client in clients) client.Dispose();
        Assert.True(best <= 0, $"{best} bytes in 10,000 requests");
    }

    [Theory]
    [InlineData(1, 2, false)]
    [InlineData(2, 1, false)]
    [InlineData(2, 2, false)]
    [InlineData(1, 2, true)]
    [InlineData(2, 1, true)]
    [InlineData(2, 2, true)]
    public async Task Ten_thousand_streams_over_warm_connections_allocate_nothing_on_the_reactor(int down, int up, bool hasContent)
    {
        await using var server = await KestrelUpstream.StartAsync(up == 1 ? HttpProtocols.Http1 : HttpProtocols.Http2, application => application.Run(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            context.Response.ContentType = "text/plain";
            await context.Response.WriteAsync("hello");
        }));
        await using var proxy = EngineUnderTest.Start(recipe =>
            recipe.Cluster("backend", server.Address).Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2);
        using var client = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = Timeout.InfiniteTimeSpan });
        var content = "some=body"u8.ToArray();

        async Task Run(int count) => await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) =>
        {
            using var request = new HttpRequestMessage(hasContent ? HttpMethod.Post : HttpMethod.Get, $"http://{proxy.Address}/product/1?x=y")
            {
                Version = down == 1 ? HttpVersion.Version11 : HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            if (hasContent) request.Content = new ByteArrayContent(content);
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        });

        await Run(3000);
        var best = await ReactorAllocation.LeastAsync(proxy.Engine.Reactors[0], () => Run(10_000));

        Assert.True(best <= 0, $"{best} bytes in 10,000 requests");
    }

    [Fact]
    public async Task Ten_thousand_grpc_calls_allocate_nothing_on_the_reactor()
    {
        var service = new BytesService();
        await using var server = await KestrelUpstream.StartAsync(HttpProtocols.Http2, BytesService.MapIn, service.AddTo);
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.Address).Protocol = UpstreamProtocol.Http2;
            recipe.Filters.Add(new Proxy.Filters.Grpc.GrpcStatsFilter("stats", ""));
        });
        using var channel = GrpcChannel.ForAddress($"http://{proxy.Address}");
        var invoker = channel.CreateCallInvoker();
        var message = new byte[32];

        async Task Run(int count) => await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, _) =>
        {
            using var call = invoker.AsyncUnaryCall(BytesService.Unary, null, new CallOptions(), message);
            Assert.Equal(message.Length, (await call.ResponseAsync).Length);
        });

        await Run(3000);
        var best = await ReactorAllocation.LeastAsync(proxy.Engine.Reactors[0], () => Run(10_000));

        Assert.True(best <= 0, $"{best} bytes in 10,000 calls");
    }

    private static Task RunAsync(RawClient[] clients, string request, int each) => Task.WhenAll(clients.Select(async client =>
    {
        for (var i = 0; i < each; i++)
        {
            await client.SendAsync(request);
            await client.ReadResponseAsync();
        }
    }));
}
