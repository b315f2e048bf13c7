using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Lateen.Proxy.Logging;

/// <summary>The proxy's own log: lines like <c>[2026-01-31 23:59:59.123][4711][info][config] message</c>, with a level per component that
/// may change at run time.</summary>
/// <remarks>
/// Lines go to a background thread, so that a reader of standard error that has stopped reading stops no reactor. At most
/// <see cref="MaxWaiting"/> lines wait; what comes beyond is dropped, and the next line that finds room says how many were. Disposing
/// writes all that wait.
/// </remarks>
public sealed class ProxyLog : IDisposable
{
    /// <summary>Lines that may wait for the writer. Count; hit: the line is dropped and counted.</summary>
    public const int MaxWaiting = 4096;

    private readonly ConcurrentDictionary<string, Logger> _loggers = new(StringComparer.Ordinal);
    private readonly Queue<string> _waiting = new();
    private readonly Stream _output;
    private readonly TimeProvider _time;
    private readonly int _processId;
    private readonly Thread _thread;
    private LogLevel _defaultLevel;
    private long _dropped;
    private bool _stops;

    /// <param name="output">Standard error; executables pass it.</param>
    /// <param name="level">What components begin with.</param>
    /// <param name="time">The clock of the lines, which are in UTC.</param>
    public ProxyLog(Stream output, LogLevel level = LogLevel.Info, TimeProvider? time = null)
    {
        _output = output;
        _defaultLevel = level;
        _time = time ?? TimeProvider.System;
        _processId = Environment.ProcessId;
        _thread = new Thread(Run) { IsBackground = true, Name = "lateen-stderr" };
        _thread.Start();
    }

    /// <summary>A log that writes nothing, for tests and tools.</summary>
    public static ProxyLog Silent { get; } = new(Stream.Null, LogLevel.Off);

    /// <summary>The logger of a component; the same object each time. A component is one word: <c>config</c>, <c>upstream</c>.</summary>
    public Logger For(string component) => _loggers.GetOrAdd(component, static (name, log) => new Logger(log, name, log._defaultLevel), this);

    /// <summary>All components that asked for a logger, by name.</summary>
    public IReadOnlyList<Logger> Loggers => [.. _loggers.Values.OrderBy(static logger => logger.Component, StringComparer.Ordinal)];

    /// <summary>Sets the level of all components, those to come included.</summary>
    public void SetLevel(LogLevel level)
    {
        _defaultLevel = level;
        foreach (var logger in _loggers.Values) logger.Level = level;
    }

    /// <summary>Sets the level of one component.</summary>
    /// <returns>False when no component has that name.</returns>
    public bool TrySetLevel(string component, LogLevel level)
    {
        if (!_loggers.TryGetValue(component, out var logger)) return false;
        logger.Level = level;
        return true;
    }

    /// <summary>Writes what waits, then ends the writer thread.</summary>
    public void Dispose()
    {
        lock (_waiting)
        {
            _stops = true;
            Monitor.Pulse(_waiting);
        }

        _thread.Join();
    }

    internal void Write(LogLevel level, string component, string message)
    {
        var time = _time.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture);
        var line = $"[{time}][{_processId}][{LogLevelNames.Of(level)}][{component}] {OneLine(message)}\n";
        lock (_waiting)
        {
            if (_waiting.Count >= MaxWaiting || _stops)
            {
                _dropped++;
                return;
            }

            if (_dropped > 0)
            {
                _waiting.Enqueue($"[{time}][{_processId}][warning][main] {_dropped} log lines were dropped because standard error was not read\n");
                _dropped = 0;
            }

            _waiting.Enqueue(line);
            if (_waiting.Count == 1) Monitor.Pulse(_waiting);
        }
    }

    // A message may quote a peer; it must not begin a line of its own or drive a terminal.
    private static string OneLine(string message)
    {
        if (!message.AsSpan().ContainsAnyInRange('\0', '\u001f') && !message.Contains('\u007f', StringComparison.Ordinal)) return message;
        var text = new StringBuilder(message.Length + 16);
        foreach (var c in message)
        {
            if (c is < ' ' or '\u007f') text.Append(CultureInfo.InvariantCulture, $"\\x{(int)c:x2}");
            else text.Append(c);
        }

        return text.ToString();
    }

    private void Run()
    {
        while (true)
        {
            string[] lines;
            lock (_waiting)
            {
                while (_waiting.Count == 0)
                {
                    if (_stops) return;
                    Monitor.Wait(_waiting);
                }

                lines = [.. _waiting];
                _waiting.Clear();
            }

            try
            {
                _output.Write(Encoding.UTF8.GetBytes(string.Concat(lines)));
                _output.Flush();
            }
            catch (IOException)
            {
                // Nobody reads standard error any more: there is no place left to say so.
            }
        }
    }
}
