using Lateen.Proxy.Tests.Harness;

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

        var best = long.MaxValue;
        for (var round = 0; round < 3 && best > 0; round++)
        {
            var before = await AllocatedAsync(proxy);
            await RunAsync(clients, request, 1250);
            var after = await AllocatedAsync(proxy);
            // What asking costs is measured by asking twice.
            best = Math.Min(best, after - before - (await AllocatedAsync(proxy) - after));
        }

        foreach (var client in clients) client.Dispose();
        Assert.True(best <= 0, $"{best} bytes in 10,000 requests");
    }

    private static Task<long> AllocatedAsync(EngineUnderTest proxy) => proxy.Engine.Reactors[0].InvokeAsync(GC.GetAllocatedBytesForCurrentThread);

    private static Task RunAsync(RawClient[] clients, string request, int each) => Task.WhenAll(clients.Select(async client =>
    {
        for (var i = 0; i < each; i++)
        {
            await client.SendAsync(request);
            await client.ReadResponseAsync();
        }
    }));
}
