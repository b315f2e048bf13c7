using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Core.V3;
using Lateen.Identity;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Identity;

/// <summary>Who this proxy is, and who confirms it: <c>lateen.identity.v1.WorkloadIdentity</c> of the bootstrap, checked.</summary>
/// <remarks>Immutable. Its join token is a secret where it stands in the file itself; one in a file is read when it is used.</remarks>
public sealed record WorkloadIdentityConfig
{
    /// <summary>Who the workload is.</summary>
    public required SpiffeId Id { get; init; }

    /// <summary>The static cluster of the certificate authority.</summary>
    public required string AuthorityCluster { get; init; }

    /// <summary>Where the authority listens, in the order in which the addresses are tried. At least one.</summary>
    public required ImmutableArray<EndPoint> Servers { get; init; }

    /// <summary>For connect and handshake together.</summary>
    public required TimeSpan ConnectTimeout { get; init; }

    /// <summary>What the authority is verified with until its first answer. Its file is read once more at each start of a conversation without a certificate.</summary>
    public required DataSource RootCertificates { get; init; }

    /// <summary>What proves the identity where no certificate does.</summary>
    public required DataSource JoinToken { get; init; }

    public required KeyAlgorithm KeyType { get; init; }

    /// <summary>What is asked for; the authority may give less. From 1 s to 90 days.</summary>
    public required TimeSpan CertificateLifetime { get; init; }

    /// <summary>The TLS context of the authority's cluster: the names that it is verified by, SNI, ciphers. Certificates and roots are put in for each call.</summary>
    public required UpstreamTls AuthorityTls { get; init; }
}
