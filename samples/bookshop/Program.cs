// A small bookshop of services that know nothing of the mesh: they call each other by plain host names (http://reviews:9080/...).
// One program plays every role, so that a shop on a laptop costs one build:
//   bookshop ROLE [--port N] [--version vN] [--visits HOST:PORT]
//   ROLE: storefront, details, ratings, reviews (HTTP), inventory (gRPC), orders (WebSocket), counter (TCP, where there is no Redis)
using System.Net;
using Bookshop;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

var role = args.Length > 0 ? args[0] : "";
var port = Option("--port") is { } text && int.TryParse(text, out var number) ? number : 0;
var version = Option("--version") ?? "v1";

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen =>
{
    switch (role)
    {
        case "inventory": listen.Protocols = HttpProtocols.Http2; break; // Without TLS nothing says which HTTP it is; gRPC is always HTTP/2.
        case "counter": listen.UseConnectionHandler<Counter>(); break;
    }
}));
builder.Services.AddHttpClient(CallContext.ClientName, client => client.Timeout = TimeSpan.FromSeconds(5))
    .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });
switch (role)
{
    case "inventory":
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(new Inventory(version));
        break;
    case "storefront":
        builder.Services.AddSingleton(new InventoryClient(Uri.TryCreate(builder.Configuration["HTTP_PROXY"], UriKind.Absolute, out var proxy) ? proxy : null));
        builder.Services.AddSingleton(new Visits(Address(Option("--visits") ?? "visits:6379")));
        break;
}

var app = builder.Build();
app.MapGet("/healthz", () => Results.Text("ok"));
switch (role)
{
    case "storefront": Storefront.Map(app); break;
    case "details": Details.Map(app); break;
    case "ratings": Ratings.Map(app); break;
    case "reviews": Reviews.Map(app, version); break;
    case "inventory": app.MapGrpcService<Inventory>(); break;
    case "orders": Orders.Map(app); break;
    case "counter": break;
    default:
        Console.Error.WriteLine($"bookshop: no such role '{role}'. Choose one of: storefront, details, ratings, reviews, inventory, orders, counter.");
        return 2;
}

await app.StartAsync();

// The supervisor reads this line: with --port 0 only the kernel knew the port until now.
Console.WriteLine($"listening on {app.Urls.First()}");
await app.WaitForShutdownAsync();
return 0;

string? Option(string name)
{
    var at = Array.IndexOf(args, name);
    return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
}

static DnsEndPoint Address(string text)
{
    var colon = text.LastIndexOf(':');
    return new DnsEndPoint(text[..colon], int.Parse(text[(colon + 1)..]));
}
