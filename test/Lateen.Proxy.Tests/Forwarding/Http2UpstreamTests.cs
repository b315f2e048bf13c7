using System.Net;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding.Http2;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>Connections to servers that speak HTTP/2: how many, how they end, and what their failures mean.</summary>
public sealed class Http2UpstreamTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    [Fact]
    public async Task Requests_share_one_connection_and_a_further_one_is_opened_when_its_streams_run_out()
    {
        var release = new TaskCompletionSource();
        await using var server = await KestrelUpstream.StartAsync(
            HttpProtocols.Http2, application => application.Run(_ => release.Task), limits: static limits => limits.Http2.MaxStreamsPerConnection = 2);
        await using var proxy = Start(server.Address);
        // The first one learns what the server takes.
        var first = RawClient.ExchangeAsync(proxy.Address, Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_http2_total", 1);
        await proxy.SettleAsync();

        var others = Enumerable.Range(0, 4).Select(_ => RawClient.ExchangeAsync(proxy.Address, Get)).ToArray();
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 5);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_pending_active", 0);
        release.SetResult();

        foreach (var response in await Task.WhenAll([first, .. others])) Assert.Equal(200, response.Status);
        Assert.InRange(proxy.Registry.Find("cluster.backend.upstream_cx_http2_total") ?? 0, 3, 5);
    }

    [Fact]
    public async Task A_cluster_that_follows_its_client_speaks_what_the_client_speaks()
    {
        await using var server = await KestrelUpstream.StartAsync(HttpProtocols.Http1, static application => application.Run(context => context.Response.WriteAsync(context.Request.Protocol)));
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", server.Address).Protocol = UpstreamProtocol.UseDownstream);

        Assert.Equal("HTTP/1.1", (await RawClient.ExchangeAsync(proxy.Address, Get)).Body);
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(RawHttp2Client.Get(1));
        // The server does not speak HTTP/2, and that is what it is spoken to in.
        await client.ReadAsync(static frame => frame.EndsStream);
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.upstream_cx_http2_total"));
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.upstream_cx_http1_total"));
    }

    [Fact]
    public async Task A_server_that_ends_in_good_order_costs_no_request()
    {
        await using var second = await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static _ => Task.CompletedTask));
        var first = await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static _ => Task.CompletedTask));
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", first.Address, second.Address).Protocol = UpstreamProtocol.Http2;
            recipe.Routes = recipe.Routes.Replace(
                "{cluster: backend}", "{cluster: backend, retry_policy: {retry_on: \"refused-stream,connect-failure,reset\", num_retries: 2, retry_host_predicate: [{name: envoy.retry_host_predicates.previous_hosts}]}}", StringComparison.Ordinal);
        });
        for (var i = 0; i < 10; i++) Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);

        var stopping = first.StopAsync();
        while (!stopping.IsCompleted) Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);

        await stopping;
        for (var i = 0; i < 10; i++) Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        await first.DisposeAsync();
    }

    [Fact]
    public async Task A_stream_that_the_server_resets_is_answered_503_and_the_others_live()
    {
        var log = new RecordingLog();
        await using var server = await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static context =>
        {
            if (context.Request.Path == "/reset") context.Abort();
            return Task.CompletedTask;
        }));
        await using var proxy = Start(server.Address, recipe => recipe.AccessLogs.Add(log));

        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        var reset = await RawClient.ExchangeAsync(proxy.Address, Get.Replace("GET /", "GET /reset", StringComparison.Ordinal));
        Assert.Equal((503, "upstream connect error or disconnect/reset before headers. reset reason: remote reset"), (reset.Status, reset.Body));
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);

        Assert.Equal("200 - via_upstream", await log.NextAsync());
        Assert.Equal("503 UR upstream_reset_before_response_started{remote_reset}", await log.NextAsync());
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.upstream_cx_http2_total"));
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.upstream_rq_rx_reset"));
    }

    [Fact]
    public async Task A_client_that_leaves_cancels_its_stream_and_the_connection_serves_on()
    {
        var cancelled = new TaskCompletionSource();
        await using var server = await KestrelUpstream.StartAsync(HttpProtocols.Http2, application => application.Run(async context =>
        {
            if (context.Request.Path != "/wait") return;
            context.RequestAborted.Register(cancelled.SetResult);
            await cancelled.Task;
        }));
        await using var proxy = Start(server.Address);
        using (var client = await RawClient.ConnectAsync(proxy.Address))
        {
            await client.SendAsync(Get.Replace("GET /", "GET /wait", StringComparison.Ordinal));
            await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);
            await proxy.EventuallyAsync("cluster.backend.upstream_cx_http2_total", 1);
            await proxy.SettleAsync();
        }

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.upstream_cx_http2_total"));
    }

    [Fact]
    public async Task A_server_that_does_not_speak_http2_makes_a_protocol_error()
    {
        await using var server = TestUpstream.Serving(static async peer =>
        {
            await peer.SendAsync("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
            await peer.WaitForCloseAsync();
        });
        var log = new RecordingLog();
        await using var proxy = Start(server.Address, recipe => recipe.AccessLogs.Add(log));

        Assert.Equal(502, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        Assert.Equal("502 UPE upstream_reset_before_response_started{protocol_error}", await log.NextAsync());
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.upstream_cx_protocol_error"));
    }

    [Fact]
    public async Task Rfc9113_5_1_1_a_connection_whose_identifiers_are_used_up_is_closed_after_its_streams_and_the_next_request_has_another()
    {
        await using var server = await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static _ => Task.CompletedTask));
        await using var proxy = Start(server.Address);
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        await proxy.Engine.Reactors[0].InvokeAsync(() =>
        {
            var pool = (UpstreamPool)proxy.Current.Clusters.Single().Endpoints[0].State.SlotOf(0).Pool!;
            ((Http2UpstreamConnection)pool.Newest!).Http2.NextStreamId = int.MaxValue;
        });

        for (var i = 0; i < 3; i++) Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);

        Assert.Equal(2, proxy.Registry.Find("cluster.backend.upstream_cx_http2_total"));
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 1);
    }

    [Fact]
    public async Task A_connection_that_breaks_fails_all_of_its_streams()
    {
        await using var server = TestUpstream.Serving(static async peer =>
        {
            // Preface, SETTINGS and the first requests; then the end.
            await peer.ReadExactlyAsync(24 + 9 + 200);
            peer.Abort();
        });
        await using var proxy = Start(server.Address);

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => RawClient.ExchangeAsync(proxy.Address, Get)));

        Assert.All(answers, static answer => Assert.Equal(503, answer.Status));
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 0);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
    }

    [Fact]
    public async Task An_idle_connection_is_closed_after_its_time()
    {
        await using var server = await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static _ => Task.CompletedTask));
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            var cluster = recipe.Cluster("backend", server.Address);
            cluster.Protocol = UpstreamProtocol.Http2;
            cluster.Connections = new() { IdleTimeout = TimeSpan.FromMilliseconds(50) };
        });

        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);

        await proxy.EventuallyAsync("cluster.backend.upstream_cx_idle_timeout", 1);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
    }

    [Fact]
    public async Task A_connection_that_was_silent_is_asked_for_a_sign_of_life_before_its_next_request_and_left_without_one()
    {
        var clock = new FakeTimeProvider();
        var asked = new TaskCompletionSource();
        await using var server = TestUpstream.Serving(async peer =>
        {
            await peer.ReadExactlyAsync(24);
            await SendAsync(RawHttp2Client.Frame(RawFrame.Settings, 0, 0, []), RawHttp2Client.Frame(RawFrame.Settings, RawFrame.Ack, 0, []));
            while (true)
            {
                var header = Encoding.Latin1.GetBytes(await peer.ReadExactlyAsync(9));
                await peer.ReadExactlyAsync((header[0] << 16) | (header[1] << 8) | header[2]);
                // The first request is answered, and nothing after it.
                if (header[3] == RawFrame.Headers && header[8] == 1) await peer.SendAsync(RawHttp2Server.Head(1, 200, endStream: true));
                if (header[3] == RawFrame.Ping) asked.TrySetResult();
            }

            Task SendAsync(params byte[][] frames) => peer.SendAsync(Encoding.Latin1.GetString([.. frames.SelectMany(static frame => frame)]));
        });
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.TimeProvider = clock;
            var cluster = recipe.Cluster("backend", server.Address);
            cluster.Protocol = UpstreamProtocol.Http2;
            cluster.Connections = new() { Http2 = UpstreamConnectionOptions.DefaultHttp2 with { KeepAlive = new Http2KeepAlive(Interval: 0, Timeout: 1000, IdleInterval: 5000) } };
        });
        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        await proxy.SettleAsync();
        clock.Advance(TimeSpan.FromSeconds(6));

        var answer = RawClient.ExchangeAsync(proxy.Address, Get);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        await proxy.SettleAsync();
        clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(503, (await answer).Status);
        await proxy.EventuallyAsync("cluster.backend.http2.keepalive_timeout", 1);
    }

    [Fact]
    public async Task A_connection_carries_as_many_requests_as_it_may()
    {
        await using var server = await KestrelUpstream.StartAsync(HttpProtocols.Http2, static application => application.Run(static _ => Task.CompletedTask));
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            var cluster = recipe.Cluster("backend", server.Address);
            cluster.Protocol = UpstreamProtocol.Http2;
            cluster.Connections = new() { MaxRequestsPerConnection = 2, Http2 = UpstreamConnectionOptions.DefaultHttp2 };
        });

        for (var i = 0; i < 6; i++) Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);

        Assert.Equal(3, proxy.Registry.Find("cluster.backend.upstream_cx_http2_total"));
    }

    private static EngineUnderTest Start(EndPoint server, Action<EngineRecipe>? configure = null) => EngineUnderTest.Start(recipe =>
    {
        recipe.Cluster("backend", server).Protocol = UpstreamProtocol.Http2;
        configure?.Invoke(recipe);
    });
}
