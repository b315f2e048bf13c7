using System.Buffers.Binary;

namespace Lateen.Http;

/// <summary><c>HTTP-version = "HTTP" "/" DIGIT "." DIGIT</c>, case-sensitive, RFC 9112 section 2.3.</summary>
internal static class VersionGrammar
{
    internal const int Octets = 8;

    private static readonly ulong Http11 = BinaryPrimitives.ReadUInt64LittleEndian("HTTP/1.1"u8);

    /// <summary>Reads a version that is the whole of <paramref name="text"/>. Minor versions above 1 count as 1 (RFC 9110 section 2.5).</summary>
    internal static HttpRejectionCode Read(ReadOnlySpan<byte> text, out HttpProtocol protocol)
    {
        protocol = HttpProtocol.Http11;
        if (text.Length != Octets) return HttpRejectionCode.VersionMalformed;
        if (BinaryPrimitives.ReadUInt64LittleEndian(text) == Http11) return HttpRejectionCode.None;
        if (!text.StartsWith("HTTP/"u8) || text[6] != '.' || !char.IsAsciiDigit((char)text[5]) || !char.IsAsciiDigit((char)text[7]))
            return HttpRejectionCode.VersionMalformed;
        if (text[5] != '1') return HttpRejectionCode.VersionUnsupported;
        if (text[7] == '0') protocol = HttpProtocol.Http10;
        return HttpRejectionCode.None;
    }
}
