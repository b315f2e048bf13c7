using Lateen.Proxy.Clusters;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What one cluster counts: <c>cluster.NAME.*</c> as Envoy documents it. Held by the cluster's state, so that its counts
/// outlive configuration changes.</summary>
public sealed class ClusterStats : StatGroup
{
    private static readonly StatSchema<ClusterStats> Schema = new(static fields => new ClusterStats(fields));

    private StatsRegistry? _registry;
    private string _statName = string.Empty;
    private Http2Stats? _http2;
    private RemainingBudgetStats? _remaining;

    private ClusterStats(StatFields fields)
        : base(fields)
    {
        // What each request touches comes first, so that it lies in as few cache lines as may be.
        RequestTotal = fields.Counter("upstream_rq_total");
        RequestActive = fields.Gauge("upstream_rq_active");
        RequestCompleted = fields.Counter("upstream_rq_completed");
        Classes = fields.StatusClasses("upstream_rq");
        ReceivedBytes = fields.Counter("upstream_cx_rx_bytes_total");
        SentBytes = fields.Counter("upstream_cx_tx_bytes_total");
        RequestTime = fields.Histogram("upstream_rq_time");
        Statuses = fields.Statuses("upstream_rq");
        ConnectionTotal = fields.Counter("upstream_cx_total");
        ConnectionActive = fields.Gauge("upstream_cx_active");
        ConnectionHttp1Total = fields.Counter("upstream_cx_http1_total");
        ConnectionHttp2Total = fields.Counter("upstream_cx_http2_total");
        ConnectFail = fields.Counter("upstream_cx_connect_fail");
        ConnectTimeout = fields.Counter("upstream_cx_connect_timeout");
        ConnectAttemptsExceeded = fields.Counter("upstream_cx_connect_attempts_exceeded");
        ConnectionIdleTimeout = fields.Counter("upstream_cx_idle_timeout");
        ConnectionMaxDurationReached = fields.Counter("upstream_cx_max_duration_reached");
        ConnectionOverflow = fields.Counter("upstream_cx_overflow");
        ConnectTime = fields.Histogram("upstream_cx_connect_ms");
        ConnectionLength = fields.Histogram("upstream_cx_length_ms");
        ConnectionDestroy = fields.Counter("upstream_cx_destroy");
        ConnectionDestroyLocal = fields.Counter("upstream_cx_destroy_local");
        ConnectionDestroyRemote = fields.Counter("upstream_cx_destroy_remote");
        ConnectionDestroyWithActiveRequest = fields.Counter("upstream_cx_destroy_with_active_rq");
        ConnectionDestroyLocalWithActiveRequest = fields.Counter("upstream_cx_destroy_local_with_active_rq");
        ConnectionDestroyRemoteWithActiveRequest = fields.Counter("upstream_cx_destroy_remote_with_active_rq");
        ConnectionMaxRequests = fields.Counter("upstream_cx_max_requests");
        ConnectionNoneHealthy = fields.Counter("upstream_cx_none_healthy");
        ProtocolError = fields.Counter("upstream_cx_protocol_error");
        RequestPendingTotal = fields.Counter("upstream_rq_pending_total");
        RequestPendingActive = fields.Gauge("upstream_rq_pending_active");
        RequestPendingOverflow = fields.Counter("upstream_rq_pending_overflow");
        RequestPendingFailureEject = fields.Counter("upstream_rq_pending_failure_eject");
        RequestCancelled = fields.Counter("upstream_rq_cancelled");
        RequestTimeout = fields.Counter("upstream_rq_timeout");
        RequestMaxDurationReached = fields.Counter("upstream_rq_max_duration_reached");
        RequestPerTryTimeout = fields.Counter("upstream_rq_per_try_timeout");
        RequestReceivedReset = fields.Counter("upstream_rq_rx_reset");
        RequestSentReset = fields.Counter("upstream_rq_tx_reset");
        Retry = fields.Counter("upstream_rq_retry");
        RetryBackoffExponential = fields.Counter("upstream_rq_retry_backoff_exponential");
        RetryLimitExceeded = fields.Counter("upstream_rq_retry_limit_exceeded");
        RetrySuccess = fields.Counter("upstream_rq_retry_success");
        RetryOverflow = fields.Counter("upstream_rq_retry_overflow");
        MembershipTotal = fields.Gauge("membership_total");
        MembershipHealthy = fields.Gauge("membership_healthy");
        MembershipDegraded = fields.Gauge("membership_degraded");
        MembershipExcluded = fields.Gauge("membership_excluded");
        MaxHostWeight = fields.Gauge("max_host_weight");
        UpdateAttempt = fields.Counter("update_attempt");
        UpdateSuccess = fields.Counter("update_success");
        BreakerConnectionsOpen = fields.Gauge("circuit_breakers.default.cx_open");
        BreakerPendingOpen = fields.Gauge("circuit_breakers.default.rq_pending_open");
        BreakerRequestsOpen = fields.Gauge("circuit_breakers.default.rq_open");
        BreakerRetriesOpen = fields.Gauge("circuit_breakers.default.rq_retry_open");
        GrpcTotal = fields.Counter("grpc.total");
        GrpcSuccess = fields.Counter("grpc.success");
        GrpcFailure = fields.Counter("grpc.failure");
        GrpcRequestMessages = fields.Counter("grpc.request_message_count");
        GrpcResponseMessages = fields.Counter("grpc.response_message_count");
        InternalCompleted = fields.Counter("internal.upstream_rq_completed");
        InternalClasses = fields.StatusClasses("internal.upstream_rq");
        ExternalCompleted = fields.Counter("external.upstream_rq_completed");
        ExternalClasses = fields.StatusClasses("external.upstream_rq");
    }

    public Counter RequestTotal { get; }
    public Gauge RequestActive { get; }

    /// <summary>Requests that the upstream, or the proxy in its stead, answered.</summary>
    public Counter RequestCompleted { get; }

    /// <summary><c>upstream_rq_1xx</c> to <c>upstream_rq_5xx</c>.</summary>
    public StatusClassCounters Classes { get; }
    public Counter ReceivedBytes { get; }
    public Counter SentBytes { get; }

    /// <summary>Request sent to response complete, milliseconds.</summary>
    public Histogram RequestTime { get; }

    /// <summary><c>upstream_rq_200</c> and so on; listed once used.</summary>
    public StatusCounters Statuses { get; }
    public Counter ConnectionTotal { get; }
    public Gauge ConnectionActive { get; }
    public Counter ConnectionHttp1Total { get; }
    public Counter ConnectionHttp2Total { get; }
    public Counter ConnectFail { get; }
    public Counter ConnectTimeout { get; }
    public Counter ConnectAttemptsExceeded { get; }
    public Counter ConnectionIdleTimeout { get; }
    public Counter ConnectionMaxDurationReached { get; }

    /// <summary>Times that the connection circuit breaker stood in the way.</summary>
    public Counter ConnectionOverflow { get; }

    /// <summary>Time to connect, milliseconds.</summary>
    public Histogram ConnectTime { get; }

    /// <summary>Life of a connection, milliseconds.</summary>
    public Histogram ConnectionLength { get; }
    public Counter ConnectionDestroy { get; }
    public Counter ConnectionDestroyLocal { get; }
    public Counter ConnectionDestroyRemote { get; }
    public Counter ConnectionDestroyWithActiveRequest { get; }
    public Counter ConnectionDestroyLocalWithActiveRequest { get; }
    public Counter ConnectionDestroyRemoteWithActiveRequest { get; }

    /// <summary>Connections closed because they had served their number of requests.</summary>
    public Counter ConnectionMaxRequests { get; }

    /// <summary>Requests that found no healthy endpoint: 503, flag UH.</summary>
    public Counter ConnectionNoneHealthy { get; }
    public Counter ProtocolError { get; }
    public Counter RequestPendingTotal { get; }
    public Gauge RequestPendingActive { get; }

    /// <summary>Requests refused by a circuit breaker: 503, flag UO.</summary>
    public Counter RequestPendingOverflow { get; }

    /// <summary>Waiting requests that failed because their connection could not be made.</summary>
    public Counter RequestPendingFailureEject { get; }

    /// <summary>Waiting requests that were given up before they had a connection.</summary>
    public Counter RequestCancelled { get; }
    public Counter RequestTimeout { get; }
    public Counter RequestMaxDurationReached { get; }
    public Counter RequestPerTryTimeout { get; }
    public Counter RequestReceivedReset { get; }
    public Counter RequestSentReset { get; }
    public Counter Retry { get; }
    public Counter RetryBackoffExponential { get; }
    public Counter RetryLimitExceeded { get; }
    public Counter RetrySuccess { get; }
    public Counter RetryOverflow { get; }

    public Gauge MembershipTotal { get; }
    public Gauge MembershipHealthy { get; }
    public Gauge MembershipDegraded { get; }
    public Gauge MembershipExcluded { get; }
    public Gauge MaxHostWeight { get; }

    /// <summary>Tries to learn the endpoints, by DNS or EDS; the next four say how they ended.</summary>
    public Counter UpdateAttempt { get; }
    public Counter UpdateSuccess { get; }

    /// <summary>1 while the connection limit is reached. The same for the next three.</summary>
    public Gauge BreakerConnectionsOpen { get; }
    public Gauge BreakerPendingOpen { get; }
    public Gauge BreakerRequestsOpen { get; }
    public Gauge BreakerRetriesOpen { get; }

    /// <summary>gRPC calls, where a filter counts them; the next two by their status.</summary>
    public Counter GrpcTotal { get; }
    public Counter GrpcSuccess { get; }
    public Counter GrpcFailure { get; }
    public Counter GrpcRequestMessages { get; }
    public Counter GrpcResponseMessages { get; }

    public Counter InternalCompleted { get; }
    public StatusClassCounters InternalClasses { get; }

    public Counter ExternalCompleted { get; }
    public StatusClassCounters ExternalClasses { get; }

    /// <summary>What its HTTP/2 connections count; made when the first one is.</summary>
    public Http2Stats Http2 => _http2 ?? OpenOnce(ref _http2, Http2Stats.OpenUpstream(_registry!, _statName));

    /// <summary>What is left of the circuit breakers' budget; made when the configuration first asks for it (<c>track_remaining</c>).</summary>
    public RemainingBudgetStats Remaining => _remaining ?? OpenOnce(ref _remaining, RemainingBudgetStats.Open(_registry!, _statName));

    /// <summary>Null before anybody asked for <see cref="Remaining"/>.</summary>
    public RemainingBudgetStats? RemainingIfOpen => _remaining;

    /// <inheritdoc/>
    public override void Dispose()
    {
        _http2?.Dispose();
        _remaining?.Dispose();
        base.Dispose();
    }

    /// <summary>The group that is bound to a cluster; binds one when there is none. Any thread.</summary>
    public static ClusterStats Of(ClusterSnapshot cluster, StatsRegistry registry)
    {
        if (cluster.State.Statistics is ClusterStats bound) return bound;
        var opened = Open(registry, cluster.StatName);
        var kept = (ClusterStats)cluster.State.BindStatistics(opened);
        if (!ReferenceEquals(kept, opened)) opened.Dispose();
        return kept;
    }

    /// <summary>Opens the group of a cluster, by its <c>alt_stat_name</c> or name.</summary>
    public static ClusterStats Open(StatsRegistry registry, string statName)
    {
        var opened = Schema.Open(registry, StatScope.Cluster(statName));
        opened._registry = registry;
        opened._statName = statName;
        return opened;
    }

    // Two threads may come here at once: the second one's is given back.
    private static T OpenOnce<T>(ref T? place, T opened)
        where T : StatGroup
    {
        var kept = Interlocked.CompareExchange(ref place, opened, null);
        if (kept is null) return opened;
        opened.Dispose();
        return kept;
    }
}
