using Bookshop.Wire;
using Grpc.Core;

namespace Bookshop;

/// <summary>The inventory service, over gRPC: how many copies there are, and where.</summary>
internal sealed class Inventory(string version) : Wire.Inventory.InventoryBase
{
    private static readonly string[] Places = ["chart room, shelf 1", "aft cabin, shelf 2", "forepeak, under the ropes"];

    public override Task<Stock> GetStock(StockRequest request, ServerCallContext context) => Catalogue.Find(request.BookId) is { } book
        ? Task.FromResult(StockOf(book))
        : throw new RpcException(new Status(StatusCode.NotFound, $"There is no book {request.BookId}."));

    public override async Task ListStock(ListStockRequest request, IServerStreamWriter<Stock> responseStream, ServerCallContext context)
    {
        foreach (var book in Catalogue.Books)
        {
            await responseStream.WriteAsync(StockOf(book), context.CancellationToken);
        }
    }

    private Stock StockOf(Book book) => new() { BookId = book.Id, Copies = 12 - (book.Id * 5), Place = Places[book.Id], Version = version };
}
