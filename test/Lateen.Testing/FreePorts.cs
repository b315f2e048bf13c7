using System.Net;
using System.Net.Sockets;

namespace Lateen.Testing;

/// <summary>Ports for programs that must be told one. Prefer port 0 and reading what the program announces; this is for addresses that others are configured with.</summary>
/// <remarks>
/// They lie below the range from which Linux takes the ports of outgoing connections (32768 and up by default), so that no connection of a
/// test running beside this one can take a port between the choice and the bind.
/// </remarks>
public static class FreePorts
{
    private const int Lowest = 20_000;
    private const int Highest = 32_000;

    /// <summary>Chooses <paramref name="count"/> distinct loopback ports that are free now.</summary>
    public static int[] Take(int count)
    {
        var sockets = new List<Socket>();
        try
        {
            while (sockets.Count < count)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                if (!TryBind(socket, Random.Shared.Next(Lowest, Highest)))
                {
                    sockets.Remove(socket);
                    socket.Dispose();
                }
            }

            return [.. sockets.Select(socket => ((IPEndPoint)socket.LocalEndPoint!).Port)];
        }
        finally
        {
            foreach (var socket in sockets) socket.Dispose();
        }
    }

    private static bool TryBind(Socket socket, int port)
    {
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
            return true;
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }
}
