using System.Collections.Immutable;
using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Translation.Secrets;
using SanType = Envoy.Extensions.TransportSockets.Tls.V3.SubjectAltNameMatcher.Types.SanType;

namespace Lateen.Translation.Connections;

/// <summary>The parts that TLS towards clients and TLS towards endpoints share.</summary>
internal static class TlsContexts
{
    public const string SocketName = "envoy.transport_sockets.tls";

    /// <summary>
    /// Where a proxy gets a secret. The fetch has Envoy's own bound (15 s): a certificate that nobody has yet must not keep a listener with other
    /// servers from starting.
    /// </summary>
    public static SdsSecretConfig Sds(SecretReference secret) => new()
    {
        Name = secret.Name,
        SdsConfig = new ConfigSource { Ads = new AggregatedConfigSource(), ResourceApiVersion = ApiVersion.V3 },
    };

    /// <summary>A name that the peer's certificate has to carry, in the kind of name that it is.</summary>
    public static SubjectAltNameMatcher Name(string name) => new()
    {
        SanType = name.Contains("://", StringComparison.Ordinal) ? SanType.Uri
            : IPAddress.TryParse(name, out _) ? SanType.IpAddress
            : name.Contains('@') ? SanType.Email
            : SanType.Dns,
        Matcher = new StringMatcher { Exact = name },
    };

    /// <summary>How the peer is verified: against roots that come over SDS, or as <paramref name="demands"/> says alone.</summary>
    /// <param name="roots">Null when <paramref name="demands"/> names its own roots, or wants none.</param>
    public static void Validate(CommonTlsContext context, SecretReference? roots, CertificateValidationContext demands)
    {
        if (roots is not { } secret)
        {
            context.ValidationContext = demands;
            return;
        }

        context.CombinedValidationContext = new CommonTlsContext.Types.CombinedCertificateValidationContext
        {
            DefaultValidationContext = demands,
            ValidationContextSdsSecretConfig = Sds(secret),
        };
    }

    public static CertificateValidationContext Demands(ImmutableArray<string> names)
    {
        var demands = new CertificateValidationContext();
        demands.MatchTypedSubjectAltNames.AddRange(names.Select(Name));
        return demands;
    }
}
