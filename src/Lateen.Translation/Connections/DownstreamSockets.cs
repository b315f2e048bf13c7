using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Model.Networking;
using Lateen.Translation.Secrets;
using Version = Envoy.Extensions.TransportSockets.Tls.V3.TlsParameters.Types.TlsProtocol;

namespace Lateen.Translation.Connections;

/// <summary>How a gateway's server, or a port of a sidecar, opens the TLS of its clients.</summary>
internal static class DownstreamSockets
{
    /// <summary>HTTP/2 where the client can.</summary>
    public static readonly ImmutableArray<string> HttpAlpn = ["h2", "http/1.1"];

    /// <param name="alpn">What the server offers; empty for protocols that ALPN has no name for.</param>
    /// <param name="secrets">Gathers what the context asks for.</param>
    public static TransportSocket Of(ServerTlsSettings tls, ImmutableArray<string> alpn, ISet<SecretReference> secrets)
    {
        var common = new CommonTlsContext { TlsParams = Parameters(tls) };
        foreach (string offered in alpn) common.AlpnProtocols.Add(offered);
        foreach (var certificate in Certificates(tls))
        {
            secrets.Add(certificate);
            common.TlsCertificateSdsSecretConfigs.Add(TlsContexts.Sds(certificate));
        }

        if (tls.Mode is ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual)
        {
            var roots = Roots(tls);
            if (roots is { } secret) secrets.Add(secret);
            TlsContexts.Validate(common, roots, Demands(tls));
        }

        return new TransportSocket
        {
            Name = TlsContexts.SocketName,
            TypedConfig = Messages.Pack(new DownstreamTlsContext { CommonTlsContext = common, RequireClientCertificate = tls.Mode == ServerTlsMode.Mutual }),
        };
    }

    private static TlsParameters Parameters(ServerTlsSettings tls)
    {
        var parameters = new TlsParameters
        {
            TlsMinimumProtocolVersion = tls.MinProtocolVersion == TlsProtocolVersion.Auto ? Version.Tlsv12 : Of(tls.MinProtocolVersion),
            TlsMaximumProtocolVersion = Of(tls.MaxProtocolVersion),
        };
        parameters.CipherSuites.AddRange(tls.CipherSuites);
        return parameters;
    }

    public static Version Of(TlsProtocolVersion version) => version switch
    {
        TlsProtocolVersion.Tls12 => Version.Tlsv12,
        TlsProtocolVersion.Tls13 => Version.Tlsv13,
        _ => Version.TlsAuto,
    };

    private static ImmutableArray<SecretReference> Certificates(ServerTlsSettings tls)
    {
        if (tls.CredentialName is { Length: > 0 } single) return [SecretReference.OfCredential(single)];
        if (!tls.CredentialNames.IsEmpty) return [.. tls.CredentialNames.Select(SecretReference.OfCredential)];
        if (!tls.TlsCertificates.IsEmpty)
            return [.. tls.TlsCertificates.Select(certificate => SecretReference.OfFiles(certificate.ServerCertificate, certificate.PrivateKey))];
        return [SecretReference.OfFiles(tls.ServerCertificate ?? "", tls.PrivateKey ?? "")];
    }

    /// <summary>Those of one place, as in Istio: a context has one set of roots. Of others the reader and the checks have warned (LAT0505).</summary>
    private static SecretReference? Roots(ServerTlsSettings tls)
    {
        if (tls.InsecureSkipVerify == true) return null;
        if (tls.CaCertCredentialName is { Length: > 0 } own) return SecretReference.OfCredentialRoots(own);
        if (tls.CredentialName is { Length: > 0 } single) return SecretReference.OfCredentialRoots(single);
        if (tls.CredentialNames is [var first, ..]) return SecretReference.OfCredentialRoots(first);
        string? path = tls.CaCertificates ?? tls.TlsCertificates.Select(certificate => certificate.CaCertificates).FirstOrDefault(ca => ca is not null);
        return path is { Length: > 0 } ? SecretReference.OfRootFile(path, tls.CaCrl) : null;
    }

    private static CertificateValidationContext Demands(ServerTlsSettings tls)
    {
        if (tls.InsecureSkipVerify == true)
        {
            return new CertificateValidationContext
            {
                TrustChainVerification = CertificateValidationContext.Types.TrustChainVerification.AcceptUntrusted,
            };
        }

        var demands = TlsContexts.Demands(tls.SubjectAltNames);
        demands.VerifyCertificateHash.AddRange(tls.VerifyCertificateHash);
        demands.VerifyCertificateSpki.AddRange(tls.VerifyCertificateSpki);
        return demands;
    }
}
