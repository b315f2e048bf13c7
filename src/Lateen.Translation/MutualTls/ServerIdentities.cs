using System.Collections.Immutable;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Model;
using Lateen.Translation.Connections;

namespace Lateen.Translation.MutualTls;

/// <summary>Who the endpoints of a port may be: what their certificates have to name.</summary>
/// <param name="Names">SPIFFE ids, each once, in order.</param>
/// <param name="Prefixes">What SPIFFE ids begin with, for endpoints whose account nobody knows: any account of their namespace.</param>
internal sealed record ServerIdentities(ImmutableArray<string> Names, ImmutableArray<string> Prefixes)
{
    /// <summary>Of endpoints among which nobody has an identity.</summary>
    public static readonly ServerIdentities None = new([], []);

    /// <summary>False when no endpoint can speak the mesh's mutual TLS.</summary>
    public bool Any => !Names.IsEmpty || !Prefixes.IsEmpty;

    public static ServerIdentities Of(MeshConfig mesh, ImmutableArray<MeshEndpoint> endpoints, ImmutableArray<string> declared)
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        var prefixes = new SortedSet<string>(StringComparer.Ordinal);
        bool isAnyOfMesh = false;
        foreach (var endpoint in endpoints)
        {
            if (!endpoint.HasIdentity) continue;
            isAnyOfMesh = true;
            foreach (string domain in MeshTlsContexts.TrustDomains(mesh))
            {
                if (endpoint.ServiceAccount.Length > 0) names.Add($"spiffe://{domain}/ns/{endpoint.Namespace}/sa/{endpoint.ServiceAccount}");
                // Istio would take any certificate of the mesh then.
                else if (declared.IsEmpty) prefixes.Add($"spiffe://{domain}/ns/{endpoint.Namespace}/sa/");
            }
        }

        if (!isAnyOfMesh) return None;
        foreach (string name in declared) names.Add(name);
        return new ServerIdentities([.. names], [.. prefixes]);
    }

    /// <summary>The same where a DestinationRule makes clients speak mutual TLS to endpoints of which nothing is known: who is declared, else any account
    /// of the service's namespace.</summary>
    public ServerIdentities OrOf(MeshConfig mesh, MeshService service) =>
        Any ? this
        : !service.SubjectAltNames.IsEmpty ? new ServerIdentities(service.SubjectAltNames, [])
        : new ServerIdentities([], [.. MeshTlsContexts.TrustDomains(mesh).Select(domain => $"spiffe://{domain}/ns/{service.Namespace}/sa/")]);

    public IEnumerable<SubjectAltNameMatcher> Matchers() => [.. Names.Select(TlsContexts.Name), .. Prefixes.Select(MeshTlsContexts.UriPrefix)];

    public bool Equals(ServerIdentities? other) =>
        other is not null && Names.AsSpan().SequenceEqual(other.Names.AsSpan()) && Prefixes.AsSpan().SequenceEqual(other.Prefixes.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Names.Length, Prefixes.Length, Names.IsEmpty ? 0 : Names[0].GetHashCode(StringComparison.Ordinal));
}
