using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Lateen.Identity;
using Lateen.Net.Certificates;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Identity;

/// <summary>The roots that a proxy believes in its mesh: 1 to <see cref="TrustBundle.MaxRoots"/>, none twice, each of them enough. Immutable; equal when the certificates are.</summary>
/// <remarks>What <see cref="TrustBundle"/> is to the control plane, in OpenSSL's hands: whom it trusts, the proxy's TLS trusts.</remarks>
internal sealed class MeshRoots : IEquatable<MeshRoots>
{
    private MeshRoots(ImmutableArray<TlsCertificate> certificates)
    {
        Certificates = certificates;
        Pem = PemOf(certificates);
        Span<byte> hash = stackalloc byte[Sha256.Bytes];
        Sha256.Hash(Encoding.ASCII.GetBytes(string.Join('\n', certificates.Select(static root => root.Sha256))), hash);
        Fingerprint = Convert.ToHexStringLower(hash);
    }

    /// <summary>In the order in which they were added.</summary>
    public ImmutableArray<TlsCertificate> Certificates { get; }

    /// <summary>In their order.</summary>
    public byte[] Pem { get; }

    /// <summary>SHA-256 over the fingerprints of the roots, in hexadecimal.</summary>
    public string Fingerprint { get; }

    /// <returns>False with the reason in words when the text holds anything but certificates of authorities, or too many.</returns>
    public static bool TryRead(string pem, [NotNullWhen(true)] out MeshRoots? roots, [NotNullWhen(false)] out string? reason)
    {
        roots = null;
        return PemCertificates.TryRead(pem, TrustBundle.MaxRoots, static der => TlsCertificate.TryDecode(der), out var certificates, out reason)
            && TryCreate(certificates, out roots, out reason);
    }

    public static bool TryCreate(IEnumerable<TlsCertificate> certificates, [NotNullWhen(true)] out MeshRoots? roots, [NotNullWhen(false)] out string? reason)
    {
        roots = null;
        reason = null;
        var each = ImmutableArray.CreateBuilder<TlsCertificate>();
        foreach (var certificate in certificates)
        {
            var traits = CertificateChain.TraitsOf(certificate);
            if (!traits.HasFlag(CertificateTraits.IsAuthority)) reason = $"'{certificate.Subject}' is no certificate of an authority (basicConstraints without CA)";
            else if (!traits.HasFlag(CertificateTraits.MaySign)) reason = $"'{certificate.Subject}' may not sign certificates (keyUsage)";
            if (reason is not null) return false;
            if (!each.Any(one => one.Sha256 == certificate.Sha256)) each.Add(certificate);
        }

        if (each.Count is > 0 and <= TrustBundle.MaxRoots) roots = new MeshRoots(each.ToImmutable());
        else reason = $"a bundle has 1 to {TrustBundle.MaxRoots} roots, this one {each.Count}";
        return roots is not null;
    }

    /// <summary>Is the certificate one that peers who believe these roots believe, at this moment? Signatures up to a root, times and purposes are checked.</summary>
    /// <returns>Why not, for an operator; null when it is.</returns>
    public string? Refuse(IssuedCertificate certificate, DateTimeOffset at)
    {
        var traits = CertificateChain.TraitsOf(certificate.Leaf);
        if (traits.HasFlag(CertificateTraits.IsAuthority)) return "an authority's certificate is shown as a workload's";
        if (!traits.HasFlag(CertificateTraits.IsForClients | CertificateTraits.IsForServers))
            return "the certificate is not for both ends of a connection (extendedKeyUsage, keyUsage)";
        if (CertificateChain.Verify(certificate.Chain, Pem, at) is not { } failure) return null;
        return failure.Cause switch
        {
            TlsFailureCause.UnknownAuthority => $"no root of the bundle stands behind {certificate.Identity}",
            TlsFailureCause.CertificateNotYetValid => $"the chain of {certificate.Identity} is not valid yet at {at:u}; compare the clocks",
            TlsFailureCause.CertificateExpired => $"the chain of {certificate.Identity} has expired at {at:u}",
            _ => $"the chain of {certificate.Identity} does not hold: {failure}",
        };
    }

    public bool Equals(MeshRoots? other) => other is not null && Fingerprint == other.Fingerprint;

    public override bool Equals(object? obj) => Equals(obj as MeshRoots);

    public override int GetHashCode() => Fingerprint.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => $"{Certificates.Length} roots, {Fingerprint[..16]}";

    internal static byte[] PemOf(ImmutableArray<TlsCertificate> certificates) =>
        Encoding.ASCII.GetBytes(string.Concat(certificates.Select(static one => PemEncoding.WriteString("CERTIFICATE", one.Der.Span) + "\n")));
}
