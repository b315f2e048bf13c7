using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Lateen.Identity;
using Lateen.Net.Certificates;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Identity;

/// <summary>An authority's answer, taken apart: what the workload shows, and the roots that came with it. Well formed, and not believed yet.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class IssuedCertificate
{
    private const int MaxCertificates = WorkloadCertificate.MaxChainLength + TrustBundle.MaxRoots;

    private IssuedCertificate(ImmutableArray<TlsCertificate> chain, SpiffeId identity, ImmutableArray<TlsCertificate> roots)
    {
        Chain = chain;
        Identity = identity;
        Roots = roots;
    }

    /// <summary>The leaf first, then its intermediates.</summary>
    public ImmutableArray<TlsCertificate> Chain { get; }

    public TlsCertificate Leaf => Chain[0];

    /// <summary>Who the leaf says it is.</summary>
    public SpiffeId Identity { get; }

    /// <summary>Empty: the authority named none.</summary>
    public ImmutableArray<TlsCertificate> Roots { get; }

    /// <summary>Reads an answer: the leaf first, then its intermediates, roots at the end, as Istio's authorities write it.</summary>
    /// <returns>False with the reason when it is not of that form.</returns>
    public static bool TryRead(ImmutableArray<string> answer, [NotNullWhen(true)] out IssuedCertificate? certificate, [NotNullWhen(false)] out string? reason)
    {
        certificate = null;
        if (!PemCertificates.TryRead(string.Join('\n', answer), MaxCertificates, static der => TlsCertificate.TryDecode(der), out var all, out reason)) return false;
        var shown = all.Length;
        while (shown > 1 && IsRoot(all[shown - 1])) shown--;
        if (shown > WorkloadCertificate.MaxChainLength)
        {
            reason = $"a chain has 1 to {WorkloadCertificate.MaxChainLength} certificates";
            return false;
        }

        // X.509-SVID section 2: one URI name exactly.
        var uris = all[0].SubjectAltNames.Count(static name => name.Kind == SubjectAltNameKind.Uri);
        if (uris != 1)
        {
            reason = "the certificate has not exactly one URI among its names";
            return false;
        }

        if (!SpiffeId.TryParse(all[0].FirstUri, out var identity, out reason)) return false;
        certificate = new IssuedCertificate(all[..shown], identity, all[shown..]);
        return true;
    }

    private static bool IsRoot(TlsCertificate certificate) =>
        CertificateChain.TraitsOf(certificate).HasFlag(CertificateTraits.IsSelfIssued | CertificateTraits.IsAuthority | CertificateTraits.MaySign);
}
