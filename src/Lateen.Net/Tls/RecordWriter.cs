using System.Runtime.CompilerServices;

namespace Lateen.Net.Tls;

/// <summary>Cuts what is written into records, each of which is one send, for as long as the transport takes them whole.</summary>
internal readonly struct RecordWriter
{
    /// <summary>Content of one record, RFC 8446 5.1. Octets.</summary>
    private const int MaxRecordBytes = 16 * 1024;

    private readonly TlsEngine _engine;
    private readonly CiphertextWire _wire;

    internal RecordWriter(TlsEngine engine, CiphertextWire wire)
    {
        _engine = engine;
        _wire = wire;
    }

    /// <summary>Writes on an empty wire; the count of octets taken, or why there are none.</summary>
    internal IoResult Write(ReadOnlySpan<byte> buffer)
    {
        var taken = 0;
        while (taken < buffer.Length)
        {
            var record = buffer[taken..];
            var result = _engine.Write(record.Length > MaxRecordBytes ? record[..MaxRecordBytes] : record);
            if (!result.IsOk)
                return taken == 0 ? result : IoResult.Ok(taken);
            taken += result.Bytes;
            if (_wire.HasHeld || !_wire.Inner.CanWrite)
                break;
        }

        return IoResult.Ok(taken);
    }

    /// <summary>As <see cref="Write(ReadOnlySpan{byte})"/>; small pieces share a record.</summary>
    internal IoResult Write(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        // The first record gathers; what exceeds it goes on from there, piece by piece.
        var result = WriteGathered(first, second, third);
        var taken = result.Bytes;
        if (taken == 0 || taken == first.Length + second.Length + third.Length)
            return result;
        return IoResult.Ok(taken + WriteRest(first, second, third, taken));
    }

    [SkipLocalsInit]
    private IoResult WriteGathered(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third)
    {
        Span<byte> record = stackalloc byte[MaxRecordBytes];
        var filled = Gather(first, record, 0);
        filled = Gather(second, record, filled);
        filled = Gather(third, record, filled);
        return Write(record[..filled]);
    }

    private static int Gather(ReadOnlySpan<byte> piece, Span<byte> record, int filled)
    {
        var room = record.Length - filled;
        if (piece.Length > room)
            piece = piece[..room];
        piece.CopyTo(record[filled..]);
        return filled + piece.Length;
    }

    /// <summary>Writes what lies behind the first <paramref name="taken"/> octets of the pieces, as far as there is room.</summary>
    private int WriteRest(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, ReadOnlySpan<byte> third, int taken)
    {
        var written = WritePiece(first, ref taken, out var isWhole);
        if (isWhole)
            written += WritePiece(second, ref taken, out isWhole);
        if (isWhole)
            written += WritePiece(third, ref taken, out _);
        return written;
    }

    private int WritePiece(ReadOnlySpan<byte> piece, ref int taken, out bool isWhole)
    {
        isWhole = true;
        if (taken >= piece.Length)
        {
            taken -= piece.Length;
            return 0;
        }

        var rest = piece[taken..];
        taken = 0;
        isWhole = false;
        if (_wire.HasHeld || !_wire.Inner.CanWrite)
            return 0;
        var written = Write(rest).Bytes;
        isWhole = written == rest.Length;
        return written;
    }
}
