using System.Collections.Immutable;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.ProxyProtocol.V3;
using Envoy.Extensions.TransportSockets.RawBuffer.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Model;
using Lateen.Model.Networking;
using Lateen.Translation.Secrets;

namespace Lateen.Translation.Connections;

/// <summary>
/// What is put around the bytes on their way to an endpoint: TLS and the PROXY header of a DestinationRule. Depends on nothing but the policy, the
/// service's name and the port.
/// </summary>
internal static class UpstreamSockets
{
    private const string ProxyProtocolName = "envoy.transport_sockets.upstream_proxy_protocol";

    /// <summary>The TLS that this release originates; ISTIO_MUTUAL needs an identity, and the model has said that it is without effect.</summary>
    public static ClientTlsSettings? TlsOf(TrafficPolicy? policy) =>
        policy?.Tls is { Mode: ClientTlsMode.Simple or ClientTlsMode.Mutual } tls ? tls : null;

    /// <summary>Null when the rule names the server; else the names follow the Host of each request, where there are requests.</summary>
    public static UpstreamHttpProtocolOptions? FollowHost(ClientTlsSettings? tls, PortProtocol protocol) =>
        tls is null || HasServerName(tls) || !MayCarryHttp(protocol)
            ? null
            : new UpstreamHttpProtocolOptions { AutoSni = true, AutoSanValidation = tls.SubjectAltNames.IsEmpty && tls.InsecureSkipVerify != true };

    public static void Write(Cluster cluster, TrafficPolicy? policy, PortProtocol protocol, string hostname, ReadOnlySpan<string> alpn, ISet<SecretReference> secrets)
    {
        var socket = TlsOf(policy) is { } tls
            ? new TransportSocket { Name = TlsContexts.SocketName, TypedConfig = Messages.Pack(Context(tls, protocol, hostname, alpn, secrets)) }
            : null;
        if (policy?.ProxyProtocol is { } version)
        {
            socket = new TransportSocket
            {
                Name = ProxyProtocolName,
                TypedConfig = Messages.Pack(new ProxyProtocolUpstreamTransport
                {
                    Config = new ProxyProtocolConfig
                    {
                        Version = version == ProxyProtocolVersion.V2 ? ProxyProtocolConfig.Types.Version.V2 : ProxyProtocolConfig.Types.Version.V1,
                    },
                    TransportSocket = socket ?? new TransportSocket { Name = "envoy.transport_sockets.raw_buffer", TypedConfig = Messages.Pack(new RawBuffer()) },
                }),
            };
        }

        if (socket is not null) cluster.TransportSocket = socket;
    }

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
