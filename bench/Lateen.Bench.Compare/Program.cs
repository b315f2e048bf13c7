using Lateen.Bench.Compare;
using Lateen.Bench.Compare.Loads;

var options = CompareOptions.Parse(args, out var error);
if (options is null)
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(CompareOptions.Usage);
    return 2;
}

var missed = new List<string>();
try
{
    foreach (var scenario in options.Scenarios)
        await RunAsync(scenario);
    foreach (var name in missed)
        Console.Error.WriteLine($"{name}: a budget was not held");
    return missed.Count == 0 ? 0 : 1;
}
catch (InvalidOperationException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}

async Task RunAsync(Scenario scenario)
{
    var own = options with { Connections = scenario.Connections ?? options.Connections };
    var directory = Directory.CreateTempSubdirectory("lateen-bench-").FullName;
    var contenders = new List<Contender>();
    try
    {
        BenchCertificate.Write(directory);
        await using var upstream = await Contender.StartUpstreamAsync(scenario, directory);
        foreach (var name in options.Proxies.Where(scenario.Proxies.Contains))
            contenders.Add(await Contender.StartProxyAsync(name, scenario, upstream.Port, own, directory));
        if (options.SyscallRequests > 0) await CountSyscallsAsync(contenders);
        else await CompareAsync(scenario, own, contenders);
    }
    finally
    {
        foreach (var contender in contenders)
            await contender.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }
}

async Task CountSyscallsAsync(List<Contender> contenders)
{
    Console.WriteLine("| proxy | system calls/req | which |");
    Console.WriteLine("|---|---:|---|");
    foreach (var contender in contenders)
        Console.WriteLine(await SyscallCount.CountAsync(contender, options));
}

async Task CompareAsync(Scenario scenario, CompareOptions own, List<Contender> contenders)
{
    var standings = contenders
        .Select(contender => new Standing(contender.Name, ProcessFigures.VmRssKib(contender.Pid), ProcessFigures.ResidentKib(contender.Pid), []))
        .ToList();
    if (scenario.Upstream == UpstreamKind.Grpc)
    {
        foreach (var contender in contenders)
            await GrpcProbe.CheckAsync(contender);
    }

    // Compilers, pools and connections warm up outside the measured rounds.
    foreach (var contender in contenders)
        await scenario.Measure(contender, own with { RateSeconds = 1 });
    for (var round = 1; round <= own.Rounds; round++)
    {
        for (var i = 0; i < contenders.Count; i++)
        {
            var measurement = await scenario.Measure(contenders[i], own);
            standings[i].Rounds.Add(measurement);
            Console.Error.WriteLine(
                $"{scenario.Name} round {round}/{own.Rounds} {contenders[i].Name}: {measurement.UserMicroseconds:F2} + {measurement.SystemMicroseconds:F2} us/{scenario.Unit}, "
                + $"{measurement.PerSecond:F0} {scenario.Unit}/s, p50 {measurement.P50:F0} us, p99 {measurement.P99:F0} us");
        }
    }

    for (var i = 0; i < contenders.Count; i++)
    {
        standings[i].LoadedRssKib = Math.Max(ProcessFigures.VmRssKib(contenders[i].Pid), contenders[i].PeakResidentKib);
        standings[i].LoadedPssKib = ProcessFigures.ResidentKib(contenders[i].Pid);
    }

    Console.WriteLine(ResultTable.Render(scenario, standings, own));
    if (Verdict.Of(scenario, standings).Any(verdict => verdict.IsHeld == false)) missed.Add(scenario.Name);
    var now = TimeProvider.System.GetUtcNow();
    Directory.CreateDirectory(own.Output);
    var file = Path.Combine(own.Output, $"{(scenario.Name == "http1" ? "proxies" : scenario.Name)}-{now:yyyyMMdd-HHmmss}.json");
    await File.WriteAllTextAsync(file, ResultJson.Render(scenario, standings, own, now));
    Console.WriteLine($"written to {file}");
    Console.WriteLine();
}
