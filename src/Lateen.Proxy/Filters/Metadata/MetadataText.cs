using System.Buffers.Text;
using System.Text;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Filters.Metadata;

/// <summary>Values of metadata as access logs print them: a text as it is, anything else as JSON.</summary>
internal static class MetadataText
{
    private const int MaxNumberOctets = 32;

    /// <summary>Finds what a log format names.</summary>
    public static MetadataValue Find(DynamicMetadata metadata, AccessLogMetadata place)
    {
        if (place.Source != AccessLogMetadataSource.Dynamic || metadata.IsEmpty) return default;
        MetadataValue value = Child(metadata, place.Filter);
        for (int i = 0; i < place.Path.Count && !value.IsMissing; i++) value = Child(value, place.Path[i]);
        return value;
    }

    /// <summary>Prints a value.</summary>
    /// <param name="value">Not missing.</param>
    /// <param name="room">What it is printed into; replaced by a larger array when it is too small. The store bounds it.</param>
    /// <param name="isJson">It is a JSON document, not plain text.</param>
    public static ReadOnlySpan<byte> Print(MetadataValue value, scoped ref byte[] room, out bool isJson)
    {
        isJson = value.Kind != MetadataKind.Text;
        if (!isJson) return value.Text;
        int length = 0;
        Write(value, ref room, ref length);
        return room.AsSpan(0, length);
    }

    private static MetadataValue Child(DynamicMetadata metadata, string key)
    {
        Span<byte> utf8 = key.Length <= 256 ? stackalloc byte[768] : new byte[Encoding.UTF8.GetMaxByteCount(key.Length)];
        return metadata[utf8[..Encoding.UTF8.GetBytes(key, utf8)]];
    }

    private static MetadataValue Child(MetadataValue parent, string key)
    {
        Span<byte> utf8 = key.Length <= 256 ? stackalloc byte[768] : new byte[Encoding.UTF8.GetMaxByteCount(key.Length)];
        return parent[utf8[..Encoding.UTF8.GetBytes(key, utf8)]];
    }

    private static void Write(MetadataValue value, ref byte[] room, ref int length)
    {
        bool isFirst = true;
        switch (value.Kind)
        {
            case MetadataKind.Text:
                WriteText(value.Text, ref room, ref length);
                break;
            case MetadataKind.Number:
                WriteNumber(value.Number, ref room, ref length);
                break;
            case MetadataKind.Bool:
                WriteRaw(value.IsTrue ? "true"u8 : "false"u8, ref room, ref length);
                break;
            case MetadataKind.Struct:
                WriteRaw("{"u8, ref room, ref length);
                for (MetadataValue child = value.First; !child.IsMissing; child = child.Next)
                {
                    if (!isFirst) WriteRaw(","u8, ref room, ref length);
                    isFirst = false;
                    WriteText(child.Key, ref room, ref length);
                    WriteRaw(":"u8, ref room, ref length);
                    Write(child, ref room, ref length);
                }

                WriteRaw("}"u8, ref room, ref length);
                break;
            case MetadataKind.List:
                WriteRaw("["u8, ref room, ref length);
                for (MetadataValue child = value.First; !child.IsMissing; child = child.Next)
                {
                    if (!isFirst) WriteRaw(","u8, ref room, ref length);
                    isFirst = false;
                    Write(child, ref room, ref length);
                }

                WriteRaw("]"u8, ref room, ref length);
                break;
            default:
                WriteRaw("null"u8, ref room, ref length);
                break;
        }
    }

    private static void WriteNumber(double number, ref byte[] room, ref int length)
    {
        Reserve(MaxNumberOctets, ref room, length);
        // Whole numbers that a double holds exactly are printed as such: the seconds of exp, not 1.7E+09.
        bool isWhole = Math.Abs(number) < (1L << 53) && Math.Floor(number) == number;
        int written = 0;
        if (!double.IsFinite(number)) WriteRaw("null"u8, ref room, ref length);
        else if (isWhole) Utf8Formatter.TryFormat((long)number, room.AsSpan(length), out written);
        else Utf8Formatter.TryFormat(number, room.AsSpan(length), out written);
        length += written;
    }

    /// <summary>RFC 8259 section 7: quotes, backslashes and controls are escaped, the rest stays.</summary>
    private static void WriteText(ReadOnlySpan<byte> text, ref byte[] room, ref int length)
    {
        Reserve((text.Length * 6) + 2, ref room, length);
        room[length++] = (byte)'"';
        foreach (byte one in text)
        {
            if (one is (byte)'"' or (byte)'\\')
            {
                room[length++] = (byte)'\\';
                room[length++] = one;
            }
            else if (one < 0x20)
            {
                "\\u00"u8.CopyTo(room.AsSpan(length));
                length += 4;
                room[length++] = (byte)('0' + (one >> 4));
                int low = one & 0xF;
                room[length++] = (byte)(low < 10 ? '0' + low : 'a' + low - 10);
            }
            else
            {
                room[length++] = one;
            }
        }

        room[length++] = (byte)'"';
    }

    private static void WriteRaw(ReadOnlySpan<byte> text, ref byte[] room, ref int length)
    {
        Reserve(text.Length, ref room, length);
        text.CopyTo(room.AsSpan(length));
        length += text.Length;
    }

    private static void Reserve(int octets, ref byte[] room, int length)
    {
        if (octets > room.Length - length) Array.Resize(ref room, Math.Max(room.Length * 2, length + octets));
    }
}
