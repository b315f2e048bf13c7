using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Lateen.Http;

/// <summary>
/// A dynamic table, RFC 7541 sections 2.3.2 and 4: entries go in at one end and are evicted at the other. Their bytes lie one after the other
/// in one array that grows as it is used and is never larger than twice the table; an unused table holds nothing.
/// </summary>
/// <remarks>Entries are known by their number, counted from the first that was ever added, because numbers stay while indices move.</remarks>
internal sealed class HpackDynamicTable
{
    /// <summary>What an entry counts beside its octets, section 4.1.</summary>
    internal const int EntryOverhead = 32;

    private const int InitialBytes = 512;
    private const int InitialEntries = 16;

    private byte[] _bytes = [];
    private Entry[] _entries = [];
    private int _start;
    private int _end;
    private long _oldest;
    private long _next;

    /// <summary>Octets that the table counts now.</summary>
    internal int Size { get; private set; }

    /// <summary>Octets that it may count.</summary>
    internal int MaxSize { get; private set; }

    internal int Count => (int)(_next - _oldest);

    /// <summary>The number that the next entry gets.</summary>
    internal long NextNumber => _next;

    internal long OldestNumber => _oldest;

    /// <summary>Bytes of memory, for the accounting of the owner.</summary>
    internal int ResidentBytes => _bytes.Length + (_entries.Length * Unsafe.SizeOf<Entry>());

    /// <summary>Sets the limit and evicts what is above it (section 4.3).</summary>
    internal void Resize(int maxSize)
    {
        MaxSize = maxSize;
        Evict(0);
    }

    /// <summary>The entry at an index of section 2.3.3, counted from 0 for the newest.</summary>
    internal ref readonly Entry AtIndex(int index) => ref At(_next - 1 - index);

    /// <summary>The entry with a number.</summary>
    internal ref readonly Entry At(long number) => ref _entries[(int)number & (_entries.Length - 1)];

    internal ReadOnlySpan<byte> NameOf(in Entry entry) => _bytes.AsSpan(entry.Start, entry.NameLength);

    internal ReadOnlySpan<byte> ValueOf(in Entry entry) => _bytes.AsSpan(entry.Start + entry.NameLength, entry.ValueLength);

    /// <summary>
    /// Adds an entry and evicts the oldest for it; one that is larger than the table empties it and is not kept (section 4.4). Name and
    /// value must not lie in this table.
    /// </summary>
    /// <param name="previous">A number that the owner wants to find again with the entry.</param>
    /// <returns>True when it was kept.</returns>
    internal bool Add(KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, long previous = -1)
    {
        int octets = name.Length + value.Length;
        int size = octets + EntryOverhead;
        Evict(size);
        if (size > MaxSize) return false;
        MakeRoom(octets);
        name.CopyTo(_bytes.AsSpan(_end));
        value.CopyTo(_bytes.AsSpan(_end + name.Length));
        _entries[(int)_next & (_entries.Length - 1)] = new Entry
        {
            Start = _end,
            NameLength = name.Length,
            ValueLength = value.Length,
            Id = id,
            Previous = previous,
        };
        _next++;
        _end += octets;
        Size += size;
        return true;
    }

    private void Evict(int needed)
    {
        while (Size > 0 && Size + needed > MaxSize)
        {
            ref readonly Entry entry = ref At(_oldest++);
            _start = entry.Start + entry.NameLength + entry.ValueLength;
            Size -= entry.NameLength + entry.ValueLength + EntryOverhead;
        }

        if (_oldest == _next) _start = _end = 0;
    }

    private void MakeRoom(int octets)
    {
        int count = Count;
        if (count == _entries.Length)
        {
            var entries = new Entry[Math.Max(InitialEntries, count * 2)];
            for (long number = _oldest; number < _next; number++) entries[(int)number & (entries.Length - 1)] = At(number);
            _entries = entries;
        }

        if (_end + octets <= _bytes.Length) return;
        int live = _end - _start;
        byte[] target = _bytes;
        // Moving to the front must win at least half of the array, or each entry would move all the others.
        if ((live + octets) * 2 > _bytes.Length)
            target = new byte[Math.Max(InitialBytes, Math.Min((live + octets) * 4, Math.Max(MaxSize * 2, (live + octets) * 2)))];
        _bytes.AsSpan(_start, live).CopyTo(target);
        for (long number = _oldest; number < _next; number++) _entries[(int)number & (_entries.Length - 1)].Start -= _start;
        _bytes = target;
        _start = 0;
        _end = live;
    }

    /// <summary>Where an entry lies.</summary>
    [StructLayout(LayoutKind.Auto)]
    internal struct Entry
    {
        public long Previous;
        public int Start;
        public int NameLength;
        public int ValueLength;
        public KnownHeader Id;
    }
}
