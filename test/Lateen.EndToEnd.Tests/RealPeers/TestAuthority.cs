using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>A certificate authority for one test run, and what it signed.</summary>
internal sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;
    private byte _lastSerial;

    public TestAuthority()
    {
        var request = new CertificateRequest("CN=Lateen tests", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = TimeProvider.System.GetUtcNow();
        _authority = request.CreateSelfSigned(now.AddHours(-1), now.AddDays(2));
    }

    /// <summary>What a client trusts, PEM.</summary>
    public string Certificate => _authority.ExportCertificatePem() + "\n";

    /// <summary>TLS settings of a .NET client that trusts this authority and nobody else.</summary>
    public SslClientAuthenticationOptions Trusting => new()
    {
        CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            CustomTrustStore = { _authority },
            RevocationMode = X509RevocationMode.NoCheck,
        },
    };

    /// <summary>A certificate and its key for a server of these names on loopback.</summary>
    public (string CertificatePem, string KeyPem) Issue(params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            alternatives.AddDnsName(name);
        }

        alternatives.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.Create(_authority, now.AddHours(-1), now.AddDays(1), [0x4c, ++_lastSerial]);
        return (certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>The same as a Secret resource.</summary>
    public string IssueSecret(string name, params string[] names)
    {
        var (certificate, key) = Issue(names);
        return $$"""
            apiVersion: v1
            kind: Secret
            metadata:
              name: {{name}}
            type: kubernetes.io/tls
            data:
              tls.crt: {{Convert.ToBase64String(Encoding.ASCII.GetBytes(certificate))}}
              tls.key: {{Convert.ToBase64String(Encoding.ASCII.GetBytes(key))}}

            """;
    }

    public void Dispose()
    {
        _authority.Dispose();
        _key.Dispose();
    }
}
