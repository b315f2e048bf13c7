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
    private readonly FrozenDictionary<string, BoundVirtualService> _byService;

    private SidecarRoutes(
        FrozenDictionary<string, BoundVirtualService> byService,
        ImmutableArray<UnknownHostRoute> unknownHosts,
        ImmutableArray<ShadowedRoute> shadowed)
    {
        _byService = byService;
        UnknownHosts = unknownHosts;
        Shadowed = shadowed;
    }

    /// <summary>In order of preference of their VirtualServices, then as written.</summary>
    public ImmutableArray<UnknownHostRoute> UnknownHosts { get; }

    public ImmutableArray<ShadowedRoute> Shadowed { get; }

    /// <summary>The VirtualService of a service; null when it is routed by default.</summary>
    public BoundVirtualService? For(MeshService service)
    {
        ArgumentNullException.ThrowIfNull(service);
        return _byService.GetValueOrDefault(service.Hostname);
    }

    /// <param name="virtualServices">In order of preference.</param>
    public static SidecarRoutes Select(IReadOnlyCollection<MeshService> services, IReadOnlyList<BoundVirtualService> virtualServices)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(virtualServices);
        var exact = new Dictionary<string, BoundVirtualService>();
        var wildcards = new Dictionary<string, BoundVirtualService>();
        var shadowed = ImmutableArray.CreateBuilder<ShadowedRoute>();
        var hosts = new List<string>();
        foreach (var virtualService in virtualServices)
            foreach (var host in virtualService.Hosts)
            {
                var kind = HostName.IsWildcard(host) ? wildcards : exact;
                if (kind.TryAdd(host, virtualService)) hosts.Add(host);
                else if (kind[host] != virtualService) shadowed.Add(new ShadowedRoute(host, virtualService, kind[host]));
            }

        var patterns = wildcards.Keys.Order(Comparer<string>.Create(HostName.CompareSpecificity)).ToArray();
        var byService = new Dictionary<string, BoundVirtualService>(services.Count);
        var known = new HashSet<string>(services.Count);
        foreach (var service in services)
        {
            known.Add(service.Hostname);
            if (exact.TryGetValue(service.Hostname, out var own))
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

        var unknown = hosts.Where(host => !known.Contains(host))
            .Select(host => new UnknownHostRoute(host, HostName.IsWildcard(host) ? wildcards[host] : exact[host]));
        return new SidecarRoutes(byService.ToFrozenDictionary(), [.. unknown], shadowed.ToImmutable());
    }
}
