using Lateen.Identity;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Tls;

/// <summary>
/// What the certificate of a peer in the mesh has to be beyond a chain that leads to the mesh's roots (X.509-SVID 2, 5.2): it has one URI name, and that is an
/// identity. Which identities are accepted is said by the matchers of the configuration; without any, those of our own trust domain.
/// </summary>
/// <remarks>Immutable; called in handshakes on all reactors. A server of the mesh may also be known by a DNS name, as control planes are.</remarks>
internal sealed class MeshPeerRule(TlsContextDefinition definition, bool isServer)
{
    private readonly bool _hasMatchers = definition.NamesSubjects;
    private readonly string _trustDomain = definition.TrustDomain;

    /// <returns>Null: they may be. Else why not.</returns>
    public string? Judge(IReadOnlyList<SubjectAltName> names)
    {
        string? identity = null;
        var count = 0;
        foreach (var name in names)
        {
            if (name.Kind != SubjectAltNameKind.Uri) continue;
            identity = name.Value;
            count++;
        }

        if (count == 0 && !isServer && _hasMatchers) return null;
        if (count != 1) return $"the peer's certificate has {count} URI names, a workload's has exactly one";
        if (!SpiffeId.TryParse(identity, out var id, out _)) return "the peer's certificate has no SPIFFE id of a workload";
        return _hasMatchers || id.TrustDomain.Name == _trustDomain ? null : $"the peer is of another trust domain than {_trustDomain}";
    }
}
