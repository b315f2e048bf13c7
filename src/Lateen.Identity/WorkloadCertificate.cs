using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity;

/// <summary>
/// A leaf with its intermediates, as an authority answers and as a peer shows it: read and well formed, and not yet trusted; only
/// <see cref="TrustBundle.Verify"/> says whether to believe it. Immutable. Of the control plane, as <see cref="TrustBundle"/> is.
/// </summary>
public sealed class WorkloadCertificate
{
    /// <summary>Certificates in a chain without its root. Count. Hit: refused.</summary>
    public const int MaxChainLength = 8;

    private WorkloadCertificate(ImmutableArray<X509Certificate2> chain, SpiffeId identity)
    {
        Chain = chain;
        Identity = identity;
        NotBefore = new DateTimeOffset(Leaf.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(Leaf.NotAfter.ToUniversalTime());
    }

    /// <summary>The leaf first, each certificate before the one that signed it.</summary>
    public ImmutableArray<X509Certificate2> Chain { get; }

    public X509Certificate2 Leaf => Chain[0];

    /// <summary>Who the leaf says it is.</summary>
    public SpiffeId Identity { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    /// <summary>The serial number in lower-case hexadecimal, as audit lines write it.</summary>
    public string SerialNumber => Leaf.SerialNumber.ToLowerInvariant();

    /// <summary>Leaf and intermediates in PEM, for the TLS stack.</summary>
    public string ToPem() => string.Join('\n', Chain.Select(certificate => certificate.ExportCertificatePem())) + "\n";

    /// <returns>False with the reason in words: no PEM, too long, or a leaf without exactly one identity.</returns>
    public static bool TryRead(string? pem, [NotNullWhen(true)] out WorkloadCertificate? certificate, [NotNullWhen(false)] out string? reason)
    {
        certificate = null;
        return PemCertificates.TryRead(pem, MaxChainLength, out var chain, out reason) && TryCreate(chain, out certificate, out reason);
    }

    /// <summary>For a chain that a handshake has read.</summary>
    public static bool TryCreate(
        ImmutableArray<X509Certificate2> chain, [NotNullWhen(true)] out WorkloadCertificate? certificate, [NotNullWhen(false)] out string? reason)
    {
        certificate = null;
        if (chain.IsDefaultOrEmpty || chain.Length > MaxChainLength) reason = $"a chain has 1 to {MaxChainLength} certificates";
        else if (TryReadIdentity(chain[0], out var identity, out reason)) certificate = new WorkloadCertificate(chain, identity);
        return certificate is not null;
    }

    /// <summary>The identity of a leaf: its only URI name (X.509-SVID, section 2). Names of other kinds may stand beside it.</summary>
    public static bool TryReadIdentity(X509Certificate2 leaf, [NotNullWhen(true)] out SpiffeId? identity, [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(leaf);
        identity = null;
        if (leaf.Extensions.Count(extension => extension.Oid?.Value == SubjectNames.Oid) != 1) reason = "the certificate has no names, or has them twice";
        else if (!SubjectNames.TryRead(leaf.Extensions[SubjectNames.Oid]!.RawData, out var names)) reason = "the certificate's names cannot be read";
        else if (names.Count(name => name.Uri is not null) != 1) reason = "the certificate has not exactly one URI among its names";
        else return SpiffeId.TryParse(names.Find(name => name.Uri is not null).Uri, out identity, out reason);
        return false;
    }
}
