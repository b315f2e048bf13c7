namespace Lateen.Proxy.Routing;

/// <summary>
/// The wire bytes of a table's virtual hosts, findable by content, so that the next table knows which of its own are the same.
/// </summary>
/// <remarks>
/// Immutable. It holds slices of one received resource, and is replaced whole with its table, so nothing older is kept alive.
/// </remarks>
internal sealed class VirtualHostBytes
{
    public static readonly VirtualHostBytes None = new([]);

    private readonly ulong[] _hashes;
    private readonly int[] _indexes;

    public VirtualHostBytes(ReadOnlyMemory<byte>[] pieces)
    {
        Pieces = pieces;
        _hashes = Array.ConvertAll(pieces, static piece => ByteKey.Hash(piece.Span));
        _indexes = new int[pieces.Length];
        for (var i = 0; i < _indexes.Length; i++) _indexes[i] = i;
        SortedHashes = [.. _hashes];
        Array.Sort(SortedHashes, _indexes);
    }

    public ReadOnlyMemory<byte>[] Pieces { get; }

    private ulong[] SortedHashes { get; }

    /// <summary>
    /// The number here of the virtual host whose bytes are those of <paramref name="index"/> in <paramref name="other"/>; -1: none.
    /// </summary>
    public int Find(VirtualHostBytes other, int index)
    {
        var hash = other._hashes[index];
        var wanted = other.Pieces[index].Span;

        // Mostly nothing moved: look at the same place first.
        if (index < Pieces.Length && _hashes[index] == hash && Pieces[index].Span.SequenceEqual(wanted)) return index;
        for (var at = FirstOf(hash); at < SortedHashes.Length && SortedHashes[at] == hash; at++)
        {
            if (Pieces[_indexes[at]].Span.SequenceEqual(wanted)) return _indexes[at];
        }

        return -1;
    }

    private int FirstOf(ulong hash)
    {
        var at = Array.BinarySearch(SortedHashes, hash);
        if (at < 0) return SortedHashes.Length;
        while (at > 0 && SortedHashes[at - 1] == hash) at--;
        return at;
    }
}
