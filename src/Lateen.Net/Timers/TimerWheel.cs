using System.Numerics;

namespace Lateen.Net;

/// <summary>
/// The timers of one reactor, as a hashed wheel.
/// </summary>
/// <remarks>
/// <para>Problem: a proxy arms and cancels several timeouts per request, and nearly none of them ever fires. A heap costs O(log n) for each
/// of these; a wheel costs a pointer swap.</para>
/// <para>Choice: time is cut in grains of 16 ms; a timer hangs in the slot of its due tick modulo 2,048 (32.8 s a revolution), in a doubly
/// linked list, so that cancelling needs no search. A timer of a later revolution is met once per revolution and left where it is: an
/// hour's idle timeout is looked at 110 times. Scheme 6 of Varghese and Lauck, "Hashed and hierarchical timing wheels", 1987.</para>
/// <para>Re-arming to a later time only stores the new due tick; the timer is hung into its right slot when its old one comes by. Re-arming
/// to an earlier one moves it at once.</para>
/// <para>Sleeping: one bit per slot says whether it is occupied, so the next tick worth waking for is found in at most 33 word scans. It may
/// belong to a later revolution; then the reactor wakes for nothing, at most once per occupied slot and revolution.</para>
/// <para>Expired timers move to a list of their own before the first callback runs, and leave it one by one: a callback may arm or cancel
/// any timer, its neighbours included.</para>
/// </remarks>
public sealed class TimerWheel
{
    /// <summary>Resolution. Milliseconds. 16 ms is far below any timeout that people configure and keeps an idle reactor asleep.</summary>
    public const int GrainMilliseconds = 1 << GrainShift;

    private const int GrainShift = 4;
    private const int SlotCount = 2048;
    private const int SlotMask = SlotCount - 1;

    /// <summary>The list of timers that are due and wait for their callback within this turn.</summary>
    private const int ExpiredSlot = SlotCount;

    private readonly ReactorTimer?[] _heads = new ReactorTimer?[SlotCount + 1];
    private readonly ulong[] _occupied = new ulong[SlotCount / 64];
    private long _nowMilliseconds;
    private long _currentTick;

    internal TimerWheel(long nowMilliseconds)
    {
        _nowMilliseconds = nowMilliseconds;
        _currentTick = nowMilliseconds >> GrainShift;
    }

    /// <summary>Timers that are armed now.</summary>
    public int ArmedCount { get; private set; }

    internal void Arm(ReactorTimer timer, long milliseconds)
    {
        // Rounded up, and never in the tick that is being processed: a timer is late by up to a grain, not early.
        var due = (_nowMilliseconds + Math.Max(milliseconds, 0) + GrainMilliseconds - 1) >> GrainShift;
        due = Math.Max(due, _currentTick + 1);
        if (timer.Slot == ReactorTimer.Unlinked)
        {
            ArmedCount++;
        }
        else
        {
            if (timer.Slot != ExpiredSlot && due >= timer.DueTick)
            {
                timer.DueTick = due;
                return;
            }

            Unlink(timer);
        }

        timer.DueTick = due;
        Link(timer, (int)(due & SlotMask));
    }

    internal void Cancel(ReactorTimer timer)
    {
        if (timer.Slot == ReactorTimer.Unlinked)
            return;
        Unlink(timer);
        ArmedCount--;
    }

    /// <summary>The turn's clock: what deadlines armed from now on count from.</summary>
    internal void SetNow(long nowMilliseconds) => _nowMilliseconds = nowMilliseconds;

    /// <summary>
    /// Moves the wheel to the turn's time and collects what fell due; <see cref="TakeExpired"/> hands them out.
    /// </summary>
    internal void Advance()
    {
        var target = _nowMilliseconds >> GrainShift;
        if (target <= _currentTick)
            return;
        if (ArmedCount > 0)
        {
            // After a long sleep each slot is looked at once, not once per tick that went by.
            var steps = Math.Min(target - _currentTick, SlotCount);
            for (var tick = target - steps + 1; tick <= target; tick++)
            {
                var slot = (int)(tick & SlotMask);
                if (_heads[slot] is not null)
                    CollectSlot(slot, target);
            }
        }

        _currentTick = target;
    }

    /// <summary>The next due timer, no longer armed; null when there is none.</summary>
    internal ReactorTimer? TakeExpired()
    {
        var timer = _heads[ExpiredSlot];
        if (timer is null)
            return null;
        Unlink(timer);
        ArmedCount--;
        return timer;
    }

    /// <summary>How long the reactor may sleep before the wheel has work. Milliseconds; -1 for ever.</summary>
    internal long MillisecondsToNextTick(long nowMilliseconds)
    {
        if (ArmedCount == 0)
            return -1;
        var start = (int)((_currentTick + 1) & SlotMask);
        var distance = DistanceToOccupied(start);
        var wakeAt = (_currentTick + 1 + distance) << GrainShift;
        return Math.Max(wakeAt - nowMilliseconds, 0);
    }

    private int DistanceToOccupied(int start)
    {
        var word = start >> 6;
        var bits = _occupied[word] & (ulong.MaxValue << (start & 63));
        for (var scanned = 0; scanned <= _occupied.Length; scanned++)
        {
            if (bits != 0)
            {
                var slot = (word << 6) + BitOperations.TrailingZeroCount(bits);
                return (slot - start) & SlotMask;
            }

            word = (word + 1) % _occupied.Length;
            bits = _occupied[word];
        }

        return SlotCount;
    }

    private void CollectSlot(int slot, long target)
    {
        for (var timer = _heads[slot]; timer is not null;)
        {
            var next = timer.Next;
            if (timer.DueTick <= target)
            {
                Unlink(timer);
                Link(timer, ExpiredSlot);
            }
            else if ((timer.DueTick & SlotMask) != slot)
            {
                Unlink(timer);
                Link(timer, (int)(timer.DueTick & SlotMask));
            }

            timer = next;
        }
    }

    private void Link(ReactorTimer timer, int slot)
    {
        var head = _heads[slot];
        timer.Slot = slot;
        timer.Next = head;
        if (head is not null)
            head.Previous = timer;
        else if (slot != ExpiredSlot)
            _occupied[slot >> 6] |= 1UL << (slot & 63);
        _heads[slot] = timer;
    }

    private void Unlink(ReactorTimer timer)
    {
        var slot = timer.Slot;
        if (timer.Previous is null)
            _heads[slot] = timer.Next;
        else
            timer.Previous.Next = timer.Next;
        if (timer.Next is not null)
            timer.Next.Previous = timer.Previous;
        if (_heads[slot] is null && slot != ExpiredSlot)
            _occupied[slot >> 6] &= ~(1UL << (slot & 63));
        timer.Next = null;
        timer.Previous = null;
        timer.Slot = ReactorTimer.Unlinked;
    }
}
