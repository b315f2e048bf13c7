using System.Diagnostics;

namespace Lateen.Net;

/// <summary>
/// One thread and what it owns: an epoll, sockets, a timer wheel, buffers, counters. Everything that it owns is touched by its thread alone;
/// other threads come in through <see cref="Post"/> and the InvokeAsync methods, which, with <see cref="StopAsync"/> and the counters'
/// snapshot, are the only members for them.
/// </summary>
/// <remarks>
/// <para>A turn: run posted work, sleep in epoll_wait, read the clock, resume what became ready, fire due timers. Continuations run inline
/// and to their next wait, so code between two awaits is never interleaved with another's. Nothing here may block.</para>
/// <para>An exception that escapes a continuation, timer or posted work is caught at the turn's boundary, counted, told to
/// <see cref="ReactorOptions.UnhandledException"/>, and costs the connection concerned.</para>
/// <para>Work posted by one thread runs in its order; between threads there is none. Work posted by the reactor itself runs in the next
/// turn, after one look at the sockets, so a method that posts itself again and again starves nobody.</para>
/// </remarks>
public sealed class Reactor : IAsyncDisposable
{
    /// <summary>Key of the wake event: a generation that no slot reaches.</summary>
    private const ulong WakeKey = ulong.MaxValue;

    /// <summary>Turns after a forced end in which aborted connections' methods may run to their end. Count; normally two or three suffice.</summary>
    private const int MaxForcedTurns = 256;

    [ThreadStatic]
    private static Reactor? _current;

    private readonly ReactorOptions _options;
    private readonly ReactorClock _clock;
    private readonly EpollQueue _epoll;
    private readonly PollTable _polls = new();
    private readonly WorkQueue _local = new();
    private readonly PostedWork _posted;
    private readonly ReactorSynchronizationContext _synchronization;
    private readonly List<TransportListener> _listeners = [];
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly ReactorTimer _drainDeadline;
    private readonly ITimer? _foreignClockAlarm;
    private int _startState;
    private int _forcedTurns;
    private bool _isForced;

    public Reactor(ReactorOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _clock = new ReactorClock(options.TimeProvider);
        _epoll = new EpollQueue(WakeKey);
        _posted = new PostedWork(_epoll);
        _synchronization = new ReactorSynchronizationContext(this);
        Timers = new TimerWheel(_clock.Milliseconds);
        Buffers = new BufferPool(this, options.MaxBufferBytes);
        _drainDeadline = new ReactorTimer(this, static state => ((Reactor)state!).Force(), this);
        if (!_clock.IsSystem)
        {
            _foreignClockAlarm = options.TimeProvider.CreateTimer(
                static state => ((Reactor)state!)._posted.Nudge(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        _thread = new Thread(Run) { IsBackground = true, Name = $"{options.Name}-{options.Index}" };
    }

    public Reactor()
        : this(new ReactorOptions())
    {
    }

    /// <summary>The reactor whose thread this is, or null.</summary>
    public static Reactor? Current => _current;

    /// <summary>Position within its group.</summary>
    public int Index => _options.Index;

    /// <summary>Monotonic time of this turn. Milliseconds of the time provider, comparable between reactors of one process.</summary>
    public long NowMilliseconds => _clock.Milliseconds;

    /// <summary>As <see cref="NowMilliseconds"/>, in microseconds. For durations that are measured, such as a request's.</summary>
    public long NowMicroseconds => _clock.Microseconds;

    public TimeProvider TimeProvider => _options.TimeProvider;

    public TimerWheel Timers { get; }

    public BufferPool Buffers { get; }

    /// <summary>Pipes for moving bytes between sockets without copying them.</summary>
    public SplicePipePool SplicePipes { get; } = new();

    public ReactorCounters Counters { get; } = new();

    /// <summary>True from the start of <see cref="StopAsync"/>: finish what is in flight, keep nothing alive.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>Raised once, on the reactor, when draining starts; owners of idle connections close them here.</summary>
    public event Action? DrainStarted;

    /// <summary>Completes when the thread has ended.</summary>
    public Task Completion => _stopped.Task;

    /// <summary>Number of the turn; what limits work per turn compares it.</summary>
    public long Turn => Counters.TurnCount;

    internal EpollQueue Epoll => _epoll;

    internal PollTable Polls => _polls;

    /// <summary>Starts the thread. Once.</summary>
    public void Start()
    {
        // Pairs with StopAsync: exactly one of the two decides what becomes of a reactor that never ran.
        if (Interlocked.CompareExchange(ref _startState, 1, 0) != 0)
            throw new InvalidOperationException("A reactor starts once.");
        _thread.Start();
    }

    /// <summary>Runs <paramref name="callback"/> on the reactor's next turn. From any thread; allocates nothing with a cached delegate.</summary>
    /// <returns>False when the reactor has ended; the work will not run.</returns>
    public bool Post(Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return PostItem(new WorkItem(callback, state));
    }

    /// <summary>Runs <paramref name="body"/> on the reactor and brings its result, or exception, to the caller's side.</summary>
    public Task<T> InvokeAsync<T>(Func<T> body) => ReactorInvocation.Start(this, body);

    /// <inheritdoc cref="InvokeAsync{T}(Func{T})"/>
    public Task InvokeAsync(Action body) => ReactorInvocation.Start(this, body);

    /// <inheritdoc cref="InvokeAsync{T}(Func{T})"/>
    public Task InvokeAsync(Func<ValueTask> body) => ReactorInvocation.Start(this, body);

    /// <inheritdoc cref="InvokeAsync{T}(Func{T})"/>
    public Task<T> InvokeAsync<T>(Func<ValueTask<T>> body) => ReactorInvocation.Start(this, body);

    /// <summary>
    /// Starts <paramref name="body"/> now, on this reactor, and lets it run by itself. An exception that escapes it is reported as
    /// unhandled. Owner thread only.
    /// </summary>
    public void Spawn<TState>(Func<TState, ValueTask> body, TState state)
    {
        ArgumentNullException.ThrowIfNull(body);
        VerifyAccess();
        _ = RunGuardedAsync(body, state, null);
    }

    /// <summary>
    /// Drains and ends the reactor: listeners close, <see cref="DrainStarted"/> is raised, open connections may finish until
    /// <paramref name="drain"/> has passed, then they are aborted. From any thread; a second call can only shorten the drain.
    /// </summary>
    /// <returns>Completes when the thread has ended and all descriptors are closed.</returns>
    public Task StopAsync(TimeSpan drain)
    {
        // Pairs with Start.
        if (Interlocked.CompareExchange(ref _startState, 2, 0) == 0)
        {
            Teardown();
            return _stopped.Task;
        }

        Post(static state =>
        {
            var (reactor, allowed) = ((Reactor, TimeSpan))state!;
            reactor.BeginDrain(allowed);
        }, (this, drain));
        return _stopped.Task;
    }

    /// <summary>Ends the reactor without a drain.</summary>
    public async ValueTask DisposeAsync() => await StopAsync(TimeSpan.Zero).ConfigureAwait(false);

    /// <summary>Throws in Debug when the caller is not this reactor's thread.</summary>
    [Conditional("DEBUG")]
    public void VerifyAccess()
    {
        if (_current != this && _startState == 1)
            throw new InvalidOperationException($"{_thread.Name} owns this; Post or InvokeAsync brings work to it.");
    }

    internal bool PostItem(WorkItem item)
    {
        if (_current != this)
            return _posted.Enqueue(item);
        _local.Enqueue(item);
        return true;
    }

    internal void AddListener(TransportListener listener) => _listeners.Add(listener);

    internal void RemoveListener(TransportListener listener) => _listeners.Remove(listener);

    /// <summary>Runs a connection's method, and sees to it that the connection does not outlive it.</summary>
    internal void RunConnection(Func<TransportConnection, ValueTask> handler, TransportConnection connection) =>
        _ = RunGuardedAsync(handler, connection, connection);

    internal void ReportUnhandled(Exception exception, TransportConnection? connection)
    {
        Counters.UnhandledCount++;
        _options.UnhandledException?.Invoke(exception, connection);
    }

    private async Detached RunGuardedAsync<TState>(Func<TState, ValueTask> body, TState state, TransportConnection? connection)
    {
        try
        {
            await body(state);
        }
        catch (Exception exception)
        {
            // The connection's edge: a bug costs this connection, is counted and told, and the reactor goes on.
            connection?.Abort();
            ReportUnhandled(exception, connection);
        }
        finally
        {
            connection?.Dispose();
        }
    }

    private void Run()
    {
        _current = this;
        SynchronizationContext.SetSynchronizationContext(_synchronization);
        while (!IsFinished())
        {
            Counters.TurnCount++;
            RunPosted();
            var count = _epoll.Wait(SleepMilliseconds());
            _clock.Refresh();
            Timers.SetNow(_clock.Milliseconds);
            Counters.EventCount += count;
            for (var i = 0; i < count; i++)
                Dispatch(_epoll.KeyAt(i), _epoll.EventsAt(i));
            FireTimers();
        }

        Teardown();
        _current = null;
    }

    private void Dispatch(ulong key, uint events)
    {
        if (key == WakeKey)
            return;
        var target = _polls.Resolve(key);
        if (target is null)
        {
            Counters.StaleEventCount++;
            return;
        }

        try
        {
            target.OnEvents(events);
        }
        catch (Exception exception)
        {
            target.Break();
            ReportUnhandled(exception, target.AsConnection);
        }
    }

    private void RunPosted()
    {
        // Only what is there now: work that posts more work waits for its next turn, after the sockets had theirs.
        for (var remaining = _local.Count; remaining > 0; remaining--)
            RunItem(_local.Dequeue());
        _local.TrimIfEmpty();
        var taken = _posted.Take();
        if (taken is null)
            return;
        while (taken.Count > 0)
            RunItem(taken.Dequeue());
        taken.TrimIfEmpty();
    }

    private void RunItem(WorkItem item)
    {
        Counters.PostedCount++;
        try
        {
            item.Run();
        }
        catch (Exception exception)
        {
            // A connection's queued resumption is that connection's code: it costs the connection here as it would in its own event.
            var target = item.State as IPollTarget;
            target?.Break();
            ReportUnhandled(exception, target?.AsConnection);
        }
    }

    private void FireTimers()
    {
        Timers.Advance();
        while (Timers.TakeExpired() is { } timer)
        {
            Counters.TimerCount++;
            try
            {
                timer.OnExpired();
            }
            catch (Exception exception)
            {
                ReportUnhandled(exception, null);
            }
        }
    }

    private int SleepMilliseconds()
    {
        // A drain that this turn's work brought to its end must not sleep once more.
        if (_local.Count > 0 || (IsDraining && _polls.Count == 0))
            return 0;
        // Counted from the turn's clock: late by the turn's length at most, and one read of the clock spared.
        if (_foreignClockAlarm is null)
            return (int)Math.Min(Timers.MillisecondsToNextTick(_clock.Milliseconds), int.MaxValue);
        return SleepByForeignClock(_foreignClockAlarm);
    }

    /// <summary>A fake clock does not move while we sleep: its own timer ends the sleep, through the wake event.</summary>
    private int SleepByForeignClock(ITimer alarm)
    {
        while (true)
        {
            _clock.Refresh();
            var due = Timers.MillisecondsToNextTick(_clock.Milliseconds);
            if (due == 0)
                return 0;
            alarm.Change(due < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(due), Timeout.InfiniteTimeSpan);
            // Order matters: the clock may have been moved between its reading and the alarm's setting, which would then ring too late.
            var before = _clock.Milliseconds;
            _clock.Refresh();
            if (_clock.Milliseconds == before)
                return -1;
        }
    }

    private void BeginDrain(TimeSpan allowed)
    {
        if (!IsDraining)
        {
            IsDraining = true;
            foreach (var listener in _listeners.ToArray())
                listener.CloseOnReactor();
            DrainStarted?.Invoke();
            DrainUntil = long.MaxValue;
        }

        var until = _clock.Milliseconds + Math.Max((long)allowed.TotalMilliseconds, 0);
        if (until >= DrainUntil)
            return;
        DrainUntil = until;
        if (allowed <= TimeSpan.Zero)
            Force();
        else
            _drainDeadline.Arm(allowed);
    }

    private long DrainUntil { get; set; }

    private void Force()
    {
        if (_isForced)
            return;
        _isForced = true;
        foreach (var target in _polls.Snapshot())
            target.Break();
    }

    private bool IsFinished()
    {
        if (!IsDraining || _polls.Count > 0)
            return false;
        // Methods of closed connections still have to be resumed with false, so that their finally blocks return what they hold.
        return _local.Count == 0 || (_isForced && ++_forcedTurns > MaxForcedTurns);
    }

    private void Teardown()
    {
        _posted.Close();
        _foreignClockAlarm?.Dispose();
        foreach (var line in Buffers.DescribeRented())
            _options.BufferLeaked?.Invoke(line);
        Buffers.Free();
        SplicePipes.Free();
        _epoll.Dispose();
        _stopped.TrySetResult();
    }
}
