using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity;
using Lateen.Identity.Signing;

namespace Lateen.ControlPlane.Certificates;

/// <summary>The authority behind the certificate service, whichever way its key came. Safe from any thread.</summary>
internal interface IMeshAuthority : ICertificateIssuer, IDisposable
{
    /// <summary>The root whose key, or an intermediate of whose key, signs now.</summary>
    X509Certificate2 SigningCertificate { get; }

    /// <summary>In words for <c>lateen ca status</c>: <c>embedded</c>, or where its files are.</summary>
    string Source { get; }

    /// <summary>Says whether roots or signer may have changed since the last call, after looking at what can change from outside.</summary>
    bool Refresh();

    /// <summary>A leaf for the control plane itself, with names for clients that check hosts.</summary>
    bool TryIssueServer(
        PublicKey publicKey, SpiffeId identity, ServerNames names, TimeSpan lifetime, [NotNullWhen(true)] out WorkloadCertificate? certificate,
        [NotNullWhen(false)] out string? reason);
}
