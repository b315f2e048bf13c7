using System.Diagnostics;
using System.Globalization;
using Lateen.Bench.Compare.Loads;
using Lateen.Bench.LoadGenerator;

namespace Lateen.Bench.Compare;

/// <summary>System calls per request, counted by strace -c over a fixed number of requests on warm connections.</summary>
internal static class SyscallCount
{
    /// <summary>Calls rarer than this per request are start-up or timers, and left out of the table.</summary>
    private const double RarePerRequest = 0.005;

    internal static async Task<string> CountAsync(Contender contender, CompareOptions options)
    {
        var load = Http1Load.Load(contender, options);
        Http1Load.Checked(contender, await LoadRun.RunAsync(load with { MaxRequests = 5_000 }));
        var arguments = new List<string> { "-c", "-f" };
        foreach (var pid in ProcessFigures.Family(contender.Pid))
            arguments.AddRange(["-p", pid.ToString()]);
        using var strace = Process.Start(new ProcessStartInfo("strace", arguments) { RedirectStandardError = true })
            ?? throw new InvalidOperationException("strace did not start");
        // It says "Process N attached" for each thread before it counts.
        await strace.StandardError.ReadLineAsync();
        var report = Http1Load.Checked(contender, await LoadRun.RunAsync(load with { MaxRequests = options.SyscallRequests, Duration = TimeSpan.FromMinutes(10) }));
        // SIGINT is what makes strace print its table and detach.
        using (var interrupt = Process.Start("kill", ["-INT", strace.Id.ToString()]))
            await interrupt.WaitForExitAsync();
        var table = await strace.StandardError.ReadToEndAsync();
        await strace.WaitForExitAsync();
        var lines = new List<(string Call, double PerRequest)>();
        foreach (var line in table.Split('\n'))
        {
            // "% time  seconds  usecs/call  calls  [errors]  syscall"
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length >= 5 && double.TryParse(fields[0], CultureInfo.InvariantCulture, out _)
                && long.TryParse(fields[3], CultureInfo.InvariantCulture, out var calls) && fields[^1] != "total")
            {
                lines.Add((fields[^1], (double)calls / report.Requests));
            }
        }

        var shown = lines.Where(line => line.PerRequest >= RarePerRequest).OrderByDescending(line => line.PerRequest).ToList();
        return $"| {contender.Name} | {shown.Sum(line => line.PerRequest):F2} | "
            + string.Join(", ", shown.Select(line => $"{line.Call} {line.PerRequest:F2}")) + " |";
    }
}
