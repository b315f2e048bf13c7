using System.Net;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Listeners;

public sealed class SessionTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task A_connection_ends_after_the_requests_that_it_may_carry()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Limits = new() { MaxRequestsPerConnection = 2 };
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync(Get);
        Assert.True((await client.ReadResponseAsync()).KeepsAlive);
        await client.SendAsync(Get);
        Assert.False((await client.ReadResponseAsync()).KeepsAlive);
        Assert.Equal("", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task An_upstream_connection_ends_after_the_requests_that_it_may_carry()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
            recipe.Cluster("backend", upstream.Address).Connections = new() { MaxRequestsPerConnection = 2 });

        for (var i = 0; i < 4; i++) Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);

        Assert.Equal(2, upstream.Connections);
    }

    [Fact]
    public async Task Connection_close_of_the_server_is_honoured_and_not_passed_on()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync(Get);
            Assert.True((await client.ReadResponseAsync()).KeepsAlive);
        }

        Assert.Equal(3, upstream.Connections);
    }

    [Fact]
    public async Task Draining_ends_connections_after_their_exchange_and_takes_no_new_ones()
    {
        var answer = new TaskCompletionSource();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await answer.Task;
            await peer.SendAsync(TestUpstream.Hello);
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var idle = await RawClient.ConnectAsync(proxy.Address);
        using var busy = await RawClient.ConnectAsync(proxy.Address);
        await busy.SendAsync(Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 2);
        var address = proxy.Address;

        var stopping = proxy.Engine.StopAsync(TimeSpan.FromSeconds(30));
        Assert.Equal("", await idle.ReadToEndAsync());
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => RawClient.ConnectAsync(address));
        answer.SetResult();
        var response = await busy.ReadResponseAsync();

        Assert.Equal("hello", response.Body);
        Assert.False(response.KeepsAlive);
        await stopping.WaitAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_end_of_the_drain_cuts_what_is_left()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);

        await proxy.Engine.StopAsync(TimeSpan.Zero);

        Assert.Contains(await client.ReadToEndAsync(), new[] { "", "RST" });
    }

    [Fact]
    public async Task A_changed_listener_keeps_its_port_and_old_connections_end_with_their_next_response()
    {
        await using var first = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold");
        await using var second = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew");
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", first.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        Assert.Equal("old", (await client.ReadResponseAsync()).Body);
        var address = proxy.Address;

        var recipe = new EngineRecipe { ChangesListener = true, ServerName = "other" };
        recipe.Cluster("backend", second.Address);
        proxy.Publish(recipe);

        Assert.Equal(address, proxy.Address);
        await client.SendAsync(Get);
        var response = await client.ReadResponseAsync();
        Assert.Equal("new", response.Body);
        Assert.False(response.KeepsAlive);
        Assert.Equal("other", response.Header("server"));
        Assert.Equal("other", (await RawClient.ExchangeAsync(proxy.Address, Get)).Header("server"));
    }

    [Fact]
    public async Task A_removed_endpoint_loses_its_idle_connections_and_keeps_its_busy_ones()
    {
        var answer = new TaskCompletionSource();
        await using var first = TestUpstream.Serving(async peer =>
        {
            while (await peer.ReadRequestAsync() is { } request)
            {
                if (request.Head.Contains("/slow")) await answer.Task;
                await peer.SendAsync("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nold");
            }
        });
        await using var second = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew");
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", first.Address));
        using var slow = await RawClient.ConnectAsync(proxy.Address);
        await slow.SendAsync("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);
        await RawClient.ExchangeAsync(proxy.Address, Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 2);

        var recipe = new EngineRecipe();
        recipe.Cluster("backend", second.Address);
        proxy.Publish(recipe);

        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 1);
        answer.SetResult();
        Assert.Equal("old", (await slow.ReadResponseAsync()).Body);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
    }

    [Fact]
    public async Task Every_reactor_listens_on_the_same_port()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Concurrency = 2;
            recipe.Cluster("backend", upstream.Address);
        });

        await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ => Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status)));
    }

    [Fact]
    public async Task An_address_that_is_taken_is_told_and_costs_only_its_listener()
    {
        using var taken = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Address = taken.LocalEndPoint!);

        var listener = Assert.Single(proxy.Engine.Listeners.Listeners);

        Assert.Contains("AddressInUse", listener.Failure);
        Assert.Empty(listener.Addresses);
    }
}
