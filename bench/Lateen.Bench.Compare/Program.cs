using Lateen.Bench.Compare;
using Lateen.Bench.LoadGenerator;

var options = CompareOptions.Parse(args, out var error);
if (options is null)
{
    Console.Error.WriteLine(error);
    Console.Error.WriteLine(CompareOptions.Usage);
    return 2;
}

var directory = Directory.CreateTempSubdirectory("lateen-bench-").FullName;
var contenders = new List<Contender>();
try
{
    await using var upstream = await Contender.StartUpstreamAsync();
    foreach (var name in options.Proxies)
        contenders.Add(await Contender.StartProxyAsync(name, upstream.Port, options, directory));
    return options.SyscallRequests > 0 ? await CountSyscallsAsync() : await CompareAsync();
}
catch (InvalidOperationException failure)
{
    Console.Error.WriteLine(failure.Message);
    return 1;
}
finally
{
    foreach (var contender in contenders)
        await contender.DisposeAsync();
    Directory.Delete(directory, recursive: true);
}

async Task<int> CountSyscallsAsync()
{
    Console.WriteLine("| proxy | system calls/req | which |");
    Console.WriteLine("|---|---:|---|");
    foreach (var contender in contenders)
        Console.WriteLine(await SyscallCount.CountAsync(contender, options));
    return 0;
}

async Task<int> CompareAsync()
{
    var standings = contenders
        .Select(contender => new Standing(
            contender.Name, ProcessFigures.VmRssKib(contender.Pid), ProcessFigures.ResidentKib(contender.Pid), new List<Measurement>()))
        .ToList();
    // Compilers, pools and connections warm up outside the measured rounds.
    foreach (var contender in contenders)
        Work.Checked(contender, await LoadRun.RunAsync(Work.Load(contender, options) with { Duration = TimeSpan.FromSeconds(options.Seconds) }));
    for (var round = 1; round <= options.Rounds; round++)
    {
        for (var i = 0; i < contenders.Count; i++)
        {
            var measurement = await Work.MeasureAsync(contenders[i], options);
            ((List<Measurement>)standings[i].Rounds).Add(measurement);
            Console.Error.WriteLine(
                $"round {round}/{options.Rounds} {contenders[i].Name}: {measurement.UserMicroseconds:F2} + {measurement.SystemMicroseconds:F2} us/req, "
                + $"{measurement.RequestsPerSecond:F0} req/s, p50 {measurement.P50:F0} us, p99 {measurement.P99:F0} us");
        }
    }

    for (var i = 0; i < contenders.Count; i++)
    {
        standings[i].LoadedRssKib = ProcessFigures.VmRssKib(contenders[i].Pid);
        standings[i].LoadedPssKib = ProcessFigures.ResidentKib(contenders[i].Pid);
    }

    Console.WriteLine(ResultTable.Render(standings, options));
    var now = TimeProvider.System.GetUtcNow();
    Directory.CreateDirectory(options.Output);
    var file = Path.Combine(options.Output, $"proxies-{now:yyyyMMdd-HHmmss}.json");
    await File.WriteAllTextAsync(file, ResultTable.ToJson(standings, options, now));
    Console.WriteLine($"written to {file}");
    return 0;
}
