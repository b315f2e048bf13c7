using System.Buffers.Text;
using Lateen.Http;

namespace Lateen.Proxy.Forwarding;

/// <summary>Header values that are whole numbers.</summary>
internal static class HeaderNumbers
{
    private const int MaxDigits = 20;

    public static void Set(HeaderBlock headers, KnownHeader name, long value)
    {
        Span<byte> text = stackalloc byte[MaxDigits];
        Utf8Formatter.TryFormat(value, text, out int written);
        headers.Set(name, text[..written]);
    }

    /// <summary>The value, when the header is there once and is a number of the type from end to end.</summary>
    public static bool TryGet(HeaderBlock headers, KnownHeader name, out uint value)
    {
        value = 0;
        return headers.TryGet(name, out ReadOnlySpan<byte> text) && Utf8Parser.TryParse(text, out value, out int used) && used == text.Length;
    }
}
