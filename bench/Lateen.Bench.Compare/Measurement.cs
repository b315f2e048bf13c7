using Lateen.Bench.LoadGenerator;

namespace Lateen.Bench.Compare;

/// <summary>One round's figures of one proxy. Microseconds of CPU per request; latencies in microseconds at the open-loop rate.</summary>
internal sealed record Measurement(double UserMicroseconds, double SystemMicroseconds, double RequestsPerSecond, double P50, double P99, double AchievedRate)
{
    internal double TotalMicroseconds => UserMicroseconds + SystemMicroseconds;
}

/// <summary>A proxy's figures over all rounds.</summary>
internal sealed record Standing(string Name, long IdleRssKib, long IdlePssKib, IReadOnlyList<Measurement> Rounds)
{
    internal long LoadedRssKib { get; set; }

    internal long LoadedPssKib { get; set; }

    internal double Median(Func<Measurement, double> figure)
    {
        var sorted = Rounds.Select(figure).Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <summary>Makes the load that all contenders get.</summary>
internal static class Work
{
    private static readonly string[] Paths =
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
        var closed = Load(contender, options) with { Duration = TimeSpan.FromSeconds(options.Seconds) };
        var before = ProcessFigures.Cpu(contender.Pid);
        var report = Checked(contender, await LoadRun.RunAsync(closed));
        var spent = ProcessFigures.Cpu(contender.Pid) - before;
        var open = Load(contender, options) with
        {
            Rate = options.Rate,
            Warmup = TimeSpan.FromSeconds(0.5),
            Duration = TimeSpan.FromSeconds(options.RateSeconds),
        };
        var paced = Checked(contender, await LoadRun.RunAsync(open));
        return new Measurement(
            spent.UserMicroseconds / report.Requests,
            spent.SystemMicroseconds / report.Requests,
            report.AnswersPerSecond,
            paced.Latencies.Percentile(50) / 1000.0,
            paced.Latencies.Percentile(99) / 1000.0,
            paced.AnswersPerSecond);
    }

    /// <summary>A figure over failed requests is no figure.</summary>
    internal static LoadReport Checked(Contender contender, LoadReport report) => report.ExitCode == 0
        ? report
        : throw new InvalidOperationException($"{contender.Name} failed {report.Failed} of {report.Requests} requests:\n{report.ToJson()}");
}
