using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity.Tests;

public sealed class WorkloadKeyTests
{
    private static readonly SpiffeId Web = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/web");

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256, "1.2.840.10045.2.1")]
    [InlineData(KeyAlgorithm.Rsa2048, "1.2.840.113549.1.1.1")]
    public void A_request_is_signed_by_its_key_and_asks_for_the_identity_alone(KeyAlgorithm algorithm, string oid)
    {
        using var key = WorkloadKey.Create(algorithm);

        var request = CertificateRequest.LoadSigningRequestPem(
            key.CreateRequest(Web), HashAlgorithmName.SHA256, CertificateRequestLoadOptions.UnsafeLoadCertificateExtensions, RSASignaturePadding.Pkcs1);

        Assert.Equal(oid, request.PublicKey.Oid.Value);
        Assert.Equal("", request.SubjectName.Name);
        var extension = Assert.Single(request.CertificateExtensions);
        Assert.True(extension.Critical);
        Assert.True(SubjectNames.TryRead(extension.RawData, out var names));
        Assert.Equal([new SubjectName(6, Web.Uri)], names);
    }

    [Fact]
    public void The_private_key_is_PKCS8_and_shows_in_no_text_of_the_object()
    {
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        Assert.StartsWith("-----BEGIN PRIVATE KEY-----", key.ExportPrivateKeyPem(), StringComparison.Ordinal);
        Assert.Equal("EcdsaP256 key", key.ToString());
    }

    [Fact]
    public void Random_bytes_are_no_names_and_never_an_exception()
    {
        var random = new Random(7);
        for (int round = 0; round < 20_000; round++)
        {
            byte[] bytes = new byte[random.Next(64)];
            random.NextBytes(bytes);
            if (bytes.Length > 1) bytes[0] = 0x30;
            SubjectNames.TryRead(bytes, out _);
        }
    }
}
