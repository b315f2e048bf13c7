using System.Globalization;
using System.Text;
using BenchmarkDotNet.Attributes;
using Envoy.Config.Route.V3;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;

namespace Lateen.Bench.Micro;

/// <summary>
/// From a parsed request to its route: 500 virtual hosts with Istio's five domains each, as a sidecar of a mesh with 500 services holds them,
/// the busy one with twenty routes of which the last matches.
/// </summary>
[MemoryDiagnoser]
public class RoutingBenchmarks
{
    private const int Services = 500;

    private readonly HttpRequestHead _byPrefix = new();
    private readonly HttpRequestHead _byHeader = new();
    private readonly HttpRequestHead _unknownHost = new();
    private readonly ReactorRandom _random = new(1);
    private RouteTable _table = null!;

    [GlobalSetup]
    public void Setup()
    {
        var configuration = new RouteConfiguration { Name = "9080" };
        for (var i = 0; i < Services; i++) configuration.VirtualHosts.Add(Service(string.Create(CultureInfo.InvariantCulture, $"svc{i}")));
        VirtualHost busy = Service("reviews");
        for (var i = 0; i < 18; i++) busy.Routes.Insert(i, Route($"/api/v{i}/", "outbound|9080||reviews"));
        Route canary = Route("/", "outbound|9080|v3|reviews");
        canary.Match.Headers.Add(new HeaderMatcher { Name = "end-user", StringMatch = new() { Exact = "jason" } });
        busy.Routes.Insert(18, canary);
        configuration.VirtualHosts.Add(busy);

        var errors = new ConfigurationErrors();
        _table = new RouteTableCompiler(new ClusterDirectory()).Compile(configuration, null, FieldPath.Root, errors)
            ?? throw new InvalidOperationException(errors.ToString());
        Read(_byPrefix, "GET /products/1?x=y HTTP/1.1\r\nHost: reviews:9080\r\nAccept: */*\r\n\r\n");
        Read(_byHeader, "GET /products/1 HTTP/1.1\r\nHost: reviews.bookshop.svc.cluster.local:9080\r\nend-user: jason\r\n\r\n");
        Read(_unknownHost, "GET / HTTP/1.1\r\nHost: nowhere.example\r\n\r\n");
        if (Match_by_prefix() is null || Match_by_header() is null || ReferenceEquals(Match_by_prefix(), Match_by_header()) || Match_nothing() is not null)
            throw new InvalidOperationException("the table does not route as this benchmark means it to");
    }

    [Benchmark]
    public RouteEntry? Match_by_prefix() => _table.Match(_byPrefix, _random);

    [Benchmark]
    public RouteEntry? Match_by_header() => _table.Match(_byHeader, _random);

    [Benchmark]
    public RouteEntry? Match_nothing() => _table.Match(_unknownHost, _random);

    private static VirtualHost Service(string name)
    {
        var host = new VirtualHost { Name = $"{name}.bookshop.svc.cluster.local:9080" };
        foreach (var form in new[] { name, $"{name}.bookshop", $"{name}.bookshop.svc", $"{name}.bookshop.svc.cluster.local" })
        {
            host.Domains.Add(form);
            host.Domains.Add($"{form}:9080");
        }

        host.Routes.Add(Route("/", $"outbound|9080||{name}"));
        return host;
    }

    private static Route Route(string prefix, string cluster) =>
        new() { Match = new RouteMatch { Prefix = prefix }, Route_ = new Envoy.Config.Route.V3.RouteAction { Cluster = cluster } };

    private static void Read(HttpRequestHead head, string message)
    {
        if (new Http1RequestParser(new Http1RequestOptions()).Parse(head, Encoding.ASCII.GetBytes(message), out _) != ParseStatus.Complete)
            throw new InvalidOperationException(head.Rejection.ToString());
    }
}
