using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// The application behind the proxies: Kestrel. Says which protocol reached it, echoes bodies, streams as many bytes as are asked for, reads as slowly
/// as a test wants, and echoes WebSocket messages.
/// </summary>
internal sealed class WebServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private long _bytesSent;

    private WebServer(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Octets of <c>/bytes/</c> that Kestrel took so far.</summary>
    public long BytesSent => Interlocked.Read(ref _bytesSent);

    /// <summary>Held by a test to make <c>/sink</c> stop reading after its first bytes.</summary>
    public SlowReader Reader { get; } = new();

    /// <summary>Starts it: HTTP/1.1 without a certificate; HTTP/1.1 and HTTP/2 with one.</summary>
    public static async Task<WebServer> StartAsync((string CertificatePem, string KeyPem)? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = certificate is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
                if (certificate is { } pair)
                {
                    listen.UseHttps(new HttpsConnectionAdapterOptions { ServerCertificate = X509Certificate2.CreateFromPem(pair.CertificatePem, pair.KeyPem) });
                }
            });
        });
        if (certificate is not null)
        {
            builder.WebHost.UseKestrelHttpsConfiguration();
        }

        var app = builder.Build();
        var server = new WebServer(app);
        app.UseWebSockets();
        app.Run(server.AnswerAsync);
        await app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        context.Response.Headers["x-upstream-protocol"] = context.Request.Protocol;
        var path = context.Request.Path.Value!;
        if (context.WebSockets.IsWebSocketRequest)
        {
            await EchoMessagesAsync(context);
        }
        else if (path == "/echo")
        {
            context.Response.ContentLength = context.Request.ContentLength;
            await context.Request.BodyReader.CopyToAsync(context.Response.BodyWriter, context.RequestAborted);
        }
        else if (path == "/sink")
        {
            await context.Response.WriteAsync($"{await Reader.ReadAsync(context.Request.Body, context.RequestAborted)}");
        }
        else if (path.StartsWith("/bytes/", StringComparison.Ordinal))
        {
            await SendBytesAsync(context, long.Parse(path["/bytes/".Length..]));
        }
        else if (path == "/events")
        {
            await SendEventsAsync(context);
        }
        else
        {
            var answer = $"{context.Request.Method} {path}";
            context.Response.ContentLength = answer.Length;
            await context.Response.WriteAsync(answer);
        }
    }

    private async Task SendBytesAsync(HttpContext context, long bytes)
    {
        context.Response.ContentLength = bytes;
        var chunk = new byte[64 * 1024];
        for (; bytes > 0; bytes -= chunk.Length)
        {
            var size = (int)Math.Min(bytes, chunk.Length);
            await context.Response.Body.WriteAsync(chunk.AsMemory(0, size), context.RequestAborted);
            Interlocked.Add(ref _bytesSent, size);
        }
    }

    // Each event is sent when the one before was acknowledged by nothing at all: a proxy that buffers would show none before the end.
    private static async Task SendEventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        for (var number = 1; number <= 3; number++)
        {
            await context.Response.WriteAsync($"data: {number}\n\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }

        var ended = new TaskCompletionSource();
        await using var registration = context.RequestAborted.Register(() => ended.TrySetResult());
        await ended.Task;
    }

    private static async Task EchoMessagesAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[128 * 1024];
        try
        {
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), context.RequestAborted);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseAsync(socket.CloseStatus ?? WebSocketCloseStatus.NormalClosure, socket.CloseStatusDescription, context.RequestAborted);
                    return;
                }

                await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
            }
        }
        catch (Exception failure) when (failure is WebSocketException or OperationCanceledException)
        {
            // The peer is gone.
        }
    }
}

/// <summary>A reader that stops after its first bytes until it is let go on.</summary>
internal sealed class SlowReader
{
    private const int BeforeTheStop = 64 * 1024;

    private TaskCompletionSource _goOn = Completed();

    /// <summary>From now on a body is read up to its first bytes, and no further until <see cref="GoOn"/>.</summary>
    public void Stop() => _goOn = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void GoOn() => _goOn.TrySetResult();

    /// <summary>Reads a body to its end; returns its length.</summary>
    public async Task<long> ReadAsync(Stream body, CancellationToken cancel)
    {
        var buffer = new byte[256 * 1024];
        long total = 0;
        while (true)
        {
            if (total >= BeforeTheStop)
            {
                await _goOn.Task.WaitAsync(cancel);
            }

            var read = await body.ReadAsync(buffer, cancel);
            if (read == 0)
            {
                return total;
            }

            total += read;
        }
    }

    private static TaskCompletionSource Completed()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
