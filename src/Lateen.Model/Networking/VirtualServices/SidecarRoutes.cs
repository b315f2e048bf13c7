using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Lateen.Model.Networking;

/// <summary>A host that a VirtualService names and that no visible service has: Istio serves it on port 80 only.</summary>
public sealed record UnknownHostRoute(string Host, BoundVirtualService VirtualService);

/// <summary>A VirtualService that has no effect for a host because another one came first.</summary>
public sealed record ShadowedRoute(string Host, BoundVirtualService Shadowed, BoundVirtualService Winner);

/// <summary>
/// Which VirtualService routes each service, for one sidecar. A sidecar uses one VirtualService per host: the first in the order of
/// <see cref="VirtualServiceIndex.VisibleTo"/> that names it exactly, else the one with the most specific wildcard.
/// </summary>
public sealed class SidecarRoutes
{
    private readonly IReadOnlyList<BoundVirtualService> _virtualServices;
    private readonly Choice _choice;

    private SidecarRoutes(IReadOnlyList<BoundVirtualService> virtualServices, Choice choice)
    {
        _virtualServices = virtualServices;
        _choice = choice;
        UnknownHosts = [.. choice.Unknown.Select(unknown => new UnknownHostRoute(unknown.Host, virtualServices[unknown.Place]))];
        Shadowed = [.. choice.Shadowed.Select(shadowed => new ShadowedRoute(shadowed.Host, virtualServices[shadowed.Place], virtualServices[shadowed.Winner]))];
    }

    /// <summary>In order of preference of their VirtualServices, then as written.</summary>
    public ImmutableArray<UnknownHostRoute> UnknownHosts { get; }

    public ImmutableArray<ShadowedRoute> Shadowed { get; }

    /// <summary>The VirtualService of a service; null when it is routed by default.</summary>
    public BoundVirtualService? For(MeshService service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return _choice.ByService.TryGetValue(service.Hostname, out int place) ? _virtualServices[place] : null;
    }

    /// <summary>The same choice among VirtualServices that stand for the same hosts as those that it was made among, place by place; null when they do not.</summary>
    public SidecarRoutes? With(IReadOnlyList<BoundVirtualService> virtualServices)
    {
        ArgumentNullException.ThrowIfNull(virtualServices);
        if (virtualServices.Count != _virtualServices.Count) return null;
        for (int i = 0; i < virtualServices.Count; i++)
        {
            if (!ReferenceEquals(virtualServices[i], _virtualServices[i]) && !virtualServices[i].HasSameHosts(_virtualServices[i])) return null;
        }

        return new SidecarRoutes(virtualServices, _choice);
    }

    /// <param name="virtualServices">In order of preference.</param>
    public static SidecarRoutes Select(IReadOnlyCollection<MeshService> services, IReadOnlyList<BoundVirtualService> virtualServices)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(virtualServices);
        var exact = new Dictionary<string, int>();
        var wildcards = new Dictionary<string, int>();
        var shadowed = ImmutableArray.CreateBuilder<(string Host, int Place, int Winner)>();
        var hosts = new List<string>();
        for (int place = 0; place < virtualServices.Count; place++)
            foreach (var host in virtualServices[place].Hosts)
            {
                var kind = HostName.IsWildcard(host) ? wildcards : exact;
                if (kind.TryAdd(host, place)) hosts.Add(host);
                else if (kind[host] != place) shadowed.Add((host, place, kind[host]));
            }

        var patterns = wildcards.Keys.Order(Comparer<string>.Create(HostName.CompareSpecificity)).ToArray();
        var byService = new Dictionary<string, int>(services.Count);
        var known = new HashSet<string>(services.Count);
        foreach (var service in services)
        {
            known.Add(service.Hostname);
            if (exact.TryGetValue(service.Hostname, out int own))
            {
                byService[service.Hostname] = own;
                continue;
            }

            foreach (var pattern in patterns)
            {
                if (!HostName.Contains(pattern, service.Hostname)) continue;
                known.Add(pattern);
                byService[service.Hostname] = wildcards[pattern];
                break;
            }
        }

        var unknown = hosts.Where(host => !known.Contains(host)).Select(host => (host, HostName.IsWildcard(host) ? wildcards[host] : exact[host]));
        return new SidecarRoutes(virtualServices, new Choice(byService.ToFrozenDictionary(), [.. unknown], shadowed.ToImmutable()));
    }

    /// <summary>Places in the list of VirtualServices: a function of their hosts and of the services, not of their routes.</summary>
    private sealed record Choice(
        FrozenDictionary<string, int> ByService, ImmutableArray<(string Host, int Place)> Unknown, ImmutableArray<(string Host, int Place, int Winner)> Shadowed);
}
