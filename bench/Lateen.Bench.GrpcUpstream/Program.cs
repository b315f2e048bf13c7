using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

// Usage: Lateen.Bench.GrpcUpstream PORT. Answers any unary gRPC call with its own message, over HTTP/2 without TLS. The wire format by hand
// (five bytes of prefix, grpc-status in the trailers): a generated service would cost the machine more and the proxy before it the same.
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.Limits.MaxRequestBodySize = null;
    kestrel.Listen(IPAddress.Loopback, int.Parse(args[0]), listen => listen.Protocols = HttpProtocols.Http2);
});
var app = builder.Build();
app.Run(async context =>
{
    context.Response.ContentType = "application/grpc";
    context.Response.DeclareTrailer("grpc-status");
    await context.Request.BodyReader.CopyToAsync(context.Response.BodyWriter);
    context.Response.AppendTrailer("grpc-status", "0");
});
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"listening {new Uri(app.Urls.First()).Authority}"));
app.Run();
