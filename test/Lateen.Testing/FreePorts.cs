using System.Net;
using System.Net.Sockets;

namespace Lateen.Testing;

/// <summary>Ports for programs that must be told one. Prefer port 0 and reading what the program announces; this is for addresses that others are configured with.</summary>
/// <remarks>
/// They lie below the range from which Linux takes the ports of outgoing connections (32768 and up by default), so that no connection of a
/// test running beside this one can take a port between the choice and the bind. For the same reason no port is given twice by one process:
/// a program often binds its port only seconds after it was chosen. Safe to call from any thread.
/// </remarks>
public static class FreePorts
{
    private const int Lowest = 20_000;
    private const int Count = 12_000;

    // Test processes start at different places of the ring, since the programs of one may still hold ports when the next begins.
    private static int _last = Random.Shared.Next(Count);

    /// <summary>Chooses <paramref name="count"/> loopback ports that are free now and that no other caller of this process was or will be given.</summary>
    public static int[] Take(int count) => [.. Enumerable.Range(0, count).Select(static _ => Next())];

    private static int Next()
    {
        while (true)
        {
            var port = Lowest + (int)((uint)Interlocked.Increment(ref _last) % Count);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // Somebody else's; the next one.
            }
        }
    }
}
