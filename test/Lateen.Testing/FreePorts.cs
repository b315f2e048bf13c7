using System.Net;
using System.Net.Sockets;

namespace Lateen.Testing;

/// <summary>Ports for programs that must be told one. Prefer port 0 and reading what the program announces; this is for addresses that others are configured with.</summary>
/// <remarks>
/// They lie below the range from which Linux takes the ports of outgoing connections (32768 and up by default), so that no connection of a
/// test running beside this one can take a port between the choice and the bind, and above those that the demo plans with. For the same reason
/// no port is given twice, by this process or by another one beside it: a program often binds its port only seconds after it was chosen. A
/// process takes ports by the block and keeps a UDP socket on the first of each as its claim, which ends with the process however it ends.
/// Safe to call from any thread.
/// </remarks>
public static class FreePorts
{
    private const int Lowest = 26_000;
    private const int PerBlock = 100;
    private const int Blocks = 60;

    private static readonly Lock Gate = new();
    private static readonly List<Socket> Claims = [];
    private static int _next;
    private static int _end;

    /// <summary>Chooses <paramref name="count"/> loopback ports that are free now and that no other caller was or will be given.</summary>
    /// <exception cref="InvalidOperationException">All are taken.</exception>
    public static int[] Take(int count)
    {
        lock (Gate)
        {
            return [.. Enumerable.Range(0, count).Select(static _ => Next())];
        }
    }

    private static int Next()
    {
        while (true)
        {
            if (_next == _end) ClaimBlock();
            var port = _next++;
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            if (TryBind(socket, port)) return port;
        }
    }

    private static void ClaimBlock()
    {
        // From a place of chance, since programs of a test process that has ended may hold its ports for a moment longer than it held its claim.
        var first = Random.Shared.Next(Blocks);
        for (var turn = 0; turn < Blocks; turn++)
        {
            var port = Lowest + ((first + turn) % Blocks * PerBlock);
            var claim = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            if (TryBind(claim, port))
            {
                Claims.Add(claim);
                (_next, _end) = (port, port + PerBlock);
                return;
            }

            claim.Dispose();
        }

        throw new InvalidOperationException($"All {Blocks} blocks of ports from {Lowest} on are claimed.");
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
            return false; // Somebody else's.
        }
    }
}
