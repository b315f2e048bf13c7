using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Listeners;

/// <summary>How many connections of clients may be open at a time (Envoy's <c>global_downstream_max_connections</c>).</summary>
public sealed class ConnectionBoundTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    [Theory(Timeout = 60_000)]
    [InlineData(1)]
    [InlineData(2)] // The bound is of the process, whichever reactors take the connections.
    public async Task A_connection_beyond_the_bound_is_closed_and_counted_and_one_that_ends_makes_room(int reactors)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Concurrency = reactors;
            recipe.MaxConnections = 2;
            recipe.Cluster("backend", upstream.Address);
        });
        using var first = await RawClient.ConnectAsync(proxy.Address);
        using var second = await RawClient.ConnectAsync(proxy.Address);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 2);

        using var third = await RawClient.ConnectAsync(proxy.Address);
        Assert.True(await third.ReadToEndAsync() is "" or "RST");
        await proxy.EventuallyAsync("listener.test.downstream_global_cx_overflow", 1);
        Assert.Equal(2, proxy.Registry.Find("http.in.downstream_cx_total"));

        // Those that were taken are served as ever.
        foreach (var client in new[] { first, second })
        {
            await client.SendAsync(Get);
            Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        }

        first.Dispose();
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 1);
        await proxy.SettleAsync();
        using var fourth = await RawClient.ConnectAsync(proxy.Address);
        await fourth.SendAsync(Get);
        Assert.Equal("hello", (await fourth.ReadResponseAsync()).Body);
        Assert.Equal(1, proxy.Registry.Find("listener.test.downstream_global_cx_overflow"));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_listener_that_ignores_the_bound_takes_what_comes()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.MaxConnections = 1;
            recipe.IgnoresConnectionLimit = true;
            recipe.Cluster("backend", upstream.Address);
        });
        using var first = await RawClient.ConnectAsync(proxy.Address);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 1);

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.Address, Get)).Body);
        Assert.Equal(0, proxy.Registry.Find("listener.test.downstream_global_cx_overflow") ?? 0);
    }
}
