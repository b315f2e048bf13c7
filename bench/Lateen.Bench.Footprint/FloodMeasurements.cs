using System.Net;
using Lateen.Bench.LoadGenerator;
using Lateen.Testing;

namespace Lateen.Bench.Footprint;

/// <summary>
/// What a flood of HTTP/2 costs the other clients of the proxy that is flooded: their 99th percentile at a fixed rate, alone and beside attackers.
/// </summary>
/// <remarks>
/// The attackers come one after the other, so many a second, and each sends until its connection is ended. They, the load, the server and the proxy share
/// this machine's processors: attackers without a pause would measure the scheduler.
/// </remarks>
internal sealed class FloodMeasurements(FootprintOptions options, RunningUpstream upstream)
{
    private const int RequestsPerSecond = 500;
    private const int AttackersPerSecond = 10;
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
            var ratios = new List<double>();
            int attacks = 0;
            for (int round = 0; round < options.Rounds; round++)
            {
                alone.Add(Percentile(load));
                using var end = new CancellationTokenSource();
                var attackers = Task.Run(() => AttackAsync(flood, port, end.Token));
                beside.Add(Percentile(load));
                end.Cancel();
                attacks += attackers.GetAwaiter().GetResult();
                ratios.Add(beside[^1] / alone[^1]);
            }

            yield return Figure.Median($"others' p99 beside {flood.Name}, to their p99 alone", "x", MostRatio, ratios);
            yield return Figure.Median("  p99 alone", "us", null, alone);
            yield return Figure.Median("  p99 beside the flood", "us", null, beside);
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

    private static async Task<int> AttackAsync(Http2Flood flood, int port, CancellationToken end)
    {
        int refused = 0;
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / AttackersPerSecond));
        try
        {
            while (await pace.WaitForNextTickAsync(end))
            {
                await using var attacker = await Http2Attacker.ConnectAsync(port, flood, tls: null, end);
                await attacker.FloodUntilClosedAsync(end);
                refused++;
            }
        }
        catch (OperationCanceledException)
        {
            // The load has ended, and with it the attack.
        }

        return refused;
    }
}
