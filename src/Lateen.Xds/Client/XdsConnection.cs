using System.Net;
using System.Net.Sockets;
using Envoy.Service.Discovery.V3;
using Grpc.Core;
using Grpc.Net.Client;

namespace Lateen.Xds.Client;

/// <summary>One HTTP/2 connection, without TLS, to one management server, and the service on it. Lives as long as one attempt.</summary>
internal sealed class XdsConnection : IDisposable
{
    private readonly XdsClientOptions _options;
    private readonly GrpcChannel _channel;

    public XdsConnection(XdsClientOptions options, EndPoint server)
    {
        _options = options;
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
        Service = new AggregatedDiscoveryService.AggregatedDiscoveryServiceClient(_channel);
    }

    public AggregatedDiscoveryService.AggregatedDiscoveryServiceClient Service { get; }

    public CallOptions CallOptions(CancellationToken cancellationToken)
    {
        var metadata = new Metadata();
        foreach ((string key, string value) in _options.Metadata)
        {
            metadata.Add(key, value);
        }

        return new CallOptions(metadata, cancellationToken: cancellationToken);
    }

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
