using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Bench.Compare;

/// <summary>The certificate of one run: self-signed, P-256, made anew each time and gone with the run's folder.</summary>
internal static class BenchCertificate
{
    /// <summary>Writes <c>bench.crt</c>, <c>bench.key</c> and, for HAProxy, both in <c>bench.pem</c>.</summary>
    internal static void Write(string directory)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=shop.bench.example", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("shop.bench.example");
        names.AddIpAddress(IPAddress.Loopback);
        names.AddUri(new Uri(AccessRules.Caller));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(1));
        var chain = certificate.ExportCertificatePem() + "\n";
        var secret = key.ExportPkcs8PrivateKeyPem() + "\n";
        // The folder is the run's own and closed to others (CreateTempSubdirectory makes it 0700).
        File.WriteAllText(Path.Combine(directory, "bench.crt"), chain);
        File.WriteAllText(Path.Combine(directory, "bench.key"), secret);
        File.WriteAllText(Path.Combine(directory, "bench.pem"), chain + secret);
    }
}
