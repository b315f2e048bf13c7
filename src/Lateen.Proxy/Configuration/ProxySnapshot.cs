using System.Collections.Frozen;
using System.Collections.Immutable;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// The whole configuration that this proxy runs, as one value: listeners, route tables and clusters that were compiled together and fit
/// together. A request reads <see cref="ProxySnapshotSource.Current"/> once and passes the snapshot down, so it never sees two
/// configurations.
/// </summary>
/// <remarks>Immutable, without locks or lazy parts. Made on the configuration thread only.</remarks>
public sealed class ProxySnapshot
{
    public static readonly ProxySnapshot Empty = new(0, [], FrozenDictionary<string, RouteTable>.Empty, [], FrozenDictionary<string, ClusterReference>.Empty);

    /// <summary>
    /// Longest name that a header may give to find a cluster. Octets; host names end at 255, Istio adds a port and a subset.
    /// </summary>
    private const int MaxClusterNameBytes = 512;

    private readonly ClusterSnapshot?[] _clustersBySlot;

    internal ProxySnapshot(
        long revision,
        ImmutableArray<ListenerSnapshot> listeners,
        FrozenDictionary<string, RouteTable> routeTables,
        ClusterSnapshot?[] clustersBySlot,
        FrozenDictionary<string, ClusterReference> clusterNames)
    {
        Revision = revision;
        Listeners = listeners;
        RouteTables = routeTables;
        ClusterNames = clusterNames;
        _clustersBySlot = clustersBySlot;
    }

    /// <summary>Counts the swaps of this process, from 1. Not the control plane's revision.</summary>
    public long Revision { get; }

    /// <summary>Ordered by name. Each is complete: it waited for its routes.</summary>
    public ImmutableArray<ListenerSnapshot> Listeners { get; }

    /// <summary>Route configurations fetched by name (RDS). Inline ones hang on their connection manager.</summary>
    public FrozenDictionary<string, RouteTable> RouteTables { get; }

    /// <summary>The names of all clusters of this snapshot.</summary>
    public FrozenDictionary<string, ClusterReference> ClusterNames { get; }

    /// <summary>Every cluster, for admin pages; order is that of first mention.</summary>
    public IEnumerable<ClusterSnapshot> Clusters => _clustersBySlot.OfType<ClusterSnapshot>();

    /// <summary>The cluster that a route names, or null when there is none (503 with flag NC, or what the route says).</summary>
    public ClusterSnapshot? FindCluster(ClusterReference reference)
    {
        var clusters = _clustersBySlot;
        return (uint)reference.Slot < (uint)clusters.Length ? clusters[reference.Slot] : null;
    }

    public ClusterSnapshot? FindCluster(string name) => ClusterNames.TryGetValue(name, out var reference) ? FindCluster(reference) : null;

    /// <summary>The reference of a cluster named by a header's value; null when no such cluster exists.</summary>
    public ClusterReference? FindReference(ReadOnlySpan<byte> name)
    {
        if (name.Length > MaxClusterNameBytes) return null;
        Span<char> text = stackalloc char[MaxClusterNameBytes];
        var lookup = ClusterNames.GetAlternateLookup<ReadOnlySpan<char>>();
        return lookup.TryGetValue(text[..System.Text.Encoding.UTF8.GetChars(name, text)], out var reference) ? reference : null;
    }

    /// <summary>The routes that a connection manager of any snapshot uses under this one; null when they have been removed since.</summary>
    public RouteTable? RoutesOf(HttpConnectionManagerSnapshot manager) =>
        manager.InlineRoutes ?? (manager.RouteConfigName is { } name && RouteTables.TryGetValue(name, out var table) ? table : null);

    internal ReadOnlySpan<ClusterSnapshot?> ClustersBySlot => _clustersBySlot;
}
