using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>A server that speaks first behind a port of unknown protocol: nobody waits for a client that waits.</summary>
[Collection(PeerTests.Name)]
public sealed class BannerTests(PeerMesh mesh)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task The_greeting_comes_to_a_silent_client_and_the_talk_goes_on()
    {
        using var socket = await ConnectAsync(mesh.Port("tcp-mail"));
        using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream, Encoding.ASCII);

        Assert.Equal(BannerServer.Banner.Trim(), await reader.ReadLineAsync(Cancel));
        await stream.WriteAsync("EHLO client.example\r\n"u8.ToArray(), Cancel);
        Assert.Equal("250 EHLO client.example", await reader.ReadLineAsync(Cancel));
        await stream.WriteAsync("QUIT\r\n"u8.ToArray(), Cancel);
        Assert.Equal("221 bye", await reader.ReadLineAsync(Cancel));
        Assert.Null(await reader.ReadLineAsync(Cancel));
    }

    /// <summary>
    /// The best of many tries, since a busy machine can delay any of them but not all: a fixed wait for the client's first bytes would be in each.
    /// </summary>
    [Fact(Timeout = 120_000)]
    public async Task Finding_out_the_protocol_adds_no_wait_of_a_millisecond()
    {
        await FastestGreetingAsync(mesh.Port("tcp-mail"), 20);
        var direct = await FastestGreetingAsync(mesh.Mail.Port, 300);
        var through = await FastestGreetingAsync(mesh.Port("tcp-mail"), 300);

        Assert.True(through - direct < TimeSpan.FromMilliseconds(1), $"direct {direct.TotalMilliseconds:F3} ms, through two proxies {through.TotalMilliseconds:F3} ms");
    }

    private static async Task<TimeSpan> FastestGreetingAsync(int port, int tries)
    {
        var best = TimeSpan.MaxValue;
        var buffer = new byte[256];
        for (var i = 0; i < tries; i++)
        {
            var started = Stopwatch.GetTimestamp();
            using var socket = await ConnectAsync(port);
            Assert.True(await socket.ReceiveAsync(buffer, Cancel) > 0);
            var took = Stopwatch.GetElapsedTime(started);
            best = took < best ? took : best;
        }

        return best;
    }

    private static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, Cancel);
        return socket;
    }
}
