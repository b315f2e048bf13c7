using System.Net;
using System.Net.WebSockets;
using System.Text;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tests.Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>WebSocket where at least one side is HTTP/2 (RFC 8441), between .NET's client and ASP.NET Core.</summary>
public sealed class ExtendedConnectTests
{
    private const string Grant = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public async Task A_websocket_talks_over_any_pairing(int down, int up)
    {
        await using var server = await StartServerAsync(up);
        var log = new RecordingLog();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.Address).Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2;
            recipe.Upgrades = UpgradeRules.Allowing("websocket");
            recipe.Http2 = Http2Options.Default with { AllowConnect = true };
            recipe.AccessLogs.Add(log);
        });
        using var client = await ConnectAsync(proxy, down);

        foreach (var size in new[] { 1, 1000, 300_000 })
        {
            var message = new byte[size];
            new Random(size).NextBytes(message);
            var sending = client.SendAsync(message, WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
            var received = new byte[size];
            for (var count = 0; count < size;)
            {
                count += (await client.ReceiveAsync(received.AsMemory(count), TestContext.Current.CancellationToken)).Count;
            }

            await sending;
            Assert.Equal(message, received);
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", TestContext.Current.CancellationToken);
        client.Dispose();
        Assert.StartsWith("101 ", await log.NextAsync());
    }

    /// <summary>Chromium ends its stream with its Close frame; a FIN would make servers such as Kestrel abort the request instead of answering it.</summary>
    [Fact]
    public async Task A_server_of_http1_may_answer_a_close_before_it_hears_that_the_client_has_ended()
    {
        var mayAnswer = new TaskCompletionSource();
        var hadEnded = new TaskCompletionSource<bool>();
        await using var server = TestUpstream.Serving(async peer =>
        {
            var head = await peer.ReadHeadAsync();
            if (!head!.Contains("/chat", StringComparison.Ordinal))
            {
                await peer.SendAsync(TestUpstream.Hello);
                return;
            }

            await peer.SendAsync(Grant);
            await peer.ReadExactlyAsync(5);
            await mayAnswer.Task;
            hadEnded.SetResult(peer.HasEnded);
            await peer.SendAsync("answered");
        });
        await using var proxy = StartForHttp1(server, delayedClose: TimeSpan.FromMinutes(1));
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(Connect(1));
        await client.ReadAsync(static frame => frame is { Stream: 1, Type: RawFrame.Headers });

        await client.SendAsync(RawFrame.Data, RawFrame.EndStream, 1, [.. "close"u8]);
        // The answer to a later request proves that the proxy has dealt with the end of the first.
        await client.SendBytesAsync(RawHttp2Client.Get(3));
        await client.ReadContentAsync(3);
        mayAnswer.SetResult();

        Assert.Equal("answered", await client.ReadContentAsync(1));
        Assert.False(await hadEnded.Task);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_a_close_hears_in_the_end_that_the_client_is_gone()
    {
        await using var server = TestUpstream.Serving(static async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Grant);
            await peer.WaitForCloseAsync();
            await peer.SendAsync("late");
        });
        await using var proxy = StartForHttp1(server, delayedClose: TimeSpan.FromMilliseconds(20));
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
        await client.SendBytesAsync(Connect(1));
        await client.SendAsync(RawFrame.Data, RawFrame.EndStream, 1, [.. "close"u8]);

        Assert.Equal("late", await client.ReadContentAsync(1));
    }

    [Fact]
    public async Task Without_allow_connect_a_client_is_not_offered_it()
    {
        await using var server = await StartServerAsync(1);
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.Address);
            recipe.Upgrades = UpgradeRules.Allowing("websocket");
        });

        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(proxy, 2));
    }

    [Fact]
    public async Task An_upgrade_that_nobody_allows_is_refused_over_http2_as_well()
    {
        await using var server = await StartServerAsync(1);
        var log = new RecordingLog();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.Address);
            recipe.Http2 = Http2Options.Default with { AllowConnect = true };
            recipe.AccessLogs.Add(log);
        });

        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(proxy, 2));

        Assert.Equal("403 - upgrade_failed", await log.NextAsync());
    }

    /// <summary>A request of HTTP/1.1 that asks for h2c may go on without it (RFC 9110 section 7.8); what was sent as a tunnel cannot become a request.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_extended_connect_for_h2c_is_refused_as_any_other_that_nobody_allows(int up)
    {
        await using var server = up == 1 ? TestUpstream.Answering() : RawHttp2Server.Answering(static (peer, stream) => peer.SendAsync(RawHttp2Server.Head(stream, 200, endStream: true)));
        var log = new RecordingLog();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", server.Address).Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2;
            recipe.Upgrades = UpgradeRules.Allowing("websocket");
            recipe.Http2 = Http2Options.Default with { AllowConnect = true };
            recipe.AccessLogs.Add(log);
        });
        using var client = await RawHttp2Client.ConnectAsync(proxy.Address);

        await client.SendBytesAsync(Connect(1, "h2c"));

        Assert.Equal("403 - upgrade_failed", await log.NextAsync());
        await client.SendBytesAsync(RawHttp2Client.Get(3));
        await client.ReadAsync(static frame => frame is { Stream: 3, EndsStream: true });
    }

    private static EngineUnderTest StartForHttp1(TestUpstream server, TimeSpan delayedClose) => EngineUnderTest.Start(recipe =>
    {
        recipe.Cluster("backend", server.Address);
        recipe.Upgrades = UpgradeRules.Allowing("websocket");
        recipe.Http2 = Http2Options.Default with { AllowConnect = true };
        recipe.Timeouts = recipe.Timeouts with { DelayedClose = delayedClose };
    });

    /// <summary>The head of RFC 8441 section 5: CONNECT, http, /chat, an authority, and :protocol as a literal.</summary>
    private static byte[] Connect(int stream, string protocol = "websocket")
    {
        byte[] block =
        [
            0x42, 7, .. "CONNECT"u8, 0x86, 0x44, 5, .. "/chat"u8, 0x41, 4, .. "shop"u8, 0x40, 9, .. ":protocol"u8, (byte)protocol.Length,
            .. Encoding.ASCII.GetBytes(protocol),
        ];
        return RawHttp2Client.Frame(RawFrame.Headers, RawFrame.EndHeaders, stream, block);
    }

    private static Task<KestrelUpstream> StartServerAsync(int version) => KestrelUpstream.StartAsync(version == 1 ? HttpProtocols.Http1 : HttpProtocols.Http2, static application =>
    {
        application.UseWebSockets();
        application.Run(static async context =>
        {
            if (!context.WebSockets.IsWebSocketRequest)
            {
                context.Response.StatusCode = 400;
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[16 * 1024];
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
                if (received.MessageType == WebSocketMessageType.Close) break;
                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
            }

            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", context.RequestAborted);
        });
    });

    private static async Task<ClientWebSocket> ConnectAsync(EngineUnderTest proxy, int version)
    {
        var client = new ClientWebSocket();
        client.Options.HttpVersion = version == 1 ? HttpVersion.Version11 : HttpVersion.Version20;
        client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler(), disposeHandler: false);
        await client.ConnectAsync(new Uri($"ws://{proxy.Address}/chat"), invoker, TestContext.Current.CancellationToken);
        return client;
    }
}
