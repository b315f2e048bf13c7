using System.Collections.Immutable;

namespace Lateen.Model.Kubernetes;

/// <summary>
/// A core Secret, as far as TLS goes: a certificate with its key, roots to verify peers with, or both. Other Secrets are read and hold nothing.
/// </summary>
/// <remarks>
/// Everything here was checked when it was read: PEM throughout, and the key belongs to the certificate. Nothing of it may reach a log, a diagnostic or
/// an answer of the API; so it is no record, and its text says its kind alone.
/// </remarks>
public sealed class Secret
{
    /// <summary><c>kubernetes.io/tls</c>, <c>Opaque</c>, or another that this release makes nothing of.</summary>
    public string Type { get; init; } = "Opaque";

    /// <summary>The chain, leaf first, and its key. Null: there is none.</summary>
    public CertificateAndKey? Certificate { get; init; }

    /// <summary>PEM of the certificates that peers are verified against; empty: there are none.</summary>
    public ImmutableArray<byte> Roots { get; init; } = [];

    /// <summary>PEM of revocation lists; empty: there are none.</summary>
    public ImmutableArray<byte> RevocationLists { get; init; } = [];

    public override string ToString() => "Secret (not shown)";
}

/// <summary>A certificate chain and its private key, both PEM.</summary>
public sealed class CertificateAndKey(ImmutableArray<byte> chain, ImmutableArray<byte> key, DateTimeOffset notBefore, DateTimeOffset notAfter)
{
    public ImmutableArray<byte> Chain { get; } = chain;

    public ImmutableArray<byte> Key { get; } = key;

    public DateTimeOffset NotBefore { get; } = notBefore;

    public DateTimeOffset NotAfter { get; } = notAfter;

    public override string ToString() => "certificate and key (not shown)";
}
