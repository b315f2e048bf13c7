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
/// comes and goes, and only adds. It goes on for minutes, so the turns of one flood are not one after the other: each round has all floods.
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
        var measured = Http2Flood.All.Where(flood => flood.Name.Contains(options.Flood, StringComparison.OrdinalIgnoreCase)).Select(flood => new Turns(flood)).ToList();
        for (int round = 1; round <= options.Rounds; round++)
        {
            Console.Error.WriteLine($"floods, round {round} of {options.Rounds}: {measured.Count} in some {measured.Count * 2 * (_load.Duration + _load.Warmup).TotalMinutes:0.#} minutes");
            foreach (var turns in measured) Measure(turns, proxy.Pid, port);
        }

        return measured.SelectMany(static turns => turns.Figures());
    }

    private void Measure(Turns turns, int proxy, int port)
    {
        var load = _load with { Target = new IPEndPoint(IPAddress.Loopback, port) };
        var before = SchedulerFigures.Of(proxy);
        turns.Alone.Add(Percentile(load));
        var between = SchedulerFigures.Of(proxy);
        using var attackers = RunningProgram.Start("chrt", ["--idle", "0", Environment.ProcessPath!, FloodAttack.Verb, $"{port}", turns.Flood.Name]);
        attackers.WaitForLine(FloodAttack.Begun, TimeSpan.FromSeconds(20));
        turns.Beside.Add(Percentile(load));
        var after = SchedulerFigures.Of(proxy);
        turns.Add(after - between - (between - before), attackers.CountLines(FloodAttack.Refused));
    }

    /// <summary>Microseconds. Every request must have been answered.</summary>
    private static double Percentile(LoadOptions load)
    {
        var report = LoadRun.RunAsync(load).GetAwaiter().GetResult();
        if (report.Failed > 0) throw new InvalidOperationException($"{report.Failed} of {report.Requests} requests of other clients failed");
        return report.Latencies.Percentile(99) / 1000.0;
    }

    /// <summary>What was measured of one flood, a value for each round.</summary>
    private sealed class Turns(Http2Flood flood)
    {
        private readonly List<double> _costs = [];
        private readonly List<double> _waits = [];
        private int _refused;

        internal Http2Flood Flood => flood;

        internal List<double> Alone { get; } = [];

        internal List<double> Beside { get; } = [];

        internal void Add(SchedulerFigures caused, int refused)
        {
            _refused += refused;
            _costs.Add(caused.RunMilliseconds * 1000 / Math.Max(refused, 1));
            _waits.Add(caused.WaitMilliseconds * 1000 / Math.Max(refused, 1));
        }

        internal IEnumerable<Figure> Figures() =>
        [
            new($"others' p99 beside {flood.Name}, to their p99 alone", "x", Beside.Min() / Alone.Min(), MostRatio, [.. Beside.Zip(Alone, static (one, other) => one / other)]),
            new("  p99 alone, best turn", "us", Alone.Min(), null, Alone),
            new("  p99 beside the flood, best turn", "us", Beside.Min(), null, Beside),
            Figure.Median("  CPU of the proxy for each attacker", "us", null, _costs),
            Figure.Median("  wait of the proxy for a processor, for each attacker", "us", null, _waits),
            Figure.Median("  attackers refused", "1", null, [_refused]),
        ];
    }
}
