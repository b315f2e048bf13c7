using System.Formats.Asn1;

namespace Lateen.Net.Signatures;

/// <summary>
/// Numbers of a public key as SubjectPublicKeyInfo (RFC 5280 section 4.1): <c>SEQUENCE { SEQUENCE { OID, parameters }, BIT STRING key }</c>, which
/// OpenSSL reads and checks. RFC 3279 for RSA, RFC 5480 for curves, RFC 8410 for Ed25519.
/// </summary>
internal static class PublicKeyEncoding
{
    internal static byte[] OfRsa(ReadOnlySpan<byte> modulus, ReadOnlySpan<byte> exponent)
    {
        var key = new AsnWriter(AsnEncodingRules.DER);
        using (key.PushSequence())
        {
            key.WriteIntegerUnsigned(TrimZeros(modulus));
            key.WriteIntegerUnsigned(TrimZeros(exponent));
        }

        return Wrap(key.Encode(), static writer =>
        {
            writer.WriteObjectIdentifier("1.2.840.113549.1.1.1");
            writer.WriteNull();
        });
    }

    /// <summary>Uncompressed: 04, x, y.</summary>
    internal static byte[] OfCurve(SignatureKeyKind kind, ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        byte[] point = [4, .. x, .. y];
        return kind switch
        {
            SignatureKeyKind.P256 => Wrap(point, static writer => WriteCurve(writer, "1.2.840.10045.3.1.7")),
            SignatureKeyKind.P384 => Wrap(point, static writer => WriteCurve(writer, "1.3.132.0.34")),
            SignatureKeyKind.P521 => Wrap(point, static writer => WriteCurve(writer, "1.3.132.0.35")),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
    }

    internal static byte[] OfEd25519(ReadOnlySpan<byte> key) => Wrap(key, static writer => writer.WriteObjectIdentifier("1.3.101.112"));

    private static void WriteCurve(AsnWriter writer, string curve)
    {
        writer.WriteObjectIdentifier("1.2.840.10045.2.1");
        writer.WriteObjectIdentifier(curve);
    }

    private static byte[] Wrap(ReadOnlySpan<byte> key, Action<AsnWriter> writeAlgorithm)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence()) writeAlgorithm(writer);
            writer.WriteBitString(key);
        }

        return writer.Encode();
    }

    private static ReadOnlySpan<byte> TrimZeros(ReadOnlySpan<byte> number)
    {
        ReadOnlySpan<byte> trimmed = number.TrimStart((byte)0);
        return trimmed.IsEmpty ? number[^1..] : trimmed;
    }
}
