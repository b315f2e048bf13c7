namespace Lateen.Translation;

/// <summary>
/// Remembers what was made of which inputs. Each slot (a stable identity, such as the name of a cluster and for whom) holds the last result and the
/// inputs it came from; the same inputs get the same result back, changed ones replace it. So the memory is bounded by what exists, not by how
/// often it changed, and slots that a whole round did not ask for are dropped.
/// </summary>
/// <remarks>
/// Not thread-safe: one worker translates. The result is a pure function of the inputs, so the memo is invisible but for speed.
/// </remarks>
internal sealed class Memo<TSlot, TInputs, TResult>(IEqualityComparer<TSlot>? comparer = null)
    where TSlot : notnull
    where TResult : class
{
    private readonly Dictionary<TSlot, Entry> _entries = new(comparer);
    private long _round;

    public int Count => _entries.Count;

    /// <summary>The result for these inputs: the remembered one when <paramref name="isSame"/> says that nothing changed.</summary>
    public TResult Get<TState>(TSlot slot, TInputs inputs, TState state, Func<TInputs, TInputs, TState, bool> isSame, Func<TSlot, TInputs, TState, (TInputs Kept, TResult Result)> make)
    {
        if (_entries.TryGetValue(slot, out var entry) && isSame(entry.Inputs, inputs, state))
        {
            entry.Round = _round;
            return entry.Result;
        }

        var (kept, result) = make(slot, inputs, state);
        _entries[slot] = new Entry(kept, result) { Round = _round };
        return result;
    }

    /// <summary>Counts as asking for what is remembered there, when it is known without asking that nothing changed.</summary>
    public void Keep(TSlot slot)
    {
        if (_entries.TryGetValue(slot, out var entry)) entry.Round = _round;
    }

    /// <summary>Drops what the round that ends did not ask for, and begins the next.</summary>
    public void EndRound()
    {
        foreach (var (slot, entry) in _entries)
        {
            // Removing while enumerating is allowed for Dictionary.
            if (entry.Round != _round) _entries.Remove(slot);
        }

        _round++;
    }

    private sealed class Entry(TInputs inputs, TResult result)
    {
        public TInputs Inputs { get; } = inputs;

        public TResult Result { get; } = result;

        public long Round { get; set; }
    }
}
