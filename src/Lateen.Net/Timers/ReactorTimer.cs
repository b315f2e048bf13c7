using System.Diagnostics;

namespace Lateen.Net;

/// <summary>
/// A one-shot timer on a reactor's wheel. Create it once, arm it as often as needed: arming, re-arming and cancelling are O(1) and
/// allocate nothing. Either give it a callback, or derive from it and override <see cref="OnExpired"/>, which spares an object.
/// </summary>
/// <remarks>
/// Owner thread only. Runs on the reactor, at the end of a turn, not before the time asked for and at most one grain
/// (<see cref="TimerWheel.GrainMilliseconds"/>) plus one turn after it. Timers of the same grain run in no particular order.
/// An armed timer is held by the wheel; a timer that is not armed costs only itself.
/// </remarks>
public class ReactorTimer
{
    /// <summary>Not linked into any slot of the wheel.</summary>
    internal const int Unlinked = -1;

    private readonly Action<object?>? _callback;
    private readonly object? _state;

    internal ReactorTimer? Next;
    internal ReactorTimer? Previous;
    internal int Slot = Unlinked;

    /// <summary>Tick at which it falls due; with lazy re-arming it may lie later than its slot's.</summary>
    internal long DueTick;

    public ReactorTimer(Reactor reactor, Action<object?> callback, object? state)
        : this(reactor)
    {
        ArgumentNullException.ThrowIfNull(callback);
        _callback = callback;
        _state = state;
    }

    /// <summary>For a derived type, which overrides <see cref="OnExpired"/>.</summary>
    protected ReactorTimer(Reactor reactor)
    {
        ArgumentNullException.ThrowIfNull(reactor);
        Reactor = reactor;
    }

    public Reactor Reactor { get; }

    public bool IsArmed => Slot != Unlinked;

    /// <summary>
    /// Sets or moves the deadline to <paramref name="milliseconds"/> from the turn's start. Zero or less falls due in the next grain.
    /// Moving a deadline later, as every request does with an idle timeout, is one store: the wheel moves the timer when it comes by.
    /// </summary>
    public void Arm(long milliseconds)
    {
        Reactor.VerifyAccess();
        Reactor.Timers.Arm(this, milliseconds);
    }

    /// <inheritdoc cref="Arm(long)"/>
    public void Arm(TimeSpan delay) => Arm((long)Math.Ceiling(delay.TotalMilliseconds));

    /// <summary>Takes the deadline back; nothing when it is not armed. After it the callback does not run.</summary>
    public void Cancel()
    {
        Reactor.VerifyAccess();
        Reactor.Timers.Cancel(this);
    }

    /// <summary>Runs when the deadline has passed. The timer is not armed then and may be armed again from here.</summary>
    protected internal virtual void OnExpired()
    {
        Debug.Assert(_callback is not null, "A timer without a callback overrides OnExpired.");
        _callback(_state);
    }
}
