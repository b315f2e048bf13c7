using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.Cli.Demo;

/// <summary>
/// The ingress's certificate for one run of the demo: an authority that is made, signs one certificate for this machine's loopback names, and
/// whose key is forgotten. The certificate's own key is written where the control plane reads it, for this user alone, and goes with the run's folder.
/// </summary>
internal sealed class DemoCertificate
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(7);

    private readonly string _chain;
    private readonly string _key;

    private DemoCertificate(string authority, string chain, string key)
    {
        Authority = authority;
        _chain = chain;
        _key = key;
    }

    /// <summary>The authority's certificate, PEM: what a client is told to trust.</summary>
    public string Authority { get; }

    /// <summary>Makes one that is valid from now on.</summary>
    public static DemoCertificate Create(TimeProvider time)
    {
        var now = time.GetUtcNow();
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=Lateen demo (this run only)", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        authorityRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        authorityRequest.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(authorityRequest.PublicKey, critical: false));
        using var authority = authorityRequest.CreateSelfSigned(now.AddMinutes(-5), now + Lifetime);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=bookshop", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddDnsName("bookshop.localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false)); // id-kp-serverAuth, RFC 5280 4.2.1.12
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        byte[] serial = [0x4c, .. RandomNumberGenerator.GetBytes(15)]; // Positive, and not 20 octets long (RFC 5280 4.1.2.2).
        using var certificate = request.Create(authority, now.AddMinutes(-5), authority.NotAfter.ToUniversalTime(), serial);
        return new DemoCertificate(authority.ExportCertificatePem() + "\n", certificate.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>Writes certificate and key as a Secret resource that only this user can read.</summary>
    public void WriteSecret(string name, string resourceNamespace, string path) => WriteForOwner(path, $"""
        apiVersion: v1
        kind: Secret
        metadata:
          name: {name}
          namespace: {resourceNamespace}
        type: kubernetes.io/tls
        data:
          tls.crt: {Base64(_chain)}
          tls.key: {Base64(_key)}

        """);

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));

    private static void WriteForOwner(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }
}
