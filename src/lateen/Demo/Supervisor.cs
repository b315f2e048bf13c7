using System.Collections.Concurrent;
using System.Diagnostics;

namespace Lateen.Cli.Demo;

/// <summary>How a supervised process is started, and what it is called in logs and tables.</summary>
internal sealed record ChildSpec(string Name, string FileName, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment);

/// <summary>A supervised process: its current incarnation and how often it had to be started again. Fields change on the supervisor's tasks only.</summary>
internal sealed class ChildState(ChildSpec spec)
{
    public ChildSpec Spec { get; } = spec;

    /// <summary>Process id of the running incarnation, or null between two.</summary>
    public int? ProcessId { get; set; }

    /// <summary>Starts after the first.</summary>
    public int Restarts { get; set; }
}

/// <summary>
/// Starts processes, writes their output to a log file each, starts again what dies, and stops all of them. A process that keeps dying is
/// started with growing pauses, 0.2 s to 5 s, so that a broken binary does not burn a core.
/// </summary>
/// <remarks>
/// Children are started by one thread that lives as long as the supervisor, under <c>setpriv --pdeathsig KILL</c> where that exists: the
/// kernel then ends them should this process be killed, so nothing is left behind. The signal is tied to the starting thread, hence the one thread.
/// </remarks>
internal sealed class Supervisor : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StopDeadline = TimeSpan.FromSeconds(6);

    private readonly string _logFolder;
    private readonly Action<string> _say;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stopping = new();
    private readonly BlockingCollection<Action> _starts = [];
    private readonly List<Task> _watches = [];
    private readonly List<ChildState> _children = [];
    private readonly bool _dieWithParent = File.Exists("/usr/bin/setpriv");

    public Supervisor(string logFolder, Action<string> say, TimeProvider time)
    {
        _logFolder = logFolder;
        _say = say;
        _time = time;
        new Thread(() =>
        {
            foreach (var start in _starts.GetConsumingEnumerable())
            {
                start();
            }
        })
        { IsBackground = true, Name = "demo-starter" }.Start();
    }

    /// <summary>Everything that was started, in order.</summary>
    public IReadOnlyList<ChildState> Children => _children;

    /// <summary>The log file of a child.</summary>
    public string LogOf(string name) => Path.Combine(_logFolder, name + ".log");

    /// <summary>Starts a process and keeps it running until the supervisor is disposed.</summary>
    /// <exception cref="InvalidOperationException">The program could not be started at all.</exception>
    public async Task StartAsync(ChildSpec spec)
    {
        var child = new ChildState(spec);
        _children.Add(child);
        var process = await SpawnAsync(spec);
        _watches.Add(WatchAsync(child, process));
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await SignalAsync("TERM");
        var all = Task.WhenAll(_watches);
        try
        {
            await all.WaitAsync(StopDeadline, _time);
        }
        catch (TimeoutException)
        {
            await SignalAsync("KILL");
            await all;
        }

        _starts.CompleteAdding();
        _starts.Dispose();
        _stopping.Dispose();
    }

    private async Task WatchAsync(ChildState child, Process process)
    {
        var pause = FirstPause;
        while (true)
        {
            var started = _time.GetTimestamp();
            child.ProcessId = process.Id;
            using (process)
            {
                await Task.WhenAll(DrainAsync(process.StandardOutput, child), DrainAsync(process.StandardError, child));
                await process.WaitForExitAsync();
                child.ProcessId = null;
                if (_stopping.IsCancellationRequested)
                {
                    return;
                }

                _say($"{child.Spec.Name} ended with code {process.ExitCode}; starting it again");
            }

            pause = _time.GetElapsedTime(started) > TimeSpan.FromSeconds(10) ? FirstPause : pause;
            try
            {
                await Task.Delay(pause, _time, _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LongestPause.Ticks));
            child.Restarts++;
            process = await SpawnAsync(child.Spec);
        }
    }

    private Task<Process> SpawnAsync(ChildSpec spec)
    {
        var done = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _starts.Add(() =>
        {
            try
            {
                done.SetResult(Process.Start(StartOf(spec)) ?? throw new InvalidOperationException($"{spec.FileName} did not start."));
            }
            catch (Exception failure) when (failure is System.ComponentModel.Win32Exception or InvalidOperationException)
            {
                done.SetException(new InvalidOperationException($"Could not start {spec.Name}: {spec.FileName}: {failure.Message}", failure));
            }
        });
        return done.Task;
    }

    private ProcessStartInfo StartOf(ChildSpec spec)
    {
        var start = new ProcessStartInfo(_dieWithParent ? "/usr/bin/setpriv" : spec.FileName)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        if (_dieWithParent)
        {
            foreach (var argument in new[] { "--pdeathsig", "KILL", "--", spec.FileName })
            {
                start.ArgumentList.Add(argument);
            }
        }

        foreach (var argument in spec.Arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in spec.Environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    private async Task DrainAsync(StreamReader output, ChildState child)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            // Two pipes of one child write here; append-and-close keeps lines whole and lets a person `tail -f` or remove the file.
            lock (child)
            {
                File.AppendAllText(LogOf(child.Spec.Name), line + "\n");
            }
        }
    }

    private async Task SignalAsync(string signal)
    {
        var ids = _children.Where(child => child.ProcessId is not null).Select(child => child.ProcessId!.Value.ToString()).ToArray();
        if (ids.Length == 0)
        {
            return;
        }

        // .NET can only kill; `kill` lets a child drain. Children that ended meanwhile are no error.
        using var kill = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"kill -{signal} {string.Join(' ', ids)} 2>/dev/null || true"]));
        if (kill is not null)
        {
            await kill.WaitForExitAsync();
        }
    }
}
