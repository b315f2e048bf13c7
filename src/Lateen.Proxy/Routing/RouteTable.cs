using System.Collections.Immutable;
using Lateen.Http;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Routing;

/// <summary>
/// A compiled route configuration: from a request's authority to a virtual host, from there to a route. Matching reads only precomputed
/// bytes and allocates nothing.
/// </summary>
/// <remarks>
/// Immutable. Made by <see cref="RouteTableCompiler"/>; virtual hosts that did not change are the same objects in the next table.
/// </remarks>
public sealed class RouteTable
{
    internal RouteTable(string name, ImmutableArray<VirtualHostEntry> virtualHosts, DomainIndex domains, TableLevel level)
    {
        Name = name;
        VirtualHosts = virtualHosts;
        Domains = domains;
        Level = level;
    }

    public string Name { get; }

    /// <summary>In configuration order.</summary>
    public ImmutableArray<VirtualHostEntry> VirtualHosts { get; }

    internal DomainIndex Domains { get; }

    internal TableLevel Level { get; }

    /// <summary>
    /// <c>validate_clusters</c>; null when it is not set: true for tables in the bootstrap file, false for those of a control plane.
    /// </summary>
    internal bool? ValidatesClusters => Level.ValidatesClusters;

    /// <summary>
    /// The wire bytes that this table was compiled from, one virtual host at a time; what the next compilation compares with.
    /// </summary>
    internal VirtualHostBytes Source { get; init; } = VirtualHostBytes.None;

    /// <summary>The virtual host for a request, or null (404 with flag NR).</summary>
    public VirtualHostEntry? FindVirtualHost(HttpRequestHead request) =>
        Domains.Find(Level.IgnoresPort ? request.Host : request.LowerAuthority) is not DomainIndex.None and var found ? VirtualHosts[found] : null;

    /// <summary>
    /// The first route of the request's virtual host whose conditions all hold; null when there is no such host or route (404 with flag
    /// NR).
    /// </summary>
    /// <remarks><paramref name="random"/>: The calling reactor's; drawn from only by routes that take a fraction of the traffic.</remarks>
    public RouteEntry? Match(HttpRequestHead request, ReactorRandom random) => FindVirtualHost(request)?.Match(request, random);

    /// <summary>Every cluster that a route names, some more than once.</summary>
    internal IEnumerable<ClusterReference> ReferencedClusters()
    {
        foreach (var host in VirtualHosts)
        {
            foreach (var route in host.Routes)
            {
                if (route.Action is not ForwardAction forward) continue;
                if (forward.Cluster is not null) yield return forward.Cluster;
                if (forward.WeightedClusters is null) continue;
                foreach (var entry in forward.WeightedClusters.Clusters) yield return entry.Cluster;
            }
        }
    }
}
