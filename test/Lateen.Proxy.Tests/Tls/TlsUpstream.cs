using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>A TLS server behind the proxy, .NET's own, that answers each request with the server name of its connection.</summary>
internal sealed class TlsUpstream : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly X509Certificate2 _certificate;
    private readonly bool _asksForCertificate;
    private readonly bool _takesPlaintext;
    private readonly string _protocol;
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly Task _accepting;

    /// <param name="certificate">Shown to clients.</param>
    /// <param name="asksForCertificate">Clients may show one.</param>
    /// <param name="takesPlaintext">A client that begins without TLS is served as well, and answered "plaintext".</param>
    /// <param name="protocol">The one application protocol that the server agrees to.</param>
    public TlsUpstream(TestCertificate certificate, bool asksForCertificate = false, bool takesPlaintext = false, string protocol = "http/1.1")
    {
        _takesPlaintext = takesPlaintext;
        _protocol = protocol;
        _certificate = certificate.ToX509();
        _asksForCertificate = asksForCertificate;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>What clients asked for and showed, in the order of handshakes: server name, application protocol, serial of the client's certificate.</summary>
    public ConcurrentQueue<(string ServerName, string Protocol, string ClientSerial)> Handshakes { get; } = new();

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        foreach (var socket in _sockets) socket.Dispose();
        await _accepting;
        _certificate.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                var socket = await _listener.AcceptAsync();
                _sockets.Add(socket);
                _ = ServeAsync(socket);
            }
            catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            var first = new byte[1];
            if (_takesPlaintext && await socket.ReceiveAsync(first, SocketFlags.Peek) == 1 && first[0] != 0x16)
            {
                await using var plain = new NetworkStream(socket, ownsSocket: true);
                await AnswerAsync(plain, "plaintext");
                return;
            }

            await using var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
#pragma warning disable CA5359 // What the proxy shows is what the test looks at.
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = _certificate,
                ClientCertificateRequired = _asksForCertificate,
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
                ApplicationProtocols = [new SslApplicationProtocol(_protocol)],
            });
#pragma warning restore CA5359
            Handshakes.Enqueue((stream.TargetHostName, stream.NegotiatedApplicationProtocol.ToString(), stream.RemoteCertificate?.GetSerialNumberString().ToLowerInvariant() ?? ""));
            await AnswerAsync(stream, stream.TargetHostName);
        }
        catch (Exception failure) when (failure is IOException or AuthenticationException or SocketException or ObjectDisposedException)
        {
            // The proxy did not like us, or the test is over.
        }
    }

    private static async Task AnswerAsync(Stream stream, string answer)
    {
        var buffer = new byte[16 * 1024];
        var length = 0;
        while (true)
        {
            var received = await stream.ReadAsync(buffer.AsMemory(length));
            if (received == 0) return;
            length += received;
            if (!Encoding.ASCII.GetString(buffer, 0, length).EndsWith("\r\n\r\n", StringComparison.Ordinal)) continue;
            length = 0;
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-length: {answer.Length}\r\n\r\n{answer}"));
        }
    }
}
