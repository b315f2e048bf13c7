using System.Collections.Immutable;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.ProxyProtocol.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf.WellKnownTypes;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.MutualTls;
using Lateen.Translation.Secrets;

namespace Lateen.Translation.Connections;

/// <summary>
/// What is put around the bytes on their way to an endpoint: TLS and the PROXY header of a DestinationRule. Depends on nothing but the policy, the
/// service's name and the port.
/// </summary>
internal static class UpstreamSockets
{
    private const string ProxyProtocolName = "envoy.transport_sockets.upstream_proxy_protocol";

    /// <summary>TLS that a rule configures itself; ISTIO_MUTUAL is the mesh's.</summary>
    public static ClientTlsSettings? TlsOf(TrafficPolicy? policy) =>
        policy?.Tls is { Mode: ClientTlsMode.Simple or ClientTlsMode.Mutual } tls ? tls : null;

    /// <summary>Null when the rule names the server; else the names follow the Host of each request, where there are requests.</summary>
    public static UpstreamHttpProtocolOptions? FollowHost(ClientTlsSettings? tls, PortProtocol protocol) =>
        tls is null || HasServerName(tls) || !MayCarryHttp(protocol)
            ? null
            : new UpstreamHttpProtocolOptions { AutoSni = true, AutoSanValidation = tls.SubjectAltNames.IsEmpty && tls.InsecureSkipVerify != true };

    /// <param name="mesh">The mesh's own TLS; null when none of it is spoken.</param>
    /// <param name="isPerEndpoint">Only to endpoints that say that they take it.</param>
    public static void Write(
        Cluster cluster, TrafficPolicy? policy, PortProtocol protocol, string hostname, ReadOnlySpan<string> alpn, TransportSocket? mesh, bool isPerEndpoint,
        ISet<SecretReference> secrets)
    {
        if (mesh is not null && isPerEndpoint)
        {
            // The first that fits is taken, and the second fits everything.
            cluster.TransportSocketMatches.Add(new Cluster.Types.TransportSocketMatch
            {
                Name = MutualTlsMatch.IstioName,
                Match = MutualTlsMatch.Istio(),
                TransportSocket = Announced(mesh, policy),
            });
            cluster.TransportSocketMatches.Add(new Cluster.Types.TransportSocketMatch
            {
                Name = MutualTlsMatch.DisabledName,
                Match = new Struct(),
                TransportSocket = Announced(null, policy) ?? Plain(),
            });
            return;
        }

        var socket = TlsOf(policy) is { } tls
            ? new TransportSocket { Name = TlsContexts.SocketName, TypedConfig = Messages.Pack(Context(tls, protocol, hostname, alpn, secrets)) }
            : mesh;
        if (Announced(socket, policy) is { } made) cluster.TransportSocket = made;
    }

    /// <summary>With the PROXY header before it that a policy asks for; null for plaintext without one.</summary>
    private static TransportSocket? Announced(TransportSocket? socket, TrafficPolicy? policy)
    {
        if (policy?.ProxyProtocol is not { } version) return socket;
        return new TransportSocket
        {
            Name = ProxyProtocolName,
            TypedConfig = Messages.Pack(new ProxyProtocolUpstreamTransport
            {
                Config = new ProxyProtocolConfig
                {
                    Version = version == ProxyProtocolVersion.V2 ? ProxyProtocolConfig.Types.Version.V2 : ProxyProtocolConfig.Types.Version.V1,
                },
                TransportSocket = socket ?? Plain(),
            }),
        };
    }

    private static TransportSocket Plain() => new() { Name = "envoy.transport_sockets.raw_buffer", TypedConfig = Messages.Pack(new RawBuffer()) };

    private static UpstreamTlsContext Context(
        ClientTlsSettings tls, PortProtocol protocol, string hostname, ReadOnlySpan<string> alpn, ISet<SecretReference> secrets)
    {
        var common = new CommonTlsContext();
        foreach (string offered in alpn) common.AlpnProtocols.Add(offered);
        if (tls.Mode == ClientTlsMode.Mutual) common.TlsCertificateSdsSecretConfigs.Add(TlsContexts.Sds(Remember(ClientCertificate(tls))));
        TlsContexts.Validate(common, Roots(tls) is { } roots ? Remember(roots) : null, Demands(tls, protocol, hostname));
        return new UpstreamTlsContext { CommonTlsContext = common, Sni = ServerName(tls, protocol, hostname) };

        SecretReference Remember(SecretReference secret)
        {
            secrets.Add(secret);
            return secret;
        }
    }

    private static SecretReference ClientCertificate(ClientTlsSettings tls) => tls.CredentialName is { Length: > 0 } credential
        ? SecretReference.OfCredential(credential)
        : SecretReference.OfFiles(tls.ClientCertificate ?? "", tls.PrivateKey ?? "");

    private static SecretReference? Roots(ClientTlsSettings tls)
    {
        if (tls.InsecureSkipVerify == true) return null;
        if (tls.CredentialName is { Length: > 0 } credential) return SecretReference.OfCredentialRoots(credential);
        return tls.CaCertificates is { Length: > 0 } path && path != SecretReference.SystemRoots ? SecretReference.OfRootFile(path, tls.CaCrl) : null;
    }

    private static CertificateValidationContext Demands(ClientTlsSettings tls, PortProtocol protocol, string hostname)
    {
        if (tls.InsecureSkipVerify == true)
        {
            return new CertificateValidationContext
            {
                TrustChainVerification = CertificateValidationContext.Types.TrustChainVerification.AcceptUntrusted,
            };
        }

        var demands = TlsContexts.Demands(Names(tls, protocol, hostname));
        if (Roots(tls) is not null) return demands;
        demands.SystemRootCerts = new CertificateValidationContext.Types.SystemRootCerts();
        if (tls.CaCrl is { Length: > 0 } crl) demands.Crl = new DataSource { Filename = crl };
        return demands;
    }

    /// <summary>
    /// A chain of trust without a name would let any certificate of a public authority in. Where the rule gives no names, the server name that it
    /// gives is verified; where it gives neither, each request's Host is, and where there are no requests the service's own name.
    /// </summary>
    private static ImmutableArray<string> Names(ClientTlsSettings tls, PortProtocol protocol, string hostname)
    {
        if (!tls.SubjectAltNames.IsEmpty) return tls.SubjectAltNames;
        if (HasServerName(tls)) return [tls.Sni!];
        return MayCarryHttp(protocol) || HostName.IsWildcard(hostname) ? [] : [hostname];
    }

    private static string ServerName(ClientTlsSettings tls, PortProtocol protocol, string hostname)
    {
        if (HasServerName(tls)) return tls.Sni!;
        return MayCarryHttp(protocol) || HostName.IsWildcard(hostname) ? "" : hostname;
    }

    private static bool HasServerName(ClientTlsSettings tls) => tls.Sni is { Length: > 0 };

    /// <summary>HTTPS is among them: a gateway that opened the TLS of its clients sends their requests to such ports.</summary>
    private static bool MayCarryHttp(PortProtocol protocol) => protocol.IsHttp() || protocol is PortProtocol.Unsupported or PortProtocol.Https;
}
