using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>A client that says one thing on a connection and tells what came of it.</summary>
internal static class Caller
{
    /// <summary>What <see cref="GetAsync"/> and <see cref="EchoAsync"/> give when the peer closed without a word.</summary>
    public const string Refused = "refused";

    /// <summary>The response to a request for <c>/</c>, head and body; or that there was none.</summary>
    /// <param name="port">On loopback.</param>
    /// <param name="target">An absolute form for forward proxies, or a path.</param>
    public static Task<string> GetAsync(int port, string target, string host, CancellationToken cancel) =>
        ExchangeAsync(port, $"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n", untilClosed: true, cancel);

    /// <summary>What came back for a text of a protocol that nobody knows; or that nothing did.</summary>
    public static Task<string> EchoAsync(int port, string text, CancellationToken cancel) => ExchangeAsync(port, text, untilClosed: false, cancel);

    private static async Task<string> ExchangeAsync(int port, string text, bool untilClosed, CancellationToken cancel)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
            await socket.SendAsync(Encoding.ASCII.GetBytes(text), cancel);
            var answer = new StringBuilder();
            var buffer = new byte[8192];
            int length;
            while ((length = await socket.ReceiveAsync(buffer, cancel)) > 0)
            {
                answer.Append(Encoding.ASCII.GetString(buffer, 0, length));
                if (!untilClosed && answer.Length >= text.Length) break;
            }

            return answer.Length == 0 ? Refused : answer.ToString();
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionRefused or SocketError.Shutdown)
        {
            return Refused;
        }
    }
}
