using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;

namespace Lateen.Discovery.Tests.Jwks;

/// <summary>A real HTTP/1.1 server on loopback that answers what a test tells it, one request per connection, over TLS when it is given a certificate.</summary>
internal sealed class KeyServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, Func<string?>> _answers = new();
    private readonly Channel<string> _asked = Channel.CreateUnbounded<string>();
    private readonly X509Certificate2? _certificate;
    private readonly Task _loop;

    public KeyServer(X509Certificate2? certificate = null)
    {
        _certificate = certificate;
        _listener.Start();
        _loop = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url(string path, string host = "127.0.0.1") => $"{(_certificate is null ? "http" : "https")}://{host}:{Port}{path}";

    /// <summary>Answers 200 with a body.</summary>
    public void Serve(string path, string body) => Answer(path, () => $"HTTP/1.1 200 OK\r\ncontent-length: {Encoding.UTF8.GetByteCount(body)}\r\nconnection: close\r\n\r\n{body}");

    public void Redirect(string path, string location) => Answer(path, () => $"HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");

    /// <summary>Answers raw bytes; null: never answers.</summary>
    public void Answer(string path, Func<string?> answer) => _answers[path] = answer;

    /// <summary>The next request's path, in the order in which they came.</summary>
    public ValueTask<string> NextAsync() => _asked.Reader.ReadAsync(TestContext.Current.CancellationToken);

    /// <summary>How many requests came that nobody waited for.</summary>
    public int Unread => _asked.Reader.Count;

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (OperationCanceledException)
        {
            return;
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                Stream stream = client.GetStream();
                if (_certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _stop.Token);
                    stream = tls;
                }

                using var reader = new StreamReader(stream, Encoding.ASCII);
                string path = (await reader.ReadLineAsync(_stop.Token) ?? "").Split(' ') is [_, var target, ..] ? target : "";
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 })
                {
                }

                string? answer = _answers.TryGetValue(path, out var make) ? make() : "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                await _asked.Writer.WriteAsync(path, _stop.Token);
                if (answer is null) await Task.Delay(Timeout.Infinite, _stop.Token); // A server that never answers, until the test ends.
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer!), _stop.Token);
            }
            catch (Exception fault) when (fault is IOException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
            {
                // A client that gave up is what some tests are about.
                return;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        // Order matters: the loop must not ask a listener that has stopped.
        await _loop;
        _listener.Stop();
        _stop.Dispose();
    }
}
