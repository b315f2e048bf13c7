using Lateen.Proxy.Tests.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class TimeoutTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

    private static TestUpstream Silent() => TestUpstream.Serving(async peer =>
    {
        await peer.ReadRequestAsync();
        await peer.WaitForCloseAsync();
    });

    [Fact]
    public async Task The_routes_timeout_answers_504_and_cancels_upstream()
    {
        var clock = new FakeTimeProvider();
        var log = new RecordingLog();
        await using var upstream = Silent();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend", upstream.Address);
            recipe.AccessLogs.Add(log);
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 1);
        while (upstream.Heads.IsEmpty) await Task.Yield();

        clock.Advance(TimeSpan.FromSeconds(16));
        var response = await client.ReadResponseAsync();

        Assert.Equal(504, response.Status);
        Assert.Equal("upstream request timeout", response.Body);
        Assert.Equal("504 UT upstream_response_timeout", await log.NextAsync());
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_timeout", 1);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
    }

    [Fact]
    public async Task An_attempt_that_takes_too_long_is_tried_again_within_the_routes_time()
    {
        var clock = new FakeTimeProvider();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            if (peer.Number > 1) await peer.SendAsync(TestUpstream.Hello);
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend", upstream.Address);
            recipe.Routes = """
                name: test
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes:
                  - match: {prefix: "/"}
                    route: {cluster: backend, retry_policy: {retry_on: reset, per_try_timeout: 1s}}
                """;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        while (upstream.Heads.IsEmpty) await Task.Yield();

        clock.Advance(TimeSpan.FromSeconds(1.1));
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_retry", 1);
        clock.Advance(TimeSpan.FromSeconds(0.3));

        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_per_try_timeout", 1);
    }

    [Fact]
    public async Task A_head_that_does_not_come_in_time_is_408()
    {
        var clock = new FakeTimeProvider();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend");
            recipe.Timeouts = new() { RequestHeaders = TimeSpan.FromSeconds(2) };
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync("GET / HTTP/1.1\r\nHo");
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 1);
        await proxy.SettleAsync();

        clock.Advance(TimeSpan.FromSeconds(3));
        var response = await client.ReadResponseAsync();

        Assert.Equal(408, response.Status);
        Assert.Equal("request header timeout", response.Body);
        Assert.False(response.KeepsAlive);
    }

    [Fact]
    public async Task A_request_that_does_not_come_whole_in_time_is_408()
    {
        var clock = new FakeTimeProvider();
        await using var upstream = Silent();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend", upstream.Address);
            recipe.Timeouts = new() { Request = TimeSpan.FromSeconds(2) };
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);
        await proxy.SettleAsync();

        clock.Advance(TimeSpan.FromSeconds(3));
        var response = await client.ReadResponseAsync();

        Assert.Equal(408, response.Status);
        Assert.Equal("request timeout", response.Body);
    }

    [Fact]
    public async Task Nothing_moves_for_the_streams_idle_time_and_the_waiting_client_is_told_504()
    {
        var clock = new FakeTimeProvider();
        var log = new RecordingLog();
        await using var upstream = Silent();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend", upstream.Address);
            recipe.Timeouts = new() { StreamIdle = TimeSpan.FromSeconds(4) };
            recipe.AccessLogs.Add(log);
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        while (upstream.Heads.IsEmpty) await Task.Yield();

        clock.Advance(TimeSpan.FromSeconds(5));

        Assert.Equal(504, (await client.ReadResponseAsync()).Status);
        Assert.Equal("504 SI stream_idle_timeout", await log.NextAsync());
    }

    [Fact]
    public async Task An_idle_connection_is_closed_after_its_time()
    {
        var clock = new FakeTimeProvider();
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend", upstream.Address);
            recipe.Timeouts = new() { Idle = TimeSpan.FromSeconds(30) };
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        await client.ReadResponseAsync();
        await proxy.SettleAsync();

        clock.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal("", await client.ReadToEndAsync());
        await proxy.EventuallyAsync("http.in.downstream_cx_idle_timeout", 1);
    }

    [Fact]
    public async Task An_idle_connection_upstream_is_closed_after_its_time()
    {
        var clock = new FakeTimeProvider();
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend", upstream.Address).Connections = new() { IdleTimeout = TimeSpan.FromSeconds(10) };
        });
        await RawClient.ExchangeAsync(proxy.Address, Get);
        await proxy.SettleAsync();

        clock.Advance(TimeSpan.FromSeconds(11));

        await proxy.EventuallyAsync("cluster.backend.upstream_cx_idle_timeout", 1);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
    }

    [Fact]
    public async Task A_connection_that_reached_its_age_ends_with_its_next_response()
    {
        var clock = new FakeTimeProvider();
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            recipe.Cluster("backend", upstream.Address);
            recipe.Timeouts = new() { MaxConnectionDuration = TimeSpan.FromSeconds(60), Idle = null };
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);
        Assert.True((await client.ReadResponseAsync()).KeepsAlive);
        await client.SendAsync("GET / HTTP/1.1\r\n");
        await proxy.SettleAsync();

        clock.Advance(TimeSpan.FromSeconds(61));
        await client.SendAsync("Host: shop\r\n\r\n");

        Assert.False((await client.ReadResponseAsync()).KeepsAlive);
        Assert.Equal("", await client.ReadToEndAsync());
    }
}
