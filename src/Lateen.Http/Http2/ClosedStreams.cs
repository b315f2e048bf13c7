using System.Runtime.CompilerServices;

namespace Lateen.Http;

/// <summary>How a stream that is not in the table any more came to its end.</summary>
internal enum Http2StreamEnd : byte
{
    /// <summary>It never was: its identifier was skipped.</summary>
    Skipped,

    /// <summary>The peer has said END_STREAM or RST_STREAM, so it knows better than to send more.</summary>
    ByPeer,

    /// <summary>We reset it, or it is too long ago to be known: the peer may have sent frames before it learnt of that.</summary>
    ByUs,
}

/// <summary>
/// What became of the last 256 streams of one side, two bits each, because frames on a closed stream mean different things depending on who
/// closed it (RFC 9113 section 5.1).
/// </summary>
internal struct ClosedStreams
{
    private const int Remembered = 256;
    private Bits _used;
    private Bits _byPeer;

    /// <summary>The last identifier that was opened, 0 for none.</summary>
    internal int LastId { get; private set; }

    /// <summary>A stream above all others is opened; those between are skipped for ever.</summary>
    internal void Open(int id)
    {
        int first = LastId == 0 ? 0 : (LastId >> 1) + 1;
        int last = id >> 1;
        for (int number = Math.Max(first, last - Remembered + 1); number <= last; number++)
        {
            _used[(number >> 6) & 3] &= ~(1ul << (number & 63));
            _byPeer[(number >> 6) & 3] &= ~(1ul << (number & 63));
        }

        LastId = id;
        _used[(last >> 6) & 3] |= 1ul << (last & 63);
    }

    internal void Close(int id, bool byPeer)
    {
        int number = id >> 1;
        if (byPeer && (LastId >> 1) - number < Remembered) _byPeer[(number >> 6) & 3] |= 1ul << (number & 63);
    }

    /// <summary>For an identifier up to <see cref="LastId"/> that is not in the table.</summary>
    internal readonly Http2StreamEnd EndOf(int id)
    {
        int number = id >> 1;
        if ((LastId >> 1) - number >= Remembered) return Http2StreamEnd.ByUs;
        ulong bit = 1ul << (number & 63);
        if ((_used[(number >> 6) & 3] & bit) == 0) return Http2StreamEnd.Skipped;
        return (_byPeer[(number >> 6) & 3] & bit) != 0 ? Http2StreamEnd.ByPeer : Http2StreamEnd.ByUs;
    }

    [InlineArray(4)]
    private struct Bits
    {
        private ulong _first;
    }
}
