namespace Lateen.Http;

/// <summary>Integers with a prefix of N bits, RFC 7541 section 5.1. Values of 2^28 and more are refused: nothing here may be so large.</summary>
internal static class HpackInteger
{
    /// <summary>The most octets that <see cref="Write"/> makes of a value below 2^28.</summary>
    internal const int MaxOctets = 5;

    /// <summary>Reads the integer whose first octet is the first of the input, and takes its octets off.</summary>
    /// <returns>False when it goes on beyond the input, or is too large.</returns>
    internal static bool TryRead(scoped ref ReadOnlySpan<byte> input, int prefixBits, out int value)
    {
        int mask = (1 << prefixBits) - 1;
        value = input[0] & mask;
        if (value < mask)
        {
            input = input[1..];
            return true;
        }

        // Four octets of seven bits: more could not be below 2^28 + mask, and padding with zeros is not worth a loop that a peer decides on.
        for (int i = 1; i <= 4; i++)
        {
            if (i == input.Length) return false;
            byte b = input[i];
            value += (b & 0x7F) << (7 * (i - 1));
            if ((b & 0x80) != 0) continue;
            input = input[(i + 1)..];
            return value < 1 << 28;
        }

        return false;
    }

    /// <summary>Writes a value below 2^28 behind the bits that the first octet has above its prefix.</summary>
    /// <returns>Octets written.</returns>
    internal static int Write(Span<byte> destination, int firstOctet, int prefixBits, int value)
    {
        int mask = (1 << prefixBits) - 1;
        if (value < mask)
        {
            destination[0] = (byte)(firstOctet | value);
            return 1;
        }

        destination[0] = (byte)(firstOctet | mask);
        value -= mask;
        int at = 1;
        while (value >= 0x80)
        {
            destination[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        destination[at++] = (byte)value;
        return at;
    }
}
