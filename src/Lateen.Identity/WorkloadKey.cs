using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity;

/// <summary>
/// A workload's private key. It makes certificate requests (PKCS#10) and gives its key to the TLS stack of the same process; it never signs a
/// certificate, and its text never goes into a log (<see cref="ToString"/> names the algorithm alone).
/// </summary>
/// <remarks>For the control plane, which signs with the same cryptography of the framework's; the proxy makes its keys where its TLS has them, by OpenSSL. Owned by one thread at a time. Dispose it when the certificate that it belongs to has left service.</remarks>
public sealed class WorkloadKey : IDisposable
{
    private readonly AsymmetricAlgorithm _key;

    private WorkloadKey(AsymmetricAlgorithm key, KeyAlgorithm algorithm)
    {
        _key = key;
        Algorithm = algorithm;
    }

    public KeyAlgorithm Algorithm { get; }

    /// <summary>Makes a new key from the operating system's random numbers. RSA takes some 100 ms of processor; do not call it on a reactor.</summary>
    public static WorkloadKey Create(KeyAlgorithm algorithm) => algorithm switch
    {
        KeyAlgorithm.EcdsaP256 => new WorkloadKey(ECDsa.Create(ECCurve.NamedCurves.nistP256), algorithm),
        KeyAlgorithm.Rsa2048 => new WorkloadKey(RSA.Create(2048), algorithm),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>A request for a certificate of this key: empty subject, the identity as the only name, signed with SHA-256. PEM.</summary>
    public string CreateRequest(SpiffeId identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        var subject = new X500DistinguishedName([0x30, 0x00]);
        var request = _key is ECDsa ecdsa
            ? new CertificateRequest(subject, ecdsa, HashAlgorithmName.SHA256)
            : new CertificateRequest(subject, (RSA)_key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(SubjectNames.Only(identity));
        return request.CreateSigningRequestPem();
    }

    /// <summary>The private key as PKCS#8 in PEM, for the TLS stack of this process. Never write it where another may read it.</summary>
    public string ExportPrivateKeyPem() => _key.ExportPkcs8PrivateKeyPem();

    /// <summary>The certificate with this key, for a TLS stack of the framework. The caller disposes it.</summary>
    public X509Certificate2 Attach(X509Certificate2 certificate) => _key is ECDsa ecdsa ? certificate.CopyWithPrivateKey(ecdsa) : certificate.CopyWithPrivateKey((RSA)_key);

    /// <summary>Does the certificate belong to this key? A wrong answer of an authority would otherwise show only in the first handshake.</summary>
    public bool Matches(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(_key.ExportSubjectPublicKeyInfo());
    }

    public override string ToString() => $"{Algorithm} key";

    public void Dispose() => _key.Dispose();
}
