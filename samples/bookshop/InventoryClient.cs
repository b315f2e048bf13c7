using System.Net.Sockets;
using Bookshop.Wire;
using Grpc.Core;
using Grpc.Net.Client;

namespace Bookshop;

/// <summary>Asks the inventory service, by its plain host name.</summary>
internal sealed class InventoryClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly GrpcChannel _channel;
    private readonly Wire.Inventory.InventoryClient _client;

    /// <param name="proxy">
    /// The proxy that this machine is told to use (HTTP_PROXY), or null. HttpClient sends HTTP/1.1 to a proxy and refuses to send it HTTP/2 without TLS, so the
    /// channel connects there by itself; whom it speaks to it says as always, in the request: inventory:9090.
    /// </param>
    public InventoryClient(Uri? proxy)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        if (proxy is not null)
        {
            handler.ConnectCallback = async (_, cancel) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                try
                {
                    await socket.ConnectAsync(proxy.Host, proxy.Port, cancel);
                    return new NetworkStream(socket, ownsSocket: true);
                }
                catch
                {
                    socket.Dispose();
                    throw;
                }
            };
        }

        _channel = GrpcChannel.ForAddress("http://inventory:9090", new GrpcChannelOptions { HttpHandler = handler, DisposeHttpClient = true });
        _client = new Wire.Inventory.InventoryClient(_channel);
    }

    /// <summary>The stock of a book, asked on behalf of <paramref name="incoming"/>; null when it could not be had, with the reason.</summary>
    public async Task<(Stock? Stock, string? Failure)> GetStockAsync(HttpContext incoming, int bookId)
    {
        var headers = new Metadata();
        foreach (var (name, value) in CallContext.HandedOn(incoming))
        {
            headers.Add(name, value);
        }

        try
        {
            var options = new CallOptions(headers, TimeProvider.System.GetUtcNow().UtcDateTime + Patience, incoming.RequestAborted);
            return (await _client.GetStockAsync(new StockRequest { BookId = bookId }, options), null);
        }
        catch (RpcException failure)
        {
            return (null, failure.StatusCode.ToString());
        }
    }

    public void Dispose() => _channel.Dispose();
}
