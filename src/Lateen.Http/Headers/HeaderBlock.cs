using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Lateen.Http;

/// <summary>
/// An ordered list of header fields in one growable byte store with an index beside it. Original case and order are kept, known names
/// carry their id, and nothing here makes a string. It is reused from message to message: in steady state it allocates nothing.
/// </summary>
/// <remarks>
/// Owned by one thread at a time. A changed or added field is appended to the store and the index points there; the bytes of what it
/// replaces stay until the message is reset, so a message costs at most what was ever put in it. Fields that lie in the store as they
/// go on the wire are written with one copy for a whole run of them.
/// Names and values that are added must be legal on the wire; a CR, LF or NUL in them is a bug of the caller and throws, because it
/// would let one message become two.
/// </remarks>
public sealed class HeaderBlock
{
    /// <summary>Bytes that one block may ever hold. A message limit is far lower; reaching this means that a rule grows a message without end.</summary>
    public const int MaxStoreBytes = 16 * 1024 * 1024;

    /// <summary>Octets that a field's name may have: the index has 16 bits for them. Whoever reads names off the wire refuses a longer one.</summary>
    internal const int MaxNameOctets = ushort.MaxValue;

    /// <summary>
    /// Store bytes that a block owns and keeps for its next message. A larger store is lent by the shared pool until the reset: a huge head
    /// must not stay resident, and clients that always send one must not cost garbage.
    /// </summary>
    public const int RetainedBytes = 8 * 1024;

    /// <summary>The least that is borrowed. Holds any head under the default limit, so that a growing store is borrowed once.</summary>
    private const int BorrowedBytes = 64 * 1024;

    private const int InitialBytes = 1024;
    private const int InitialFields = 16;

    /// <summary>Index entries kept after a reset; above the default limit of fields. An entry has 16 bytes.</summary>
    private const int RetainedFields = 128;

    /// <summary>Flags of an entry: the field lies in the store as <c>name: value CRLF</c>; a peer asked that nobody puts it into a compression table.</summary>
    private const byte OnWireForm = 1;
    private const byte NeverIndexed = 2;

    private byte[] _owned;
    private byte[] _store;
    private int _used;
    private Entry[] _entries;
    private int _count;
    private ulong _presentLow;
    private ulong _presentHigh;

    /// <summary>An empty block with room for a typical message.</summary>
    public HeaderBlock()
    {
        _owned = new byte[InitialBytes];
        _store = _owned;
        _entries = new Entry[InitialFields];
    }

    /// <summary>Fields in the block. Repeated names count each.</summary>
    public int Count => _count;

    /// <summary>Bytes of memory that the block holds, for the accounting of its owner.</summary>
    public int ResidentBytes => _store.Length + (_entries.Length * Unsafe.SizeOf<Entry>());

    /// <summary>The field at a position, in message order.</summary>
    public HeaderField this[int index]
    {
        get
        {
            ref readonly Entry entry = ref _entries.AsSpan(0, _count)[index];
            return new HeaderField(entry.Id, _store.AsSpan(entry.NameStart, entry.NameLength), _store.AsSpan(entry.ValueStart, entry.ValueLength));
        }
    }

    /// <summary>True when at least one field has this id. One bit test.</summary>
    public bool Contains(KnownHeader id)
    {
        int bit = (int)id;
        return ((bit < 64 ? _presentLow >> bit : _presentHigh >> (bit - 64)) & 1) != 0;
    }

    /// <summary>Position of the first field with this id at or after <paramref name="start"/>, or -1.</summary>
    public int IndexOf(KnownHeader id, int start = 0)
    {
        if (!Contains(id)) return -1;
        ReadOnlySpan<Entry> entries = _entries.AsSpan(0, _count);
        for (int i = start; i < entries.Length; i++)
            if (entries[i].Id == id) return i;
        return -1;
    }

    /// <summary>Position of the first field with this name at or after <paramref name="start"/>, or -1. The name is compared ignoring ASCII case.</summary>
    public int IndexOf(ReadOnlySpan<byte> name, int start = 0)
    {
        KnownHeader id = KnownHeaders.Recognize(name);
        return id != KnownHeader.None ? IndexOf(id, start) : IndexOfUnknown(name, start);
    }

    /// <summary>As the other overloads, for a name that configuration resolved beforehand.</summary>
    public int IndexOf(HeaderName name, int start = 0)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Known != KnownHeader.None ? IndexOf(name.Known, start) : IndexOfUnknown(name.Bytes, start);
    }

    /// <summary>The value of the first field with this id. False, and an empty span, when there is none.</summary>
    public bool TryGet(KnownHeader id, out ReadOnlySpan<byte> value) => TryGetAt(IndexOf(id), out value);

    /// <summary>The value of the first field with this name.</summary>
    public bool TryGet(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) => TryGetAt(IndexOf(name), out value);

    /// <summary>The value of the first field with this name.</summary>
    public bool TryGet(HeaderName name, out ReadOnlySpan<byte> value) => TryGetAt(IndexOf(name), out value);

    /// <summary>The value of the first field with this id, or an empty span. Use <see cref="TryGet(KnownHeader, out ReadOnlySpan{byte})"/> where absent and empty differ.</summary>
    public ReadOnlySpan<byte> Get(KnownHeader id)
    {
        TryGet(id, out ReadOnlySpan<byte> value);
        return value;
    }

    /// <summary>How many fields carry this id.</summary>
    public int CountOf(KnownHeader id)
    {
        int found = 0;
        for (int i = IndexOf(id); i >= 0; i = IndexOf(id, i + 1)) found++;
        return found;
    }

    /// <summary>Adds a field at the end, under the known name in lower case. Others of the same name stay.</summary>
    public void Add(KnownHeader id, ReadOnlySpan<byte> value) => AddChecked(id, KnownHeaders.NameOf(id), value);

    /// <summary>Adds a field at the end, with the name's case as given.</summary>
    public void Add(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) => AddChecked(KnownHeaders.Recognize(name), name, value);

    /// <summary>Adds a field at the end, with the name's case as configured.</summary>
    public void Add(HeaderName name, ReadOnlySpan<byte> value)
    {
        ArgumentNullException.ThrowIfNull(name);
        AddChecked(name.Known, name.Bytes, value);
    }

    /// <summary>
    /// Replaces the first field of this name, in its place and with its spelling, and removes the others; adds one when there is none.
    /// </summary>
    public void Set(KnownHeader id, ReadOnlySpan<byte> value)
    {
        int at = IndexOf(id);
        if (at < 0) Add(id, value);
        else ReplaceAt(at, value);
    }

    /// <summary>As <see cref="Set(KnownHeader, ReadOnlySpan{byte})"/>, by name.</summary>
    public void Set(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int at = IndexOf(name);
        if (at < 0) Add(name, value);
        else ReplaceAt(at, value);
    }

    /// <summary>As <see cref="Set(KnownHeader, ReadOnlySpan{byte})"/>, by configured name.</summary>
    public void Set(HeaderName name, ReadOnlySpan<byte> value)
    {
        int at = IndexOf(name);
        if (at < 0) Add(name, value);
        else ReplaceAt(at, value);
    }

    /// <summary>
    /// Appends to a comma-separated list: <c>old,value</c> in the last field of this name, as Envoy grows x-forwarded-for; adds the
    /// field when there is none. Not for set-cookie, which is not a list (RFC 9110 section 5.3).
    /// </summary>
    public void AppendToList(KnownHeader id, ReadOnlySpan<byte> value)
    {
        int at = IndexOf(id);
        if (at < 0)
        {
            Add(id, value);
            return;
        }

        for (int next = IndexOf(id, at + 1); next >= 0; next = IndexOf(id, next + 1)) at = next;
        ThrowIfIllegal(value);
        Entry entry = _entries[at];
        int length = entry.ValueLength + 1 + value.Length;
        Reserve(length);
        Span<byte> target = _store.AsSpan(_used, length);
        _store.AsSpan(entry.ValueStart, entry.ValueLength).CopyTo(target);
        target[entry.ValueLength] = (byte)',';
        value.CopyTo(target[(entry.ValueLength + 1)..]);
        _entries[at] = entry with { ValueStart = _used, ValueLength = length, Form = (byte)(entry.Form & ~OnWireForm) };
        _used += length;
    }

    /// <summary>Removes all fields with this id.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(KnownHeader id)
    {
        int removed = 0;
        for (int i = IndexOf(id); i >= 0; i = IndexOf(id, i), removed++) Cut(i);
        Mark(id, present: false);
        return removed;
    }

    /// <summary>Removes all fields with this name.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(ReadOnlySpan<byte> name)
    {
        KnownHeader id = KnownHeaders.Recognize(name);
        if (id != KnownHeader.None) return Remove(id);
        int removed = 0;
        for (int i = IndexOfUnknown(name, 0); i >= 0; i = IndexOfUnknown(name, i), removed++) Cut(i);
        return removed;
    }

    /// <summary>Removes all fields with this name.</summary>
    /// <returns>How many there were.</returns>
    public int Remove(HeaderName name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return name.Known != KnownHeader.None ? Remove(name.Known) : Remove(name.Bytes);
    }

    /// <summary>Removes the field at a position; later ones move up.</summary>
    public void RemoveAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_count, nameof(index));
        KnownHeader id = _entries[index].Id;
        Cut(index);
        if (id == KnownHeader.None) return;
        foreach (ref readonly Entry entry in _entries.AsSpan(0, _count))
            if (entry.Id == id) return;
        Mark(id, present: false);
    }

    /// <summary>Removes all fields. The store keeps its bytes, which may hold more than fields (the request's target lies there too).</summary>
    public void Clear()
    {
        _count = 0;
        _presentLow = 0;
        _presentHigh = 0;
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        for (int i = 0; i < _count; i++)
        {
            HeaderField field = this[i];
            text.Append(Encoding.Latin1.GetString(field.Name)).Append(": ").Append(Encoding.Latin1.GetString(field.Value)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>Bytes in the store, fields or not.</summary>
    internal int UsedBytes => _used;

    internal ReadOnlySpan<byte> Store => _store.AsSpan(0, _used);

    internal ReadOnlySpan<byte> Slice(ByteRange range) => _store.AsSpan(range.Start, range.Length);

    /// <summary>Forgets everything and gives back what is above the retained size.</summary>
    internal void Reset()
    {
        Clear();
        _used = 0;
        if (_store != _owned)
        {
            ArrayPool<byte>.Shared.Return(_store);
            _store = _owned;
        }

        if (_entries.Length > RetainedFields) _entries = new Entry[InitialFields];
    }

    /// <summary>Copies raw bytes into the store and says where they lie.</summary>
    internal ByteRange Append(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_store.AsSpan(_used));
        var range = new ByteRange(_used, bytes.Length);
        _used += bytes.Length;
        return range;
    }

    /// <summary>Room for raw bytes that the caller fills and then keeps with <see cref="Commit"/>.</summary>
    internal Span<byte> Reserved(int length)
    {
        Reserve(length);
        return _store.AsSpan(_used, length);
    }

    internal ByteRange Commit(int length)
    {
        var range = new ByteRange(_used, length);
        _used += length;
        return range;
    }

    internal void TruncateStore(int used) => _used = used;

    /// <summary>Indexes a field whose bytes lie, or will lie, in the store. <paramref name="onWireForm"/>: as <c>name: value CRLF</c>.</summary>
    internal void Index(KnownHeader id, ByteRange name, ByteRange value, bool onWireForm)
    {
        if (_count == _entries.Length) Array.Resize(ref _entries, _count * 2);
        _entries[_count++] = new Entry
        {
            NameStart = name.Start,
            NameLength = (ushort)name.Length,
            ValueStart = value.Start,
            ValueLength = value.Length,
            Id = id,
            Form = onWireForm ? OnWireForm : (byte)0,
        };
        Mark(id, present: true);
    }

    /// <summary>
    /// Indexes a field line that lies, or will lie, at <paramref name="start"/> of the store. False when its name is too long to be indexed.
    /// </summary>
    internal bool IndexLine(ReadOnlySpan<byte> line, int start, int nameLength, ByteRange value)
    {
        if (nameLength > MaxNameOctets) return false;
        bool onWireForm = value.Start == nameLength + 2 && value.Start + value.Length == line.Length
            && line[nameLength] == ':' && line[nameLength + 1] == ' ';
        Index(KnownHeaders.Recognize(line[..nameLength]), new ByteRange(start, nameLength), value with { Start = start + value.Start }, onWireForm);
        return true;
    }

    /// <summary>
    /// Adds a decompressed field whose name and value were checked by the caller, in the form in which HTTP/1.1 writes it.
    /// </summary>
    /// <param name="isNeverIndexed">It must not enter a compression table on its way on (RFC 7541 section 6.2.3).</param>
    internal void AddDecoded(KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isNeverIndexed)
    {
        AddLine(id, name, value);
        if (isNeverIndexed) _entries[_count - 1].Form |= NeverIndexed;
    }

    /// <summary>
    /// Makes one field of all that have this id, their values with a separator between them: the crumbs of a cookie are one (RFC 9113
    /// section 8.2.3). Never indexed if any of them was.
    /// </summary>
    internal void Join(KnownHeader id, ReadOnlySpan<byte> separator)
    {
        int first = IndexOf(id);
        if (first < 0 || IndexOf(id, first + 1) < 0) return;
        int length = -separator.Length;
        byte flags = 0;
        for (int i = first; i >= 0; i = IndexOf(id, i + 1))
        {
            length += _entries[i].ValueLength + separator.Length;
            flags |= (byte)(_entries[i].Form & NeverIndexed);
        }

        Span<byte> target = Reserved(length);
        int at = 0;
        for (int i = first; i >= 0; i = IndexOf(id, i + 1))
        {
            if (i != first)
            {
                separator.CopyTo(target[at..]);
                at += separator.Length;
            }

            ReadOnlySpan<byte> value = Slice(ValueRangeAt(i));
            value.CopyTo(target[at..]);
            at += value.Length;
        }

        for (int i = IndexOf(id, first + 1); i >= 0; i = IndexOf(id, i)) Cut(i);
        ByteRange joined = Commit(length);
        ref Entry entry = ref _entries[first];
        entry.ValueStart = joined.Start;
        entry.ValueLength = joined.Length;
        entry.Form = flags;
    }

    internal bool IsNeverIndexedAt(int index) => (_entries[index].Form & NeverIndexed) != 0;

    internal ByteRange ValueRangeAt(int index) => new(_entries[index].ValueStart, _entries[index].ValueLength);

    /// <summary>True when any field has an id of the set, given as the two words of a presence bitmap.</summary>
    internal bool ContainsAny(ulong low, ulong high) => ((_presentLow & low) | (_presentHigh & high)) != 0;

    internal KnownHeader IdAt(int index) => _entries[index].Id;

    /// <summary>
    /// The longest run of fields from <paramref name="index"/> on that lies in the store exactly as it goes on the wire, or one field
    /// in need of assembly (then <paramref name="wire"/> is empty). Fields with an id in the skip set end a run.
    /// </summary>
    /// <returns>The position after the run.</returns>
    internal int NextRun(int index, ulong skipLow, ulong skipHigh, out ReadOnlySpan<byte> wire)
    {
        ReadOnlySpan<Entry> entries = _entries.AsSpan(0, _count);
        ref readonly Entry first = ref entries[index];
        if ((first.Form & OnWireForm) == 0)
        {
            wire = default;
            return index + 1;
        }

        int end = first.ValueStart + first.ValueLength + 2;
        int next = index + 1;
        while (next < entries.Length)
        {
            ref readonly Entry entry = ref entries[next];
            if (entry.NameStart != end || (entry.Form & OnWireForm) == 0 || IsIn((int)entry.Id, skipLow, skipHigh)) break;
            end = entry.ValueStart + entry.ValueLength + 2;
            next++;
        }

        wire = _store.AsSpan(first.NameStart, end - first.NameStart);
        return next;
    }

    internal static bool IsIn(int id, ulong low, ulong high) => ((id < 64 ? low >> id : high >> (id - 64)) & 1) != 0;

    private bool TryGetAt(int index, out ReadOnlySpan<byte> value)
    {
        if (index < 0)
        {
            value = default;
            return false;
        }

        ref readonly Entry entry = ref _entries[index];
        value = _store.AsSpan(entry.ValueStart, entry.ValueLength);
        return true;
    }

    private int IndexOfUnknown(ReadOnlySpan<byte> name, int start)
    {
        ReadOnlySpan<Entry> entries = _entries.AsSpan(0, _count);
        for (int i = start; i < entries.Length; i++)
        {
            ref readonly Entry entry = ref entries[i];
            if (entry.Id == KnownHeader.None && entry.NameLength == name.Length
                && Ascii.EqualsIgnoreCase(_store.AsSpan(entry.NameStart, entry.NameLength), name)) return i;
        }

        return -1;
    }

    private void AddChecked(KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!Grammar.IsToken(name) || name.Length > MaxNameOctets) throw new ArgumentException("not a field name", nameof(name));
        ThrowIfIllegal(value);
        AddLine(id, name, value);
    }

    private void AddLine(KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int length = name.Length + 2 + value.Length + 2;
        Reserve(length);
        Span<byte> target = _store.AsSpan(_used, length);
        name.CopyTo(target);
        target[name.Length] = (byte)':';
        target[name.Length + 1] = (byte)' ';
        value.CopyTo(target[(name.Length + 2)..]);
        target[^2] = (byte)'\r';
        target[^1] = (byte)'\n';
        Index(id, new ByteRange(_used, name.Length), new ByteRange(_used + name.Length + 2, value.Length), onWireForm: true);
        _used += length;
    }

    private void ReplaceAt(int index, ReadOnlySpan<byte> value)
    {
        ThrowIfIllegal(value);
        ByteRange range = Append(value);
        ref Entry entry = ref _entries[index];
        entry.ValueStart = range.Start;
        entry.ValueLength = range.Length;
        entry.Form &= unchecked((byte)~OnWireForm);
        KnownHeader id = entry.Id;
        int next = index + 1;
        if (id != KnownHeader.None)
        {
            for (int i = IndexOf(id, next); i >= 0; i = IndexOf(id, i)) Cut(i);
            return;
        }

        ReadOnlySpan<byte> name = _store.AsSpan(entry.NameStart, entry.NameLength);
        for (int i = IndexOfUnknown(name, next); i >= 0; i = IndexOfUnknown(name, i)) Cut(i);
    }

    private void Cut(int index)
    {
        _entries.AsSpan(index + 1, _count - index - 1).CopyTo(_entries.AsSpan(index));
        _count--;
    }

    private void Mark(KnownHeader id, bool present)
    {
        if (id == KnownHeader.None) return;
        ulong bit = 1ul << ((int)id & 63);
        ref ulong word = ref (int)id < 64 ? ref _presentLow : ref _presentHigh;
        word = present ? word | bit : word & ~bit;
    }

    private void Reserve(int length)
    {
        if (_store.Length - _used >= length) return;
        long needed = (long)_used + length;
        if (needed > MaxStoreBytes) throw new InvalidOperationException($"a header block may hold at most {MaxStoreBytes} bytes");
        int wanted = (int)Math.Min(Math.Max((long)_store.Length * 2, needed), MaxStoreBytes);
        if (wanted <= RetainedBytes)
        {
            Array.Resize(ref _owned, wanted);
            _store = _owned;
            return;
        }

        // A store that was borrowed before is left to the collector: the caller may be adding a value that lies in it.
        byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(wanted, BorrowedBytes));
        Store.CopyTo(larger);
        _store = larger;
    }

    private static void ThrowIfIllegal(ReadOnlySpan<byte> value)
    {
        if (!Grammar.IsFieldValue(value)) throw new ArgumentException("a control byte in a field value", nameof(value));
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Entry
    {
        public int NameStart;
        public int ValueStart;
        public int ValueLength;
        public ushort NameLength;
        public KnownHeader Id;
        public byte Form;
    }
}
