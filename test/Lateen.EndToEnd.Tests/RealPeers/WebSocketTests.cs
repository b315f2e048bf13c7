using System.Net;
using System.Net.WebSockets;
using System.Text;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>WebSocket through ingress and sidecar: a real browser, and .NET's client over HTTP/1.1 and HTTP/2 (RFC 8441).</summary>
[Collection(PeerTests.Name)]
public sealed class WebSocketTests(PeerMesh mesh)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [InlineData("http")]
    [InlineData("https")]
    public async Task A_browser_talks_to_the_server(string scheme)
    {
        await using var browser = await Browser.OpenAsync(scheme == "https" ? mesh.Https("/page") : mesh.Http("/page"), Cancel);
        await browser.UntilAsync("location.pathname === '/page' && document.readyState === 'complete'", Cancel);
        var heard = await browser.EvaluateAsync(
            """
            new Promise((heard, failed) => {
              const socket = new WebSocket(location.origin.replace('http', 'ws') + '/talk'), lines = [];
              socket.onopen = () => { socket.send('ahoy'); socket.send('x'.repeat(70000)); };
              socket.onmessage = message => {
                lines.push(message.data.length < 100 ? message.data : String(message.data.length));
                if (lines.length === 2) socket.close(1000, 'done');
              };
              socket.onclose = end => heard(lines.join(' ') + ' ' + end.code + ' ' + end.wasClean);
              socket.onerror = () => failed(new Error('no WebSocket'));
            })
            """,
            Cancel);

        Assert.Equal("ahoy 70000 1000 true", heard);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("http", 1)]
    [InlineData("https", 1)]
    [InlineData("http", 2)]
    [InlineData("https", 2)]
    [InlineData("own-plain", 1)]
    public async Task Messages_come_back_and_the_close_is_answered(string scheme, int version)
    {
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = version == 2 ? HttpVersion.Version20 : HttpVersion.Version11;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        using var invoker = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, SslOptions = mesh.Authority.Trusting });
        var address = new UriBuilder(scheme == "https" ? "wss" : "ws", "127.0.0.1", mesh.Port(scheme), "/talk").Uri;
        await socket.ConnectAsync(address, invoker, Cancel);

        Assert.Equal("ahoy", await EchoAsync(socket, "ahoy"));
        var large = new string('y', 100_000);
        Assert.Equal(large, await EchoAsync(socket, large));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", Cancel);
        Assert.Equal((WebSocketState.Closed, WebSocketCloseStatus.NormalClosure), (socket.State, socket.CloseStatus));
    }

    private static async Task<string> EchoAsync(ClientWebSocket socket, string text)
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes(text).AsMemory(), WebSocketMessageType.Text, endOfMessage: true, Cancel);
        var buffer = new byte[256 * 1024];
        var length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(length), Cancel);
            length += received.Count;
            if (received.EndOfMessage)
            {
                return Encoding.ASCII.GetString(buffer, 0, length);
            }
        }
    }
}
