using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.Net.Certificates;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Certificates;

public sealed class CertificateKeyTests
{
    private const string Web = "spiffe://cluster.local/ns/shop/sa/web";

    [Theory]
    [InlineData(CertificateKeyKind.P256, "1.2.840.10045.2.1", 256)]
    [InlineData(CertificateKeyKind.Rsa2048, "1.2.840.113549.1.1.1", 2048)]
    public void Another_implementation_reads_the_request_and_finds_it_signed_by_its_key(CertificateKeyKind kind, string oid, int bits)
    {
        using var key = Create(kind);
        // Verifies the signature.
        var request = CertificateRequest.LoadSigningRequestPem(
            key.CreateRequest(Web), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions, RSASignaturePadding.Pkcs1);

        Assert.Equal(oid, request.PublicKey.Oid.Value);
        Assert.Equal(bits, request.PublicKey.GetECDsaPublicKey()?.KeySize ?? request.PublicKey.GetRSAPublicKey()!.KeySize);
        Assert.Equal("", request.SubjectName.Name);
        var extension = Assert.Single(request.CertificateExtensions);
        Assert.Equal("2.5.29.17", extension.Oid?.Value);
        Assert.True(extension.Critical);
        var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
        Assert.Equal(Web, names.ReadCharacterString(UniversalTagNumber.IA5String, new Asn1Tag(TagClass.ContextSpecific, 6)));
        Assert.False(names.HasData);
    }

    [Theory]
    [InlineData(CertificateKeyKind.P256)]
    [InlineData(CertificateKeyKind.Rsa2048)]
    public void The_key_is_written_as_PKCS8_for_its_own_public_half_and_no_text_of_the_object_shows_it(CertificateKeyKind kind)
    {
        using var key = Create(kind);
        var pem = Encoding.ASCII.GetString(key.ToPem());
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----", pem, StringComparison.Ordinal);
        using AsymmetricAlgorithm read = kind == CertificateKeyKind.P256 ? ECDsa.Create() : RSA.Create();
        read.ImportFromPem(pem);
        var request = CertificateRequest.LoadSigningRequestPem(
            key.CreateRequest(Web), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions, RSASignaturePadding.Pkcs1);
        Assert.Equal(request.PublicKey.ExportSubjectPublicKeyInfo(), read.ExportSubjectPublicKeyInfo());
        Assert.Equal($"{kind} key", key.ToString());
    }

    [Fact]
    public void Two_keys_are_never_the_same()
    {
        using var one = Create(CertificateKeyKind.P256);
        using var other = Create(CertificateKeyKind.P256);
        Assert.NotEqual(one.ToPem(), other.ToPem());
    }

    [Fact]
    public void A_key_knows_its_certificate_among_others()
    {
        using var authority = new Tls.TestAuthority();
        using var key = Create(CertificateKeyKind.P256);
        using var own = ECDsa.Create();
        own.ImportFromPem(Encoding.ASCII.GetString(key.ToPem()));
        using var signed = new CertificateRequest("CN=own", own, HashAlgorithmName.SHA256).CreateSelfSigned(Tls.TestAuthority.Now, Tls.TestAuthority.Now.AddDays(1));

        Assert.True(key.Matches(TlsCertificate.TryDecode(signed.RawData)!));
        Assert.False(key.Matches(TlsCertificate.TryDecode(authority.Issue(["other"]).Der)!));
        Assert.False(key.Matches(TlsCertificate.TryDecode(authority.Issue(["other"], isRsa: true).Der)!));
    }

    private static CertificateKey Create(CertificateKeyKind kind) => CertificateKey.TryCreate(kind, out var problem) ?? throw new InvalidOperationException(problem);
}
