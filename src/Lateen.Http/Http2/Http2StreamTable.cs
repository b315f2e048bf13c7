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
        int hole = (stream.Id >> 1) & mask;
        while (_slots[hole] != stream) hole = (hole + 1) & mask;
        Count--;

        // What was pushed along moves back, so that no search ends early; nothing behind a stream that stands where it belongs was pushed past it.
        while (true)
        {
            int at = (hole + 1) & mask;
            if (_slots[at] is not { } next || Pushed(next, at) == 0) break;
            _slots[hole] = next;
            hole = at;
        }

        _slots[hole] = null;
    }

    /// <summary>
    /// Any stream with a greater identifier, or null: for walks that take out each stream that they get. A walk of all is one round of the slots and
    /// the one that finds nothing more, since what moves up when a stream goes moves to where the walk stands or behind.
    /// </summary>
    /// <param name="slot">Where the walk stands; 0 at its beginning.</param>
    internal Http2Stream? FindAbove(int id, ref int slot)
    {
        if (Count == 0) return null;
        for (int looked = 0; looked < _slots.Length; looked++)
        {
            if (_slots[slot] is { } stream && stream.Id > id) return stream;
            slot = (slot + 1) & (_slots.Length - 1);
        }

        return null;
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

    /// <summary>Whoever was pushed along less gives way, which keeps streams in the order of their homes and <see cref="Remove"/> short.</summary>
    private void Place(Http2Stream stream)
    {
        int mask = _slots.Length - 1;
        int at = (stream.Id >> 1) & mask;
        for (int pushed = 0; _slots[at] is { } other; at = (at + 1) & mask, pushed++)
        {
            int otherPushed = Pushed(other, at);
            if (otherPushed >= pushed) continue;
            _slots[at] = stream;
            stream = other;
            pushed = otherPushed;
        }

        _slots[at] = stream;
    }

    /// <summary>How many slots behind its home a stream stands.</summary>
    private int Pushed(Http2Stream stream, int at) => (at - (stream.Id >> 1)) & (_slots.Length - 1);
}
