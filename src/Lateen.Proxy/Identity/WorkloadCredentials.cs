using System.Text;
using Lateen.Identity;

namespace Lateen.Proxy.Identity;

/// <summary>A certificate of this workload with the key that it belongs to: what the proxy shows, and what it asks the authority with.</summary>
/// <remarks>Immutable. The key is in the memory of this process and nowhere else; no text of this type holds it.</remarks>
internal sealed class WorkloadCredentials(WorkloadCertificate certificate, WorkloadKey key, DateTimeOffset receivedAt)
{
    public WorkloadCertificate Certificate => certificate;

    /// <summary>Leaf and intermediates.</summary>
    public byte[] ChainPem { get; } = Encoding.ASCII.GetBytes(certificate.ToPem());

    public byte[] KeyPem { get; } = Encoding.ASCII.GetBytes(key.ExportPrivateKeyPem());

    public DateTimeOffset ReceivedAt => receivedAt;

    public DateTimeOffset NotAfter => certificate.NotAfter;

    /// <summary>What it had before it when it came. Its beginning lies before that by as much as clocks may differ, so it says nothing.</summary>
    public TimeSpan Lifetime => NotAfter - receivedAt;

    public override string ToString() => $"certificate {certificate.SerialNumber} of {certificate.Identity}, good until {NotAfter:u}";
}
