namespace Lateen.Http;

/// <summary>Percent-encoded octets, RFC 3986 section 2.1.</summary>
internal static class PercentEncoding
{
    /// <summary>True when each percent sign is followed by two hex digits.</summary>
    internal static bool IsWellFormed(ReadOnlySpan<byte> text)
    {
        for (int i = text.IndexOf((byte)'%'); i >= 0; i = text.IndexOf((byte)'%'))
        {
            if (!TryDecode(text[i..], out _)) return false;
            text = text[(i + 3)..];
        }

        return true;
    }

    /// <summary>The octet that the escape at the start of <paramref name="text"/> stands for.</summary>
    internal static bool TryDecode(ReadOnlySpan<byte> text, out byte octet)
    {
        octet = 0;
        if (text.Length < 3 || text[0] != '%') return false;
        int high = HexDigit(text[1]);
        int low = HexDigit(text[2]);
        if ((high | low) < 0) return false;
        octet = (byte)((high << 4) | low);
        return true;
    }

    /// <summary>0 to 15, or -1.</summary>
    internal static int HexDigit(byte b)
    {
        uint digit = (uint)(b - '0');
        if (digit <= 9) return (int)digit;
        uint letter = (uint)((b | 0x20) - 'a');
        return letter <= 5 ? (int)letter + 10 : -1;
    }
}
