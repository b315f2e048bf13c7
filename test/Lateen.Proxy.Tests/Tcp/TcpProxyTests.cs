using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Tcp;

/// <summary>Connections that are passed on as bytes, through a proxy configured as users configure it.</summary>
public sealed class TcpProxyTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_pass_both_ways_and_are_counted_and_logged()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            Assert.Equal("ping", await peer.ReadExactlyAsync(4));
            await peer.SendAsync("pong!");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address));
        using (var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp")))
        {
            await client.SendAsync("ping");
            Assert.Equal("pong!", await client.ReadAtLeastAsync(5));
        }

        Assert.StartsWith($"- 4/5 sni= to={upstream.Address} from=127.0.0.1:", await proxy.Log.NextAsync());
        await proxy.EventuallyAsync("tcp.t.downstream_cx_total", 1);
        await proxy.EventuallyAsync("tcp.t.downstream_cx_rx_bytes_total", 4);
        await proxy.EventuallyAsync("tcp.t.downstream_cx_tx_bytes_total", 5);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_total", 1);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_rx_bytes_total", 5);
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_tx_bytes_total", 4);
    }

    [Fact]
    public async Task A_client_that_ends_its_half_still_gets_the_answer()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.WaitForCloseAsync();
            await peer.SendAsync("after your end");
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync("all I have");
        client.ShutdownSend();

        Assert.Equal("after your end", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_server_that_ends_its_half_still_gets_what_the_client_sends()
    {
        var got = new TaskCompletionSource<string>();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.SendAsync("bye");
            peer.ShutdownSend();
            got.SetResult(await peer.ReadExactlyAsync(5));
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));

        Assert.Equal("bye", await client.ReadToEndAsync());
        await client.SendAsync("still");
        Assert.Equal("still", await got.Task.WaitAsync(Cancel));
    }

    [Fact]
    public async Task A_client_that_ends_its_half_and_is_gone_then_is_not_kept_for_a_server_that_is_silent()
    {
        var hasEnded = new TaskCompletionSource();
        var end = new TaskCompletionSource();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.WaitForCloseAsync();
            hasEnded.SetResult();
            await end.Task;
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync("question");
        client.ShutdownSend();
        await hasEnded.Task.WaitAsync(Cancel);
        client.Abort();

        Assert.StartsWith("- 8/0 ", await proxy.Log.NextAsync());
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
        end.SetResult();
    }

    [Fact]
    public async Task A_client_that_has_reset_is_not_kept_until_the_server_can_be_reached()
    {
        var hasCome = new TaskCompletionSource();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            hasCome.SetResult();
            await peer.WaitForCloseAsync(); // And never says a word of TLS.
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(
            upstream.Address, clusterOptions: $"transport_socket: {TlsYaml.UpstreamContext("sni: nobody.test")}"));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await hasCome.Task.WaitAsync(Cancel);
        client.Abort();

        Assert.StartsWith("DC 0/0 ", await proxy.Log.NextAsync());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(5_000_000)]
    public async Task Any_amount_of_bytes_comes_through_unchanged_in_both_directions_at_once(int octets)
    {
        var sent = RandomNumberGenerator.GetBytes(octets);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var echo = Task.Run(async () =>
        {
            using var peer = await listener.AcceptAsync(Cancel);
            var buffer = new byte[50_000];
            int count;
            while ((count = await peer.ReceiveAsync(buffer, Cancel)) > 0)
            {
                for (var done = 0; done < count;) done += await peer.SendAsync(buffer.AsMemory(done, count - done), Cancel);
            }
        }, Cancel);
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple((IPEndPoint)listener.LocalEndPoint!));
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(proxy.AddressOf("tcp"), Cancel);
        var sending = Task.Run(async () =>
        {
            for (var done = 0; done < octets;) done += await client.SendAsync(sent.AsMemory(done), Cancel);
            client.Shutdown(SocketShutdown.Send);
        }, Cancel);
        var received = new byte[octets + 1];
        var total = 0;
        int got;
        while ((got = await client.ReceiveAsync(received.AsMemory(total), Cancel)) > 0) total += got;
        await sending;
        await echo;

        Assert.Equal(octets, total);
        Assert.True(sent.AsSpan().SequenceEqual(received.AsSpan(0, total)));
    }

    [Fact]
    public async Task A_reader_that_does_not_read_stops_the_sender_and_costs_no_memory()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple((IPEndPoint)listener.LocalEndPoint!));
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(proxy.AddressOf("tcp"), Cancel);
        using var server = await listener.AcceptAsync(Cancel);
        server.Blocking = false;
        var block = new byte[1024 * 1024];
        long sent = 0;
        // The kernel's buffers of four sockets take some megabytes; then nothing more, while nobody reads.
        for (var quiet = 0; quiet < 200;)
        {
            try
            {
                sent += server.Send(block);
                quiet = 0;
            }
            catch (SocketException full) when (full.SocketErrorCode == SocketError.WouldBlock)
            {
                quiet++;
                await proxy.SettleAsync();
            }

            Assert.True(sent < 64 * 1024 * 1024, "the sender was never stopped");
        }

        Assert.True(proxy.Engine.Reactors[0].Buffers.RentedBytes <= 128 * 1024, $"{proxy.Engine.Reactors[0].Buffers.RentedBytes} bytes are held");
        long received = 0;
        while (received < sent) received += await client.ReceiveAsync(block, Cancel);
        await proxy.SettleAsync();
        Assert.Equal(0, proxy.Engine.Reactors[0].Buffers.RentedBytes);
    }

    [Fact]
    public async Task An_endpoint_that_refuses_is_followed_by_another_one()
    {
        await using var upstream = TestUpstream.Serving(async peer => await peer.SendAsync("here"));
        var yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(TcpYaml.Proxy("backend", "max_connect_attempts: 2"))))
            + TcpYaml.Clusters(TcpYaml.Cluster("backend", "", TestUpstream.NobodyThere(), upstream.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        for (var i = 0; i < 8; i++)
        {
            using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
            Assert.Equal("here", await client.ReadToEndAsync());
        }

        Assert.True(proxy.Registry.Find("cluster.backend.upstream_cx_connect_fail") > 0);
    }

    [Theory]
    [InlineData("refused", "UF", "delayed connect error: Connection refused")]
    [InlineData("budget", "UO", "")]
    public async Task A_connection_that_cannot_be_passed_on_is_closed_and_says_why(string how, string flag, string reason)
    {
        await using var upstream = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        var isRefused = how == "refused";
        var yaml = TcpYaml.Simple(
            isRefused ? TestUpstream.NobodyThere() : upstream.Address,
            clusterOptions: isRefused ? "" : "circuit_breakers: {thresholds: [{max_connections: 1}]}");
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        using var first = isRefused ? null : await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        if (!isRefused) await proxy.EventuallyAsync("cluster.backend.upstream_cx_total", 1);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));

        Assert.Equal("", await client.ReadToEndAsync());
        var line = await proxy.Log.NextAsync();
        Assert.StartsWith($"{flag} 0/0", line);
        Assert.EndsWith(reason, line);
    }

    [Fact]
    public async Task An_idle_connection_ends_after_its_time_and_says_so()
    {
        var time = new FakeTimeProvider();
        await using var upstream = TestUpstream.Serving(static peer => peer.WaitForCloseAsync());
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address, "idle_timeout: 30s"), time: time);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_active", 1);
        await proxy.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal("", await client.ReadToEndAsync());
        Assert.EndsWith("tcp_session_idle_timeout", await proxy.Log.NextAsync());
        await proxy.EventuallyAsync("tcp.t.idle_timeout", 1);
    }

    [Fact]
    public async Task A_connection_ends_at_its_age_though_bytes_move()
    {
        var time = new FakeTimeProvider();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            while (true) await peer.SendAsync(await peer.ReadExactlyAsync(1));
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address, "max_downstream_connection_duration: 60s"), time: time);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync("x");
            Assert.Equal("x", await client.ReadAtLeastAsync(1));
            await proxy.SettleAsync();
            time.Advance(TimeSpan.FromSeconds(15));
        }

        time.Advance(TimeSpan.FromSeconds(16));
        Assert.Equal("", await client.ReadToEndAsync());
        Assert.EndsWith("max_connection_duration_reached", await proxy.Log.NextAsync());
    }

    [Fact]
    public async Task A_reset_is_passed_on_as_a_reset()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadExactlyAsync(1);
            peer.Abort();
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync("x");

        Assert.Equal("RST", await client.ReadToEndAsync());
        Assert.StartsWith("UC 1/0", await proxy.Log.NextAsync());
    }

    [Fact]
    public async Task Weighted_clusters_get_connections_by_their_weights()
    {
        await using var big = TestUpstream.Serving(static peer => peer.SendAsync("b"));
        await using var small = TestUpstream.Serving(static peer => peer.SendAsync("s"));
        var yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(TcpYaml.Proxy("", "weighted_clusters: {clusters: [{name: big, weight: 90}, {name: small, weight: 10}]}"))))
            + TcpYaml.Clusters(TcpYaml.Cluster("big", "", big.Address), TcpYaml.Cluster("small", "", small.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        var bigs = 0;
        for (var i = 0; i < 200; i++)
        {
            using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
            if (await client.ReadToEndAsync() == "b") bigs++;
        }

        Assert.InRange(bigs, 150, 199);
    }

    [Fact]
    public async Task Connections_beyond_the_limit_of_their_chain_are_closed()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.SendAsync("in");
            await peer.WaitForCloseAsync();
        });
        const string limit = """
                  - name: limit
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit, stat_prefix: two, max_connections: 2}

            """;
        var yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(limit + TcpYaml.Proxy("backend")))) + TcpYaml.Clusters(TcpYaml.Cluster("backend", "", upstream.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml, concurrency: 2);
        using var first = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        using var second = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        Assert.Equal("in", await first.ReadAtLeastAsync(2));
        Assert.Equal("in", await second.ReadAtLeastAsync(2));
        using (var third = await RawClient.ConnectAsync(proxy.AddressOf("tcp"))) Assert.Equal("", await third.ReadToEndAsync());
        await proxy.EventuallyAsync("connection_limit.two.limited_connections", 1);
        first.Dispose();
        await proxy.EventuallyAsync("connection_limit.two.active_connections", 1);

        using var fourth = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        Assert.Equal("in", await fourth.ReadAtLeastAsync(2));
    }

    [Fact]
    public async Task Istio_metrics_count_connections_and_bytes_under_the_cluster_s_service()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadExactlyAsync(3);
            await peer.SendAsync("four");
        });
        const string stats = """
                  - name: istio.stats
                    typed_config: {"@type": type.googleapis.com/stats.PluginConfig}

            """;
        const string cluster = "outbound|6379||redis.shop.svc.cluster.local";
        var yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(stats + TcpYaml.Proxy($"\"{cluster}\"")), "traffic_direction: OUTBOUND"))
            + TcpYaml.Clusters(TcpYaml.Cluster($"\"{cluster}\"", "", upstream.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        using (var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp")))
        {
            await client.SendAsync("abc");
            Assert.Equal("four", await client.ReadToEndAsync());
        }

        await proxy.Log.NextAsync();
        var lines = proxy.PrometheusLines("istio_tcp_");
        foreach (var (family, value) in new[] { ("connections_opened", 1), ("connections_closed", 1), ("sent_bytes", 4), ("received_bytes", 3) })
        {
            var line = Assert.Single(lines, one => one.StartsWith($"istio_tcp_{family}_total{{", StringComparison.Ordinal));
            Assert.EndsWith($" {value}", line);
            Assert.Contains("reporter=\"source\"", line);
            Assert.Contains("destination_service=\"redis.shop.svc.cluster.local\"", line);
            Assert.Contains("destination_service_name=\"redis\"", line);
            Assert.Contains("request_protocol=\"tcp\"", line);
            Assert.DoesNotContain("response_code", line);
        }
    }

    [Fact]
    public async Task Moving_bytes_allocates_nothing()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            while (true) await peer.SendAsync(await peer.ReadExactlyAsync(1));
        });
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        async Task ExchangeAsync(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await client.SendAsync("x");
                Assert.Equal("x", await client.ReadAtLeastAsync(1));
            }
        }

        await ExchangeAsync(200);
        Assert.Equal(0, await ReactorAllocation.LeastAsync(proxy.Engine.Reactors[0], () => ExchangeAsync(1000)));
    }
}
