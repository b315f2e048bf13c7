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
        string[] uris, string? dns = null, string subject = EmptySubject, AsymmetricAlgorithm? key = null, X509Extension? extension = null,
        HashAlgorithmName? hash = null)
    {
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        key ??= own;
        var name = new X500DistinguishedName(subject);
        var algorithm = hash ?? HashAlgorithmName.SHA256;
        var request = key is RSA rsa ? new CertificateRequest(name, rsa, algorithm, RSASignaturePadding.Pkcs1) : new CertificateRequest(name, (ECDsa)key, algorithm);
        if (uris.Length > 0 || dns is not null) request.CertificateExtensions.Add(Names(uris, dns));
        if (extension is not null) request.CertificateExtensions.Add(extension);
        return request.CreateSigningRequestPem();
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
