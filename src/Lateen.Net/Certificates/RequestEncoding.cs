using System.Formats.Asn1;

namespace Lateen.Net.Certificates;

/// <summary>A certificate request in DER (RFC 2986 section 4): what is signed, and the whole. Only encoding happens here; OpenSSL signs.</summary>
internal static class RequestEncoding
{
    private const string ExtensionRequest = "1.2.840.113549.1.9.14";
    private const string SubjectAltName = "2.5.29.17";
    private const string EcdsaWithSha256 = "1.2.840.10045.4.3.2";
    private const string RsaWithSha256 = "1.2.840.113549.1.1.11";

    /// <summary>GeneralName: uniformResourceIdentifier [6] IA5String.</summary>
    private static readonly Asn1Tag Uri = new(TagClass.ContextSpecific, 6);

    /// <summary>CertificationRequestInfo: version 0, an empty subject, the key, and one attribute, which asks for one extension.</summary>
    internal static byte[] Content(ReadOnlySpan<byte> publicKey, string uri)
    {
        var names = new AsnWriter(AsnEncodingRules.DER);
        using (names.PushSequence()) names.WriteCharacterString(UniversalTagNumber.IA5String, uri, Uri);
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteInteger(0);
            writer.PushSequence().Dispose();
            writer.WriteEncodedValue(publicKey);
            using (writer.PushSetOf(new Asn1Tag(TagClass.ContextSpecific, 0)))
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(ExtensionRequest);
                using (writer.PushSetOf())
                using (writer.PushSequence())
                using (writer.PushSequence())
                {
                    writer.WriteObjectIdentifier(SubjectAltName);
                    writer.WriteBoolean(true);
                    writer.WriteOctetString(names.Encode());
                }
            }
        }

        return writer.Encode();
    }

    internal static byte[] Signed(ReadOnlySpan<byte> content, CertificateKeyKind kind, ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteEncodedValue(content);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(kind == CertificateKeyKind.P256 ? EcdsaWithSha256 : RsaWithSha256);
                // RFC 4055 section 5 wants the NULL for RSA, RFC 5758 section 3.2 forbids it for ECDSA.
                if (kind == CertificateKeyKind.Rsa2048) writer.WriteNull();
            }

            writer.WriteBitString(signature);
        }

        return writer.Encode();
    }
}
