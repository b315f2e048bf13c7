using System.Collections.Immutable;
using Lateen.Model.Kubernetes;
using Lateen.Model.Networking;

namespace Lateen.Model;

/// <summary>Checks of Secrets against the time, and of those who name them against what there is.</summary>
internal static class SecretChecks
{
    /// <summary>How long before its end a certificate is complained about: a month leaves time to renew by hand.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromDays(30);

    public static void CertificatesAreValid(MeshSnapshot snapshot, DateTimeOffset now, Findings report)
    {
        foreach (var secret in snapshot.Resources(ResourceKind.Secret).Cast<Resource<Secret>>())
        {
            if (secret.Spec.Certificate is not { } certificate) continue;
            string? complaint = now < certificate.NotBefore ? $"the certificate is not valid before {certificate.NotBefore:yyyy-MM-dd HH:mm} UTC"
                : now >= certificate.NotAfter ? $"the certificate expired at {certificate.NotAfter:yyyy-MM-dd HH:mm} UTC; clients refuse it"
                : certificate.NotAfter - now < Soon && certificate.NotAfter - certificate.NotBefore > Soon + Soon
                    ? $"the certificate expires at {certificate.NotAfter:yyyy-MM-dd HH:mm} UTC"
                    : null;
            if (complaint is not null) report.Add(DiagnosticCodes.CertificateExpires, secret, "data", complaint, "replace the Secret; proxies take the new one without a restart");
        }
    }

    /// <summary>Clients of a server with two credentials are verified with the roots of the first, as in Istio. Told where those of the second are others.</summary>
    public static void RootsAreUsed(MeshSnapshot snapshot, Findings report)
    {
        foreach (var gateway in snapshot.Gateways.All)
        {
            foreach (var (index, server) in gateway.Spec.Servers.Index())
            {
                if (server.Tls is not { Mode: ServerTlsMode.Mutual or ServerTlsMode.OptionalMutual, CaCertCredentialName: null, CredentialNames: [var first, var second, ..] } tls
                    || tls.InsecureSkipVerify == true) continue;
                // Which namespace counts is the gateway's, which configuration does not know: one in which it would matter is enough.
                var differs = snapshot.Resources(ResourceKind.Secret).Select(secret => secret.Namespace).Distinct().Any(
                    space => Roots(space, second) is { IsEmpty: false } others && !others.AsSpan().SequenceEqual(Roots(space, first).AsSpan()));
                if (differs)
                    report.Add(
                        DiagnosticCodes.RootsUnused, gateway, $"spec.servers[{index}].tls.credentialNames[1]",
                        $"clients are verified with the roots of '{first}', not with those of '{second}'",
                        "put all roots into one Secret and name it by caCertCredentialName", server.Location);
            }
        }

        ImmutableArray<byte> Roots(string space, string name)
        {
            var own = Find(space, $"{name}-cacert");
            return own.IsEmpty ? Find(space, name) : own;
        }

        ImmutableArray<byte> Find(string space, string name) =>
            (snapshot.Find(new ResourceKey(ResourceKind.Secret, space, name)) as Resource<Secret>)?.Spec.Roots ?? [];
    }

    /// <summary>Which namespace counts is the gateway's, which configuration does not know; so a name is complained about that no namespace has.</summary>
    public static void CredentialsExist(MeshSnapshot snapshot, Findings report)
    {
        var names = snapshot.Resources(ResourceKind.Secret).Select(secret => secret.Name).ToHashSet();
        foreach (var gateway in snapshot.Gateways.All)
        {
            foreach (var (index, server) in gateway.Spec.Servers.Index())
            {
                if (server.Tls is not { } tls) continue;
                if (tls.CredentialName is { Length: > 0 } single) Exists(gateway, single, $"spec.servers[{index}].tls.credentialName", server.Location);
                foreach (var (entry, name) in tls.CredentialNames.Index())
                    Exists(gateway, name, $"spec.servers[{index}].tls.credentialNames[{entry}]", server.Location);
                if (tls.CaCertCredentialName is { Length: > 0 } roots)
                    Exists(gateway, roots, $"spec.servers[{index}].tls.caCertCredentialName", server.Location);
            }
        }

        foreach (var rule in snapshot.Resources(ResourceKind.DestinationRule).Cast<Resource<DestinationRule>>())
        {
            if (rule.Spec.TrafficPolicy?.Tls?.CredentialName is { Length: > 0 } name && !name.Contains("://", StringComparison.Ordinal))
                Exists(rule, name, "spec.trafficPolicy.tls.credentialName", null);
        }

        void Exists(Resource resource, string name, string path, SourceLocation? location)
        {
            if (names.Contains(name) || names.Contains($"{name}-cacert")) return;
            report.Add(
                DiagnosticCodes.UnknownCredential, resource, path, $"there is no Secret '{name}' in any namespace",
                report.Nearest(name, names) ?? "a Secret of type kubernetes.io/tls in the namespace of the gateway's proxies", location);
        }
    }
}
