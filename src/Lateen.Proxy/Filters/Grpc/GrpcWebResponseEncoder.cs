using System.Buffers.Binary;
using System.Buffers.Text;
using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Filters.Grpc;

/// <summary>
/// The content of a gRPC response in gRPC-Web's form: as it is, or as base64, and after it the trailers as one frame with the highest flag
/// set, since browsers see no trailers.
/// </summary>
/// <remarks>Holds at most one piece of encoded content, and the trailers once they came.</remarks>
internal sealed class GrpcWebResponseEncoder : ContentSource
{
    private const int PieceOctets = 4096;
    private const int PrefixOctets = 5;
    private const byte TrailersFlag = 0x80;

    private readonly byte[] _rest = new byte[3];
    private byte[] _piece = [];
    private byte[] _frame = [];
    private ContentSource? _content;
    private HttpExchange? _exchange;
    private int _restLength;
    private int _start;
    private int _end;
    private int _frameSent;
    private int _frameLength;
    private bool _isText;
    private bool _hasFrame;

    public override HeaderBlock? Trailers => null;

    public override FailureCause Failure => _content!.Failure;

    public GrpcWebResponseEncoder Begin(ContentSource content, HttpExchange exchange, bool isText)
    {
        if (isText && _piece.Length == 0) _piece = new byte[PieceOctets];
        _content = content;
        _exchange = exchange;
        _isText = isText;
        _restLength = _start = _end = _frameSent = _frameLength = 0;
        _hasFrame = false;
        return this;
    }

    public void End()
    {
        _content = null;
        _exchange = null;
    }

    public override ContentStatus Peek(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        while (true)
        {
            if (_start < _end)
            {
                payload = _piece.AsSpan(_start, _end - _start);
                return ContentStatus.Payload;
            }

            var status = PeekBinary(out var bytes);
            if (status == ContentStatus.Payload && !_isText)
            {
                payload = bytes;
                return status;
            }

            if (status == ContentStatus.Payload) TakeBinary(Encode(bytes));
            else if (status == ContentStatus.End && _restLength > 0) EncodeRest();
            else return status;
        }
    }

    public override void Take(int count)
    {
        if (_isText) _start += count;
        else TakeBinary(count);
    }

    /// <summary>The server's content, then the frame of trailers.</summary>
    private ContentStatus PeekBinary(out ReadOnlySpan<byte> bytes)
    {
        if (!_hasFrame)
        {
            var status = _content!.Peek(out bytes);
            if (status != ContentStatus.End) return status;
            MakeFrame();
        }

        bytes = _frame.AsSpan(_frameSent, _frameLength - _frameSent);
        return bytes.IsEmpty ? ContentStatus.End : ContentStatus.Payload;
    }

    private void TakeBinary(int count)
    {
        if (_hasFrame) _frameSent += count;
        else _content!.Take(count);
    }

    private void MakeFrame()
    {
        _hasFrame = true;
        if (_content!.Trailers is not { } trailers) return;
        _exchange!.KeepTrailers(trailers);
        var length = PrefixOctets;
        for (var i = 0; i < trailers.Count; i++) length += trailers[i].Name.Length + trailers[i].Value.Length + 3;
        if (_frame.Length < length) _frame = new byte[Math.Max(length, 256)];
        _frame[0] = TrailersFlag;
        BinaryPrimitives.WriteInt32BigEndian(_frame.AsSpan(1), length - PrefixOctets);
        var at = PrefixOctets;
        for (var i = 0; i < trailers.Count; i++)
        {
            var field = trailers[i];
            System.Text.Ascii.ToLower(field.Name, _frame.AsSpan(at), out _);
            at += field.Name.Length;
            _frame[at++] = (byte)':';
            field.Value.CopyTo(_frame.AsSpan(at));
            at += field.Value.Length;
            _frame[at++] = (byte)'\r';
            _frame[at++] = (byte)'\n';
        }

        _frameLength = at;
    }

    /// <summary>Encodes what fits, in groups of three octets.</summary>
    /// <returns>Octets used.</returns>
    private int Encode(ReadOnlySpan<byte> bytes)
    {
        _start = _end = 0;
        var used = 0;
        if (_restLength > 0)
        {
            while (_restLength < _rest.Length && used < bytes.Length) _rest[_restLength++] = bytes[used++];
            if (_restLength < _rest.Length) return used;
            EncodeRest();
        }

        var whole = Math.Min((bytes.Length - used) / 3, (PieceOctets - _end) / 4) * 3;
        Base64.EncodeToUtf8(bytes.Slice(used, whole), _piece.AsSpan(_end), out _, out var written);
        _end += written;
        used += whole;
        if (bytes.Length - used is > 0 and < 3)
        {
            while (used < bytes.Length) _rest[_restLength++] = bytes[used++];
        }

        return used;
    }

    private void EncodeRest()
    {
        if (_start == _end) _start = _end = 0;
        Base64.EncodeToUtf8(_rest.AsSpan(0, _restLength), _piece.AsSpan(_end), out _, out var written);
        _end += written;
        _restLength = 0;
    }
}
