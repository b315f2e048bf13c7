using System.Net;
using Yarp.ReverseProxy.Configuration;

// Usage: Lateen.Bench.Yarp UPSTREAM_URL [PORT]. YARP as its documentation sets it up: Kestrel, one cluster, the bench's routes, no logging.
var upstream = args[0];
var port = args.Length > 1 ? int.Parse(args[1]) : 0;

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));
string[] prefixes = ["/catalog", "/orders", "/users", "/reviews"];
var routes = prefixes.Select((prefix, order) => new RouteConfig
{
    RouteId = prefix[1..],
    ClusterId = "upstream",
    Order = order,
    Match = new RouteMatch { Hosts = ["bench.example", "*.bench.example"], Path = prefix + "/{**rest}" },
    Transforms = [new Dictionary<string, string> { ["RequestHeader"] = "x-bench", ["Set"] = "yarp" }],
}).ToList();
var clusters = new[]
{
    new ClusterConfig
    {
        ClusterId = "upstream",
        Destinations = new Dictionary<string, DestinationConfig> { ["one"] = new() { Address = upstream } },
    },
};
builder.Services.AddReverseProxy().LoadFromMemory(routes, clusters);

var app = builder.Build();
app.MapReverseProxy();
app.Lifetime.ApplicationStarted.Register(() => Console.WriteLine($"listening {new Uri(app.Urls.First()).Authority}"));
app.Run();
