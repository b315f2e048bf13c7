using System.Collections.Frozen;
using System.Collections.Immutable;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// Makes one <see cref="ProxySnapshot"/> out of what the stores hold, reusing every part that did not change, and publishes it.
/// </summary>
/// <remarks>Configuration thread only.</remarks>
internal sealed class SnapshotAssembler(
    ClusterStore clusters, RouteStore routes, ListenerStore listeners, ClusterDirectory directory, ProxySnapshotSource source)
{
    /// <returns>False when nothing changed.</returns>
    public bool PublishIfChanged()
    {
        if (!clusters.IsStale && !routes.IsStale && !listeners.IsStale) return false;

        var previous = source.Current;
        var bySlot = clusters.IsStale ? BuildClusters() : previous.ClustersBySlot.ToArray();
        var names = clusters.HasNewNames
            ? clusters.Records.Where(static record => record.Active is not null)
                .ToFrozenDictionary(static record => record.Name, static record => record.Reference, StringComparer.Ordinal)
            : previous.ClusterNames;
        var tables = routes.IsStale ? routes.ActiveTables.ToFrozenDictionary(static table => table.Name, StringComparer.Ordinal) : previous.RouteTables;
        var current = new ProxySnapshot(previous.Revision + 1, listeners.IsStale ? listeners.Active : previous.Listeners, tables, bySlot, names);

        clusters.IsStale = clusters.HasNewNames = routes.IsStale = listeners.IsStale = false;
        source.Publish(ChangeBetween(previous, current));
        return true;
    }

    private ClusterSnapshot?[] BuildClusters()
    {
        if (directory.WantsSweep) Sweep();
        var bySlot = new ClusterSnapshot?[directory.SlotCount];
        foreach (var record in clusters.Records)
        {
            if (record.Active is not { } running) continue;
            if (record.IsStale || record.Snapshot is null)
            {
                record.Snapshot = running.BuildSnapshot();
                record.IsStale = false;
            }

            bySlot[record.Reference.Slot] = record.Snapshot;
        }

        return bySlot;
    }

    private void Sweep()
    {
        var live = clusters.Records.Select(static record => record.Reference).ToHashSet();
        foreach (var table in routes.AllTables.Concat(listeners.InlineTables)) live.UnionWith(table.ReferencedClusters());
        live.UnionWith(listeners.TcpClusters);
        directory.Sweep(live);
    }

    private SnapshotChange ChangeBetween(ProxySnapshot previous, ProxySnapshot current)
    {
        var (endpoints, removed) = clusters.TakeRetired();
        foreach (var endpoint in endpoints) endpoint.Retire();

        var before = previous.Listeners.ToDictionary(static listener => listener.Name, StringComparer.Ordinal);
        var added = ImmutableArray.CreateBuilder<ListenerSnapshot>();
        var changed = ImmutableArray.CreateBuilder<ListenerSnapshot>();
        foreach (var listener in current.Listeners)
        {
            if (!before.Remove(listener.Name, out var former)) added.Add(listener);
            else if (!ReferenceEquals(former, listener)) changed.Add(listener);
        }

        return new SnapshotChange
        {
            Previous = previous,
            Current = current,
            AddedListeners = added.ToImmutable(),
            ChangedListeners = changed.ToImmutable(),
            RemovedListeners = [.. before.Values.OrderBy(static listener => listener.Name, StringComparer.Ordinal)],
            RetiredEndpoints = [.. endpoints],
            RemovedClusters = [.. removed],
        };
    }
}
