using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.Testing;

/// <summary>A peer on loopback that answers whatever it receives with the same octets, as often as it receives; with none, it only listens.</summary>
/// <remarks>For clients that send a request in one small segment and the next after its answer. Ends with dispose.</remarks>
public sealed class CannedServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly byte[] _answer;

    /// <param name="answer">ASCII.</param>
    public CannedServer(string answer)
    {
        _answer = Encoding.ASCII.GetBytes(answer);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>The same as an address of HTTP.</summary>
    public Uri Uri => new($"http://{Address}/");

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeAsync(await _listener.AcceptSocketAsync());
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            try
            {
                for (var buffer = new byte[4096]; await client.ReceiveAsync(buffer) > 0;)
                {
                    await client.SendAsync(_answer);
                }
            }
            catch (SocketException)
            {
                // The client gave it up.
            }
        }
    }
}
