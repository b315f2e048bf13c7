using System.Buffers.Binary;

namespace Lateen.Http;

/// <summary>
/// The Huffman code of RFC 7541 appendix B. The code is canonical (codes of one length are consecutive, in the order of their symbols), so the
/// lengths alone make it.
/// </summary>
/// <remarks>
/// Decoding looks ten bits up at a time, which is every printable character but a dozen; longer codes are found by comparing with the first
/// code of each length. Immutable after start-up.
/// </remarks>
internal static class HuffmanCode
{
    private const int LookupBits = 10;
    private const int LongestCode = 30;
    private const int EndOfString = 256;

    /// <summary>Code length per symbol, 0 to 255, then the end-of-string symbol.</summary>
    private static ReadOnlySpan<byte> Lengths =>
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    /// <summary>Code per symbol, right-aligned.</summary>
    private static readonly uint[] Codes = new uint[257];

    /// <summary>Symbols in the order of their codes.</summary>
    private static readonly short[] Sorted = new short[257];

    /// <summary>By length: the first code that is longer, left-aligned in 32 bits; and which code of <see cref="Sorted"/> the length begins with.</summary>
    private static readonly ulong[] LimitOfLength = new ulong[LongestCode + 1];
    private static readonly uint[] FirstCode = new uint[LongestCode + 1];
    private static readonly int[] FirstIndex = new int[LongestCode + 1];

    /// <summary>By the next ten bits: symbol and code length, or 0 when the code is longer.</summary>
    private static readonly ushort[] Lookup = new ushort[1 << LookupBits];

    static HuffmanCode()
    {
        uint code = 0;
        int at = 0;
        for (int length = 1; length <= LongestCode; length++)
        {
            FirstCode[length] = code;
            FirstIndex[length] = at;
            for (int symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (Lengths[symbol] != length) continue;
                Codes[symbol] = code;
                Sorted[at++] = (short)symbol;
                if (length <= LookupBits)
                {
                    int shift = LookupBits - length;
                    Lookup.AsSpan((int)code << shift, 1 << shift).Fill((ushort)((symbol << 4) | length));
                }

                code++;
            }

            LimitOfLength[length] = (ulong)code << (32 - length);
            code <<= 1;
        }
    }

    /// <summary>The most octets that so many octets of code decode to: the shortest code has five bits.</summary>
    internal static int MaxDecodedOctets(int encoded) => (int)(((long)encoded * 8) / 5);

    /// <summary>Octets that the text takes when it is encoded.</summary>
    internal static int EncodedOctets(ReadOnlySpan<byte> text)
    {
        long bits = 0;
        foreach (byte b in text) bits += Lengths[b];
        return (int)((bits + 7) / 8);
    }

    /// <summary>Encodes, the last octet filled up with ones. The destination must hold <see cref="EncodedOctets"/>.</summary>
    internal static int Encode(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        ulong bits = 0;
        int count = 0;
        int written = 0;
        foreach (byte b in text)
        {
            bits = (bits << Lengths[b]) | Codes[b];
            count += Lengths[b];
            while (count >= 8)
            {
                count -= 8;
                destination[written++] = (byte)(bits >> count);
            }
        }

        if (count > 0) destination[written++] = (byte)((bits << (8 - count)) | (0xFFu >> count));
        return written;
    }

    /// <summary>Decodes a whole string. The destination must hold <see cref="MaxDecodedOctets"/>.</summary>
    /// <returns>Octets decoded, or -1: the end-of-string symbol, padding of more than seven bits, or padding that is not ones (RFC 7541 section 5.2).</returns>
    internal static int Decode(ReadOnlySpan<byte> code, Span<byte> destination)
    {
        ulong bits = 0; // The next bits, from the top.
        int count = 0;
        int written = 0;
        while (true)
        {
            if (count <= 32)
            {
                if (code.Length >= 4)
                {
                    bits |= (ulong)BinaryPrimitives.ReadUInt32BigEndian(code) << (32 - count);
                    code = code[4..];
                    count += 32;
                }
                else
                {
                    while (code.Length > 0 && count <= 56)
                    {
                        bits |= (ulong)code[0] << (56 - count);
                        code = code[1..];
                        count += 8;
                    }
                }
            }

            int entry = Lookup[bits >> (64 - LookupBits)];
            int length = entry & 15;
            int symbol = entry >> 4;
            if (length == 0) length = Find((uint)(bits >> 32), out symbol);
            if (length > count || symbol == EndOfString) return IsPadding(bits, count) ? written : -1;
            destination[written++] = (byte)symbol;
            bits <<= length;
            count -= length;
        }
    }

    /// <summary>What is left when no symbol fits: fewer than eight bits, all ones, which is the beginning of the end-of-string symbol.</summary>
    private static bool IsPadding(ulong bits, int count) => count < 8 && bits >> (64 - 8) == (0xFF00u >> count & 0xFF);

    private static int Find(uint next, out int symbol)
    {
        for (int length = LookupBits + 1; length <= LongestCode; length++)
        {
            if (next >= LimitOfLength[length]) continue;
            symbol = Sorted[FirstIndex[length] + (int)((next >> (32 - length)) - FirstCode[length])];
            return length;
        }

        symbol = EndOfString;
        return LongestCode;
    }
}
