using System.Net;
using System.Net.Sockets;

namespace Lateen.Testing;

/// <summary>Ports for programs that must be told one. Prefer port 0 and reading what the program announces; this is for addresses that others are configured with.</summary>
public static class FreePorts
{
    /// <summary>Takes <paramref name="count"/> distinct loopback ports that are free now.</summary>
    public static int[] Take(int count)
    {
        var sockets = Enumerable.Range(0, count).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)).ToArray();
        try
        {
            return [.. sockets.Select(socket =>
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
                return ((IPEndPoint)socket.LocalEndPoint!).Port;
            })];
        }
        finally
        {
            foreach (var socket in sockets)
            {
                socket.Dispose();
            }
        }
    }
}
