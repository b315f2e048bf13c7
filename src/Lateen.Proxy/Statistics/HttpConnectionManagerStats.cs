using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What one HTTP connection manager counts: <c>http.STAT_PREFIX.*</c> as Envoy documents it, the router's part included. Held
/// by the compiled connection manager; counted in through the reactor's <see cref="StatShard"/>.</summary>
public sealed class HttpConnectionManagerStats : StatGroup
{
    private static readonly StatSchema<HttpConnectionManagerStats> Schema = new(static fields => new HttpConnectionManagerStats(fields));

    private HttpConnectionManagerStats(StatFields fields)
        : base(fields)
    {
        ConnectionTotal = fields.Counter("downstream_cx_total");
        ConnectionHttp1Total = fields.Counter("downstream_cx_http1_total");
        ConnectionHttp2Total = fields.Counter("downstream_cx_http2_total");
        ConnectionProtocolError = fields.Counter("downstream_cx_protocol_error");
        ConnectionDestroy = fields.Counter("downstream_cx_destroy");
        ConnectionDestroyRemote = fields.Counter("downstream_cx_destroy_remote");
        ConnectionDestroyLocal = fields.Counter("downstream_cx_destroy_local");
        ConnectionDestroyActiveRequest = fields.Counter("downstream_cx_destroy_active_rq");
        ConnectionDestroyRemoteActiveRequest = fields.Counter("downstream_cx_destroy_remote_active_rq");
        ConnectionDestroyLocalActiveRequest = fields.Counter("downstream_cx_destroy_local_active_rq");
        ConnectionReceivedBytes = fields.Counter("downstream_cx_rx_bytes_total");
        ConnectionSentBytes = fields.Counter("downstream_cx_tx_bytes_total");
        ConnectionDrainClose = fields.Counter("downstream_cx_drain_close");
        ConnectionIdleTimeout = fields.Counter("downstream_cx_idle_timeout");
        ConnectionMaxDurationReached = fields.Counter("downstream_cx_max_duration_reached");
        ConnectionMaxRequestsReached = fields.Counter("downstream_cx_max_requests_reached");
        ConnectionDelayedCloseTimeout = fields.Counter("downstream_cx_delayed_close_timeout");
        ConnectionActive = fields.Gauge("downstream_cx_active");
        ConnectionHttp1Active = fields.Gauge("downstream_cx_http1_active");
        ConnectionHttp2Active = fields.Gauge("downstream_cx_http2_active");
        ConnectionUpgradesTotal = fields.Counter("downstream_cx_upgrades_total");
        ConnectionUpgradesActive = fields.Gauge("downstream_cx_upgrades_active");
        ConnectionLength = fields.Histogram("downstream_cx_length_ms");
        RequestTotal = fields.Counter("downstream_rq_total");
        RequestHttp1Total = fields.Counter("downstream_rq_http1_total");
        RequestHttp2Total = fields.Counter("downstream_rq_http2_total");
        RequestActive = fields.Gauge("downstream_rq_active");
        RequestCompleted = fields.Counter("downstream_rq_completed");
        RequestResponseBeforeComplete = fields.Counter("downstream_rq_response_before_rq_complete");
        RequestReceivedReset = fields.Counter("downstream_rq_rx_reset");
        RequestSentReset = fields.Counter("downstream_rq_tx_reset");
        RequestRedirectedWithNormalizedPath = fields.Counter("downstream_rq_redirected_with_normalized_path");
        RequestTimeout = fields.Counter("downstream_rq_timeout");
        RequestIdleTimeout = fields.Counter("downstream_rq_idle_timeout");
        RequestHeaderTimeout = fields.Counter("downstream_rq_header_timeout");
        RequestMaxDurationReached = fields.Counter("downstream_rq_max_duration_reached");
        RequestWebSocketOnOtherRoute = fields.Counter("downstream_rq_ws_on_non_ws_route");
        RequestTime = fields.Histogram("downstream_rq_time");
        Classes = fields.StatusClasses("downstream_rq");
        NoRoute = fields.Counter("no_route");
        NoCluster = fields.Counter("no_cluster");
        Redirect = fields.Counter("rq_redirect");
        DirectResponse = fields.Counter("rq_direct_response");
        RoutedTotal = fields.Counter("rq_total");
        ResetAfterResponseStarted = fields.Counter("rq_reset_after_downstream_response_started");
    }

    public Counter ConnectionTotal { get; }
    public Counter ConnectionHttp1Total { get; }
    public Counter ConnectionHttp2Total { get; }
    public Counter ConnectionProtocolError { get; }
    public Counter ConnectionDestroy { get; }
    public Counter ConnectionDestroyRemote { get; }
    public Counter ConnectionDestroyLocal { get; }
    public Counter ConnectionDestroyActiveRequest { get; }
    public Counter ConnectionDestroyRemoteActiveRequest { get; }
    public Counter ConnectionDestroyLocalActiveRequest { get; }
    public Counter ConnectionReceivedBytes { get; }
    public Counter ConnectionSentBytes { get; }
    public Counter ConnectionDrainClose { get; }
    public Counter ConnectionIdleTimeout { get; }
    public Counter ConnectionMaxDurationReached { get; }
    public Counter ConnectionMaxRequestsReached { get; }
    public Counter ConnectionDelayedCloseTimeout { get; }
    public Gauge ConnectionActive { get; }

    /// <summary>A connection ended under its requests.</summary>
    public void CountCutConnection(StatShard shard, bool byPeer)
    {
        shard.Increment(ConnectionDestroyActiveRequest);
        shard.Increment(byPeer ? ConnectionDestroyRemoteActiveRequest : ConnectionDestroyLocalActiveRequest);
    }

    public Gauge ConnectionHttp1Active { get; }
    public Gauge ConnectionHttp2Active { get; }

    /// <summary>Exchanges that became another protocol's, such as WebSocket.</summary>
    public Counter ConnectionUpgradesTotal { get; }
    public Gauge ConnectionUpgradesActive { get; }

    /// <summary>Life of a connection, milliseconds.</summary>
    public Histogram ConnectionLength { get; }
    public Counter RequestTotal { get; }
    public Counter RequestHttp1Total { get; }
    public Counter RequestHttp2Total { get; }
    public Gauge RequestActive { get; }

    /// <summary>Requests that were answered, whatever the status.</summary>
    public Counter RequestCompleted { get; }
    public Counter RequestResponseBeforeComplete { get; }
    public Counter RequestReceivedReset { get; }
    public Counter RequestSentReset { get; }
    public Counter RequestRedirectedWithNormalizedPath { get; }

    public Counter RequestTimeout { get; }
    public Counter RequestIdleTimeout { get; }
    public Counter RequestHeaderTimeout { get; }
    public Counter RequestMaxDurationReached { get; }
    public Counter RequestWebSocketOnOtherRoute { get; }

    /// <summary>Time of a request from first octet in to last octet out, milliseconds.</summary>
    public Histogram RequestTime { get; }

    /// <summary><c>downstream_rq_1xx</c> to <c>downstream_rq_5xx</c>.</summary>
    public StatusClassCounters Classes { get; }

    /// <summary>Requests that matched no route: 404, flag NR.</summary>
    public Counter NoRoute { get; }

    /// <summary>Requests whose route names a cluster that is not there: 503, flag NC.</summary>
    public Counter NoCluster { get; }
    public Counter Redirect { get; }
    public Counter DirectResponse { get; }

    /// <summary>Requests that a route with a cluster took.</summary>
    public Counter RoutedTotal { get; }
    public Counter ResetAfterResponseStarted { get; }

    /// <summary>Opens the group of a connection manager, by its <c>stat_prefix</c>.</summary>
    public static HttpConnectionManagerStats Open(StatsRegistry registry, string statPrefix)
    {
        return Schema.Open(registry, StatScope.HttpConnectionManager(statPrefix));
    }
}
