// A small bookshop of six services that know nothing of the mesh: they call each other by plain host names (http://reviews:9080/...).
// One program plays every role, so that a shop on a laptop costs one build:
//   bookshop ROLE [--port N] [--version vN]      ROLE: storefront, details, ratings, reviews
using Bookshop;

var role = args.Length > 0 ? args[0] : "";
var port = Option("--port") is { } text && int.TryParse(text, out var number) ? number : 0;
var version = Option("--version") ?? "v1";

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
builder.Services.AddHttpClient(CallContext.ClientName, client => client.Timeout = TimeSpan.FromSeconds(5))
    .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) });

var app = builder.Build();
app.MapGet("/healthz", () => Results.Text("ok"));
switch (role)
{
    case "storefront": Storefront.Map(app); break;
    case "details": Details.Map(app); break;
    case "ratings": Ratings.Map(app); break;
    case "reviews": Reviews.Map(app, version); break;
    default:
        Console.Error.WriteLine($"bookshop: no such role '{role}'. Choose one of: storefront, details, ratings, reviews.");
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
