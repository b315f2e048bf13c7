using Lateen.Bench.LoadGenerator;

namespace Lateen.Bench.Compare.Loads;

/// <summary>HTTP/1.1 load from our own generator.</summary>
internal static class Http1Load
{
    /// <summary>Connections of one round of the connection rate: fewer than the kernel has ports, since closed ones rest a while (RFC 9293 3.6.1).</summary>
    private const int ConnectionsPerRound = 20_000;

    internal static readonly string[] Paths =
        ["/catalog/books", "/orders/17", "/users/me", "/reviews/42?page=2", "/catalog/search?q=sails", "/orders/new", "/users/17/orders", "/reviews/7"];

    internal static LoadOptions Load(Contender contender, CompareOptions options) => new()
    {
        Target = contender.Address,
        Host = "shop.bench.example",
        Paths = Paths,
        Headers = ["User-Agent: lateen-bench", "Accept: */*"],
        Connections = options.Connections,
    };

    /// <summary>Closed loop for the CPU's cost, then open loop for the latency.</summary>
    internal static async Task<Measurement> MeasureAsync(Contender contender, CompareOptions options)
    {
        var (spent, report) = await SpendAsync(contender, Load(contender, options) with { Duration = TimeSpan.FromSeconds(options.Seconds) });
        var open = Load(contender, options) with
        {
            Rate = options.Rate,
            Warmup = TimeSpan.FromSeconds(0.5),
            Duration = TimeSpan.FromSeconds(options.RateSeconds),
        };
        var paced = Checked(contender, await LoadRun.RunAsync(open));
        return Figures(spent, report, paced);
    }

    /// <summary>A connection for each request. The latency is of connecting, asking and being answered.</summary>
    internal static async Task<Measurement> MeasureConnectionsAsync(Contender contender, CompareOptions options)
    {
        var load = Load(contender, options) with { ConnectionPerRequest = true, MaxRequests = ConnectionsPerRound, Duration = TimeSpan.FromMinutes(2) };
        var (spent, report) = await SpendAsync(contender, load);
        return Figures(spent, report, report);
    }

    /// <summary>Open loop for both: with many connections at rest a closed loop would be one of as many requests at once.</summary>
    internal static async Task<Measurement> MeasureAtRateAsync(Contender contender, CompareOptions options)
    {
        // Long enough that each connection had its turn, and was opened, before anything counts.
        var warmup = TimeSpan.FromSeconds(1 + (options.Connections / options.Rate));
        var load = Load(contender, options) with { Rate = options.Rate, Warmup = warmup, Duration = TimeSpan.FromSeconds(options.RateSeconds) };
        var running = LoadRun.RunAsync(load);
        await Task.Delay(warmup);
        var before = ProcessFigures.Cpu(contender.Pid);
        contender.PeakResidentKib = ProcessFigures.VmRssKib(contender.Pid);
        var report = Checked(contender, await running);
        return Figures(ProcessFigures.Cpu(contender.Pid) - before, report, report, report.Latencies.Count);
    }

    /// <summary>A figure over failed requests is no figure.</summary>
    internal static LoadReport Checked(Contender contender, LoadReport report) => report.ExitCode == 0
        ? report
        : throw new InvalidOperationException($"{contender.Name} failed {report.Failed} of {report.Requests} requests:\n{report.ToJson()}");

    private static async Task<(CpuTicks Spent, LoadReport Report)> SpendAsync(Contender contender, LoadOptions load)
    {
        var before = ProcessFigures.Cpu(contender.Pid);
        var report = Checked(contender, await LoadRun.RunAsync(load));
        return (ProcessFigures.Cpu(contender.Pid) - before, report);
    }

    private static Measurement Figures(CpuTicks spent, LoadReport report, LoadReport paced, long? units = null) => new(
        spent.UserMicroseconds / (units ?? report.Requests),
        spent.SystemMicroseconds / (units ?? report.Requests),
        report.AnswersPerSecond,
        paced.Latencies.Percentile(50) / 1000.0,
        paced.Latencies.Percentile(99) / 1000.0,
        paced.AnswersPerSecond);
}
