using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>A TLS client that is not ours, .NET's, with a look at the server's certificate.</summary>
internal sealed class TlsClient : IDisposable
{
    private readonly SslStream _stream;
    private readonly byte[] _buffer = new byte[4096];

    private TlsClient(SslStream stream) => _stream = stream;

    /// <summary>Of the server's certificate; lower-case hex.</summary>
    public string Serial => _stream.RemoteCertificate!.GetSerialNumberString().ToLowerInvariant();

    /// <summary>Connects and shakes hands; any server certificate will do.</summary>
    public static async Task<TlsClient> ConnectAsync(IPEndPoint address, X509Certificate2? certificate = null, string host = "a.test")
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address, TestContext.Current.CancellationToken);
#pragma warning disable CA5359 // What the server shows is what the test looks at.
            var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = host,
                RemoteCertificateValidationCallback = static (_, _, _, _) => true,
                LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
                ClientCertificates = certificate is null ? null : [certificate],
                AllowTlsResume = false,
            });
#pragma warning restore CA5359
            return new TlsClient(stream);
        }
        catch (Exception failure) when (failure is AuthenticationException or IOException or SocketException)
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>One GET over the connection; the answer must have a body of known length.</summary>
    /// <param name="fields">Header lines beside Host, each with its line end.</param>
    public async Task<string> GetAsync(string fields = "")
    {
        await _stream.WriteAsync(Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: a.test\r\n{fields}\r\n"));
        var length = 0;
        while (true)
        {
            var received = await _stream.ReadAsync(_buffer.AsMemory(length));
            if (received == 0) throw new IOException("the connection ended under a request");
            length += received;
            var text = Encoding.ASCII.GetString(_buffer, 0, length);
            var head = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (head < 0) continue;
            const string Field = "content-length: ";
            var at = text.IndexOf(Field, StringComparison.OrdinalIgnoreCase) + Field.Length;
            var expected = int.Parse(text.AsSpan(at, text.IndexOf('\r', at) - at), System.Globalization.CultureInfo.InvariantCulture);
            if (length >= head + 4 + expected) return string.Concat(text.AsSpan(0, 12), text.AsSpan(head + 4, expected));
        }
    }

    public void Dispose() => _stream.Dispose();
}
