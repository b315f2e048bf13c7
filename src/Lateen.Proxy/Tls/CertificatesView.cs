using System.Collections.Immutable;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Tls;

/// <summary>The certificates of one secret that TLS contexts use now.</summary>
/// <param name="Path">The file that they were read from; <c>&lt;inline&gt;</c> for others.</param>
/// <param name="AreRoots">They are trusted; otherwise they are shown, leaf first.</param>
/// <param name="Certificates">In the order of the secret.</param>
/// <remarks>Immutable.</remarks>
public sealed record CertificatesInUse(string Path, bool AreRoots, ImmutableArray<TlsCertificate> Certificates);
