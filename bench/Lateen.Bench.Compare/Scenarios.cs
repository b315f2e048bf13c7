using Lateen.Bench.Compare.Loads;

namespace Lateen.Bench.Compare;

/// <summary>Everything that can be compared, by name.</summary>
internal static class Scenarios
{
    private static readonly Scenario[] All =
    [
        new()
        {
            Name = "http1",
            Title = "HTTP/1.1 keep-alive both sides, 64-byte body",
            Peers = "http1",
            Proxies = ["lateen", "nginx", "haproxy", "yarp"],
            Budgets = [new("nginx", BudgetFigure.CpuPerUnit, 1.0), new("yarp", BudgetFigure.CpuPerUnit, 0.55)],
            Measure = Http1Load.MeasureAsync,
        },
        new()
        {
            Name = "http2",
            Title = "HTTP/2 (prior knowledge) to HTTP/1.1, 4 streams a connection, 64-byte body",
            Peers = "http2",
            Budgets = [new("nginx", BudgetFigure.CpuPerUnit, 1.0)],
            Measure = (contender, options) => H2Load.MeasureAsync(contender, options, H2Load.Http2),
        },
        new()
        {
            Name = "grpc",
            Title = "gRPC unary, HTTP/2 both sides, 4 streams a connection, 32-byte messages",
            Peers = "grpc",
            Upstream = UpstreamKind.Grpc,
            Budgets = [new("nginx", BudgetFigure.CpuPerUnit, 0.9)],
            Measure = (contender, options) => H2Load.MeasureAsync(contender, options, H2Load.Grpc),
        },
        new()
        {
            Name = "tls",
            Title = "TLS 1.3 keep-alive downstream, plain upstream, HTTP/1.1, 64-byte body",
            Peers = "tls",
            Budgets = [new("nginx", BudgetFigure.CpuPerUnit, 1.0)],
            Measure = (contender, options) => H2Load.MeasureAsync(contender, options, H2Load.Http1OverTls),
        },
        new()
        {
            Name = "tls-origination",
            Title = "plain downstream, verified TLS 1.3 keep-alive upstream, HTTP/1.1, 64-byte body",
            Peers = "tls-origination",
            Upstream = UpstreamKind.Tls,
            Measure = Http1Load.MeasureAsync,
        },
        new()
        {
            Name = "mtls",
            Title = "two proxies in a row with mutual TLS 1.3 between them, 100 access rules at the second and Istio's metrics at both, HTTP/1.1 keep-alive, 64-byte body; both hops in one process",
            Peers = "mtls",
            Proxies = ["lateen", "lateen-open", "nginx"],
            Budgets = [new("nginx", BudgetFigure.CpuPerUnit, 1.0), new("lateen-open", BudgetFigure.CpuPerUnit, 1.05)],
            Measure = Http1Load.MeasureAsync,
        },
        new()
        {
            Name = "tcp-throughput",
            Title = "four streams of bytes from server to client through a TCP relay",
            Unit = "MB",
            Peers = "tcp",
            Upstream = UpstreamKind.Bulk,
            Budgets = [new("haproxy", BudgetFigure.PerSecond, 1.0)],
            Measure = (contender, options) => StreamLoad.MeasureAsync(contender, options, StreamLoad.Relay),
        },
        new()
        {
            Name = "tcp-rate",
            Title = "connections through a TCP relay, each for one small request and answer",
            Unit = "connection",
            Peers = "tcp",
            Measure = Http1Load.MeasureConnectionsAsync,
        },
        new()
        {
            Name = "body-download",
            Title = "HTTP/1.1 answers of 16 MB, four at a time",
            Unit = "MB",
            Peers = "body",
            Upstream = UpstreamKind.Bulk,
            Measure = (contender, options) => StreamLoad.MeasureAsync(contender, options, StreamLoad.Download),
        },
        new()
        {
            Name = "body-upload",
            Title = "HTTP/1.1 requests of 16 MB, four at a time",
            Unit = "MB",
            Peers = "body",
            Upstream = UpstreamKind.Bulk,
            Measure = (contender, options) => StreamLoad.MeasureAsync(contender, options, StreamLoad.Upload),
        },
        new()
        {
            Name = "connections",
            Title = "HTTP/1.1 over 5,000 keep-alive connections that take turns at the open-loop rate",
            Peers = "connections",
            Connections = 5000,
            Measure = Http1Load.MeasureAtRateAsync,
        },
    ];

    /// <summary>Names that stand for several.</summary>
    private static readonly Dictionary<string, string[]> Groups = new()
    {
        ["tcp"] = ["tcp-throughput", "tcp-rate"],
        ["body"] = ["body-download", "body-upload"],
        ["all"] = [.. All.Select(scenario => scenario.Name)],
    };

    internal static string Names => string.Join(", ", All.Select(scenario => scenario.Name).Concat(Groups.Keys));

    /// <summary>The scenarios of a comma-separated list, in its order; null when a name is not known.</summary>
    internal static IReadOnlyList<Scenario>? Find(IEnumerable<string> names)
    {
        var found = names.SelectMany(name => Groups.GetValueOrDefault(name, [name])).Distinct()
            .Select(name => Array.Find(All, scenario => scenario.Name == name)).ToList();
        return found.Contains(null) ? null : [.. found.OfType<Scenario>()];
    }
}
