using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
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

    /// <summary>
    /// Begins TLS of the caller's own, and tells whether its first message came back as it was sent: an echo behind the proxy got it unopened.
    /// </summary>
    /// <param name="protocols">What it offers by ALPN; none: nothing.</param>
    public static async Task<bool> IsTlsEchoedAsync(int port, string[] protocols, CancellationToken cancel)
    {
        string hello = Encoding.Latin1.GetString(await HelloAsync(protocols, cancel));
        return await ExchangeAsync(port, hello, untilClosed: false, cancel) == hello;
    }

    /// <summary>The response to a request within TLS without a client's certificate, whatever the server shows; or that there was none.</summary>
    public static async Task<string> GetOverTlsAsync(int port, string[] protocols, CancellationToken cancel)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, cancel);
            await using var tls = new SslStream(client.GetStream());
            await tls.AuthenticateAsClientAsync(OptionsOf(protocols), cancel);
            await tls.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"), cancel);
            using var reader = new StreamReader(tls);
            string answer = await reader.ReadToEndAsync(cancel);
            return answer.Length == 0 ? Refused : answer;
        }
        catch (Exception failure) when (failure is IOException or AuthenticationException or SocketException)
        {
            return Refused;
        }
    }

    /// <summary>A ClientHello, as .NET writes it to a peer that goes away without an answer.</summary>
    private static async Task<byte[]> HelloAsync(string[] protocols, CancellationToken cancel)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint, cancel);
        using var server = await listener.AcceptSocketAsync(cancel);
        await using var tls = new SslStream(client.GetStream());
        var shaking = tls.AuthenticateAsClientAsync(OptionsOf(protocols), cancel);
        // A record's head has its length; the whole message is one record (RFC 8446 section 5.1).
        var hello = new byte[5];
        await ReceiveAsync(server, hello, cancel);
        Array.Resize(ref hello, 5 + BinaryPrimitives.ReadUInt16BigEndian(hello.AsSpan(3)));
        await ReceiveAsync(server, hello.AsMemory(5), cancel);
        server.Close();
        await Assert.ThrowsAnyAsync<Exception>(() => shaking);
        return hello;
    }

    private static async Task ReceiveAsync(Socket socket, Memory<byte> buffer, CancellationToken cancel)
    {
        while (buffer.Length > 0) buffer = buffer[await socket.ReceiveAsync(buffer, cancel)..];
    }

    // Who answers is what the tests look at; whom one believes is not.
#pragma warning disable CA5359
    private static SslClientAuthenticationOptions OptionsOf(string[] protocols) => new()
    {
        TargetHost = "web",
        ApplicationProtocols = [.. protocols.Select(static protocol => new SslApplicationProtocol(protocol))],
        RemoteCertificateValidationCallback = static (_, _, _, _) => true,
    };
#pragma warning restore CA5359

    private static async Task<string> ExchangeAsync(int port, string text, bool untilClosed, CancellationToken cancel)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port, cancel);
            await socket.SendAsync(Encoding.Latin1.GetBytes(text), cancel);
            var answer = new StringBuilder();
            var buffer = new byte[8192];
            int length;
            while ((length = await socket.ReceiveAsync(buffer, cancel)) > 0)
            {
                answer.Append(Encoding.Latin1.GetString(buffer, 0, length));
                // What is no echo so far will be none: an answer that is shorter than the text would be waited for in vain.
                if (!untilClosed && (answer.Length >= text.Length || !text.StartsWith(answer.ToString(), StringComparison.Ordinal))) break;
            }

            return answer.Length == 0 ? Refused : answer.ToString();
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionRefused or SocketError.Shutdown)
        {
            return Refused;
        }
    }
}
