using System.Diagnostics;

namespace Lateen.Testing;

/// <summary>
/// A real process of ours, started by a test and ended with it. Its output is kept, so that a failing wait can say what the program had to say.
/// </summary>
/// <remarks>
/// Waits are for lines of output or for the end of the process, never for time; a wait that is not met fails with the last output. It gives up
/// after <see cref="Patience"/>, before the time of most tests is up, because a test that runs out of time is ended without a word.
/// </remarks>
public sealed class ProgramUnderTest : IAsyncDisposable
{
    /// <summary>How long a wait lasts at most.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(100);

    private readonly Process _process;
    private readonly List<string> _lines = [];
    private readonly List<(Func<string, bool> Matches, TaskCompletionSource<string> Seen)> _waits = [];
    private readonly Lock _gate = new();
    private readonly Task _drained;

    private ProgramUnderTest(string name, Process process)
    {
        Name = name;
        _process = process;
        _drained = Task.WhenAll(DrainAsync(process.StandardOutput), DrainAsync(process.StandardError));
    }

    /// <summary>What the test calls it.</summary>
    public string Name { get; }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>Everything that it wrote so far, both streams.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    /// <summary>Starts a program; it is killed when the returned object is disposed.</summary>
    /// <param name="takesInput">Whether <see cref="WriteLineAsync"/> is to be used; otherwise the program's input is at its end from the start.</param>
    public static ProgramUnderTest Start(
        string name, string fileName, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, bool takesInput = false)
    {
        var start = new ProcessStartInfo(fileName) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        var process = Process.Start(start) ?? throw new InvalidOperationException($"{fileName} did not start.");
        if (!takesInput) process.StandardInput.Close();
        return new ProgramUnderTest(name, process);
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(
        string fileName, IEnumerable<string> arguments, CancellationToken cancel, IReadOnlyDictionary<string, string>? environment = null)
    {
        await using var program = Start(Path.GetFileName(fileName), fileName, arguments, environment);
        var code = await program.WaitForExitAsync(cancel);
        return (code, program.Output);
    }

    /// <summary>Gives the program a line of input.</summary>
    public async Task WriteLineAsync(string line, CancellationToken cancel)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancel);
        await _process.StandardInput.FlushAsync(cancel);
    }

    /// <summary>Waits for the first line, past or to come, that contains <paramref name="text"/>; returns the line.</summary>
    /// <exception cref="InvalidOperationException">The program ended first, or <paramref name="cancel"/> fired; the message holds its output.</exception>
    public Task<string> WaitForLineAsync(string text, CancellationToken cancel) =>
        WaitForLineAsync(line => line.Contains(text, StringComparison.Ordinal), $"a line with '{text}'", cancel);

    /// <summary>Waits for the first line, past or to come, that <paramref name="matches"/>.</summary>
    public async Task<string> WaitForLineAsync(Func<string, bool> matches, string what, CancellationToken cancel)
    {
        TaskCompletionSource<string> seen;
        lock (_gate)
        {
            if (_lines.Find(line => matches(line)) is { } line)
            {
                return line;
            }

            seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waits.Add((matches, seen));
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        var first = await Task.WhenAny(seen.Task, _drained, Cancelled(patience.Token));
        return first == seen.Task || seen.Task.IsCompletedSuccessfully
            ? await seen.Task
            : throw new InvalidOperationException($"{Name} {(_drained.IsCompleted ? "ended" : "ran on")} without {what}. It said:\n{Output}");
    }

    /// <summary>Waits for the end of the process and of its output.</summary>
    public async Task<int> WaitForExitAsync(CancellationToken cancel)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        patience.CancelAfter(Patience);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
            await _drained.WaitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new InvalidOperationException($"{Name} did not end. It said:\n{Output}");
        }

        return _process.ExitCode;
    }

    /// <summary>Ends it at once (SIGKILL), as a crash would.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Sends a signal by name: TERM, INT, USR1.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {Id}"]);
        await kill.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        await _drained;
        _process.Dispose();
    }

    private static Task Cancelled(CancellationToken cancel)
    {
        var cancelled = new TaskCompletionSource();
        cancel.Register(cancelled.SetResult);
        return cancelled.Task;
    }

    private async Task DrainAsync(StreamReader output)
    {
        while (await output.ReadLineAsync() is { } line)
        {
            lock (_gate)
            {
                _lines.Add(line);
                for (var index = _waits.Count - 1; index >= 0; index--)
                {
                    if (_waits[index].Matches(line))
                    {
                        _waits[index].Seen.TrySetResult(line);
                        _waits.RemoveAt(index);
                    }
                }
            }
        }
    }
}
