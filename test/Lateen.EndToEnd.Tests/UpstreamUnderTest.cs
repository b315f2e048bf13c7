using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Lateen.EndToEnd.Tests;

/// <summary>A plain HTTP server on loopback that says who it is: the application behind a proxy.</summary>
internal sealed class UpstreamUnderTest : IAsyncDisposable
{
    private readonly WebApplication _app;

    private UpstreamUnderTest(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Starts a server that answers every path with <paramref name="name"/> and, in headers, the path that it saw and whose certificate it was told of.</summary>
    public static async Task<UpstreamUnderTest> StartAsync(string name)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.Headers["x-seen-path"] = context.Request.Path.Value;
            if (context.Request.Headers["x-forwarded-client-cert"] is { Count: > 0 } certificate) context.Response.Headers["x-seen-client-cert"] = certificate;
            context.Response.ContentLength = name.Length;
            await context.Response.WriteAsync(name);
        });
        await app.StartAsync();
        return new UpstreamUnderTest(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
