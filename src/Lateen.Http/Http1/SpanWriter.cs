using System.Buffers.Text;

namespace Lateen.Http;

/// <summary>
/// Appends to a span and remembers if anything did not fit, so that a writer checks once at its end instead of after each piece.
/// </summary>
internal ref struct SpanWriter
{
    private readonly Span<byte> _destination;
    private int _written;
    private bool _isFull;

    internal SpanWriter(Span<byte> destination) => _destination = destination;

    internal void Write(scoped ReadOnlySpan<byte> bytes)
    {
        if (_isFull || !bytes.TryCopyTo(_destination[_written..]))
        {
            _isFull = true;
            return;
        }

        _written += bytes.Length;
    }

    internal void Write(byte b)
    {
        if (_isFull || _written == _destination.Length)
        {
            _isFull = true;
            return;
        }

        _destination[_written++] = b;
    }

    internal void WriteDecimal(long value) => Keep(Utf8Formatter.TryFormat(value, _destination[_written..], out int length), length);

    internal void WriteHexadecimal(long value) => Keep(Utf8Formatter.TryFormat(value, _destination[_written..], out int length, 'x'), length);

    /// <summary>Writes the fields of a block but those of the skip set (ids below 64), as few copies as their layout allows.</summary>
    internal void WriteFields(HeaderBlock headers, ulong skip)
    {
        int count = headers.Count;
        for (int i = 0; i < count;)
        {
            if (HeaderBlock.IsIn((int)headers.IdAt(i), skip, 0))
            {
                i++;
                continue;
            }

            int next = headers.NextRun(i, skip, 0, out ReadOnlySpan<byte> wire);
            if (wire.Length > 0)
            {
                Write(wire);
            }
            else
            {
                HeaderField field = headers[i];
                Write(field.Name);
                Write(": "u8);
                Write(field.Value);
                Write("\r\n"u8);
            }

            i = next;
        }
    }

    /// <summary>True when all fitted; then <paramref name="written"/> is how much it was, else 0.</summary>
    internal readonly bool TryFinish(out int written)
    {
        written = _isFull ? 0 : _written;
        return !_isFull;
    }

    private void Keep(bool fits, int length)
    {
        _isFull |= !fits;
        if (!_isFull) _written += length;
    }
}
