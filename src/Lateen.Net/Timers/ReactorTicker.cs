using Lateen.Net.Interop;

namespace Lateen.Net;

/// <summary>
/// A periodic wake of the kernel's precision (timerfd, some tens of microseconds), where the wheel's grain of 16 ms is too coarse: pacing
/// of an open-loop load, for example. Costs a descriptor and a system call per tick; timeouts belong on the wheel.
/// </summary>
/// <remarks>Owner thread only. Real time, whatever the reactor's time provider. Ticks that were missed come as one.</remarks>
public sealed unsafe class ReactorTicker : IPollTarget, IDisposable
{
    private const int Closed = -1;

    private readonly Reactor _reactor;
    private readonly Action<object?> _callback;
    private readonly object? _state;
    private readonly ulong _pollKey;
    private int _descriptor;

    /// <summary>Starts ticking; the first tick comes one period from now.</summary>
    /// <exception cref="InvalidOperationException">The system has no descriptor left.</exception>
    public ReactorTicker(Reactor reactor, TimeSpan period, Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        ArgumentNullException.ThrowIfNull(callback);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        reactor.VerifyAccess();
        _reactor = reactor;
        _callback = callback;
        _state = state;
        _descriptor = LibC.TimerCreate(Linux.ClockMonotonic, Linux.TimerNonBlock | Linux.TimerCloseOnExec);
        if (_descriptor < 0)
            throw new InvalidOperationException($"timerfd_create failed with errno {Errno.Last}.");
        var (seconds, ticks) = Math.DivRem(period.Ticks, TimeSpan.TicksPerSecond);
        var nanoseconds = ticks * TimeSpan.NanosecondsPerTick;
        var specification = new LibC.TimerSpecification
        {
            PeriodSeconds = seconds,
            PeriodNanoseconds = nanoseconds,
            FirstSeconds = seconds,
            FirstNanoseconds = nanoseconds,
        };
        LibC.TimerSet(_descriptor, 0, &specification, null);
        _pollKey = reactor.Polls.Add(this);
        reactor.Epoll.Add(_descriptor, Linux.EpollIn, _pollKey);
    }

    TransportConnection? IPollTarget.AsConnection => null;

    void IPollTarget.OnEvents(uint events)
    {
        // Reading the count is what makes the kernel start the next period.
        ulong expirations;
        if (LibC.Read(_descriptor, &expirations, sizeof(ulong)) > 0)
            _callback(_state);
    }

    void IPollTarget.Break() => Dispose();

    /// <summary>Stops ticking. Idempotent.</summary>
    public void Dispose()
    {
        if (_descriptor == Closed)
            return;
        _reactor.VerifyAccess();
        _reactor.Polls.Remove(_pollKey);
        LibC.Close(_descriptor);
        _descriptor = Closed;
    }
}
