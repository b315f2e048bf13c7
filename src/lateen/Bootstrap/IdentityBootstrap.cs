using Lateen.Identity.Signing;

namespace Lateen.Cli.Bootstrap;

/// <summary>How a proxy gets its identity: whom it asks, whom it believes, and what it shows the first time. Written into the bootstrap as <c>lateen.identity</c>.</summary>
/// <param name="Server">The identity that the control plane's certificate must have.</param>
/// <param name="RootFile">Roots of trust in PEM, an absolute path.</param>
/// <param name="TokenFile">The join token, an absolute path.</param>
internal sealed record IdentityBootstrap(string TrustDomain, string Server, string RootFile, string TokenFile)
{
    /// <summary>What the proxy asks for; the authority may give less.</summary>
    public TimeSpan CertificateLifetime { get; init; } = LeafLifetime.Asked;
}
