using System.Buffers;

namespace Lateen.Http;

/// <summary>What <see cref="Http2FrameReader"/> makes of the bytes of a connection.</summary>
internal interface IHttp2FrameHandler
{
    /// <summary>A frame header came.</summary>
    /// <returns>What becomes of its payload. <see cref="Http2Payload.Stop"/> when the connection has ended.</returns>
    Http2Payload OnFrameHeader(in Http2FrameHeader frame);

    /// <summary>The payload of a frame that was to be gathered.</summary>
    void OnFrame(in Http2FrameHeader frame, ReadOnlySpan<byte> payload);

    /// <summary>A piece of a DATA frame's payload, padding included. Called once with nothing for an empty frame.</summary>
    void OnDataPiece(in Http2FrameHeader frame, ReadOnlySpan<byte> piece, bool isLast);
}

/// <summary>What to do with a frame's payload.</summary>
internal enum Http2Payload : byte
{
    Stop,
    Gather,
    Stream,
    Skip,
}

/// <summary>
/// Cuts a byte stream into frames, wherever it is cut into pieces. A frame that lies whole in the input is seen there; what is gathered
/// from several pieces is at most one frame, in a buffer that is borrowed for as long.
/// </summary>
internal sealed class Http2FrameReader
{
    private readonly byte[] _headerOctets = new byte[Http2FrameHeader.Octets];
    private int _headerCount;
    private Http2FrameHeader _frame;
    private Http2Payload _mode = Http2Payload.Stop;
    private bool _inPayload;
    private int _remaining;
    private byte[]? _gathered;
    private int _gatheredCount;

    /// <summary>Takes all of the input, unless the handler stops.</summary>
    internal void Read(ReadOnlySpan<byte> input, IHttp2FrameHandler handler)
    {
        while (true)
        {
            if (!_inPayload)
            {
                if (!TryReadHeader(ref input)) return;
                _mode = handler.OnFrameHeader(_frame);
                _remaining = _frame.Length;
                _inPayload = true;
            }

            switch (_mode)
            {
                case Http2Payload.Stop: return;
                case Http2Payload.Skip:
                    int skipped = Math.Min(_remaining, input.Length);
                    input = input[skipped..];
                    _remaining -= skipped;
                    break;
                case Http2Payload.Stream:
                    if (input.Length == 0 && _remaining > 0) return;
                    int length = Math.Min(_remaining, input.Length);
                    _remaining -= length;
                    handler.OnDataPiece(_frame, input[..length], _remaining == 0);
                    input = input[length..];
                    break;
                default:
                    Gather(ref input, handler);
                    break;
            }

            if (_remaining > 0) return;
            _inPayload = false;
        }
    }

    /// <summary>Gives back what is borrowed: the connection has ended.</summary>
    internal void Stop()
    {
        _mode = Http2Payload.Stop;
        _inPayload = true;
        ReturnGathered();
    }

    private bool TryReadHeader(ref ReadOnlySpan<byte> input)
    {
        if (_headerCount == 0 && input.Length >= Http2FrameHeader.Octets)
        {
            _frame = Http2FrameHeader.Read(input);
            input = input[Http2FrameHeader.Octets..];
            return true;
        }

        int taken = Math.Min(Http2FrameHeader.Octets - _headerCount, input.Length);
        input[..taken].CopyTo(_headerOctets.AsSpan(_headerCount));
        _headerCount += taken;
        input = input[taken..];
        if (_headerCount < Http2FrameHeader.Octets) return false;
        _headerCount = 0;
        _frame = Http2FrameHeader.Read(_headerOctets);
        return true;
    }

    private void Gather(ref ReadOnlySpan<byte> input, IHttp2FrameHandler handler)
    {
        int length = Math.Min(_remaining, input.Length);
        if (_gatheredCount == 0 && length == _frame.Length)
        {
            ReadOnlySpan<byte> whole = input[..length];
            input = input[length..];
            _remaining = 0;
            handler.OnFrame(_frame, whole);
            return;
        }

        if (length == 0) return; // Nothing is borrowed for a header that came alone.
        _gathered ??= ArrayPool<byte>.Shared.Rent(_frame.Length);
        input[..length].CopyTo(_gathered.AsSpan(_gatheredCount));
        input = input[length..];
        _gatheredCount += length;
        _remaining -= length;
        if (_remaining > 0) return;
        handler.OnFrame(_frame, _gathered.AsSpan(0, _gatheredCount));
        ReturnGathered();
    }

    private void ReturnGathered()
    {
        _gatheredCount = 0;
        if (_gathered is null) return;
        ArrayPool<byte>.Shared.Return(_gathered);
        _gathered = null;
    }
}
