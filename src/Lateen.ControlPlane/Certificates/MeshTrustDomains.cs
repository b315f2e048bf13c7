using System.Collections.Immutable;
using Lateen.Identity;
using Lateen.Model;

namespace Lateen.ControlPlane.Certificates;

/// <summary>
/// The trust domains of the mesh: its own, which the authority has for as long as the process runs, and the aliases that the mesh's settings name at the moment
/// (MeshConfig <c>trustDomainAliases</c>). Peers of an alias are peers of the mesh: that is how a mesh changes its name while its workloads still show the old one.
/// </summary>
/// <remarks>Safe from any thread.</remarks>
/// <param name="own">By which everything new is signed.</param>
/// <param name="aliases">At the start.</param>
internal sealed class MeshTrustDomains(TrustDomain own, IEnumerable<string>? aliases = null)
{
    private Reading _last = new(null, Read(own, aliases ?? []));
    private Func<MeshConfig?> _settings = static () => null;

    public TrustDomain Own => own;

    /// <summary>The own one first.</summary>
    public ImmutableArray<TrustDomain> All
    {
        get
        {
            var settings = Volatile.Read(ref _settings)();
            var last = Volatile.Read(ref _last);
            if (settings is null || ReferenceEquals(settings, last.Settings)) return last.Domains;
            var next = new Reading(settings, Read(own, settings.TrustDomainAliases));
            Volatile.Write(ref _last, next);
            return next.Domains;
        }
    }

    /// <summary>From now on aliases are those of the settings that this gives.</summary>
    public void Follow(Func<MeshConfig?> settings) => Volatile.Write(ref _settings, settings);

    /// <summary>A name that no certificate can have is none that a peer could be refused for.</summary>
    private static ImmutableArray<TrustDomain> Read(TrustDomain own, IEnumerable<string> aliases)
    {
        var domains = ImmutableArray.CreateBuilder<TrustDomain>();
        domains.Add(own);
        foreach (string alias in aliases)
        {
            if (TrustDomain.TryParse(alias, out var domain, out _) && !domains.Contains(domain)) domains.Add(domain);
        }

        return domains.ToImmutable();
    }

    private sealed record Reading(MeshConfig? Settings, ImmutableArray<TrustDomain> Domains);
}
