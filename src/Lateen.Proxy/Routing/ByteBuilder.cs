using System.Buffers;

namespace Lateen.Proxy.Routing;

/// <summary>Collects bytes of a header value or a path: on the caller's stack first, in a pooled array when they do not fit.</summary>
/// <remarks>Dispose it to give the array back. What <see cref="Written"/> gives is valid until then.</remarks>
internal ref struct ByteBuilder(Span<byte> scratch)
{
    private Span<byte> _buffer = scratch;
    private byte[]? _rented;

    public int Length { get; private set; }

    public readonly ReadOnlySpan<byte> Written => _buffer[..Length];

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    public void Append(byte one)
    {
        Reserve(1)[0] = one;
        Length++;
    }

    public void AppendNumber(long value)
    {
        var room = Reserve(20);
        System.Buffers.Text.Utf8Formatter.TryFormat(value, room, out var written);
        Length += written;
    }

    public void Dispose()
    {
        if (_rented is not { } rented) return;
        _rented = null;
        _buffer = default;
        ArrayPool<byte>.Shared.Return(rented);
    }

    private Span<byte> Reserve(int count)
    {
        if (_buffer.Length - Length < count)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_buffer.Length * 2, Length + count));
            Written.CopyTo(larger);
            if (_rented is not null) ArrayPool<byte>.Shared.Return(_rented);
            _buffer = _rented = larger;
        }

        return _buffer[Length..];
    }
}
