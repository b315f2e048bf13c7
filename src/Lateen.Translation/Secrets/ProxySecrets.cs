using System.Collections.Immutable;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Google.Protobuf;
using Lateen.Model;
using Lateen.Xds;
using Certificate = Envoy.Extensions.TransportSockets.Tls.V3.TlsCertificate;
using KubernetesSecret = Lateen.Model.Kubernetes.Secret;
using Secret = Envoy.Extensions.TransportSockets.Tls.V3.Secret;

namespace Lateen.Translation.Secrets;

/// <summary>
/// What a proxy may be given over SDS: the secrets that its own configuration names, and of Secrets only those of its own namespace. A name that leads
/// nowhere is left out, and whoever asks for it hears that there is none.
/// </summary>
internal static class ProxySecrets
{
    public static ImmutableArray<XdsResource> Of(
        MeshSnapshot snapshot, string proxyNamespace, IEnumerable<SecretReference> references, ImmutableArray<string>.Builder notices)
    {
        var secrets = ImmutableArray.CreateBuilder<XdsResource>();
        foreach (var reference in references.OrderBy(reference => reference.Name, StringComparer.Ordinal))
        {
            if (Make(snapshot, proxyNamespace, reference) is { } secret) secrets.Add(XdsResource.FromMessage(secret.Name, secret));
            else notices.Add(Missing(reference, proxyNamespace));
        }

        return secrets.ToImmutable();
    }

    private static string Missing(SecretReference reference, string proxyNamespace) => reference.Source == SecretSource.Credential
        ? $"the namespace {proxyNamespace} of this proxy has no Secret '{reference.First}' with a certificate and its key: connections that need it are refused"
        : $"the namespace {proxyNamespace} of this proxy has no roots for '{reference.First}', neither in the Secret of that name nor in "
            + $"'{Bare(reference.First)}{SecretReference.RootsSuffix}': connections that need them are refused";

    private static Secret? Make(MeshSnapshot snapshot, string proxyNamespace, SecretReference reference)
    {
        switch (reference.Source)
        {
            case SecretSource.CertificateFiles:
                return new Secret
                {
                    Name = reference.Name,
                    TlsCertificate = new Certificate
                    {
                        CertificateChain = new DataSource { Filename = reference.First },
                        PrivateKey = new DataSource { Filename = reference.Second },
                    },
                };
            case SecretSource.RootFile:
                var files = new CertificateValidationContext { TrustedCa = new DataSource { Filename = reference.First } };
                if (reference.Second.Length > 0) files.Crl = new DataSource { Filename = reference.Second };
                return new Secret { Name = reference.Name, ValidationContext = files };
            case SecretSource.Credential:
                return Find(snapshot, proxyNamespace, reference.First)?.Certificate is not { } pair
                    ? null
                    : new Secret
                    {
                        Name = reference.Name,
                        TlsCertificate = new Certificate { CertificateChain = Inline(pair.Chain), PrivateKey = Inline(pair.Key) },
                    };
            default:
                return Roots(snapshot, proxyNamespace, reference);
        }
    }

    /// <summary>Roots of their own go before those beside a certificate.</summary>
    private static Secret? Roots(MeshSnapshot snapshot, string proxyNamespace, SecretReference reference)
    {
        string bare = Bare(reference.First);
        var holder = Find(snapshot, proxyNamespace, bare + SecretReference.RootsSuffix) is { Roots.IsEmpty: false } own ? own : Find(snapshot, proxyNamespace, bare);
        if (holder is not { Roots.IsEmpty: false }) return null;
        var context = new CertificateValidationContext { TrustedCa = Inline(holder.Roots) };
        if (!holder.RevocationLists.IsEmpty) context.Crl = Inline(holder.RevocationLists);
        return new Secret { Name = reference.Name, ValidationContext = context };
    }

    /// <summary>A name may carry the proxy's own namespace before a slash; another one's is nothing that this proxy may have.</summary>
    private static KubernetesSecret? Find(MeshSnapshot snapshot, string proxyNamespace, string name)
    {
        int slash = name.IndexOf('/');
        if (slash >= 0 && !name.AsSpan(0, slash).SequenceEqual(proxyNamespace)) return null;
        return (snapshot.Find(new ResourceKey(ResourceKind.Secret, proxyNamespace, name[(slash + 1)..])) as Resource<KubernetesSecret>)?.Spec;
    }

    private static string Bare(string name) => name.EndsWith(SecretReference.RootsSuffix, StringComparison.Ordinal) ? name[..^SecretReference.RootsSuffix.Length] : name;

    private static DataSource Inline(ImmutableArray<byte> octets) => new() { InlineBytes = ByteString.CopyFrom(octets.AsSpan()) };
}
