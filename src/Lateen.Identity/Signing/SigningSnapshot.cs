using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity.Signing;

/// <summary>
/// Who signs now and whom to trust now, as one value: a certificate is never signed by an authority that the bundle of the same moment does not hold. Frozen;
/// a rotation makes another.
/// </summary>
public sealed record SigningSnapshot(SigningAuthority Signer, TrustBundle Bundle)
{
    /// <summary>The same for a mesh of these trust domains, its own first.</summary>
    public SigningSnapshot Of(ImmutableArray<TrustDomain> domains) => Bundle.Of(domains) is var bundle && ReferenceEquals(bundle, Bundle) ? this : this with { Bundle = bundle };

    public bool TryIssue(
        PublicKey publicKey, SpiffeId identity, ServerNames? names, TimeSpan lifetime, DateTimeOffset now,
        [NotNullWhen(true)] out WorkloadCertificate? certificate, [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(identity);
        certificate = null;
        if (Bundle.TrustDomains.Contains(identity.TrustDomain)) return Signer.TrySign(publicKey, identity, names, lifetime, now, out certificate, out reason);
        reason = $"{identity} is of another trust domain than {Bundle.TrustDomains[0]}";
        return false;
    }

    /// <summary>Does what this would sign hold against its own bundle? Asked before a replaced intermediate is taken into service.</summary>
    public string? Fault(DateTimeOffset now)
    {
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        var probe = SpiffeId.Create(Bundle.TrustDomains[0], "lateen-system", "probe");
        SigningRequest.TryRead(key.CreateRequest(probe), out var request, out _);
        if (!TryIssue(request!.PublicKey, probe, null, LeafLifetime.Min, now, out var certificate, out string? reason)) return reason;
        var verdict = Bundle.Verify(certificate, now);
        return verdict.IsTrusted ? null : $"what it signs would not be believed: {verdict.Reason}";
    }
}
