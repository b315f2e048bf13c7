using System.Diagnostics;
using System.Text;
using Lateen.Net;

namespace Lateen.Bench.LoadGenerator;

/// <summary>
/// One reactor's share of a load: its connections, its schedule, its tallies.
/// </summary>
/// <remarks>
/// Open loop: request i is due at start + i / rate. A ticker of the kernel's precision wakes the worker; each due request takes an idle
/// connection, or waits in line with its due time. Nothing of the schedule depends on answers, so a stalled server does not slow the
/// load down and hide its stall ("coordinated omission").
/// </remarks>
internal sealed class LoadWorker
{
    /// <summary>Pause before a connection that failed sends again in the closed loop. Milliseconds. A dead target must not be a spin.</summary>
    private const int FailurePauseMilliseconds = 20;

    private readonly byte[][] _requests;
    private readonly double _rate;
    private readonly long _maxRequests;
    private readonly List<LoadConnection> _connections = [];
    /// <summary>Idle connections take turns, so that each of many is used and none is the one that is always warm.</summary>
    private readonly Queue<LoadConnection> _idle = new();
    private readonly Queue<long> _waiting = new();
    private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<int, long> _statuses = [];
    private readonly Dictionary<LoadFailure, long> _failures = [];
    private long _startedAt;
    private long _measureFrom;
    private long _stopAt;
    private long _measuredUntil;
    private long _due;
    private long _sent;
    private long _succeeded;
    private long _opened;
    private long _bytes;
    private long _settled;

    internal LoadWorker(Reactor reactor, LoadOptions options, int connections, double rate, long maxRequests)
    {
        Reactor = reactor;
        Options = options;
        _rate = rate;
        _maxRequests = maxRequests;
        IsHeadMethod = options.Method == "HEAD";
        _requests = [.. options.Paths.Select(path => Encode(options, path))];
        for (var i = 0; i < connections; i++)
            _connections.Add(new LoadConnection(this));
    }

    internal Reactor Reactor { get; }

    internal LoadOptions Options { get; }

    internal bool IsHeadMethod { get; }

    internal bool IsFinished { get; private set; }

    private bool IsOpenLoop => _rate > 0;

    /// <summary>Runs the whole load; completes when every request has its answer or its failure.</summary>
    internal async ValueTask RunAsync(CancellationToken cancellation)
    {
        _startedAt = Stopwatch.GetTimestamp();
        _measureFrom = _startedAt + Ticks(Options.Warmup);
        _stopAt = _measureFrom + Ticks(Options.Duration);
        using var registration = cancellation.UnsafeRegister(
            static state => ((LoadWorker)state!).Reactor.Post(static worker => ((LoadWorker)worker!).StopEarly(), state), this);
        var period = TimeSpan.FromSeconds(Math.Clamp(1 / Math.Max(_rate, 1), 20e-6, 1));
        using var ticker = IsOpenLoop ? new ReactorTicker(Reactor, period, static state => ((LoadWorker)state!).SendDue(), this) : null;
        foreach (var connection in _connections)
        {
            if (IsOpenLoop)
                _idle.Enqueue(connection);
            else if (_due < _maxRequests)
                SendNext(connection);
        }

        await _finished.Task;
        foreach (var connection in _connections)
            connection.Close();
    }

    internal LoadTally Tally() => new(
        _sent + _waiting.Count, _succeeded, _statuses, _failures, Latencies, _opened, _bytes,
        Stopwatch.GetElapsedTime(_measureFrom, Math.Max(_measuredUntil, _measureFrom)));

    private LatencyHistogram Latencies { get; } = new();

    internal void OnConnectionOpened() => _opened++;

    internal void OnBytes(int count) => _bytes += count;

    internal void OnAnswer(LoadConnection connection, int status, long intendedAt)
    {
        var now = Stopwatch.GetTimestamp();
        _settled++;
        _statuses[status] = _statuses.GetValueOrDefault(status) + 1;
        if (status < 400)
            _succeeded++;
        if (intendedAt >= _measureFrom)
        {
            Latencies.Record((long)((now - intendedAt) * (1e9 / Stopwatch.Frequency)));
            _measuredUntil = now;
        }

        Release(connection, now);
    }

    internal void OnFailure(LoadConnection connection, LoadFailure failure)
    {
        _settled++;
        _failures[failure] = _failures.GetValueOrDefault(failure) + 1;
        var now = Stopwatch.GetTimestamp();
        if (IsOpenLoop || IsOver(now))
            Release(connection, now);
        else
            new ReactorTimer(Reactor, _ => Release(connection, Stopwatch.GetTimestamp()), null).Arm(FailurePauseMilliseconds);
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);

    private static byte[] Encode(LoadOptions options, string path)
    {
        var text = new StringBuilder().Append(options.Method).Append(' ').Append(path).Append(" HTTP/1.1\r\nHost: ").Append(options.Host).Append("\r\n");
        foreach (var header in options.Headers)
            text.Append(header).Append("\r\n");
        return Encoding.UTF8.GetBytes(text.Append("\r\n").ToString());
    }

    private bool IsOver(long now) => IsFinished || now >= _stopAt || _due >= _maxRequests;

    private void Release(LoadConnection connection, long now)
    {
        if (!IsOpenLoop)
        {
            if (IsOver(now))
                FinishWhenSettled();
            else
                SendNext(connection);
            return;
        }

        if (_waiting.TryDequeue(out var intendedAt))
        {
            Send(connection, intendedAt);
            return;
        }

        _idle.Enqueue(connection);
        if (IsOver(now))
            FinishWhenSettled();
    }

    private void SendNext(LoadConnection connection)
    {
        _due++;
        Send(connection, Stopwatch.GetTimestamp());
        if (_due >= _maxRequests)
            FinishWhenSettled();
    }

    private void SendDue()
    {
        var now = Stopwatch.GetTimestamp();
        while (!IsFinished && _due < _maxRequests)
        {
            var intendedAt = _startedAt + (long)(_due * (Stopwatch.Frequency / _rate));
            if (intendedAt > now || intendedAt >= _stopAt)
                break;
            _due++;
            if (_idle.TryDequeue(out var connection))
                Send(connection, intendedAt);
            else
                _waiting.Enqueue(intendedAt);
        }

        if (IsOver(now))
            FinishWhenSettled();
    }

    private void Send(LoadConnection connection, long intendedAt)
    {
        var request = _requests[_sent % _requests.Length];
        _sent++;
        connection.Send(request, intendedAt);
    }

    private void StopEarly()
    {
        _stopAt = Math.Min(_stopAt, Stopwatch.GetTimestamp());
        _waiting.Clear();
        FinishWhenSettled();
    }

    private void FinishWhenSettled()
    {
        if (_settled != _sent || _waiting.Count > 0 || IsFinished)
            return;
        IsFinished = true;
        _finished.TrySetResult();
    }
}

/// <summary>What one worker counted.</summary>
internal sealed record LoadTally(
    long Requests,
    long Succeeded,
    IReadOnlyDictionary<int, long> Statuses,
    IReadOnlyDictionary<LoadFailure, long> Failures,
    LatencyHistogram Latencies,
    long ConnectionsOpened,
    long BytesReceived,
    TimeSpan Elapsed);
