using System.Collections.Immutable;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lateen.Identity;
using Lateen.Xds.Server;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// TLS of the port where proxies get certificates and configuration: 1.2 or newer, the control plane's certificate of the moment, and a client certificate that may
/// be left out (a workload that joins has none) but, when it is shown, must be of the mesh.
/// </summary>
internal sealed class SecurePort(IMeshAuthority authority, ServerCertificate certificate, TimeProvider time, Action<string> log) : IPeerProof
{
    public void Listen(KestrelServerOptions kestrel, IPAddress address, int port) => kestrel.Listen(address, port, listen =>
    {
        listen.Protocols = HttpProtocols.Http2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = TimeSpan.FromSeconds(10),
            OnConnection = context => ValueTask.FromResult(Options(context.Connection.RemoteEndPoint)),
        });
    });

    private SslServerAuthenticationOptions Options(EndPoint? peer) => new()
    {
        ServerCertificateContext = certificate.Context,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ClientCertificateRequired = true,
        AllowRenegotiation = false,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        // The framework's chain is not asked: it would look into the machine's store. It only hands over what the peer sent.
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        CertificateChainPolicy = new X509ChainPolicy
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            TrustMode = X509ChainTrustMode.CustomRootTrust,
        },
        RemoteCertificateValidationCallback = (_, shown, chain, _) => IsAcceptable(shown, chain, peer),
    };

    private bool IsAcceptable(X509Certificate? shown, X509Chain? chain, EndPoint? peer)
    {
        if (shown is null) return true;
        string? reason = "it shows more certificates than a chain has";
        if (chain is not { ChainPolicy.ExtraStore.Count: > WorkloadCertificate.MaxChainLength })
        {
            ImmutableArray<X509Certificate2> all = [(X509Certificate2)shown, .. chain?.ChainPolicy.ExtraStore ?? []];
            if (WorkloadCertificate.TryCreate([.. all.DistinctBy(one => one.Thumbprint)], out var read, out reason))
            {
                var verdict = authority.Bundle.Verify(read, time.GetUtcNow());
                if (verdict.IsTrusted) return true;
                reason = verdict.Reason;
            }
        }

        log($"refused the handshake of {peer}: its certificate is not accepted: {reason}");
        return false;
    }

    /// <summary>Who the handshake of this call's connection proved the caller to be; null when it showed nothing, or what it showed has expired since.</summary>
    public SpiffeId? IdentityOf(ServerCallContext context)
    {
        if (context.GetHttpContext().Connection.ClientCertificate is not { } leaf || leaf.NotAfter.ToUniversalTime() <= time.GetUtcNow().UtcDateTime) return null;
        // An alias may be gone since the handshake.
        return WorkloadCertificate.TryReadIdentity(leaf, out var identity, out _) && authority.Bundle.TrustDomains.Contains(identity.TrustDomain) ? identity : null;
    }

    /// <summary>As <see cref="IdentityOf"/>, for streams: they last until the certificate ends that they began with.</summary>
    public ProvenPeer? Prove(ServerCallContext context) => IdentityOf(context) is { } identity
        ? new ProvenPeer(identity.Uri, new DateTimeOffset(context.GetHttpContext().Connection.ClientCertificate!.NotAfter.ToUniversalTime()))
        : null;

    public void Retire(ServerCallContext context) => context.GetHttpContext().Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
}
