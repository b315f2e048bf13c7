using Lateen.Net;

namespace Lateen.Proxy.Forwarding;

/// <summary>Which deadline of an exchange has passed.</summary>
internal enum DeadlineKind : byte
{
    None,

    /// <summary>The pause before a retry is over.</summary>
    BackOff,

    /// <summary>The server of a tunnel had its time to end before it hears that the client has.</summary>
    HalfClose,

    /// <summary>One attempt has taken too long.</summary>
    Attempt,

    /// <summary>The route's time is up, retries included.</summary>
    Route,

    /// <summary>The request did not come whole in time.</summary>
    Request,

    /// <summary>The client took nothing of what waits for it for too long.</summary>
    Flush,

    /// <summary>Nothing moved for too long.</summary>
    Idle,

    /// <summary>The exchange lived for as long as it may.</summary>
    Duration,
}

/// <summary>
/// All deadlines of one exchange on one timer. Setting one is a store; the timer is moved once per turn and fires when the nearest is due.
/// </summary>
/// <remarks>
/// Owner thread only. The timer is not cancelled when an exchange ends: the next one moves it, which is cheaper, and one that fires for
/// nobody is ignored.
/// </remarks>
internal sealed class ExchangeDeadlines(Reactor reactor) : ReactorTimer(reactor)
{
    private const long Never = long.MaxValue;

    private WakeSignal? _owner;
    private long _backOffAt = Never;
    private long _attemptAt = Never;
    private long _routeAt = Never;
    private long _requestAt = Never;
    private long _durationAt = Never;
    private long _halfCloseAt = Never;
    private long _flushAt = Never;
    private long _idleMilliseconds;
    private long _movedAt;

    /// <summary>Starts without any deadline.</summary>
    public void Begin(WakeSignal owner)
    {
        _owner = owner;
        _backOffAt = _attemptAt = _routeAt = _requestAt = _durationAt = _halfCloseAt = _flushAt = Never;
        _idleMilliseconds = 0;
        _movedAt = Reactor.NowMilliseconds;
    }

    public void End() => _owner = null;

    // Each takes milliseconds from now; 0 or less takes the deadline off.
    public void SetBackOff(long milliseconds) => _backOffAt = At(Math.Max(milliseconds, 1));

    public void ClearBackOff() => _backOffAt = Never;

    /// <summary>Unlike the others it is not moved by being set again.</summary>
    public void StartHalfClose(long milliseconds)
    {
        if (_halfCloseAt == Never) _halfCloseAt = At(milliseconds);
    }

    public void ClearHalfClose() => _halfCloseAt = Never;

    /// <summary>As <see cref="StartHalfClose"/>: the client takes nothing from now on.</summary>
    public void StartFlush(long milliseconds)
    {
        if (_flushAt == Never) _flushAt = At(milliseconds);
    }

    public void ClearFlush() => _flushAt = Never;

    public void SetAttempt(long milliseconds) => _attemptAt = At(milliseconds);

    public void SetRoute(long milliseconds) => _routeAt = At(milliseconds);

    public void SetRequest(long milliseconds) => _requestAt = At(milliseconds);

    public void SetDuration(long milliseconds) => _durationAt = At(milliseconds);

    /// <summary>An answer is there: only its own progress and the life of the exchange count from now on.</summary>
    public void OnAnswer()
    {
        _backOffAt = _attemptAt = _routeAt = _requestAt = Never;
        _movedAt = Reactor.NowMilliseconds;
    }

    public void SetIdle(long milliseconds) => _idleMilliseconds = milliseconds;

    /// <summary>Something moved: the idle time starts again.</summary>
    public void Touch() => _movedAt = Reactor.NowMilliseconds;

    /// <summary>The deadline that has passed, the most specific first; none in the common case.</summary>
    public DeadlineKind Passed()
    {
        long now = Reactor.NowMilliseconds;
        if (now < Nearest()) return DeadlineKind.None;
        if (now >= _durationAt) return DeadlineKind.Duration;
        if (now >= _routeAt) return DeadlineKind.Route;
        if (now >= _attemptAt) return DeadlineKind.Attempt;
        if (now >= _requestAt) return DeadlineKind.Request;
        if (now >= _halfCloseAt) return DeadlineKind.HalfClose;
        if (now >= _flushAt) return DeadlineKind.Flush;
        return now >= _backOffAt ? DeadlineKind.BackOff : DeadlineKind.Idle;
    }

    /// <summary>Moves the timer to the nearest deadline. Called before the exchange waits.</summary>
    public void Rearm()
    {
        long nearest = Nearest();
        if (nearest != Never) Arm(nearest - Reactor.NowMilliseconds);
    }

    protected override void OnExpired() => _owner?.Wake();

    private long At(long milliseconds) => milliseconds > 0 ? Reactor.NowMilliseconds + milliseconds : Never;

    private long Nearest()
    {
        long nearest = Math.Min(Math.Min(_backOffAt, _attemptAt), Math.Min(_routeAt, _requestAt));
        nearest = Math.Min(nearest, Math.Min(Math.Min(_durationAt, _halfCloseAt), _flushAt));
        return _idleMilliseconds > 0 ? Math.Min(nearest, _movedAt + _idleMilliseconds) : nearest;
    }
}
