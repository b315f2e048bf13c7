using Lateen.Proxy.Clusters;
using Lateen.Proxy.Tls;
using Lateen.Xds;

namespace Lateen.Proxy.Configuration;

/// <summary>
/// All clusters, by name: which version of each runs, which one still waits for its endpoints, which one is leaving.
/// </summary>
/// <remarks>
/// Configuration thread only. A new version of a cluster takes over when it knows its endpoints and its secrets have come, the old one runs until then. A removed
/// cluster stays while a route still names it, at most for <see cref="RemovalGrace"/>: a control plane that removes clusters before routes
/// costs no request.
/// </remarks>
internal sealed class ClusterStore(
    ClusterEnvironment environment, ClusterDirectory directory, SubscriptionLedger subscriptions, SecretStore secrets, ConfigurationLedgers ledgers)
{
    /// <summary>How long a removed cluster outlives its removal at most while routes name it.</summary>
    public static readonly TimeSpan RemovalGrace = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, ClusterRecord> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointAssignment> _assignments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<ClusterRecord>> _users = new(StringComparer.Ordinal);
    private readonly Dictionary<ClusterRecord, (ITimer Timer, bool IsOver)> _leaving = [];
    private readonly List<EndpointState> _retiredOfClosed = [];
    private readonly List<ClusterState> _removed = [];

    /// <summary>Something outside of a call changed: endpoints were learned, a wait is over.</summary>
    public Action? Stirred { get; set; }

    public IEnumerable<ClusterRecord> Records => _records.Values;

    public int Count => _records.Count;

    public bool IsAnyWarming => _records.Values.Any(static record => record.Active is null);

    public bool IsAnyLeaving => _leaving.Count > 0;

    /// <summary>The set of published names differs from that of the last publication.</summary>
    public bool HasNewNames { get; set; }

    /// <summary>Some cluster has to be made into a snapshot anew, or is gone.</summary>
    public bool IsStale { get; set; }

    /// <summary>The cluster is known, but has never been ready to serve.</summary>
    public bool IsWarming(ClusterReference reference) => _records.TryGetValue(reference.Name, out var record) && record.Active is null;

    public bool Exists(string name) => _records.ContainsKey(name);

    public bool IsStatic(string name) => _records.TryGetValue(name, out var record) && record.IsStatic;

    /// <summary>Takes a new or changed cluster.</summary>
    public void Accept(ClusterDefinition definition, bool isStatic)
    {
        if (!_records.TryGetValue(definition.Name, out var record))
        {
            record = new ClusterRecord(directory.Reference(definition.Name), environment.ReactorCount, isStatic);
            _records.Add(definition.Name, record);
        }

        StopLeaving(record);
        foreach (var tls in definition.TlsContexts) secrets.Attach(tls);
        if (definition.Discovery == ClusterDiscovery.Eds) NeedEndpoints(record, definition.EdsServiceName);
        var fetched = definition.Discovery == ClusterDiscovery.Eds ? _assignments.GetValueOrDefault(definition.EdsServiceName) : null;
        var running = new RunningCluster(definition, record, record.Warming ?? record.Active, fetched, environment);
        running.Changed = () => OnChanged(record, running);
        if (record.Warming is { } superseded) Stop(superseded);
        record.Warming = running;
        if (IsWarm(running)) Activate(record);
    }

    /// <summary>Lets clusters run that waited for nothing but their secrets.</summary>
    public void Advance()
    {
        foreach (var record in _records.Values)
        {
            if (record.Warming is { Definition.TlsContexts.IsEmpty: false } running && IsWarm(running)) Activate(record);
        }
    }

    /// <summary>The control plane removed a cluster.</summary>
    public void Remove(string name)
    {
        if (!_records.TryGetValue(name, out var record) || record.IsStatic || record.IsLeaving) return;
        record.IsLeaving = true;
        var timer = environment.Time.CreateTimer(_ => environment.Thread.Post(() => OnGraceOver(record)), null, RemovalGrace, Timeout.InfiniteTimeSpan);
        _leaving.Add(record, (timer, false));
    }

    /// <summary>Takes an endpoint set; null: the control plane has none under that name.</summary>
    public void SetAssignment(string serviceName, EndpointAssignment? assignment)
    {
        // A set that is told gone while clusters use it keeps its last content, as Envoy keeps it: endpoints leave by an empty set.
        if (assignment is null && _assignments.ContainsKey(serviceName)) return;
        if (assignment is not null) _assignments[serviceName] = assignment;
        if (!_users.TryGetValue(serviceName, out var records)) return;
        foreach (var record in records)
        {
            if (Uses(record.Active, serviceName)) Tell(record, record.Active, assignment);
            if (Uses(record.Warming, serviceName)) Tell(record, record.Warming, assignment);
        }
    }

    /// <summary>Lets removed clusters go that no route in <paramref name="referenced"/> names, or whose grace is over.</summary>
    public void CloseLeaving(HashSet<ClusterReference> referenced)
    {
        foreach (var (record, (timer, isOver)) in _leaving.ToList())
        {
            if (!isOver && referenced.Contains(record.Reference)) continue;
            timer.Dispose();
            _leaving.Remove(record);
            _records.Remove(record.Name);
            foreach (var users in _users.Values) users.Remove(record);
            Release(record.Active);
            Release(record.Warming);
            record.Close();
            _retiredOfClosed.AddRange(record.Retired);
            _removed.Add(record.State);
            ledgers.Clusters.Removed(record.Name);
            HasNewNames = true;
            IsStale = true;
        }
    }

    /// <summary>Endpoints and clusters that were let go since the last call.</summary>
    public (List<EndpointState> Endpoints, List<ClusterState> Clusters) TakeRetired()
    {
        var endpoints = new List<EndpointState>(_retiredOfClosed);
        foreach (var record in _records.Values)
        {
            endpoints.AddRange(record.Retired);
            record.Retired.Clear();
        }

        var clusters = new List<ClusterState>(_removed);
        _retiredOfClosed.Clear();
        _removed.Clear();
        return (endpoints, clusters);
    }

    private static bool Uses([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] RunningCluster? cluster, string serviceName) =>
        cluster?.Definition is { Discovery: ClusterDiscovery.Eds } definition && definition.EdsServiceName == serviceName;

    private void Tell(ClusterRecord record, RunningCluster cluster, EndpointAssignment? assignment)
    {
        cluster.SetFetched(assignment);
        Settle(record, cluster);
    }

    private void OnChanged(ClusterRecord record, RunningCluster running)
    {
        Settle(record, running);
        Stirred?.Invoke();
    }

    private void Settle(ClusterRecord record, RunningCluster running)
    {
        if (ReferenceEquals(record.Warming, running) && IsWarm(running)) Activate(record);
        else if (ReferenceEquals(record.Active, running)) MarkStale(record);
    }

    private void Activate(ClusterRecord record)
    {
        if (record.Active is { } former) Stop(former);
        else HasNewNames = true;
        record.Active = record.Warming;
        record.Warming = null;
        ledgers.Clusters.Activated(record.Name);
        MarkStale(record);
    }

    private void MarkStale(ClusterRecord record)
    {
        record.IsStale = true;
        IsStale = true;
    }

    private bool IsWarm(RunningCluster cluster) => cluster.IsWarm && cluster.Definition.TlsContexts.All(secrets.IsSettled);

    private void Stop(RunningCluster cluster)
    {
        Release(cluster);
        cluster.Dispose();
    }

    private void NeedEndpoints(ClusterRecord record, string serviceName)
    {
        subscriptions.Need(XdsTypeUrls.ClusterLoadAssignment, serviceName);
        if (!_users.TryGetValue(serviceName, out var users)) _users.Add(serviceName, users = []);
        users.Add(record);
    }

    private void Release(RunningCluster? cluster)
    {
        foreach (var tls in cluster?.Definition.TlsContexts ?? []) secrets.Detach(tls);
        if (cluster?.Definition is not { Discovery: ClusterDiscovery.Eds } definition) return;
        if (!subscriptions.Release(XdsTypeUrls.ClusterLoadAssignment, definition.EdsServiceName)) return;
        _users.Remove(definition.EdsServiceName);
        _assignments.Remove(definition.EdsServiceName);
        ledgers.Endpoints.Removed(definition.EdsServiceName);
    }

    private void StopLeaving(ClusterRecord record)
    {
        record.IsLeaving = false;
        if (_leaving.Remove(record, out var leaving)) leaving.Timer.Dispose();
    }

    private void OnGraceOver(ClusterRecord record)
    {
        if (!_leaving.TryGetValue(record, out var leaving)) return;
        _leaving[record] = (leaving.Timer, true);
        Stirred?.Invoke();
    }
}
