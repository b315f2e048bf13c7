using Google.Protobuf;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Configuration;

/// <summary>All route configurations that listeners name, and which version of each runs.</summary>
/// <remarks>
/// Configuration thread only. A new table waits while a cluster that it names is known but not ready, so that no request is sent to a
/// cluster that only the order of messages kept away. A table that names a cluster nobody knows runs: that route answers 503, as Envoy's
/// does.
/// </remarks>
internal sealed class RouteStore(RouteTableCompiler compiler, ResourceLedger ledger)
{
    private readonly Dictionary<string, RouteRecord> _records = new(StringComparer.Ordinal);

    /// <summary>The set of tables, or one of them, differs from the last publication.</summary>
    public bool IsStale { get; set; }

    public IEnumerable<RouteTable> ActiveTables => _records.Values.Select(static record => record.Active).OfType<RouteTable>();

    /// <summary>Tables that run or wait to.</summary>
    public IEnumerable<RouteTable> AllTables => ActiveTables.Concat(_records.Values.Select(static record => record.Pending).OfType<RouteTable>());

    /// <summary>There is a table of that name, or the control plane said that there is none.</summary>
    public bool IsSettled(string name) => _records.TryGetValue(name, out var record) && (record.Active is not null || record.IsAbsent);

    public bool IsAbsent(string name) => _records.TryGetValue(name, out var record) && record.IsAbsent;

    /// <summary>The table of that name that waits to run; null when none does.</summary>
    public RouteTable? PendingOf(string name) => _records.GetValueOrDefault(name)?.Pending;

    /// <summary>The version of that name that was accepted last; null when none was.</summary>
    public RouteTable? LatestOf(string name) => _records.GetValueOrDefault(name) is { } record ? record.Pending ?? record.Active : null;

    /// <summary>Takes the bytes of a new or changed table.</summary>
    /// <returns>False when they are refused; the last good table stays.</returns>
    public bool TryAccept(string name, ByteString body, Func<string, bool> clusterExists, ConfigurationErrors errors)
    {
        var record = RecordOf(name);
        var table = compiler.Compile(body, LatestOf(name), FieldPath.Root, errors);
        if (table is null) return false;
        if (table.Name != name)
        {
            errors.Add("name", $"is '{table.Name}', but the resource is '{name}'");
            return false;
        }

        if (table.ValidatesClusters is true && table.ReferencedClusters().FirstOrDefault(cluster => !clusterExists(cluster.Name)) is { } missing)
        {
            errors.Add("validate_clusters", $"there is no cluster '{missing.Name}'");
            return false;
        }

        record.Pending = table;
        record.IsAbsent = false;
        return true;
    }

    /// <summary>The control plane has no table of that name. One that runs keeps running, as in Envoy.</summary>
    public void SetAbsent(string name)
    {
        var record = RecordOf(name);
        record.IsAbsent = record.Active is null;
    }

    /// <summary>No listener names it any more.</summary>
    public void Forget(string name)
    {
        if (!_records.Remove(name)) return;
        ledger.Removed(name);
        IsStale = true;
    }

    /// <summary>Lets tables run whose clusters are all ready or unknown.</summary>
    /// <param name="isWarming">Tells of a cluster whether it is known but not ready; null when there is none such, which spares the walk
    /// over all routes.</param>
    public void Advance(Func<ClusterReference, bool>? isWarming)
    {
        foreach (var (name, record) in _records)
        {
            if (record.Pending is not { } table || (isWarming is not null && table.ReferencedClusters().Any(isWarming))) continue;
            record.Active = table;
            record.Pending = null;
            ledger.Activated(name);
            IsStale = true;
        }
    }

    private RouteRecord RecordOf(string name)
    {
        if (!_records.TryGetValue(name, out var record)) _records.Add(name, record = new RouteRecord());
        return record;
    }

    private sealed class RouteRecord
    {
        public RouteTable? Active { get; set; }

        public RouteTable? Pending { get; set; }

        public bool IsAbsent { get; set; }
    }
}
