using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity.Tests;

/// <summary>Certificate requests of every kind that an authority should not sign, made by the framework's own writer.</summary>
internal static class Requests
{
    public const string EmptySubject = "";

    /// <param name="uris">URI names; none leaves the extension out unless <paramref name="dns"/> is given.</param>
    public static string Make(
        string[] uris, string? dns = null, string subject = EmptySubject, AsymmetricAlgorithm? key = null, X509Extension? extension = null, bool withSha1 = false)
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        key ??= own;
        var name = new X500DistinguishedName(subject);
        var algorithm = HashAlgorithmName.SHA256;
        var request = key is RSA rsa ? new CertificateRequest(name, rsa, algorithm, RSASignaturePadding.Pkcs1) : new CertificateRequest(name, (ECDsa)key, algorithm);
        if (uris.Length > 0 || dns is not null) request.CertificateExtensions.Add(Names(uris, dns));
        if (extension is not null) request.CertificateExtensions.Add(extension);
        return withSha1 ? request.CreateSigningRequestPem(new Sha1Signature(key)) : request.CreateSigningRequestPem();
    }

    /// <summary>What the framework's own writer no longer does.</summary>
    private sealed class Sha1Signature(AsymmetricAlgorithm key) : X509SignatureGenerator
    {
        public override byte[] GetSignatureAlgorithmIdentifier(HashAlgorithmName hashAlgorithm)
        {
            var writer = new AsnWriter(AsnEncodingRules.DER);
            using (writer.PushSequence())
            {
                writer.WriteObjectIdentifier(key is RSA ? "1.2.840.113549.1.1.5" : "1.2.840.10045.4.1");
                if (key is RSA) writer.WriteNull();
            }

            return writer.Encode();
        }

        // CA5350: the point of it is that an authority does not take this.
#pragma warning disable CA5350
        public override byte[] SignData(byte[] data, HashAlgorithmName hashAlgorithm) => key is RSA rsa
            ? rsa.SignData(data, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1)
            : ((ECDsa)key).SignData(data, HashAlgorithmName.SHA1, DSASignatureFormat.Rfc3279DerSequence);
#pragma warning restore CA5350

        protected override PublicKey BuildPublicKey() => key is RSA rsa ? new PublicKey(rsa) : new PublicKey((ECDsa)key);
    }

    private static X509Extension Names(string[] uris, string? dns)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            foreach (string uri in uris) writer.WriteCharacterString(UniversalTagNumber.IA5String, uri, new Asn1Tag(TagClass.ContextSpecific, 6));
            if (dns is not null) writer.WriteCharacterString(UniversalTagNumber.IA5String, dns, new Asn1Tag(TagClass.ContextSpecific, 2));
        }

        return new X509Extension(SubjectNames.Oid, writer.Encode(), critical: true);
    }
}
