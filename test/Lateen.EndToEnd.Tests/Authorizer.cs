using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Lateen.EndToEnd.Tests;

/// <summary>An external authorizer of gRPC on loopback that says yes, or no, as the test wants it at the moment.</summary>
internal sealed class Authorizer : IAsyncDisposable
{
    // A gRPC frame, not compressed: CheckResponse { } is a yes, CheckResponse { status { code: 7 } } a no.
    private static readonly byte[] Yes = [0, 0, 0, 0, 0];
    private static readonly byte[] No = [0, 0, 0, 0, 4, 0x0A, 2, 0x08, 7];

    private readonly WebApplication _app;
    private int _questions;

    private Authorizer(WebApplication app) => _app = app;

    /// <summary>Whether it says yes. Any thread.</summary>
    public volatile bool Allows = true;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>How often it was asked.</summary>
    public int Questions => Volatile.Read(ref _questions);

    public static async Task<Authorizer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        var authorizer = new Authorizer(builder.Build());
        authorizer._app.MapPost("/envoy.service.auth.v3.Authorization/Check", authorizer.AnswerAsync);
        await authorizer._app.StartAsync();
        return authorizer;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _questions);
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        context.Response.ContentType = "application/grpc";
        context.Response.AppendTrailer("grpc-status", "0");
        await context.Response.Body.WriteAsync(Allows ? Yes : No, context.RequestAborted);
    }
}
