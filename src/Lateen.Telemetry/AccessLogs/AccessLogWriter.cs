using Lateen.Telemetry.Statistics;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>Where access logs may go besides files, and how often.</summary>
public sealed record AccessLogWriterOptions
{
    /// <summary>How many reactors append.</summary>
    public int ReactorCount { get; init; } = 1;

    /// <summary>What <c>/dev/stdout</c> means; executables pass the process' stream.</summary>
    public Stream StandardOutput { get; init; } = Stream.Null;

    /// <summary>What <c>/dev/stderr</c> means.</summary>
    public Stream StandardError { get; init; } = Stream.Null;

    /// <summary>The longest time that a line waits when there is not enough of them to fill a chunk.</summary>
    public TimeSpan FlushInterval { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>The one background thread that writes all access logs, and the files that are open.</summary>
/// <remarks>It sleeps until a chunk is full or <see cref="AccessLogWriterOptions.FlushInterval"/> has passed. All methods may be called
/// from any thread. Disposing writes everything that was appended before.</remarks>
public sealed class AccessLogWriter : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly AccessLogWriterOptions _options;
    private readonly AutoResetEvent _signal = new(false);
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly AccessLogWriterStats _stats;
    private readonly StatsRegistry _registry;
    private readonly List<AccessLogFile> _files = [];
    private readonly List<TaskCompletionSource> _flushes = [];
    private AccessLogTotals _closed;
    private int _isSignalled;
    private bool _reopens;
    private bool _stops;

    /// <param name="options">Streams, reactors and interval.</param>
    /// <param name="registry">Counts go to <c>filesystem.*</c>.</param>
    public AccessLogWriter(AccessLogWriterOptions options, StatsRegistry registry)
    {
        _options = options;
        _registry = registry;
        _stats = AccessLogWriterStats.Open(registry);
        registry.OnCollect(Publish);
        _thread = new Thread(Run) { IsBackground = true, Name = "lateen-log" };
        _thread.Start();
    }

    /// <summary>Opens a file for appending, or shares it when it is open. Give it back with <see cref="Close"/>.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be written.</exception>
    public AccessLogFile Open(string path)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_stops, this);
            foreach (var file in _files)
            {
                if (file.Path == path)
                {
                    file.Uses++;
                    return file;
                }
            }
            var stream = path switch
            {
                "/dev/stdout" => _options.StandardOutput,
                "/dev/stderr" => _options.StandardError,
                _ => null,
            };
            var opened = new AccessLogFile(path, stream, _options.ReactorCount, Wake);
            _files.Add(opened);
            return opened;
        }
    }

    /// <summary>Ends one use of a file. It is written out and closed when nobody uses it.</summary>
    public void Close(AccessLogFile file)
    {
        lock (_lock)
            file.Uses--;
        Wake();
    }

    /// <summary>Asks for all files to be closed and opened anew by their paths, as after a log rotation. What was appended before goes to
    /// the old files.</summary>
    public void Reopen()
    {
        lock (_lock)
            _reopens = true;
        Wake();
    }

    /// <summary>Ends when everything that was appended before the call is written.</summary>
    public Task FlushAsync(CancellationToken cancellation = default)
    {
        var flush = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
        {
            if (_stops)
                return _ended.Task.WaitAsync(cancellation);
            _flushes.Add(flush);
        }
        Wake();
        return flush.Task.WaitAsync(cancellation);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
            _stops = true;
        Wake();
        await _ended.Task.ConfigureAwait(false);
        _stats.Dispose();
    }

    private void Wake()
    {
        // Pairs with the exchange in Run: a wake that finds the flag set is one that the thread has not answered yet.
        if (Volatile.Read(ref _isSignalled) == 0 && Interlocked.Exchange(ref _isSignalled, 1) == 0)
            _signal.Set();
    }

    private void Run()
    {
        var isLast = false;
        while (!isLast)
        {
            var isTimer = !_signal.WaitOne(_options.FlushInterval);
            Interlocked.Exchange(ref _isSignalled, 0);

            AccessLogFile[] files;
            TaskCompletionSource[] flushes;
            bool reopens;
            lock (_lock)
            {
                isLast = _stops;
                reopens = _reopens;
                _reopens = false;
                files = [.. _files];
                flushes = [.. _flushes];
                _flushes.Clear();
            }

            foreach (var file in files)
            {
                var before = file.WritesCompleted;
                file.Drain();
                if (isTimer && file.WritesCompleted != before)
                    _registry.Shared.Add(_stats.FlushedByTimer);
                if (reopens && !file.TryReopen())
                    _registry.Shared.Add(_stats.ReopenFailed);
                CloseIfUnused(file, isLast);
            }
            foreach (var flush in flushes)
                flush.TrySetResult();
        }
        _ended.SetResult();
    }

    private void CloseIfUnused(AccessLogFile file, bool isLast)
    {
        lock (_lock)
        {
            if (file.Uses > 0 && !isLast)
                return;
            _files.Remove(file);
            _closed = _closed.Plus(file);
        }
        // Lines may have come between the drain and the removal.
        file.Drain();
        file.Close();
    }

    private void Publish(SharedStatShard shard)
    {
        AccessLogTotals totals;
        lock (_lock)
        {
            totals = _closed;
            foreach (var file in _files)
                totals = totals.Plus(file);
        }
        shard.Publish(_stats.LinesBuffered, totals.Appended);
        shard.Publish(_stats.LinesDropped, totals.Dropped);
        shard.Publish(_stats.WriteCompleted, totals.Completed);
        shard.Publish(_stats.WriteFailed, totals.Failed);
    }

    private readonly record struct AccessLogTotals(long Appended, long Dropped, long Completed, long Failed)
    {
        public AccessLogTotals Plus(AccessLogFile file)
        {
            var (appended, dropped) = (Appended, Dropped);
            foreach (var buffer in file.Buffers)
            {
                appended += buffer.LinesAppended;
                dropped += buffer.LinesDropped;
            }
            return new AccessLogTotals(appended, dropped, Completed + file.WritesCompleted, Failed + file.WritesFailed);
        }
    }
}

/// <summary>What the writer counts: <c>filesystem.*</c>, the names that Envoy has for its own.</summary>
internal sealed class AccessLogWriterStats : StatGroup
{
    private static readonly StatSchema<AccessLogWriterStats> Schema = new(static fields => new AccessLogWriterStats(fields));

    private AccessLogWriterStats(StatFields fields)
        : base(fields)
    {
        LinesBuffered = fields.Counter("write_buffered");
        LinesDropped = fields.Counter("write_dropped");
        WriteCompleted = fields.Counter("write_completed");
        WriteFailed = fields.Counter("write_failed");
        FlushedByTimer = fields.Counter("flushed_by_timer");
        ReopenFailed = fields.Counter("reopen_failed");
    }

    public Counter LinesBuffered { get; }

    /// <summary>Lines lost; Envoy has no such counter because it buffers without bound.</summary>
    public Counter LinesDropped { get; }

    public Counter WriteCompleted { get; }

    public Counter WriteFailed { get; }

    public Counter FlushedByTimer { get; }

    public Counter ReopenFailed { get; }

    public static AccessLogWriterStats Open(StatsRegistry registry)
    {
        return Schema.Open(registry, StatScope.Process("filesystem"));
    }
}
