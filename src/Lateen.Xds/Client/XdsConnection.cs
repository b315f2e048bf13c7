using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;

namespace Lateen.Xds.Client;

/// <summary>The runtime's HTTP/2: Grpc.Net.Client over <see cref="SocketsHttpHandler"/>, on the thread pool. Stateless.</summary>
public sealed class GrpcNetTransport : IXdsTransport
{
    public IXdsChannel Open(XdsClientOptions options, EndPoint server) => new XdsConnection(options, server);
}

/// <summary>One HTTP/2 connection, without TLS, to one management server. Lives as long as one attempt.</summary>
internal sealed class XdsConnection : IXdsChannel
{
    private readonly GrpcChannel _channel;

    public XdsConnection(XdsClientOptions options, EndPoint server)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = (_, cancellationToken) => ConnectAsync(server, cancellationToken),
            ConnectTimeout = options.ConnectTimeout,
            KeepAlivePingDelay = options.KeepAlive,
            KeepAlivePingTimeout = options.KeepAlive / 3,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            EnableMultipleHttp2Connections = false,
            UseProxy = false,
        };
        _channel = GrpcChannel.ForAddress(
            $"http://{options.Authority ?? AuthorityOf(server)}",
            new GrpcChannelOptions
            {
                HttpHandler = handler,
                DisposeHttpClient = true,
                MaxReceiveMessageSize = options.MaxResponseBytes,
                MaxSendMessageSize = null,
            });
        Calls = _channel.CreateCallInvoker();
    }

    public CallInvoker Calls { get; }

    public void Dispose() => _channel.Dispose();

    private static async ValueTask<Stream> ConnectAsync(EndPoint server, CancellationToken cancellationToken)
    {
        var socket = server is UnixDomainSocketEndPoint
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string AuthorityOf(EndPoint server) => server switch
    {
        DnsEndPoint dns => $"{dns.Host}:{dns.Port}",
        IPEndPoint ip => ip.ToString(),
        _ => "localhost",
    };
}
