using System.Collections.Immutable;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Tls;

/// <summary>A <c>CommonTlsContext</c>, checked; its secrets by where they come from.</summary>
/// <remarks>Immutable.</remarks>
internal sealed record TlsContextDefinition
{
    public required FieldPath Path { get; init; }

    /// <summary>Certificates first, then the validation context, if there is one.</summary>
    public required ImmutableArray<SecretSource> Sources { get; init; }

    /// <summary>How many of <see cref="Sources"/> are certificates.</summary>
    public required int CertificateCount { get; init; }

    /// <summary>What the validation context that comes by SDS completes (<c>combined_validation_context</c>); null: it stands alone.</summary>
    public CertificateValidationContext? DefaultValidation { get; init; }

    public TlsVersion MinVersion { get; init; } = TlsVersion.Tls12;

    public TlsVersion MaxVersion { get; init; } = TlsVersion.Tls13;

    public ImmutableArray<string> CipherSuites { get; init; } = [];

    public ImmutableArray<string> Curves { get; init; } = [];

    public ImmutableArray<AlpnProtocol> Alpn { get; init; } = [];

    /// <summary>Of the proxy's own identity; empty: it has none.</summary>
    public string TrustDomain { get; init; } = string.Empty;

    /// <summary>Peers are verified with the roots of the mesh, so they have to be workloads of a mesh.</summary>
    public bool IsForMesh => HasValidation && Sources[^1].Origin == SecretOrigin.Identity;

    /// <summary>The configuration lists subject alternative names, of which a certificate has to have one.</summary>
    public bool NamesSubjects => Lists(DefaultValidation) || (HasValidation && Lists(Sources[^1].Inline?.ValidationContext));

    public bool HasValidation => Sources.Length > CertificateCount;

    private static bool Lists(CertificateValidationContext? context) => context is { MatchTypedSubjectAltNames.Count: > 0 } or { MatchSubjectAltNames.Count: > 0 };
}
