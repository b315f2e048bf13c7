using System.Buffers;

namespace Lateen.Http;

/// <summary>
/// Reads field blocks, RFC 7541. One for each direction of a connection that we read, since its dynamic table is what the peer's encoder says.
/// </summary>
/// <remarks>
/// <para>Use: <see cref="Begin"/> with a whole block, <see cref="TryRead"/> until it answers false, then <see cref="IsBroken"/> says whether the block was
/// well-formed, and <see cref="End"/>. A block must be read to its end even if nobody wants its fields, or the table would no longer be the peer's;
/// <see cref="MaxListOctets"/> and <see cref="MaxFields"/> bound what that can cost.</para>
/// <para>Owner thread only. Fields are seen in place, in the block, the table or a borrowed buffer, and are valid until the next read.</para>
/// </remarks>
internal sealed class HpackDecoder
{
    /// <summary>What the list of RFC 9113 section 6.5.2 adds to the octets of each field.</summary>
    internal const int FieldOverhead = 32;

    private readonly HpackDynamicTable _table = new();
    private byte[]? _scratch;
    private int _scratchUsed;
    private int _limit;
    private int _listOctets;
    private int _fields;
    private bool _mustShrink;

    /// <summary>A decoder whose table may have this many octets; the peer may use 4,096 until it knows better.</summary>
    internal HpackDecoder(int tableOctets)
    {
        _limit = tableOctets;
        _table.Resize(tableOctets);
    }

    /// <summary>
    /// How large the fields of one block may be together, each with its <see cref="FieldOverhead"/>. One octet of a block can stand for a field as
    /// large as the table: this ends the reading of a block that is worth nobody's time. Octets; no bound when not set.
    /// </summary>
    internal int MaxListOctets { get; init; } = int.MaxValue;

    /// <summary>How many fields a block may have. Count; no bound when not set.</summary>
    internal int MaxFields { get; init; } = int.MaxValue;

    /// <summary>True after a malformed block, and after one that <see cref="IsExpanded"/>. The connection cannot go on (RFC 9113 section 4.3).</summary>
    internal bool IsBroken { get; private set; }

    /// <summary>True when a block was given up because its fields are larger than <see cref="MaxListOctets"/> or more than <see cref="MaxFields"/>.</summary>
    internal bool IsExpanded { get; private set; }

    /// <summary>The dynamic table, for tests and accounting.</summary>
    internal HpackDynamicTable Table => _table;

    /// <summary>
    /// The peer has acknowledged another limit. If its table is larger now, its next block must begin by saying so (section 4.2).
    /// </summary>
    internal void ChangeLimit(int tableOctets)
    {
        _mustShrink = tableOctets < _table.MaxSize;
        _limit = tableOctets;
    }

    /// <summary>A new block.</summary>
    internal void Begin()
    {
        _fields = 0;
        _listOctets = 0;
    }

    /// <summary>Takes the next field off the block.</summary>
    /// <returns>False at the end of the block, when it is malformed, and when its fields are too large or too many.</returns>
    internal bool TryRead(scoped ref ReadOnlySpan<byte> block, out HpackField field)
    {
        _scratchUsed = 0;
        field = default;
        while (block.Length > 0)
        {
            byte first = block[0];
            if ((first & 0xE0) == 0x20)
            {
                if (!ReadSizeUpdate(ref block)) return Break();
                continue;
            }

            if (_mustShrink) return Break();
            _fields++;
            if (!((first & 0x80) != 0 ? ReadIndexed(ref block, out field) : ReadLiteral(ref block, first, out field))) return false;
            int octets = field.Name.Length + field.Value.Length + FieldOverhead;
            if (octets > MaxListOctets - _listOctets || _fields > MaxFields)
            {
                IsExpanded = true;
                return Break();
            }

            _listOctets += octets;
            return true;
        }

        return false;
    }

    /// <summary>The block is through: gives the borrowed buffer back.</summary>
    internal void End()
    {
        if (_scratch is null) return;
        ArrayPool<byte>.Shared.Return(_scratch);
        _scratch = null;
    }

    /// <summary>Section 6.3: only before the first field of a block (section 4.2), and not above the limit.</summary>
    private bool ReadSizeUpdate(scoped ref ReadOnlySpan<byte> block)
    {
        if (_fields > 0 || !HpackInteger.TryRead(ref block, 5, out int size) || size > _limit) return false;
        _table.Resize(size);
        _mustShrink = false;
        return true;
    }

    private bool ReadIndexed(scoped ref ReadOnlySpan<byte> block, out HpackField field)
    {
        field = default;
        if (!HpackInteger.TryRead(ref block, 7, out int index) || index == 0) return Break();
        if (index <= HpackStaticTable.Count)
        {
            ref readonly HpackStaticTable.Entry known = ref HpackStaticTable.At(index);
            field = new HpackField(known.Id, known.Name, known.Value, isNeverIndexed: false);
            return true;
        }

        index -= HpackStaticTable.Count + 1;
        if (index >= _table.Count) return Break();
        ref readonly HpackDynamicTable.Entry entry = ref _table.AtIndex(index);
        field = new HpackField(entry.Id, _table.NameOf(entry), _table.ValueOf(entry), isNeverIndexed: false);
        return true;
    }

    /// <summary>Sections 6.2.1 (with incremental indexing), 6.2.2 (without) and 6.2.3 (never indexed).</summary>
    private bool ReadLiteral(scoped ref ReadOnlySpan<byte> block, byte first, out HpackField field)
    {
        field = default;
        bool isIndexed = (first & 0x40) != 0;
        if (!HpackInteger.TryRead(ref block, isIndexed ? 6 : 4, out int index)) return Break();
        KnownHeader id;
        ReadOnlySpan<byte> name;
        if (index == 0)
        {
            if (!ReadString(ref block, out name)) return Break();
            id = name is [(byte)':', ..] ? KnownHeader.None : KnownHeaders.Recognize(name);
            if (id != KnownHeader.None && !name.SequenceEqual(KnownHeaders.NameOf(id))) id = KnownHeader.None; // Case, or a byte that is no token's: refused later.
        }
        else if (index <= HpackStaticTable.Count)
        {
            ref readonly HpackStaticTable.Entry known = ref HpackStaticTable.At(index);
            id = known.Id;
            name = known.Name;
        }
        else
        {
            index -= HpackStaticTable.Count + 1;
            if (index >= _table.Count) return Break();
            ref readonly HpackDynamicTable.Entry entry = ref _table.AtIndex(index);
            id = entry.Id;
            name = _table.NameOf(entry);

            // Adding may evict or move the very entry that lends its name (section 4.4).
            if (isIndexed) name = Keep(name);
        }

        if (!ReadString(ref block, out ReadOnlySpan<byte> value)) return Break();
        if (isIndexed) _table.Add(id, name, value);
        field = new HpackField(id, name, value, isNeverIndexed: (first & 0xF0) == 0x10);
        return true;
    }

    /// <summary>Section 5.2.</summary>
    private bool ReadString(scoped ref ReadOnlySpan<byte> block, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (block.Length == 0) return false;
        bool isHuffman = (block[0] & 0x80) != 0;
        if (!HpackInteger.TryRead(ref block, 7, out int length) || length > block.Length) return false;
        text = block[..length];
        block = block[length..];
        if (!isHuffman) return true;

        // The block bounds what is borrowed: both strings of a field together cannot decode to more than 8/5 of it.
        _scratch ??= ArrayPool<byte>.Shared.Rent(Math.Max(1024, _scratchUsed + HuffmanCode.MaxDecodedOctets(length + block.Length)));
        Span<byte> target = RoomFor(HuffmanCode.MaxDecodedOctets(length));
        int decoded = HuffmanCode.Decode(text, target);
        if (decoded < 0) return false;
        text = target[..decoded];
        _scratchUsed += decoded;
        return true;
    }

    private ReadOnlySpan<byte> Keep(ReadOnlySpan<byte> name)
    {
        _scratch ??= ArrayPool<byte>.Shared.Rent(Math.Max(1024, name.Length));
        Span<byte> target = RoomFor(name.Length)[..name.Length];
        name.CopyTo(target);
        _scratchUsed += name.Length;
        return target;
    }

    private Span<byte> RoomFor(int octets)
    {
        if (_scratch!.Length - _scratchUsed < octets)
        {
            // Not returned to the pool before the block ends: the name of this field may lie in it. It is left to the collector.
            byte[] larger = ArrayPool<byte>.Shared.Rent(_scratchUsed + octets);
            _scratch.AsSpan(0, _scratchUsed).CopyTo(larger);
            _scratch = larger;
        }

        return _scratch.AsSpan(_scratchUsed);
    }

    private bool Break()
    {
        IsBroken = true;
        return false;
    }
}

/// <summary>One field of a block, in place.</summary>
internal readonly ref struct HpackField
{
    internal HpackField(KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isNeverIndexed)
    {
        Id = id;
        Name = name;
        Value = value;
        IsNeverIndexed = isNeverIndexed;
    }

    /// <summary>The id of a known name, or <see cref="KnownHeader.None"/>; pseudo-fields have none.</summary>
    internal KnownHeader Id { get; }

    internal ReadOnlySpan<byte> Name { get; }

    internal ReadOnlySpan<byte> Value { get; }

    /// <summary>Whoever sends the field on must use the same representation (RFC 7541 section 6.2.3).</summary>
    internal bool IsNeverIndexed { get; }
}
