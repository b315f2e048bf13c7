namespace Lateen.Net;

/// <summary>Something whose descriptor is registered with a reactor's epoll.</summary>
internal interface IPollTarget
{
    /// <summary>Takes the readiness that the kernel reports. <paramref name="events"/> are EPOLL bits.</summary>
    void OnEvents(uint events);

    /// <summary>A bug's exception escaped from this target's turn, or the reactor is being forced to end: close at once.</summary>
    void Break();

    /// <summary>What the reactor names in its report of an unhandled exception; null for internals.</summary>
    TransportConnection? AsConnection { get; }
}

/// <summary>
/// Who is registered with the epoll, by key: slot in the low half, generation in the high half.
/// </summary>
/// <remarks>
/// One batch from epoll_wait may hold an event for a descriptor that an earlier event's continuation closed, and whose number (or slot)
/// a new connection of the same turn already has. The kernel's event carries the key as it was at registration; the slot's generation has
/// moved on since, so the event resolves to nobody and is dropped.
/// </remarks>
internal sealed class PollTable
{
    private const int NoSlot = -1;

    private Slot[] _slots = new Slot[64];
    private int _used;
    private int _firstFree = NoSlot;

    internal int Count { get; private set; }

    internal ulong Add(IPollTarget target)
    {
        int index;
        if (_firstFree != NoSlot)
        {
            index = _firstFree;
            _firstFree = _slots[index].NextFree;
        }
        else
        {
            if (_used == _slots.Length)
                Array.Resize(ref _slots, _slots.Length * 2);
            index = _used++;
        }

        ref var slot = ref _slots[index];
        slot.Target = target;
        Count++;
        return ((ulong)slot.Generation << 32) | (uint)index;
    }

    internal void Remove(ulong key)
    {
        var index = (int)(uint)key;
        ref var slot = ref _slots[index];
        if (slot.Generation != (uint)(key >> 32) || slot.Target is null)
            return;
        slot.Target = null;
        slot.Generation++;
        slot.NextFree = _firstFree;
        _firstFree = index;
        Count--;
    }

    /// <summary>The target that was given this key, or null when it was removed since.</summary>
    internal IPollTarget? Resolve(ulong key)
    {
        ref var slot = ref _slots[(int)(uint)key];
        return slot.Generation == (uint)(key >> 32) ? slot.Target : null;
    }

    /// <summary>All targets of the moment, for the forced end.</summary>
    internal List<IPollTarget> Snapshot()
    {
        var targets = new List<IPollTarget>(Count);
        for (var i = 0; i < _used; i++)
        {
            if (_slots[i].Target is { } target)
                targets.Add(target);
        }

        return targets;
    }

    private struct Slot
    {
        internal IPollTarget? Target;
        internal uint Generation;
        internal int NextFree;
    }
}
