using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Testing;

/// <summary>A server that speaks first, as SMTP and MySQL do: a greeting, then an answer to each line; QUIT ends it (RFC 5321 3.1).</summary>
public sealed class BannerServer : IDisposable
{
    /// <summary>The greeting, with its end of line.</summary>
    public const string Banner = "220 mail.example ready\r\n";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

    /// <summary>Listens on a port of loopback until it is disposed.</summary>
    public BannerServer()
    {
        _listener.Start(512);
        _ = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose() => _listener.Dispose();

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
            // Disposed.
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
