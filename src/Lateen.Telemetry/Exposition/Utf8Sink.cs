using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Lateen.Telemetry.Exposition;

/// <summary>Appends text and numbers to a buffer writer as UTF-8.</summary>
internal readonly struct Utf8Sink(IBufferWriter<byte> writer)
{
    public void Append(ReadOnlySpan<byte> utf8)
    {
        writer.Write(utf8);
    }

    public void Append(ReadOnlySpan<char> text)
    {
        Encoding.UTF8.GetBytes(text, writer);
    }

    public void Append(long value)
    {
        var span = writer.GetSpan(20);
        Utf8Formatter.TryFormat(value, span, out var written);
        writer.Advance(written);
    }

    /// <summary>The shortest text that reads back as the value; <c>nan</c> as Envoy prints it.</summary>
    public void Append(double value)
    {
        if (double.IsNaN(value))
        {
            Append("nan"u8);
            return;
        }
        var span = writer.GetSpan(32);
        value.TryFormat(span, out var written, "R");
        writer.Advance(written);
    }
}
