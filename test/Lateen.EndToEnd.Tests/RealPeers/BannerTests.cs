using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// A server that speaks first behind ports of unknown protocol: nobody waits for a client that waits. That no timer is in it is shown where the clock
/// can stand still, in <c>DetectionTests</c> of <c>Lateen.Proxy.Tests</c>.
/// </summary>
[Collection(PeerTests.Name)]
public sealed class BannerTests(PeerMesh mesh)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("tcp-mail")]
    [InlineData("tls-mail")]
    [InlineData("own-mail")]
    public async Task The_greeting_comes_to_a_silent_client_and_the_talk_goes_on(string gate)
    {
        using var socket = await ConnectAsync(mesh.Port(gate));
        await using var plain = new NetworkStream(socket);
        await using var tls = gate.StartsWith("tls-", StringComparison.Ordinal) ? new SslStream(plain) : null;
        if (tls is not null)
        {
            var trusting = mesh.Authority.Trusting;
            trusting.TargetHost = "mail.example";
            await tls.AuthenticateAsClientAsync(trusting, Cancel);
        }

        Stream stream = tls is null ? plain : tls;
        using var reader = new StreamReader(stream, Encoding.ASCII);

        Assert.Equal(BannerServer.Banner.Trim(), await reader.ReadLineAsync(Cancel));
        await stream.WriteAsync("EHLO client.example\r\n"u8.ToArray(), Cancel);
        Assert.Equal("250 EHLO client.example", await reader.ReadLineAsync(Cancel));
        await stream.WriteAsync("QUIT\r\n"u8.ToArray(), Cancel);
        Assert.Equal("221 bye", await reader.ReadLineAsync(Cancel));
        Assert.Null(await reader.ReadLineAsync(Cancel));
    }

    private static async Task<Socket> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port, Cancel);
        return socket;
    }
}
