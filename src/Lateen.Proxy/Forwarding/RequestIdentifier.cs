using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Forwarding;

/// <summary>Makes the id of a request: a random UUID, RFC 9562 section 5.4, in text.</summary>
internal static class RequestIdentifier
{
    /// <summary>Octets of the text form.</summary>
    public const int Length = 36;

    private const ulong VersionMask = 0xFFFF_FFFF_FFFF_0FFF;
    private const ulong Version4 = 0x4000;
    private const ulong VariantMask = 0x3FFF_FFFF_FFFF_FFFF;
    private const ulong VariantRfc = 0x8000_0000_0000_0000;

    public static void Write(ReactorRandom random, Span<byte> destination)
    {
        ulong high = (random.Next() & VersionMask) | Version4;
        ulong low = (random.Next() & VariantMask) | VariantRfc;
        Hex(high >> 32, 8, destination);
        destination[8] = (byte)'-';
        Hex(high >> 16, 4, destination[9..]);
        destination[13] = (byte)'-';
        Hex(high, 4, destination[14..]);
        destination[18] = (byte)'-';
        Hex(low >> 48, 4, destination[19..]);
        destination[23] = (byte)'-';
        Hex(low, 12, destination[24..]);
    }

    private static void Hex(ulong value, int digits, Span<byte> destination)
    {
        for (int i = digits - 1; i >= 0; i--)
        {
            destination[i] = "0123456789abcdef"u8[(int)(value & 15)];
            value >>= 4;
        }
    }
}
