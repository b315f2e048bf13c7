using System.Diagnostics.CodeAnalysis;

namespace Lateen.Identity.Signing;

/// <summary>What the certificate service needs of an authority: leaves for callers whose identity is proven, and the roots to trust. No key, no rotation.</summary>
/// <remarks>Safe from any thread.</remarks>
public interface ICertificateIssuer
{
    /// <summary>The roots to trust now.</summary>
    TrustBundle Bundle { get; }

    /// <summary>Signs a leaf for the key of the request and the identity that the caller has proven; the request's own wishes count for nothing here.</summary>
    /// <returns>False with the reason for the operator when the authority cannot sign now.</returns>
    bool TryIssue(
        SigningRequest request, SpiffeId identity, TimeSpan lifetime, [NotNullWhen(true)] out WorkloadCertificate? certificate,
        [NotNullWhen(false)] out string? reason);
}
