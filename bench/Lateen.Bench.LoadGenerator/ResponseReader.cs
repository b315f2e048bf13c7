using System.Buffers.Text;

namespace Lateen.Bench.LoadGenerator;

/// <summary>
/// Finds the end of HTTP/1.1 responses in a byte stream: status, framing by Content-Length or chunks, and whether the connection lives on.
/// Independent of Lateen's own codec on purpose: a load generator that shares its proxy's misreadings would not see them.
/// </summary>
/// <remarks>Feed it bytes with <see cref="Read"/>; a response may come in any pieces. Informational (1xx) responses are skipped.</remarks>
internal sealed class ResponseReader
{
    private const int MaxHeadBytes = 64 * 1024;

    private byte[] _head = new byte[2048];
    private int _headBytes;
    private Phase _phase;
    private long _bodyLeft;
    private long _chunkSize;
    private bool _chunkSizeEnded;
    private int _lineBytes;
    private bool _isHead;

    internal enum Outcome
    {
        NeedMore,
        Complete,
        Malformed,
    }

    private enum Phase
    {
        Head,
        Body,
        BodyUntilClose,
        ChunkSize,
        ChunkBody,
        ChunkEnd,
        Trailer,
    }

    internal int Status { get; private set; }

    internal bool KeepsAlive { get; private set; }

    /// <summary>Something of the response was read, so it is under way.</summary>
    internal bool HasBegun { get; private set; }

    internal void Reset(bool isHeadRequest)
    {
        _phase = Phase.Head;
        _headBytes = 0;
        _isHead = isHeadRequest;
        HasBegun = false;
    }

    /// <summary>The connection ended: complete only when the body's end is the connection's.</summary>
    internal bool EndOfStreamCompletes() => _phase == Phase.BodyUntilClose;

    internal Outcome Read(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        HasBegun |= !input.IsEmpty;
        while (true)
        {
            var rest = input[consumed..];
            switch (_phase)
            {
                case Phase.Head:
                    var outcome = ReadHead(rest, out var taken);
                    consumed += taken;
                    if (outcome != Outcome.NeedMore)
                        return outcome;
                    if (_phase == Phase.Head)
                        return Outcome.NeedMore;
                    break;
                case Phase.Body:
                    var part = (int)Math.Min(_bodyLeft, rest.Length);
                    consumed += part;
                    _bodyLeft -= part;
                    return _bodyLeft == 0 ? Outcome.Complete : Outcome.NeedMore;
                case Phase.BodyUntilClose:
                    consumed += rest.Length;
                    return Outcome.NeedMore;
                default:
                    if (rest.IsEmpty)
                        return Outcome.NeedMore;
                    var step = ReadChunked(rest, ref consumed);
                    if (step != Outcome.NeedMore)
                        return step;
                    break;
            }
        }
    }

    private Outcome ReadHead(ReadOnlySpan<byte> input, out int consumed)
    {
        consumed = 0;
        // The common case: the whole head lies in this piece.
        var end = _headBytes == 0 ? input.IndexOf("\r\n\r\n"u8) : -1;
        if (end >= 0)
        {
            consumed = end + 4;
            return ParseHead(input[..(end + 2)]);
        }

        var scanFrom = Math.Max(_headBytes - 3, 0);
        if (_headBytes + input.Length > _head.Length)
        {
            if (_headBytes + input.Length > MaxHeadBytes)
                return Outcome.Malformed;
            Array.Resize(ref _head, Math.Min(Math.Max(_head.Length * 2, _headBytes + input.Length), MaxHeadBytes));
        }

        input.CopyTo(_head.AsSpan(_headBytes));
        var before = _headBytes;
        _headBytes += input.Length;
        end = _head.AsSpan(scanFrom, _headBytes - scanFrom).IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            consumed = input.Length;
            return Outcome.NeedMore;
        }

        consumed = scanFrom + end + 4 - before;
        return ParseHead(_head.AsSpan(0, scanFrom + end + 2));
    }

    /// <summary><c>HTTP/1.x SP status ... CRLF *(name: value CRLF)</c>, RFC 9112 section 4; only what framing needs is looked at.</summary>
    private Outcome ParseHead(ReadOnlySpan<byte> head)
    {
        _headBytes = 0;
        if (head.Length < 14 || !head.StartsWith("HTTP/1."u8) || !Utf8Parser.TryParse(head.Slice(9, 3), out int status, out var digits) || digits != 3)
            return Outcome.Malformed;
        Status = status;
        KeepsAlive = head[7] == (byte)'1';
        long length = -1;
        var isChunked = false;
        for (var lines = head[(head.IndexOf((byte)'\n') + 1)..]; !lines.IsEmpty;)
        {
            var lineEnd = lines.IndexOf((byte)'\n');
            var line = lines[..lineEnd].TrimEnd((byte)'\r');
            lines = lines[(lineEnd + 1)..];
            if (TryValue(line, "content-length"u8, out var value))
            {
                if (!Utf8Parser.TryParse(value, out length, out var used) || used != value.Length || length < 0)
                    return Outcome.Malformed;
            }
            else if (TryValue(line, "transfer-encoding"u8, out value))
            {
                isChunked = EqualsIgnoreCase(value, "chunked"u8);
            }
            else if (TryValue(line, "connection"u8, out value))
            {
                KeepsAlive = KeepsAlive ? !EqualsIgnoreCase(value, "close"u8) : EqualsIgnoreCase(value, "keep-alive"u8);
            }
        }

        if (status is >= 100 and < 200)
            return Outcome.NeedMore;
        if (_isHead || status is 204 or 304 || (length == 0 && !isChunked))
            return Outcome.Complete;
        _phase = isChunked ? Phase.ChunkSize : length > 0 ? Phase.Body : Phase.BodyUntilClose;
        _bodyLeft = length;
        _chunkSize = 0;
        _chunkSizeEnded = false;
        _lineBytes = 0;
        if (_phase == Phase.BodyUntilClose)
            KeepsAlive = false;
        return Outcome.NeedMore;
    }

    /// <summary>RFC 9112 section 7.1; one step over bytes that are there.</summary>
    private Outcome ReadChunked(ReadOnlySpan<byte> input, ref int consumed)
    {
        var octet = input[0];
        switch (_phase)
        {
            case Phase.ChunkSize when octet == (byte)'\n':
                consumed++;
                _phase = _chunkSize == 0 ? Phase.Trailer : Phase.ChunkBody;
                _bodyLeft = _chunkSize;
                _lineBytes = 0;
                return Outcome.NeedMore;
            case Phase.ChunkSize:
                consumed++;
                if (octet is (byte)';' or (byte)'\r')
                    _chunkSizeEnded = true;
                if (_chunkSizeEnded)
                    return Outcome.NeedMore;
                var digit = HexDigit(octet);
                if (digit < 0 || _chunkSize > int.MaxValue)
                    return Outcome.Malformed;
                _chunkSize = (_chunkSize * 16) + digit;
                return Outcome.NeedMore;
            case Phase.ChunkBody:
                var part = (int)Math.Min(_bodyLeft, input.Length);
                consumed += part;
                _bodyLeft -= part;
                if (_bodyLeft == 0)
                    _phase = Phase.ChunkEnd;
                return Outcome.NeedMore;
            case Phase.ChunkEnd:
                consumed++;
                if (octet == (byte)'\n')
                {
                    _phase = Phase.ChunkSize;
                    _chunkSize = 0;
                    _chunkSizeEnded = false;
                    return Outcome.NeedMore;
                }

                return octet == (byte)'\r' ? Outcome.NeedMore : Outcome.Malformed;
            default:
                consumed++;
                if (octet == (byte)'\n')
                {
                    if (_lineBytes == 0)
                        return Outcome.Complete;
                    _lineBytes = 0;
                }
                else if (octet != (byte)'\r')
                {
                    _lineBytes++;
                }

                return Outcome.NeedMore;
        }
    }

    private static int HexDigit(byte octet) => octet switch
    {
        >= (byte)'0' and <= (byte)'9' => octet - '0',
        >= (byte)'a' and <= (byte)'f' => octet - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => octet - 'A' + 10,
        _ => -1,
    };

    private static bool TryValue(ReadOnlySpan<byte> line, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (line.Length <= name.Length || line[name.Length] != (byte)':' || !EqualsIgnoreCase(line[..name.Length], name))
            return false;
        value = line[(name.Length + 1)..].Trim(" \t"u8);
        return true;
    }

    private static bool EqualsIgnoreCase(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        System.Text.Ascii.EqualsIgnoreCase(left, right);
}
