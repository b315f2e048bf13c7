using System.Net;
using Lateen.Bench.LoadGenerator;
using Lateen.Testing;

namespace Lateen.Bench.Footprint;

/// <summary>
/// What a flood of HTTP/2 costs the other clients of the proxy that is flooded: their 99th percentile at a fixed rate, alone and beside attackers.
/// </summary>
/// <remarks>
/// The attackers (<see cref="FloodAttack"/>), the load, the server and the proxy share this machine's processors: attackers without a pause, or of the load's own
/// priority, would measure the scheduler. They run when nobody else wants to (SCHED_IDLE, sched(7)): of a mere nice value the kernel may let them finish a slice of
/// some milliseconds first. Alone and beside take turns, and the best turn of each is told: attackers are there in every turn of theirs, while what else the machine does
/// comes and goes, and only adds.
/// </remarks>
internal sealed class FloodMeasurements(FootprintOptions options, RunningUpstream upstream)
{
    private const int RequestsPerSecond = 500;
    private const double MostRatio = 2;

    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(3);

    private readonly LoadOptions _load = new()
    {
        Target = new IPEndPoint(IPAddress.Loopback, 0),
        Host = "shop.bench.example",
        Paths = ["/catalog/1"],
        Connections = 8,
        Rate = RequestsPerSecond,
        Duration = Turn,
        Warmup = TimeSpan.FromMilliseconds(500),
    };

    internal IEnumerable<Figure> Run()
    {
        using var proxy = ProcessMeasurements.StartStatic(options, upstream, out int port, out int adminPort);
        proxy.WaitUntil("readiness", () => Http.Answers(adminPort, "/ready"), TimeSpan.FromSeconds(20));
        var load = _load with { Target = new IPEndPoint(IPAddress.Loopback, port) };
        foreach (var flood in Http2Flood.All.Where(flood => flood.Name.Contains(options.Flood, StringComparison.OrdinalIgnoreCase)))
        {
            var alone = new List<double>();
            var beside = new List<double>();
            var costs = new List<double>();
            var waits = new List<double>();
            int attacks = 0;
            for (int round = 0; round < options.Rounds; round++)
            {
                var before = SchedulerFigures.Of(proxy.Pid);
                alone.Add(Percentile(load));
                var between = SchedulerFigures.Of(proxy.Pid);
                using var attackers = RunningProgram.Start("chrt", ["--idle", "0", Environment.ProcessPath!, FloodAttack.Verb, $"{port}", flood.Name]);
                attackers.WaitForLine(FloodAttack.Begun, TimeSpan.FromSeconds(20));
                beside.Add(Percentile(load));
                var after = SchedulerFigures.Of(proxy.Pid);
                int refused = attackers.CountLines(FloodAttack.Refused);
                attacks += refused;
                costs.Add((after - between - (between - before)).RunMilliseconds * 1000 / Math.Max(refused, 1));
                waits.Add((after - between - (between - before)).WaitMilliseconds * 1000 / Math.Max(refused, 1));
            }

            yield return new Figure($"others' p99 beside {flood.Name}, to their p99 alone", "x", beside.Min() / alone.Min(), MostRatio, [.. beside.Zip(alone, static (one, other) => one / other)]);
            yield return new Figure("  p99 alone, best turn", "us", alone.Min(), null, alone);
            yield return new Figure("  p99 beside the flood, best turn", "us", beside.Min(), null, beside);
            yield return Figure.Median("  CPU of the proxy for each attacker", "us", null, costs);
            yield return Figure.Median("  wait of the proxy for a processor, for each attacker", "us", null, waits);
            yield return Figure.Median("  attackers refused", "1", null, [attacks]);
        }
    }

    /// <summary>Microseconds. Every request must have been answered.</summary>
    private static double Percentile(LoadOptions load)
    {
        var report = LoadRun.RunAsync(load).GetAwaiter().GetResult();
        if (report.Failed > 0) throw new InvalidOperationException($"{report.Failed} of {report.Requests} requests of other clients failed");
        return report.Latencies.Percentile(99) / 1000.0;
    }
}
