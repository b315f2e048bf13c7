using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Lateen.Identity;

/// <summary>
/// Whom a mesh believes: the roots, and the trust domains that they stand for. While a root is replaced there are several, and each of them is enough.
/// Immutable: a change is a new bundle, so that a handshake never sees half of one. Safe from any thread. Of the control plane; the proxy keeps the same roots in OpenSSL's form.
/// </summary>
public sealed class TrustBundle : IEquatable<TrustBundle>
{
    /// <summary>Roots in a bundle. Count. Hit: refused. A rotation needs 2; migrations from other authorities a few more.</summary>
    public const int MaxRoots = 16;

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private TrustBundle(ImmutableArray<TrustDomain> domains, ImmutableArray<TrustRoot> roots)
    {
        TrustDomains = domains;
        Roots = roots;
        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join('\n', roots.Select(root => root.Fingerprint)))));
    }

    /// <summary>The mesh's own domain first, then its aliases.</summary>
    public ImmutableArray<TrustDomain> TrustDomains { get; }

    /// <summary>In the order in which they were added, none twice, at least one.</summary>
    public ImmutableArray<TrustRoot> Roots { get; }

    /// <summary>Tells bundles apart: SHA-256 over the fingerprints of the roots, in hexadecimal.</summary>
    public string Fingerprint { get; }

    /// <returns>False with the reason in words when the text holds anything but 1 to <see cref="MaxRoots"/> certificates of authorities.</returns>
    public static bool TryRead(
        TrustDomain trustDomain, string? pem, [NotNullWhen(true)] out TrustBundle? bundle, [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(trustDomain);
        bundle = null;
        return PemCertificates.TryRead(pem, MaxRoots, out var certificates, out reason) && TryCreate([trustDomain], certificates, out bundle, out reason);
    }

    /// <param name="domains">The mesh's own domain first, then its aliases; at least one.</param>
    public static bool TryCreate(
        ImmutableArray<TrustDomain> domains, IEnumerable<X509Certificate2> certificates, [NotNullWhen(true)] out TrustBundle? bundle,
        [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(certificates);
        ArgumentOutOfRangeException.ThrowIfZero(domains.Length);
        bundle = null;
        reason = null;
        var roots = ImmutableArray.CreateBuilder<TrustRoot>();
        foreach (var certificate in certificates)
        {
            if (!TrustRoot.TryCreate(certificate, out var root, out reason)) return false;
            if (!roots.Contains(root)) roots.Add(root);
        }

        if (roots.Count is 0 or > MaxRoots)
        {
            reason = $"a bundle has 1 to {MaxRoots} roots, this one {roots.Count}";
            return false;
        }

        bundle = new TrustBundle(domains, roots.ToImmutable());
        return true;
    }

    /// <summary>The same roots for a mesh of these trust domains, its own first; this object when it is of them already.</summary>
    public TrustBundle Of(ImmutableArray<TrustDomain> domains)
    {
        ArgumentOutOfRangeException.ThrowIfZero(domains.Length);
        return TrustDomains.SequenceEqual(domains) ? this : new TrustBundle(domains, Roots);
    }

    /// <summary>The roots in PEM, in their order; equal bundles give equal text.</summary>
    public string ToPem() => string.Join('\n', Roots.Select(root => root.Certificate.ExportCertificatePem())) + "\n";

    /// <summary>
    /// Is the peer who it says it is, at this moment? Checks the chain of signatures to a root, the times of every certificate, the purposes and the trust
    /// domain. Looks nothing up: no network, no revocation lists.
    /// </summary>
    /// <remarks>The framework's own path building (RFC 5280 section 6), with this bundle as the only anchors.</remarks>
    public TrustVerdict Verify(WorkloadCertificate certificate, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        if (!TrustDomains.Contains(certificate.Identity.TrustDomain))
            return TrustVerdict.Refused(TrustFailure.ForeignTrustDomain, $"{certificate.Identity} is of another trust domain than {TrustDomains[0]}");
        if (PurposeFault(certificate.Leaf) is { } fault) return TrustVerdict.Refused(TrustFailure.WrongPurpose, fault);
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        foreach (var root in Roots) chain.ChainPolicy.CustomTrustStore.Add(root.Certificate);
        foreach (var intermediate in certificate.Chain.AsSpan()[1..]) chain.ChainPolicy.ExtraStore.Add(intermediate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = at.UtcDateTime;
        bool isBuilt = chain.Build(certificate.Leaf);
        var verdict = isBuilt ? TrustVerdict.Trusted(certificate.Identity) : Refusal(chain, certificate, at);
        foreach (var element in chain.ChainElements) element.Certificate.Dispose();
        return verdict;
    }

    private static string? PurposeFault(X509Certificate2 leaf)
    {
        if (leaf.Extensions.OfType<X509BasicConstraintsExtension>().Any(constraints => constraints.CertificateAuthority))
            return "an authority's certificate is shown as a workload's";
        var purposes = leaf.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault()?.EnhancedKeyUsages;
        bool isForBoth = purposes is null
            || purposes.OfType<Oid>().Count(purpose => purpose.Value is ServerAuthentication or ClientAuthentication) == 2;
        return isForBoth ? null : "the certificate is not for both ends of a connection (extendedKeyUsage)";
    }

    private static TrustVerdict Refusal(X509Chain chain, WorkloadCertificate certificate, DateTimeOffset at)
    {
        var states = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, status) => all | status.Status);
        // Order matters: a chain that nobody signed says nothing true about its dates.
        if ((states & (X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.NotSignatureValid)) != 0)
            return TrustVerdict.Refused(TrustFailure.UnknownAuthority, $"no root of the bundle stands behind {certificate.Identity}");
        if (states.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            bool isEarly = chain.ChainElements.Any(element => element.Certificate.NotBefore.ToUniversalTime() > at.UtcDateTime);
            return isEarly
                ? TrustVerdict.Refused(TrustFailure.NotYetValid, $"the chain of {certificate.Identity} is not valid yet at {at:u}; compare the clocks")
                : TrustVerdict.Refused(TrustFailure.Expired, $"the chain of {certificate.Identity} has expired at {at:u}");
        }

        return TrustVerdict.Refused(TrustFailure.WrongPurpose, $"the chain of {certificate.Identity} does not hold: {states}");
    }

    public bool Equals(TrustBundle? other) => other is not null && Fingerprint == other.Fingerprint && TrustDomains.SequenceEqual(other.TrustDomains);

    public override bool Equals(object? obj) => Equals(obj as TrustBundle);

    public override int GetHashCode() => Fingerprint.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => $"{TrustDomains[0]}: {Roots.Length} roots, {Fingerprint[..16]}";
}
