using Lateen.Net.Certificates;

namespace Lateen.Proxy.Identity;

/// <summary>A certificate of this workload with the key that it belongs to: what the proxy shows, and what it asks the authority with.</summary>
/// <remarks>Immutable. The key is in the memory of this process and nowhere else; no text of this type holds it.</remarks>
internal sealed class WorkloadCredentials(IssuedCertificate certificate, CertificateKey key, DateTimeOffset receivedAt)
{
    public IssuedCertificate Certificate => certificate;

    /// <summary>Leaf and intermediates.</summary>
    public byte[] ChainPem { get; } = MeshRoots.PemOf(certificate.Chain);

    public byte[] KeyPem { get; } = key.ToPem();

    /// <summary>From here its life is reckoned: its own beginning lies before that by as much as clocks may differ.</summary>
    public DateTimeOffset ReceivedAt => receivedAt;

    public DateTimeOffset NotAfter => certificate.Leaf.NotAfter;

    public override string ToString() => $"certificate {certificate.Leaf.Serial} of {certificate.Identity}, good until {NotAfter:u}";
}
