using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class UpgradeTests
{
    private const string Ask = "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    private const string Grant = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

    [Fact]
    public async Task An_allowed_upgrade_passes_bytes_both_ways_and_each_direction_ends_for_itself()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Grant + "welcome");
            var said = await peer.ReadExactlyAsync(5);
            await peer.WaitForCloseAsync();
            await peer.SendAsync($"you said {said}");
        });
        var log = new RecordingLog();
        await using var proxy = Start(upstream, recipe => recipe.AccessLogs.Add(log));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync(Ask + "hel");
        var response = await client.ReadResponseAsync();
        Assert.Equal(101, response.Status);
        Assert.Equal("websocket", response.Header("upgrade"));
        Assert.Equal("upgrade", response.Header("connection"));
        Assert.Equal("welcome", await client.ReadAtLeastAsync(7));
        await proxy.EventuallyAsync("http.in.downstream_cx_upgrades_active", 1);
        await client.SendAsync("lo");
        client.ShutdownSend();

        Assert.Equal("you said hello", await client.ReadToEndAsync());
        Assert.Equal("101 - via_upstream", await log.NextAsync());
        await proxy.EventuallyAsync("http.in.downstream_cx_upgrades_active", 0);
        Assert.Equal(1, proxy.Registry.Find("http.in.downstream_cx_upgrades_total"));
        var sent = upstream.Heads.Single().ToLowerInvariant();
        Assert.Contains("upgrade: websocket\r\n", sent);
        Assert.Contains("connection: upgrade\r\n", sent);
    }

    [Fact]
    public async Task What_a_client_sends_ahead_of_the_switch_reaches_the_server_without_another_word()
    {
        await using var upstream = TestUpstream.Serving(static async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Grant);
            await peer.SendAsync("you said " + await peer.ReadExactlyAsync(5));
        });
        await using var proxy = Start(upstream);
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync(Ask + "hello");

        Assert.Equal(101, (await client.ReadResponseAsync()).Status);
        Assert.Equal("you said hello", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task A_real_websocket_client_talks_to_a_real_websocket_server()
    {
        using var server = new TcpListener(IPAddress.Loopback, 0);
        server.Start();
        var serving = EchoAsync(server);
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.LocalEndpoint);
            recipe.Upgrades = UpgradeRules.Allowing("websocket");
        });
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new Uri($"ws://{proxy.Address}/echo"), TestContext.Current.CancellationToken);

        var message = new byte[200_000];
        Random.Shared.NextBytes(message);
        var sending = client.SendAsync(message, WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
        var received = new byte[message.Length];
        for (var count = 0; count < received.Length;)
        {
            count += (await client.ReceiveAsync(received.AsMemory(count), TestContext.Current.CancellationToken)).Count;
        }

        await sending;
        Assert.Equal(message, received);
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
        await serving;
    }

    [Fact]
    public async Task An_upgrade_that_nobody_allows_is_refused_with_403()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        Assert.Equal(403, (await RawClient.ExchangeAsync(proxy.Address, Ask)).Status);
        Assert.Empty(upstream.Heads);
    }

    [Theory]
    [InlineData("websocket", "{upgrade_type: websocket, enabled: false}", 403)]
    [InlineData("other", "{upgrade_type: WebSocket}", 200)]
    [InlineData("websocket", "{upgrade_type: other, enabled: false}", 200)]
    public async Task The_route_has_the_last_word_on_upgrades(string manager, string route, int status)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Upgrades = UpgradeRules.Allowing(manager);
            recipe.Routes = recipe.Routes.Replace("{cluster: backend}", $"{{cluster: backend, upgrade_configs: [{route}]}}", StringComparison.Ordinal);
        });

        Assert.Equal(status, (await RawClient.ExchangeAsync(proxy.Address, Ask)).Status);
    }

    [Fact]
    public async Task A_client_of_HTTP1_that_sends_no_key_is_seen_to_send_none()
    {
        await using var upstream = TestUpstream.Answering("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
        await using var proxy = Start(upstream);

        var response = await RawClient.ExchangeAsync(proxy.Address, Ask.Replace("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", StringComparison.Ordinal));

        Assert.Equal(400, response.Status);
        Assert.DoesNotContain("sec-websocket-key", upstream.Heads.Single(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_server_may_refuse_the_upgrade_and_the_connection_goes_on()
    {
        await using var upstream = TestUpstream.Answering("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 2\r\n\r\nno");
        await using var proxy = Start(upstream);
        using var client = await RawClient.ConnectAsync(proxy.Address);

        for (var i = 0; i < 2; i++)
        {
            await client.SendAsync(Ask);
            var response = await client.ReadResponseAsync();
            Assert.Equal((426, "no"), (response.Status, response.Body));
        }

        Assert.Equal(1, upstream.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: other\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n")]
    public async Task A_101_that_does_not_answer_the_question_is_a_protocol_error(string answer)
    {
        await using var upstream = TestUpstream.Answering(answer);
        await using var proxy = Start(upstream);

        Assert.Equal(502, (await RawClient.ExchangeAsync(proxy.Address, Ask)).Status);
    }

    [Fact]
    public async Task Content_before_the_switch_is_refused()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream);

        var response = await RawClient.ExchangeAsync(proxy.Address, Ask.Replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi", StringComparison.Ordinal));

        Assert.Equal(403, response.Status);
    }

    [Fact]
    public async Task A_silent_tunnel_ends_after_the_idle_time_of_its_stream()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Grant);
            await peer.WaitForCloseAsync();
        });
        var log = new RecordingLog();
        await using var proxy = Start(upstream, recipe =>
        {
            recipe.AccessLogs.Add(log);
            recipe.Timeouts = new() { StreamIdle = TimeSpan.FromMilliseconds(50) };
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Ask);
        Assert.Equal(101, (await client.ReadResponseAsync()).Status);

        Assert.Equal("RST", await client.ReadToEndAsync());
        Assert.Equal("101 SI stream_idle_timeout", await log.NextAsync());
    }

    [Fact]
    public async Task A_tunnel_outlives_the_time_of_its_route()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Grant);
            await peer.ReadExactlyAsync(1);
            await peer.SendAsync("late");
        });
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var proxy = Start(upstream, recipe => recipe.TimeProvider = clock);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Ask);
        Assert.Equal(101, (await client.ReadResponseAsync()).Status);
        await proxy.SettleAsync();

        // The route's default is 15 s, the idle time 5 min.
        clock.Advance(TimeSpan.FromSeconds(60));
        await proxy.SettleAsync();
        await client.SendAsync("x");

        Assert.Equal("late", await client.ReadAtLeastAsync(4));
    }

    [Fact]
    public async Task When_the_server_breaks_off_the_client_is_cut_off_as_well()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Grant);
            await peer.ReadExactlyAsync(1);
            peer.Abort();
        });
        await using var proxy = Start(upstream);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Ask);
        Assert.Equal(101, (await client.ReadResponseAsync()).Status);
        await client.SendAsync("x");

        Assert.Equal("RST", await client.ReadToEndAsync());
    }

    [Fact]
    public async Task Server_sent_events_reach_the_client_one_by_one()
    {
        var next = new SemaphoreSlim(0);
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n");
            for (var i = 0; i < 3; i++)
            {
                await next.WaitAsync(TestContext.Current.CancellationToken);
                await peer.SendAsync($"b\r\ndata: {i}\r\n\r\n\r\n");
            }

            await peer.SendAsync("0\r\n\r\n");
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
        var head = await client.ReadAtLeastAsync(1);
        Assert.EndsWith("\r\n\r\n", head);

        // The server sends the next event only after the client has this one.
        for (var i = 0; i < 3; i++)
        {
            next.Release();
            Assert.StartsWith($"b\r\ndata: {i}", await client.ReadAtLeastAsync(16));
        }
    }

    private static EngineUnderTest Start(TestUpstream upstream, Action<EngineRecipe>? configure = null) => EngineUnderTest.Start(recipe =>
    {
        recipe.Cluster("backend", upstream.Address);
        recipe.Upgrades = UpgradeRules.Allowing("websocket");
        configure?.Invoke(recipe);
    });

    /// <summary>A WebSocket server for one connection: the framework's own, after a handshake by hand (RFC 6455 section 4.2.2).</summary>
    private static async Task EchoAsync(TcpListener listener)
    {
        using var socket = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        await using var stream = new NetworkStream(socket);
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, TestContext.Current.CancellationToken);
            head.Append((char)one[0]);
        }

        var key = head.ToString().Split("\r\n").Single(static line => line.StartsWith("sec-websocket-key:", StringComparison.OrdinalIgnoreCase))[18..].Trim();
#pragma warning disable CA5350 // RFC 6455 section 4.2.2 names SHA-1; nothing is protected by it.
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\n\r\n"),
            TestContext.Current.CancellationToken);
        using var server = WebSocket.CreateFromStream(stream, isServer: true, null, TimeSpan.FromSeconds(30));
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var received = await server.ReceiveAsync(buffer, TestContext.Current.CancellationToken);
            if (received.MessageType == WebSocketMessageType.Close) break;
            await server.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, TestContext.Current.CancellationToken);
        }

        await server.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", TestContext.Current.CancellationToken);
    }
}
