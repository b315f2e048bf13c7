using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>A line that is being written into a caller's span. When the span is full, <see cref="IsFull"/> is set and all later writes do
/// nothing, so the caller checks once at the end.</summary>
internal ref struct LogLine(Span<byte> destination)
{
    // In text, a control octet from a peer would start a new line or drive the reader's terminal; so it is written as \xNN.
    private static readonly SearchValues<byte> Controls = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(static i => (byte)i), 0x7f]);

    // In JSON, besides the controls: quote, backslash, and everything that is not ASCII, which must be checked to be UTF-8.
    private static readonly SearchValues<byte> JsonSpecials = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(static i => (byte)i), (byte)'"', (byte)'\\', .. Enumerable.Range(0x7f, 0x81).Select(static i => (byte)i)]);

    private readonly Span<byte> _destination = destination;

    public int Written { get; private set; }

    public bool IsFull { get; private set; }

    public void Append(scoped ReadOnlySpan<byte> bytes)
    {
        if (IsFull || bytes.Length > _destination.Length - Written)
        {
            IsFull = true;
            return;
        }
        bytes.CopyTo(_destination[Written..]);
        Written += bytes.Length;
    }

    public void Append(byte value)
    {
        if (IsFull || Written == _destination.Length)
        {
            IsFull = true;
            return;
        }
        _destination[Written++] = value;
    }

    public void Append(long number)
    {
        if (IsFull || !Utf8Formatter.TryFormat(number, _destination[Written..], out var length))
        {
            IsFull = true;
            return;
        }
        Written += length;
    }

    /// <summary>Text from a peer, into a text line.</summary>
    public void AppendSanitized(scoped ReadOnlySpan<byte> text)
    {
        while (text.IndexOfAny(Controls) is >= 0 and var at)
        {
            Append(text[..at]);
            Append("\\x"u8);
            AppendHex(text[at]);
            text = text[(at + 1)..];
        }
        Append(text);
    }

    /// <summary>Text from a peer, into a JSON string; the quotes are the caller's. Octets that are no UTF-8 are read as Latin-1, so that
    /// the line stays valid and the octet can be told.</summary>
    public void AppendJsonEscaped(scoped ReadOnlySpan<byte> text)
    {
        while (text.IndexOfAny(JsonSpecials) is >= 0 and var at)
        {
            Append(text[..at]);
            text = text[at..];
            var first = text[0];
            if (first >= 0x80)
            {
                if (Rune.DecodeFromUtf8(text, out _, out var length) == OperationStatus.Done)
                {
                    Append(text[..length]);
                    text = text[length..];
                    continue;
                }
                AppendUnicodeEscape(first);
            }
            else
            {
                switch (first)
                {
                    case (byte)'"': Append("\\\""u8); break;
                    case (byte)'\\': Append("\\\\"u8); break;
                    case (byte)'\n': Append("\\n"u8); break;
                    case (byte)'\r': Append("\\r"u8); break;
                    case (byte)'\t': Append("\\t"u8); break;
                    default: AppendUnicodeEscape(first); break;
                }
            }
            text = text[1..];
        }
        Append(text);
    }

    private void AppendUnicodeEscape(byte value)
    {
        Append("\\u00"u8);
        AppendHex(value);
    }

    private void AppendHex(byte value)
    {
        var digits = "0123456789abcdef"u8;
        Append(digits[value >> 4]);
        Append(digits[value & 15]);
    }
}
