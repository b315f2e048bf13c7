namespace Lateen.Http;

/// <summary>
/// The streams of a connection that are not closed, by identifier: open addressing with linear probing, since identifiers are consecutive
/// and a slot is therefore nearly always found at once. Empty tables hold no memory.
/// </summary>
internal sealed class Http2StreamTable
{
    private const int InitialSlots = 8;

    private Http2Stream?[] _slots = [];

    internal int Count { get; private set; }

    internal Http2Stream? Find(int id)
    {
        if (Count == 0) return null;
        int mask = _slots.Length - 1;
        for (int at = (id >> 1) & mask; ; at = (at + 1) & mask)
        {
            Http2Stream? stream = _slots[at];
            if (stream is null || stream.Id == id) return stream;
        }
    }

    internal void Add(Http2Stream stream)
    {
        if (Count * 2 >= _slots.Length) Grow();
        Place(stream);
        Count++;
    }

    internal void Remove(Http2Stream stream)
    {
        int mask = _slots.Length - 1;
        int at = (stream.Id >> 1) & mask;
        while (_slots[at] != stream) at = (at + 1) & mask;
        Count--;

        // What was pushed along by the removed one moves back, so that no search ends early.
        int hole = at;
        while (true)
        {
            at = (at + 1) & mask;
            Http2Stream? next = _slots[at];
            if (next is null) break;
            int home = (next.Id >> 1) & mask;
            if (((at - home) & mask) < ((at - hole) & mask)) continue;
            _slots[hole] = next;
            hole = at;
        }

        _slots[hole] = null;
    }

    /// <summary>Any stream that satisfies the condition, or null: for walks during which streams may go.</summary>
    internal Http2Stream? FindAny(int aboveId)
    {
        if (Count == 0) return null;
        Http2Stream? lowest = null;
        foreach (Http2Stream? stream in _slots)
            if (stream is not null && stream.Id > aboveId && (lowest is null || stream.Id < lowest.Id)) lowest = stream;
        return lowest;
    }

    /// <summary>The slots, for walks during which nothing changes; empty ones are null.</summary>
    internal ReadOnlySpan<Http2Stream?> Slots => _slots;

    private void Grow()
    {
        Http2Stream?[] old = _slots;
        _slots = new Http2Stream?[Math.Max(InitialSlots, old.Length * 2)];
        foreach (Http2Stream? stream in old)
            if (stream is not null) Place(stream);
    }

    private void Place(Http2Stream stream)
    {
        int mask = _slots.Length - 1;
        int at = (stream.Id >> 1) & mask;
        while (_slots[at] is not null) at = (at + 1) & mask;
        _slots[at] = stream;
    }
}
