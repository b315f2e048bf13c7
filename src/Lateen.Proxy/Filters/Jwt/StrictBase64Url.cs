namespace Lateen.Proxy.Filters.Jwt;

/// <summary>
/// Base64url as JWS writes it (RFC 7515 section 2): no padding, no space, no other alphabet, and the bits that no octet uses are zero, so that
/// each octet string has exactly one text.
/// </summary>
internal static class StrictBase64Url
{
    private static ReadOnlySpan<byte> Alphabet => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"u8;

    public static int DecodedLength(int textLength) => textLength * 3 / 4;

    /// <returns>Null when the text is none.</returns>
    public static byte[]? TryDecode(ReadOnlySpan<byte> text)
    {
        if (text.Length % 4 == 1) return null;
        byte[] octets = new byte[DecodedLength(text.Length)];
        int bits = 0;
        int held = 0;
        int written = 0;
        foreach (byte one in text)
        {
            int value = ValueOf(one);
            if (value < 0) return null;
            held = (held << 6) | value;
            bits += 6;
            if (bits < 8) continue;
            bits -= 8;
            octets[written++] = (byte)(held >> bits);
            held &= (1 << bits) - 1;
        }

        return held == 0 ? octets : null;
    }

    /// <param name="octets">May be empty.</param>
    /// <param name="isPadded">With <c>=</c> up to a multiple of four.</param>
    public static byte[] Encode(ReadOnlySpan<byte> octets, bool isPadded = false)
    {
        int plain = ((octets.Length * 4) + 2) / 3;
        byte[] text = new byte[isPadded ? (octets.Length + 2) / 3 * 4 : plain];
        text.AsSpan(plain).Fill((byte)'=');
        int bits = 0;
        int held = 0;
        int written = 0;
        foreach (byte one in octets)
        {
            held = (held << 8) | one;
            bits += 8;
            while (bits >= 6)
            {
                bits -= 6;
                text[written++] = Alphabet[(held >> bits) & 63];
            }

            held &= (1 << bits) - 1;
        }

        if (bits > 0) text[written] = Alphabet[(held << (6 - bits)) & 63];
        return text;
    }

    private static int ValueOf(byte one) => one switch
    {
        >= (byte)'A' and <= (byte)'Z' => one - 'A',
        >= (byte)'a' and <= (byte)'z' => one - 'a' + 26,
        >= (byte)'0' and <= (byte)'9' => one - '0' + 52,
        (byte)'-' => 62,
        (byte)'_' => 63,
        _ => -1,
    };
}
