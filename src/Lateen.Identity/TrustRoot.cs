using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Identity;

/// <summary>One root of trust: a certificate of an authority. Immutable; equal when the bytes are.</summary>
public sealed class TrustRoot : IEquatable<TrustRoot>
{
    private TrustRoot(X509Certificate2 certificate)
    {
        Certificate = certificate;
        Fingerprint = Convert.ToHexStringLower(SHA256.HashData(certificate.RawData));
        NotBefore = new DateTimeOffset(certificate.NotBefore.ToUniversalTime());
        NotAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>SHA-256 over the certificate, 64 hexadecimal digits in lower case.</summary>
    public string Fingerprint { get; }

    public DateTimeOffset NotBefore { get; }

    public DateTimeOffset NotAfter { get; }

    /// <returns>False with the reason in words when the certificate may not sign others (RFC 5280 sections 4.2.1.3 and 4.2.1.9).</returns>
    public static bool TryCreate(X509Certificate2 certificate, [NotNullWhen(true)] out TrustRoot? root, [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        root = null;
        reason = AuthorityFault(certificate);
        if (reason is null) root = new TrustRoot(certificate);
        return root is not null;
    }

    /// <summary>Why the certificate may not sign certificates; null when it may.</summary>
    internal static string? AuthorityFault(X509Certificate2 certificate)
    {
        var constraints = certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault();
        var usage = certificate.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault();
        if (constraints is not { CertificateAuthority: true }) return $"'{certificate.Subject}' is no certificate of an authority (basicConstraints without CA)";
        return usage is not null && !usage.KeyUsages.HasFlag(X509KeyUsageFlags.KeyCertSign) ? $"'{certificate.Subject}' may not sign certificates (keyUsage)" : null;
    }

    public bool Equals(TrustRoot? other) => other is not null && Fingerprint == other.Fingerprint;

    public override bool Equals(object? obj) => Equals(obj as TrustRoot);

    public override int GetHashCode() => Fingerprint.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => $"{Certificate.Subject} {Fingerprint[..16]}";
}
