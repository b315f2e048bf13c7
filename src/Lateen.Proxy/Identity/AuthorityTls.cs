using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Identity;

/// <summary>
/// The TLS context of a question to the authority: that of its cluster, with the proof in the place of the secrets that it names, which the answer is about to
/// supply. The names that the server has to have, SNI, versions and ciphers are the cluster's.
/// </summary>
internal static class AuthorityTls
{
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static UpstreamTls? Make(UpstreamTls cluster, AuthorityProof proof, ConfigurationErrors errors)
    {
        var context = ((ClientTls)cluster).Source.Clone();
        var common = context.CommonTlsContext ??= new CommonTlsContext();
        common.TlsCertificateSdsSecretConfigs.Clear();
        common.TlsCertificates.Clear();
        if (proof.Credentials is { } credentials)
        {
            common.TlsCertificates.Add(new TlsCertificate
            {
                CertificateChain = new DataSource { InlineBytes = UnsafeByteOperations.UnsafeWrap(credentials.ChainPem) },
                PrivateKey = new DataSource { InlineBytes = UnsafeByteOperations.UnsafeWrap(credentials.KeyPem) },
            });
        }

        var validation = (common.CombinedValidationContext?.DefaultValidationContext ?? common.ValidationContext)?.Clone() ?? new CertificateValidationContext();
        validation.TrustedCa = new DataSource { InlineBytes = UnsafeByteOperations.UnsafeWrap(proof.Roots) };
        validation.SystemRootCerts = null;
        validation.WatchedDirectory = null;
        common.ValidationContext = validation;

        // Nothing in it has a name any more, so there is nothing to look up.
        return ClientTls.Compile(context, null, FieldPath.Root, TlsScope.Closed, errors);
    }
}
