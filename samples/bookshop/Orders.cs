using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;

namespace Bookshop;

/// <summary>An order as the feed tells it.</summary>
internal sealed record Order(long Number, string Title, string Reader);

/// <summary>What a page sends when somebody buys.</summary>
internal sealed record Purchase(int Book, string? Reader);

/// <summary>
/// The orders service: a WebSocket at <c>/orders/live</c>. Whoever connects is told of each order from now on, and may place one by sending
/// <c>{"book":0,"reader":"Ana"}</c>. So that a quiet shop has something to show, a regular customer orders every few seconds.
/// </summary>
internal static class Orders
{
    /// <summary>Pages that may listen at a time; the next one is told to come back later.</summary>
    private const int MostListeners = 1000;

    private const int MostReaderCharacters = 32;

    private static readonly TimeSpan RegularCustomer = TimeSpan.FromSeconds(3);

    private static readonly ConcurrentDictionary<WebSocket, SemaphoreSlim> Listeners = new();

    private static long _lastNumber = 1000;

    public static void Map(WebApplication app)
    {
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = TimeSpan.FromSeconds(20) });
        app.Map("/orders/live", ServeAsync);
        app.Lifetime.ApplicationStarted.Register(() => _ = OrderNowAndThenAsync(app.Lifetime.ApplicationStopping));
    }

    private static async Task ServeAsync(HttpContext context)
    {
        if (!context.WebSockets.IsWebSocketRequest || Listeners.Count >= MostListeners)
        {
            context.Response.StatusCode = context.WebSockets.IsWebSocketRequest ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status426UpgradeRequired;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        using var turn = new SemaphoreSlim(1);
        Listeners[socket] = turn;
        var stop = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        try
        {
            await ListenAsync(socket, stop);
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            // The page is gone, or the service is ending.
        }
        finally
        {
            Listeners.TryRemove(socket, out _);
        }
    }

    private static async Task ListenAsync(WebSocket socket, CancellationToken stop)
    {
        var buffer = new byte[1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer.AsMemory(), stop);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, stop);
                return;
            }

            if (!received.EndOfMessage)
            {
                await socket.CloseAsync(WebSocketCloseStatus.MessageTooBig, "An order is shorter.", stop);
                return;
            }

            if (Read(buffer.AsSpan(0, received.Count)) is { } purchase && Catalogue.Find(purchase.Book) is { } book)
            {
                await TellAsync(book, purchase.Reader is { Length: > 0 } reader ? reader[..Math.Min(reader.Length, MostReaderCharacters)] : "somebody");
            }
        }
    }

    private static Purchase? Read(ReadOnlySpan<byte> message)
    {
        try
        {
            return JsonSerializer.Deserialize<Purchase>(message, JsonSerializerOptions.Web);
        }
        catch (JsonException)
        {
            return null; // No order.
        }
    }

    private static async Task TellAsync(Book book, string reader)
    {
        var order = JsonSerializer.SerializeToUtf8Bytes(new Order(Interlocked.Increment(ref _lastNumber), book.Title, reader), JsonSerializerOptions.Web);
        await Task.WhenAll(Listeners.Select(listener => SendAsync(listener.Key, listener.Value, order)));
    }

    // One message at a time on a socket; a page that does not read for five seconds is let go.
    private static async Task SendAsync(WebSocket socket, SemaphoreSlim turn, byte[] message)
    {
        try
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(5));
            await turn.WaitAsync(patience.Token);
            try
            {
                await socket.SendAsync(message.AsMemory(), WebSocketMessageType.Text, endOfMessage: true, patience.Token);
            }
            finally
            {
                turn.Release();
            }
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException or ObjectDisposedException)
        {
            socket.Abort();
        }
    }

    private static async Task OrderNowAndThenAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(RegularCustomer);
        try
        {
            for (var turn = 0; await timer.WaitForNextTickAsync(stop); turn++)
            {
                await TellAsync(Catalogue.Books[turn % Catalogue.Books.Length], Reviews.Readers[turn % Reviews.Readers.Length]);
            }
        }
        catch (OperationCanceledException)
        {
            // The service is ending.
        }
    }
}
