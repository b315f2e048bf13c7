namespace Lateen.Proxy.Routing;

/// <summary>
/// The wire bytes of a table's virtual hosts, in order, so that the next table knows which of its own are the same.
/// </summary>
/// <remarks>
/// Immutable. It holds slices of one received resource, and is replaced whole with its table, so nothing older is kept alive.
/// </remarks>
internal sealed class VirtualHostBytes(ReadOnlyMemory<byte>[] pieces)
{
    public static readonly VirtualHostBytes None = new([]);

    public ReadOnlyMemory<byte>[] Pieces { get; } = pieces;

    /// <summary>Begins to go through these virtual hosts beside those of another table.</summary>
    public Search Begin() => new(Pieces);

    /// <summary>
    /// Finds virtual hosts of the next table, asked for one after the other. Tables differ from the one before in a few hosts that were changed,
    /// added or removed, seldom in their order: so it goes along both, compares bytes and hashes nothing. A search that finds nothing costs the
    /// compilation of a host that could have been taken over, and nothing else; so what all searches together may cost is bounded.
    /// </summary>
    internal struct Search(ReadOnlyMemory<byte>[] pieces)
    {
        /// <summary>How far each search looks beyond the place of the last find.</summary>
        private const int Reach = 64;

        /// <summary>How often all searches together may go through all the others.</summary>
        private const int Rounds = 16;

        private long _beyondReach = (long)Rounds * pieces.Length;
        private int _next;

        /// <summary>The number of the virtual host with these bytes; -1: none was found.</summary>
        public int Find(ReadOnlySpan<byte> wanted)
        {
            var at = _next;
            for (var looked = 0; looked < pieces.Length; looked++, at++)
            {
                if (looked >= Reach && _beyondReach-- <= 0) break;
                if (at >= pieces.Length) at = 0;
                if (!pieces[at].Span.SequenceEqual(wanted)) continue;
                _next = at + 1;
                return at;
            }

            return -1;
        }
    }
}
