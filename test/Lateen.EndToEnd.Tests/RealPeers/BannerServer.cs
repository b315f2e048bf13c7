using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>A server that speaks first, as SMTP and MySQL do: a greeting, then an answer to each line; QUIT ends it (RFC 5321 3.1).</summary>
internal sealed class BannerServer : IAsyncDisposable
{
    public const string Banner = "220 mail.example ready\r\n";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _accepting;

    public BannerServer()
    {
        _listener.Start(512);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // Stopped.
        }
    }

    private static async Task ServeAsync(TcpClient peer)
    {
        using (peer)
        {
            try
            {
                peer.NoDelay = true;
                var stream = peer.GetStream();
                await stream.WriteAsync(Encoding.ASCII.GetBytes(Banner));
                using var reader = new StreamReader(stream, Encoding.ASCII);
                while (await reader.ReadLineAsync() is { } line)
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(line == "QUIT" ? "221 bye\r\n" : $"250 {line}\r\n"));
                    if (line == "QUIT")
                    {
                        return;
                    }
                }
            }
            catch (IOException)
            {
                // The client left.
            }
        }
    }
}
