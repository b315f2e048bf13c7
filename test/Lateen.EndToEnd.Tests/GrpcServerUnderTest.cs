using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Lateen.EndToEnd.Tests;

/// <summary>A gRPC server on loopback (HTTP/2 in clear text) that says who it is: <c>lateen.test.Names/Say</c> of test/peers/names.proto.</summary>
internal sealed class GrpcServerUnderTest : IAsyncDisposable
{
    private readonly WebApplication _app;

    private GrpcServerUnderTest(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    public static async Task<GrpcServerUnderTest> StartAsync(string name)
    {
        byte[] answer = Frame(name);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        var app = builder.Build();
        app.MapPost("/lateen.test.Names/Say", async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            context.Response.ContentType = "application/grpc";
            context.Response.AppendTrailer("grpc-status", "0");
            await context.Response.Body.WriteAsync(answer, context.RequestAborted);
        });
        await app.StartAsync();
        return new GrpcServerUnderTest(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>A gRPC frame (not compressed, length in four octets) around the message <c>Answer { name }</c>.</summary>
    private static byte[] Frame(string name)
    {
        byte[] text = Encoding.UTF8.GetBytes(name);
        return [0, 0, 0, 0, (byte)(text.Length + 2), 0x0A, (byte)text.Length, .. text];
    }
}
