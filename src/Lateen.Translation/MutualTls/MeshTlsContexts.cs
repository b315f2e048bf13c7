using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Connections;
using SanType = Envoy.Extensions.TransportSockets.Tls.V3.SubjectAltNameMatcher.Types.SanType;
using Version = Envoy.Extensions.TransportSockets.Tls.V3.TlsParameters.Types.TlsProtocol;

namespace Lateen.Translation.MutualTls;

/// <summary>
/// Mutual TLS within the mesh, on either side: the proxy's own certificate and the mesh's roots, both by the names under which the proxy itself
/// answers for them. No key is in what is made here, and none is known here.
/// </summary>
internal static class MeshTlsContexts
{
    /// <summary>Istio's name of the workload's certificate.</summary>
    private const string Certificate = "default";

    /// <summary>Istio's name of the mesh's roots.</summary>
    private const string Roots = "ROOTCA";

    /// <summary>Istio's name for what beside the proxy answers for secrets.</summary>
    private const string Source = "sds-grpc";

    /// <summary>What a server of the mesh asks of its clients: a certificate of the mesh's roots, for an identity of one of its trust domains.</summary>
    /// <param name="alpn">What the server agrees on.</param>
    /// <param name="asked">What a gateway's server asks beside, such as certain identities; null: nothing.</param>
    public static TransportSocket Server(MeshConfig mesh, ImmutableArray<string> alpn, ServerTlsSettings? asked = null)
    {
        var demands = TlsContexts.Demands(asked?.SubjectAltNames ?? []);
        // One of the names is enough, so the trust domains beside certain identities would let everybody in.
        if (demands.MatchTypedSubjectAltNames.Count == 0)
            foreach (string domain in TrustDomains(mesh)) demands.MatchTypedSubjectAltNames.Add(UriPrefix($"spiffe://{domain}/"));
        var common = Common(mesh, alpn, demands);
        if (asked is not null) Narrow(common.TlsParams, asked);
        return Socket(new DownstreamTlsContext { CommonTlsContext = common, RequireClientCertificate = true });
    }

    /// <summary>What a client of the mesh shows to an endpoint, and who it lets the endpoint be.</summary>
    public static TransportSocket Client(MeshConfig mesh, ImmutableArray<string> alpn, string serverName, IEnumerable<SubjectAltNameMatcher> servers)
    {
        var demands = new CertificateValidationContext();
        demands.MatchTypedSubjectAltNames.AddRange(servers);
        return Socket(new UpstreamTlsContext { CommonTlsContext = Common(mesh, alpn, demands), Sni = serverName });
    }

    /// <summary>Every name of the mesh, its own first.</summary>
    public static IEnumerable<string> TrustDomains(MeshConfig mesh) => mesh.TrustDomainAliases.Prepend(mesh.TrustDomain).Distinct(StringComparer.Ordinal);

    public static SubjectAltNameMatcher UriPrefix(string prefix) => new() { SanType = SanType.Uri, Matcher = new StringMatcher { Prefix = prefix } };

    private static void Narrow(TlsParameters parameters, ServerTlsSettings asked)
    {
        parameters.CipherSuites.AddRange(asked.CipherSuites);
        if (asked.MinProtocolVersion != TlsProtocolVersion.Auto) parameters.TlsMinimumProtocolVersion = DownstreamSockets.Of(asked.MinProtocolVersion);
        if (asked.MaxProtocolVersion != TlsProtocolVersion.Tls12) return;
        // A server's own word holds against the mesh's minimum.
        parameters.TlsMinimumProtocolVersion = parameters.TlsMaximumProtocolVersion = Version.Tlsv12;
    }

    private static TransportSocket Socket(Google.Protobuf.IMessage context) => new() { Name = TlsContexts.SocketName, TypedConfig = Messages.Pack(context) };

    private static CommonTlsContext Common(MeshConfig mesh, ImmutableArray<string> alpn, CertificateValidationContext demands)
    {
        var common = new CommonTlsContext
        {
            TlsParams = new TlsParameters
            {
                TlsMinimumProtocolVersion = mesh.MeshTlsMinimum == TlsProtocolVersion.Tls13 ? Version.Tlsv13 : Version.Tlsv12,
                // Envoy's clients would stop at TLS 1.2.
                TlsMaximumProtocolVersion = Version.Tlsv13,
            },
            TlsCertificateSdsSecretConfigs = { Secret(Certificate) },
            CombinedValidationContext = new CommonTlsContext.Types.CombinedCertificateValidationContext
            {
                DefaultValidationContext = demands,
                ValidationContextSdsSecretConfig = Secret(Roots),
            },
        };
        common.AlpnProtocols.AddRange(alpn);
        return common;
    }

    private static SdsSecretConfig Secret(string name) => new()
    {
        Name = name,
        SdsConfig = new ConfigSource
        {
            ApiConfigSource = new ApiConfigSource
            {
                ApiType = ApiConfigSource.Types.ApiType.Grpc,
                TransportApiVersion = ApiVersion.V3,
                SetNodeOnFirstMessageOnly = true,
                GrpcServices = { new GrpcService { EnvoyGrpc = new GrpcService.Types.EnvoyGrpc { ClusterName = Source } } },
            },
            // A port without its certificate could only refuse; so it opens when the certificate is there.
            InitialFetchTimeout = Messages.Zero,
            ResourceApiVersion = ApiVersion.V3,
        },
    };
}
