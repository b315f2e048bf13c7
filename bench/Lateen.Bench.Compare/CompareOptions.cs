using System.Globalization;

namespace Lateen.Bench.Compare;

/// <summary>How a comparison is run; the defaults are what the README's figures use.</summary>
internal sealed record CompareOptions
{
    internal static string Usage => $"""
        Usage: bench/run.sh [options]
          --scenario A,B     what is compared (default http1): {Compare.Scenarios.Names}
          --rounds N         interleaved rounds (default 5)
          --seconds S        closed-loop load per proxy and round (default 5)
          --connections N    keep-alive connections (default 64)
          --rate R           open-loop requests per second (default 2000)
          --rate-seconds S   open-loop load per proxy and round (default 5)
          --proxies A,B      of lateen,lateen-open,nginx,haproxy,yarp (default all)
          --syscalls N       instead: N requests under strace, system calls per request
          --out DIR          where the JSON goes (default artifacts/bench)
        Exit code 0: every budget that could be judged was held; 1: one was not, or a program failed; 2: bad usage.
        """;

    public IReadOnlyList<Scenario> Scenarios { get; init; } = Compare.Scenarios.Find(["http1"])!;

    public int Rounds { get; init; } = 5;

    public double Seconds { get; init; } = 5;

    public int Connections { get; init; } = 64;

    public double Rate { get; init; } = 2000;

    public double RateSeconds { get; init; } = 5;

    public IReadOnlyList<string> Proxies { get; init; } = ["lateen", "lateen-open", "nginx", "haproxy", "yarp"];

    /// <summary>Requests to make under strace; 0 measures time instead.</summary>
    public int SyscallRequests { get; init; }

    public string Output { get; init; } = "artifacts/bench";

    /// <summary>The published lateen-proxy.</summary>
    public string LateenProxy { get; init; } = "artifacts/lateen-proxy/lateen-proxy";

    internal static CompareOptions? Parse(string[] arguments, out string error)
    {
        var options = new CompareOptions();
        error = "";
        for (var i = 0; i + 1 < arguments.Length; i += 2)
        {
            var value = arguments[i + 1];
            var number = double.TryParse(value, CultureInfo.InvariantCulture, out var parsed) && parsed > 0 ? parsed : double.NaN;
            var changed = arguments[i] switch
            {
                "--scenario" => Compare.Scenarios.Find(value.Split(',')) is { } found ? options with { Scenarios = found } : null,
                "--proxies" => options with { Proxies = value.Split(',') },
                "--out" => options with { Output = value },
                "--lateen-proxy" => options with { LateenProxy = value },
                _ when double.IsNaN(number) => null,
                "--rounds" => options with { Rounds = (int)number },
                "--seconds" => options with { Seconds = number },
                "--connections" => options with { Connections = (int)number },
                "--rate" => options with { Rate = number },
                "--rate-seconds" => options with { RateSeconds = number },
                "--syscalls" => options with { SyscallRequests = (int)number },
                _ => null,
            };
            if (changed is null)
            {
                error = $"{arguments[i]} {value}: unknown option, unknown name, or not a positive number";
                return null;
            }

            options = changed;
        }

        if (arguments.Length % 2 != 0)
        {
            error = $"{arguments[^1]} needs a value";
            return null;
        }

        return options;
    }
}
