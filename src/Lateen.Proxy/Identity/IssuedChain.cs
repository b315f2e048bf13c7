using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Lateen.Identity;

namespace Lateen.Proxy.Identity;

/// <summary>An authority's answer, taken apart: what the workload shows, and the roots that came with it.</summary>
/// <param name="Certificate">Leaf and intermediates.</param>
/// <param name="Roots">Empty: the authority named none.</param>
internal sealed record IssuedChain(WorkloadCertificate Certificate, ImmutableArray<X509Certificate2> Roots)
{
    private const int MaxCertificates = WorkloadCertificate.MaxChainLength + TrustBundle.MaxRoots;

    /// <summary>Reads an answer: the leaf first, then its intermediates, roots at the end, as Istio's authorities write it.</summary>
    /// <returns>False with the reason when it is not of that form.</returns>
    public static bool TryRead(ImmutableArray<string> answer, [NotNullWhen(true)] out IssuedChain? chain, [NotNullWhen(false)] out string? reason)
    {
        chain = null;
        if (!PemCertificates.TryRead(string.Join('\n', answer), MaxCertificates, out var all, out reason)) return false;
        var shown = all.Length;
        while (shown > 1 && IsRoot(all[shown - 1])) shown--;
        if (!WorkloadCertificate.TryCreate(all[..shown], out var certificate, out reason)) return false;
        chain = new IssuedChain(certificate, all[shown..]);
        return true;
    }

    private static bool IsRoot(X509Certificate2 certificate) =>
        certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData) && TrustRoot.TryCreate(certificate, out _, out _);
}
