using System.Buffers;
using System.Buffers.Text;
using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Filters.Grpc;

/// <summary>
/// The content of a gRPC-Web text request, decoded. Each message may be padded for itself (gRPC, "PROTOCOL-WEB"), so padding may stand in the
/// middle.
/// </summary>
/// <remarks>Holds at most one piece of decoded content, and three octets that wait for the fourth.</remarks>
internal sealed class GrpcWebTextDecoder : ContentSource
{
    private const int PieceOctets = 3072;
    private const int QuadOctets = 4;

    private readonly byte[] _quad = new byte[QuadOctets];
    private byte[] _decoded = [];
    private ContentSource? _content;
    private int _quadLength;
    private int _start;
    private int _end;
    private bool _hasFailed;

    public override HeaderBlock? Trailers => _content!.Trailers;

    public override FailureCause Failure => _hasFailed ? FailureCause.Malformed : _content!.Failure;

    public GrpcWebTextDecoder Begin(ContentSource content)
    {
        if (_decoded.Length == 0) _decoded = new byte[PieceOctets];
        _content = content;
        _quadLength = _start = _end = 0;
        _hasFailed = false;
        return this;
    }

    public void End() => _content = null;

    public override ContentStatus Peek(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        while (_start == _end)
        {
            if (_hasFailed) return ContentStatus.Failed;
            var status = _content!.Peek(out var text);
            if (status == ContentStatus.End && _quadLength > 0) return Fail();
            if (status != ContentStatus.Payload) return status;
            var used = Decode(text);
            if (used < 0) return Fail();
            _content.Take(used);
        }

        payload = _decoded.AsSpan(_start, _end - _start);
        return ContentStatus.Payload;
    }

    public override void Take(int count) => _start += count;

    /// <summary>Decodes what fits; -1: it is no base64.</summary>
    private int Decode(ReadOnlySpan<byte> text)
    {
        _start = _end = 0;
        var used = 0;
        while (used < text.Length && _end + QuadOctets <= PieceOctets)
        {
            // Whole quads without padding go in one step; a rest and a padded one go alone.
            if (_quadLength == 0)
            {
                var whole = Math.Min((text.Length - used) / QuadOctets, (PieceOctets - _end) / 3) * QuadOctets;
                var padding = text.Slice(used, whole).IndexOf((byte)'=');
                if (padding >= 0) whole = padding / QuadOctets * QuadOctets;
                if (whole > 0)
                {
                    if (!TryAdd(text.Slice(used, whole))) return -1;
                    used += whole;
                    continue;
                }
            }

            _quad[_quadLength++] = text[used++];
            if (_quadLength < QuadOctets) continue;
            _quadLength = 0;
            if (!TryAdd(_quad)) return -1;
        }

        return used;
    }

    private bool TryAdd(ReadOnlySpan<byte> quads)
    {
        var status = Base64.DecodeFromUtf8(quads, _decoded.AsSpan(_end), out var consumed, out var written);
        _end += written;
        return status == OperationStatus.Done && consumed == quads.Length;
    }

    private ContentStatus Fail()
    {
        _hasFailed = true;
        return ContentStatus.Failed;
    }
}
