using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lateen.Bench.Footprint;

/// <summary>A program that is measured, or that the measurement needs. Ends with <see cref="Dispose"/>, and no other process does.</summary>
internal sealed class RunningProgram : IDisposable
{
    private const int MostLines = 1000;
    private const int FirstPort = 20_000;
    private const int PortCount = 10_000;

    /// <summary>Two benches at a time begin at different places.</summary>
    private static int _lastPort = FirstPort + (Environment.ProcessId % PortCount);

    private readonly Process _process;
    private readonly List<string> _said = [];

    private RunningProgram(Process process) => _process = process;

    /// <summary>Stopwatch ticks just before the process was made.</summary>
    internal long StartedAt { get; private init; }

    internal int Pid => _process.Id;

    internal static RunningProgram Start(string program, string[] arguments, string? runtimeDirectory = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // The CLI leaves its address there for its other verbs; a bench must not be found by them.
        if (runtimeDirectory is not null) start.Environment["XDG_RUNTIME_DIR"] = runtimeDirectory;
        long now = Stopwatch.GetTimestamp();
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var running = new RunningProgram(process) { StartedAt = now };
        process.OutputDataReceived += (_, line) => running.Note(line.Data);
        process.ErrorDataReceived += (_, line) => running.Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return running;
    }

    /// <summary>What a program writes that ends by itself; it must end well. What it writes to standard error is told when it does not.</summary>
    internal static string OutputOf(string program, string[] arguments, string runtimeDirectory)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XDG_RUNTIME_DIR"] = runtimeDirectory;
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        string complaint = errors.GetAwaiter().GetResult();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {complaint}");
    }

    /// <summary>Waits for a line that begins so, and gives the rest of it.</summary>
    internal string WaitForLine(string beginning, TimeSpan patience)
    {
        var deadline = Stopwatch.GetTimestamp() + (long)(patience.TotalSeconds * Stopwatch.Frequency);
        lock (_said)
        {
            while (true)
            {
                if (_said.FirstOrDefault(line => line.StartsWith(beginning, StringComparison.Ordinal)) is { } found) return found[beginning.Length..].Trim();
                Require(deadline, $"a line '{beginning}'");
                Monitor.Wait(_said, 100);
            }
        }
    }

    /// <summary>How many lines of those it has said so far begin so; of 1,000 at the most.</summary>
    internal int CountLines(string beginning)
    {
        lock (_said) return _said.Count(line => line.StartsWith(beginning, StringComparison.Ordinal));
    }

    /// <summary>Repeats a question every millisecond until its answer is yes.</summary>
    internal void WaitUntil(string what, Func<bool> holds, TimeSpan patience)
    {
        var deadline = Stopwatch.GetTimestamp() + (long)(patience.TotalSeconds * Stopwatch.Frequency);
        while (!holds())
        {
            Require(deadline, what);
            Pace.BetweenQuestions();
        }
    }

    /// <summary>A figure of /proc/PID/status, KiB (proc(5)): VmRSS, RssAnon and so on.</summary>
    internal long StatusKib(string field)
    {
        string line = File.ReadLines($"/proc/{Pid}/status").First(text => text.StartsWith(field + ":", StringComparison.Ordinal));
        return long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Open files that the process may have at the most: the soft limit, as it stands now.</summary>
    internal static long FileLimit(string pid)
    {
        string line = File.ReadLines($"/proc/{pid}/limits").First(text => text.StartsWith("Max open files", StringComparison.Ordinal));
        string soft = line["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return soft == "unlimited" ? long.MaxValue : long.Parse(soft, CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// A port below the kernel's own range (ip_local_port_range). One from that range could be given to a client meanwhile, or to the very client
    /// that asks whether somebody listens there already: it would be connected to itself (simultaneous open, RFC 9293 3.5).
    /// </summary>
    internal static int FreePort()
    {
        while (true)
        {
            _lastPort = FirstPort + ((_lastPort + 1 - FirstPort) % PortCount);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, _lastPort));
                return _lastPort;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                continue;
            }
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private void Require(long deadline, string what)
    {
        if (!_process.HasExited && Stopwatch.GetTimestamp() < deadline) return;
        lock (_said) throw new InvalidOperationException($"gave up waiting for {what}. The program said:\n{string.Join('\n', _said.TakeLast(20))}");
    }

    private void Note(string? line)
    {
        lock (_said)
        {
            if (line is null || _said.Count >= MostLines) return;
            _said.Add(line);
            Monitor.PulseAll(_said);
        }
    }
}
