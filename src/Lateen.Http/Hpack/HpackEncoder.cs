using System.Text;

namespace Lateen.Http;

/// <summary>
/// Writes field blocks, RFC 7541. One for each direction of a connection that we write. What is written has changed the table, so it must be sent.
/// </summary>
/// <remarks>
/// <para>What is worth a place in the table is decided by name: names whose few values come with every message (content-type, user-agent, the
/// peer metadata of the mesh). A name that is not listed goes literally: looking for it costs more than the octets, and values that
/// never repeat (identifiers, lengths, paths) would drive the others out. Finding an entry needs no hash: each listed name knows the last
/// entry that it got, and each entry the one before.</para>
/// <para>Credentials and cookies are written as never indexed, because an upstream connection carries the requests of many users and one of them must not
/// learn from sizes what another sent (section 7.1). What came in as never indexed goes out so (section 6.2.3).</para>
/// </remarks>
internal sealed class HpackEncoder
{
    /// <summary>The most octets that a field takes beside its name and value.</summary>
    internal const int FieldOverhead = 3 * (HpackInteger.MaxOctets + 1);

    /// <summary>The most octets of size updates at the beginning of a block.</summary>
    internal const int BlockOverhead = 2 * HpackInteger.MaxOctets;

    /// <summary>Entries of one name that are compared before giving up.</summary>
    private const int MaxCandidates = 4;

    private const int AuthoritySlot = 1;

    private static readonly byte[] SlotOf = BuildSlots();
    private static readonly int SlotCount = SlotOf.Max() + 1;

    private readonly HpackDynamicTable _table = new();
    private readonly int _cap;
    private readonly bool _huffman;
    private long[]? _latest;
    private int _smallestPending = -1;
    private int _pending = -1;

    /// <summary>An encoder that uses at most this many octets of what the peer allows, which is 4,096 until its SETTINGS come.</summary>
    internal HpackEncoder(int capOctets, bool huffman)
    {
        _cap = capOctets;
        _huffman = huffman;
        _table.Resize(4096);
        if (capOctets < 4096) ChangeLimit(4096);
    }

    /// <summary>The dynamic table, for tests and accounting.</summary>
    internal HpackDynamicTable Table => _table;

    /// <summary>The peer's SETTINGS_HEADER_TABLE_SIZE. The next block says what we make of it: first the smallest size that was asked for, then the last (section 4.2).</summary>
    internal void ChangeLimit(int tableOctets)
    {
        int size = Math.Min(tableOctets, _cap);
        if (_pending < 0 && size == _table.MaxSize) return;
        _smallestPending = _smallestPending < 0 ? size : Math.Min(_smallestPending, size);
        _pending = size;
    }

    /// <summary>Begins a block. Needs <see cref="BlockOverhead"/>.</summary>
    internal int Begin(Span<byte> destination)
    {
        if (_pending < 0) return 0;
        int written = 0;
        if (_smallestPending < _pending)
        {
            _table.Resize(_smallestPending);
            written = HpackInteger.Write(destination, 0x20, 5, _smallestPending);
        }

        _table.Resize(_pending);
        written += HpackInteger.Write(destination[written..], 0x20, 5, _pending);
        _smallestPending = -1;
        _pending = -1;
        return written;
    }

    /// <summary><c>:status</c>.</summary>
    internal static int WriteStatus(Span<byte> destination, int status)
    {
        int index = HpackStaticTable.IndexOfStatus(status);
        if (index > 0)
        {
            destination[0] = (byte)(0x80 | index);
            return 1;
        }

        destination[0] = HpackStaticTable.Status;
        destination[1] = 3;
        destination[2] = (byte)('0' + (status / 100));
        destination[3] = (byte)('0' + (status / 10 % 10));
        destination[4] = (byte)('0' + (status % 10));
        return 5;
    }

    /// <summary><c>:method</c>.</summary>
    internal int WriteMethod(Span<byte> destination, RequestMethod method, ReadOnlySpan<byte> text)
    {
        if (method is RequestMethod.Get or RequestMethod.Post)
        {
            destination[0] = (byte)(0x80 | (method == RequestMethod.Get ? HpackStaticTable.MethodGet : HpackStaticTable.MethodPost));
            return 1;
        }

        return WriteLiteral(destination, 0, 4, HpackStaticTable.MethodGet, text);
    }

    /// <summary><c>:scheme</c>.</summary>
    internal static int WriteScheme(Span<byte> destination, RequestScheme scheme)
    {
        destination[0] = (byte)(0x80 | (scheme == RequestScheme.Https ? HpackStaticTable.SchemeHttps : HpackStaticTable.SchemeHttp));
        return 1;
    }

    /// <summary><c>:path</c>.</summary>
    internal int WritePath(Span<byte> destination, ReadOnlySpan<byte> pathAndQuery)
    {
        if (pathAndQuery is not [(byte)'/']) return WriteLiteral(destination, 0, 4, HpackStaticTable.Path, pathAndQuery);
        destination[0] = 0x80 | HpackStaticTable.Path;
        return 1;
    }

    /// <summary><c>:authority</c>: of a connection's requests most go to the same.</summary>
    internal int WriteAuthority(Span<byte> destination, ReadOnlySpan<byte> authority) =>
        WriteRepeated(destination, AuthoritySlot, HpackStaticTable.Authority, KnownHeader.None, ":authority"u8, authority);

    /// <summary><c>:protocol</c> of RFC 8441.</summary>
    internal int WriteProtocol(Span<byte> destination, ReadOnlySpan<byte> protocol) => WriteUnknown(destination, 0, ":protocol"u8, protocol);

    /// <summary>A field. Needs <see cref="FieldOverhead"/> beside name and value.</summary>
    /// <param name="id">The id of the name; <see cref="KnownHeader.None"/> for one that has none.</param>
    /// <param name="name">Any case: it is sent in lower case (RFC 9113 section 8.2).</param>
    internal int WriteField(Span<byte> destination, KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool isNeverIndexed)
    {
        bool isSecret = isNeverIndexed
            || id is KnownHeader.Authorization or KnownHeader.ProxyAuthorization or KnownHeader.Cookie or KnownHeader.SetCookie;
        int index = HpackStaticTable.IndexOf(id);
        if (!isSecret && id != KnownHeader.None)
        {
            int slot = SlotOf[(int)id];
            if (slot > 0) return WriteRepeated(destination, slot, index, id, KnownHeaders.NameOf(id), value);
        }

        int firstOctet = isSecret ? 0x10 : 0;
        return index > 0
            ? WriteLiteral(destination, firstOctet, 4, index, value)
            : WriteUnknown(destination, firstOctet, id != KnownHeader.None ? KnownHeaders.NameOf(id) : name, value);
    }

    /// <summary>An indexed field when the table has it; else a literal that enters the table.</summary>
    private int WriteRepeated(
        Span<byte> destination, int slot, int staticIndex, KnownHeader id, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        _latest ??= NewLatest();
        long newest = _latest[slot];
        long oldest = _table.OldestNumber;
        int candidates = MaxCandidates;
        for (long number = newest; number >= oldest && candidates > 0; candidates--)
        {
            ref readonly HpackDynamicTable.Entry entry = ref _table.At(number);
            if (_table.ValueOf(entry).SequenceEqual(value))
                return HpackInteger.Write(destination, 0x80, 7, HpackStaticTable.Count + (int)(_table.NextNumber - number));
            number = entry.Previous;
        }

        if (staticIndex > 0 && value.SequenceEqual(HpackStaticTable.At(staticIndex).Value) && value.Length > 0)
        {
            destination[0] = (byte)(0x80 | staticIndex);
            return 1;
        }

        // A value that takes more than half of the table would drive out all that is worth having there.
        if ((name.Length + value.Length + HpackDynamicTable.EntryOverhead) * 2 > _table.MaxSize)
            return staticIndex > 0 ? WriteLiteral(destination, 0, 4, staticIndex, value) : WriteUnknown(destination, 0, name, value);
        int nameIndex = staticIndex > 0 ? staticIndex
            : newest >= oldest ? HpackStaticTable.Count + (int)(_table.NextNumber - newest) : 0;
        int written = nameIndex > 0 ? WriteLiteral(destination, 0x40, 6, nameIndex, value) : WriteUnknown(destination, 0x40, name, value);
        long number2 = _table.NextNumber;
        if (_table.Add(id, name, value, newest)) _latest[slot] = number2;
        return written;
    }

    private int WriteLiteral(Span<byte> destination, int firstOctet, int prefixBits, int nameIndex, ReadOnlySpan<byte> value)
    {
        int written = HpackInteger.Write(destination, firstOctet, prefixBits, nameIndex);
        return written + WriteString(destination[written..], value);
    }

    private int WriteUnknown(Span<byte> destination, int firstOctet, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        destination[0] = (byte)firstOctet;
        int written = 1 + HpackInteger.Write(destination[1..], 0, 7, name.Length);
        Ascii.ToLower(name, destination[written..], out int length);
        written += length;
        return written + WriteString(destination[written..], value);
    }

    private int WriteString(Span<byte> destination, ReadOnlySpan<byte> text)
    {
        int written;
        if (_huffman)
        {
            int encoded = HuffmanCode.EncodedOctets(text);
            if (encoded < text.Length)
            {
                written = HpackInteger.Write(destination, 0x80, 7, encoded);
                return written + HuffmanCode.Encode(text, destination[written..]);
            }
        }

        written = HpackInteger.Write(destination, 0, 7, text.Length);
        text.CopyTo(destination[written..]);
        return written + text.Length;
    }

    private static long[] NewLatest()
    {
        long[] latest = new long[SlotCount];
        Array.Fill(latest, -1);
        return latest;
    }

    /// <summary>Names whose values repeat. Slot 0 is "not listed", slot 1 is <c>:authority</c>.</summary>
    private static byte[] BuildSlots()
    {
        ReadOnlySpan<KnownHeader> repeated =
        [
            KnownHeader.Accept, KnownHeader.AcceptCharset, KnownHeader.AcceptEncoding, KnownHeader.AcceptLanguage, KnownHeader.AcceptRanges,
            KnownHeader.AccessControlAllowCredentials, KnownHeader.AccessControlAllowHeaders, KnownHeader.AccessControlAllowMethods,
            KnownHeader.AccessControlAllowOrigin, KnownHeader.AccessControlExposeHeaders, KnownHeader.AccessControlMaxAge,
            KnownHeader.Allow, KnownHeader.AltSvc, KnownHeader.CacheControl, KnownHeader.ContentEncoding, KnownHeader.ContentLanguage,
            KnownHeader.ContentType, KnownHeader.Expect, KnownHeader.GrpcAcceptEncoding, KnownHeader.GrpcEncoding, KnownHeader.GrpcStatus,
            KnownHeader.Origin, KnownHeader.Pragma, KnownHeader.SecWebSocketVersion, KnownHeader.Server, KnownHeader.StrictTransportSecurity,
            KnownHeader.Te, KnownHeader.Trailer, KnownHeader.UserAgent, KnownHeader.Vary, KnownHeader.Via, KnownHeader.XEnvoyAttemptCount,
            KnownHeader.XEnvoyDecoratorOperation, KnownHeader.XEnvoyInternal, KnownHeader.XEnvoyPeerMetadata, KnownHeader.XEnvoyPeerMetadataId,
            KnownHeader.XForwardedHost, KnownHeader.XForwardedPort, KnownHeader.XForwardedProto,
        ];
        byte[] slots = new byte[KnownHeaders.Count];
        int next = AuthoritySlot + 1;
        foreach (KnownHeader id in repeated) slots[(int)id] = (byte)next++;
        return slots;
    }
}
