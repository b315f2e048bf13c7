using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What the process counts about itself: <c>server.*</c>.</summary>
public sealed class ServerStats : StatGroup
{
    private static readonly StatSchema<ServerStats> Schema = new(static fields => new ServerStats(fields));

    private ServerStats(StatFields fields)
        : base(fields)
    {
        Uptime = fields.Gauge("uptime");
        Concurrency = fields.Gauge("concurrency");
        MemoryAllocated = fields.Gauge("memory_allocated");
        MemoryHeapSize = fields.Gauge("memory_heap_size");
        MemoryPhysicalSize = fields.Gauge("memory_physical_size");
        Live = fields.Gauge("live");
        State = fields.Gauge("state");
        Version = fields.Gauge("version");
        DaysUntilFirstCertExpiring = fields.Gauge("days_until_first_cert_expiring");
        Bugs = fields.Counter("envoy_bug_failures");
        DynamicUnknownFields = fields.Counter("dynamic_unknown_fields");
    }

    /// <summary>Seconds since the start.</summary>
    public Gauge Uptime { get; }

    /// <summary>Reactors.</summary>
    public Gauge Concurrency { get; }
    public Gauge MemoryAllocated { get; }
    public Gauge MemoryHeapSize { get; }
    public Gauge MemoryPhysicalSize { get; }

    /// <summary>1 while the proxy serves and is not draining.</summary>
    public Gauge Live { get; }

    /// <summary>0 live, 1 draining, 2 pre-initialising, 3 initialising.</summary>
    public Gauge State { get; }
    public Gauge Version { get; }
    public Gauge DaysUntilFirstCertExpiring { get; }

    /// <summary>Exceptions caught at a connection's edge: each is a bug of ours that cost one connection.</summary>
    public Counter Bugs { get; }

    /// <summary>Places in accepted versions of received resources that ask for what is passed over.</summary>
    public Counter DynamicUnknownFields { get; }

    /// <summary>Opens the group.</summary>
    public static ServerStats Open(StatsRegistry registry)
    {
        return Schema.Open(registry, StatScope.Process("server"));
    }
}

/// <summary>What configuration of listeners counts: <c>listener_manager.*</c>.</summary>
public sealed class ListenerDirectoryStats : StatGroup
{
    private static readonly StatSchema<ListenerDirectoryStats> Schema = new(static fields => new ListenerDirectoryStats(fields));

    private ListenerDirectoryStats(StatFields fields)
        : base(fields)
    {
        Added = fields.Counter("listener_added");
        Modified = fields.Counter("listener_modified");
        Removed = fields.Counter("listener_removed");
        Stopped = fields.Counter("listener_stopped");
        CreateSuccess = fields.Counter("listener_create_success");
        CreateFailure = fields.Counter("listener_create_failure");
        InPlaceUpdated = fields.Counter("listener_in_place_updated");
        Warming = fields.Gauge("total_listeners_warming");
        Active = fields.Gauge("total_listeners_active");
        Draining = fields.Gauge("total_listeners_draining");
        UpdateAttempt = fields.Counter("lds.update_attempt");
        UpdateSuccess = fields.Counter("lds.update_success");
        UpdateRejected = fields.Counter("lds.update_rejected");
    }

    public Counter Added { get; }
    public Counter Modified { get; }
    public Counter Removed { get; }
    public Counter Stopped { get; }
    public Counter CreateSuccess { get; }
    public Counter CreateFailure { get; }
    public Counter InPlaceUpdated { get; }
    public Gauge Warming { get; }
    public Gauge Active { get; }
    public Gauge Draining { get; }
    public Counter UpdateAttempt { get; }
    public Counter UpdateSuccess { get; }
    public Counter UpdateRejected { get; }

    /// <summary>Opens the group.</summary>
    public static ListenerDirectoryStats Open(StatsRegistry registry)
    {
        return Schema.Open(registry, StatScope.Process("listener_manager"));
    }
}

/// <summary>What configuration of clusters counts: <c>cluster_manager.*</c>.</summary>
public sealed class ClusterDirectoryStats : StatGroup
{
    private static readonly StatSchema<ClusterDirectoryStats> Schema = new(static fields => new ClusterDirectoryStats(fields));

    private ClusterDirectoryStats(StatFields fields)
        : base(fields)
    {
        Added = fields.Counter("cluster_added");
        Modified = fields.Counter("cluster_modified");
        Removed = fields.Counter("cluster_removed");
        Updated = fields.Counter("cluster_updated");
        Active = fields.Gauge("active_clusters");
        Warming = fields.Gauge("warming_clusters");
        UpdateAttempt = fields.Counter("cds.update_attempt");
        UpdateSuccess = fields.Counter("cds.update_success");
        UpdateRejected = fields.Counter("cds.update_rejected");
    }

    public Counter Added { get; }
    public Counter Modified { get; }
    public Counter Removed { get; }

    /// <summary>Clusters whose endpoints changed.</summary>
    public Counter Updated { get; }
    public Gauge Active { get; }
    public Gauge Warming { get; }
    public Counter UpdateAttempt { get; }
    public Counter UpdateSuccess { get; }
    public Counter UpdateRejected { get; }

    /// <summary>Opens the group.</summary>
    public static ClusterDirectoryStats Open(StatsRegistry registry)
    {
        return Schema.Open(registry, StatScope.Process("cluster_manager"));
    }
}

/// <summary>What the stream to the control plane counts: <c>control_plane.*</c>.</summary>
public sealed class ControlPlaneStats : StatGroup
{
    private static readonly StatSchema<ControlPlaneStats> Schema = new(static fields => new ControlPlaneStats(fields));

    private ControlPlaneStats(StatFields fields)
        : base(fields)
    {
        Connected = fields.Gauge("connected_state");
        PendingRequests = fields.Gauge("pending_requests");
        AcknowledgedEarly = fields.Counter("acknowledged_early");
    }

    /// <summary>1 while a stream is up.</summary>
    public Gauge Connected { get; }
    public Gauge PendingRequests { get; }

    /// <summary>Updates acknowledged although what they brought still waits for a cluster. Ours, not Envoy's.</summary>
    public Counter AcknowledgedEarly { get; }

    /// <summary>Opens the group.</summary>
    public static ControlPlaneStats Open(StatsRegistry registry)
    {
        return Schema.Open(registry, StatScope.Process("control_plane"));
    }
}
