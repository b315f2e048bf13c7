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
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly Task _accepting;

    public TlsUpstream(TestCertificate certificate, bool asksForCertificate = false)
    {
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
            await using var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
#pragma warning disable CA5359 // What the proxy shows is what the test looks at.
            await stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = _certificate,
                ClientCertificateRequired = _asksForCertificate,
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
            });
#pragma warning restore CA5359
            Handshakes.Enqueue((stream.TargetHostName, stream.NegotiatedApplicationProtocol.ToString(), stream.RemoteCertificate?.GetSerialNumberString().ToLowerInvariant() ?? ""));
            var buffer = new byte[16 * 1024];
            var length = 0;
            while (true)
            {
                var received = await stream.ReadAsync(buffer.AsMemory(length));
                if (received == 0) return;
                length += received;
                if (!Encoding.ASCII.GetString(buffer, 0, length).EndsWith("\r\n\r\n", StringComparison.Ordinal)) continue;
                length = 0;
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-length: {stream.TargetHostName.Length}\r\n\r\n{stream.TargetHostName}"));
            }
        }
        catch (Exception failure) when (failure is IOException or AuthenticationException or SocketException or ObjectDisposedException)
        {
            // The proxy did not like us, or the test is over.
        }
    }
}
