using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.Net.Tls;

namespace Lateen.Net.Tests.Tls;

/// <summary>A certificate authority of one test, and the leaves that it issues.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2? _issuer;

    internal TestAuthority(string name = "Test Root")
    {
        var request = Request(name, _key);
        _certificate = request.CreateSelfSigned(Now.AddDays(-3650), Now.AddDays(3650));
    }

    private TestAuthority(string name, TestAuthority issuer)
    {
        var request = Request(name, _key);
        using var signed = request.Create(issuer._certificate, Now.AddDays(-3000), Now.AddDays(3000), RandomNumberGenerator.GetBytes(8));
        _certificate = signed.CopyWithPrivateKey(_key);
        _issuer = issuer._certificate;
    }

    internal static DateTimeOffset Now { get; } = TimeProvider.System.GetUtcNow();

    internal byte[] Pem => Encoding.ASCII.GetBytes(_certificate.ExportCertificatePem());

    internal TlsVerificationOptions Trust => new() { TrustedRootsPem = Pem };

    internal TestAuthority Intermediate(string name = "Test Intermediate") => new(name, this);

    /// <summary>A leaf with SANs; a name that parses as an address is an IP SAN, one with "://" a URI, one with "@" an email.</summary>
    internal TestLeaf Issue(
        string[] names, bool isRsa = false, DateTimeOffset? notBefore = null, DateTimeOffset? notAfter = null, byte[]? serial = null, string subject = "leaf")
    {
        AsymmetricAlgorithm key = isRsa ? RSA.Create(2048) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subjectName = new X500DistinguishedName($"CN={subject}, O=Example");
        var request = key is RSA rsa
            ? new CertificateRequest(subjectName, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest(subjectName, (ECDsa)key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (IPAddress.TryParse(name, out var address))
                alternatives.AddIpAddress(address);
            else if (name.Contains("://", StringComparison.Ordinal))
                alternatives.AddUri(new Uri(name));
            else if (name.Contains('@', StringComparison.Ordinal))
                alternatives.AddEmailAddress(name);
            else
                alternatives.AddDnsName(name);
        }

        if (names.Length > 0)
            request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        using var certificate = request.Create(
            _certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), notBefore ?? Now.AddDays(-1), notAfter ?? Now.AddDays(30),
            serial ?? RandomNumberGenerator.GetBytes(8));
        var chain = certificate.ExportCertificatePem() + "\n" + (_issuer is null ? "" : _certificate.ExportCertificatePem() + "\n");
        return new TestLeaf(key, certificate.RawData, chain);
    }

    /// <summary>A revocation list with these serials.</summary>
    internal byte[] RevocationList(params byte[][] serials)
    {
        var builder = new CertificateRevocationListBuilder();
        foreach (var serial in serials)
            builder.AddEntry(serial, Now.AddHours(-1));
        var list = builder.Build(_certificate, 1, Now.AddDays(10), HashAlgorithmName.SHA256, thisUpdate: Now.AddDays(-1));
        return Encoding.ASCII.GetBytes(PemEncoding.WriteString("X509 CRL", list));
    }

    public void Dispose()
    {
        _key.Dispose();
        _certificate.Dispose();
    }

    private static CertificateRequest Request(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request;
    }
}

/// <summary>A leaf and its key.</summary>
internal sealed record TestLeaf(AsymmetricAlgorithm Key, byte[] Der, string ChainPem)
{
    internal string KeyPem => Key.ExportPkcs8PrivateKeyPem();

    internal TlsCertificateOptions Options => new()
    {
        CertificateChainPem = Encoding.ASCII.GetBytes(ChainPem),
        PrivateKeyPem = Encoding.ASCII.GetBytes(KeyPem),
    };

    internal byte[] PublicKeyHash => SHA256.HashData(Key.ExportSubjectPublicKeyInfo());

    internal TlsCertificateOptions Encrypted(string keyPassword, string? givenPassword) => new()
    {
        CertificateChainPem = Encoding.ASCII.GetBytes(ChainPem),
        PrivateKeyPem = Encoding.ASCII.GetBytes(Key.ExportEncryptedPkcs8PrivateKeyPem(
            keyPassword, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 10_000))),
        Password = givenPassword is null ? default : Encoding.ASCII.GetBytes(givenPassword),
    };
}
