using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What a route with a <c>stat_prefix</c> counts: <c>vhost.VHOST.route.PREFIX.*</c>.</summary>
public sealed class RouteStats : StatGroup
{
    private static readonly StatSchema<RouteStats> Schema = new(static fields => new RouteStats(fields));

    private RouteStats(StatFields fields)
        : base(fields)
    {
        RequestTotal = fields.Counter("upstream_rq_total");
        RequestCompleted = fields.Counter("upstream_rq_completed");
        Classes = fields.StatusClasses("upstream_rq");
        RequestTime = fields.Histogram("upstream_rq_time");
        Statuses = fields.Statuses("upstream_rq");
        RequestTimeout = fields.Counter("upstream_rq_timeout");
        Retry = fields.Counter("upstream_rq_retry");
        RetryLimitExceeded = fields.Counter("upstream_rq_retry_limit_exceeded");
        RetryOverflow = fields.Counter("upstream_rq_retry_overflow");
        RetrySuccess = fields.Counter("upstream_rq_retry_success");
    }

    public Counter RequestTotal { get; }
    public Counter RequestCompleted { get; }
    public StatusClassCounters Classes { get; }

    /// <summary>Request sent to response complete, milliseconds.</summary>
    public Histogram RequestTime { get; }
    public StatusCounters Statuses { get; }
    public Counter RequestTimeout { get; }
    public Counter Retry { get; }
    public Counter RetryLimitExceeded { get; }
    public Counter RetryOverflow { get; }
    public Counter RetrySuccess { get; }

    /// <summary>Opens the group of a route.</summary>
    public static RouteStats Open(StatsRegistry registry, string virtualHost, string statPrefix)
    {
        return Schema.Open(registry, StatScope.Route(virtualHost, statPrefix));
    }
}
