using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Routing;
using Lateen.Telemetry.AccessLogs;
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
        RetrySuccess = fields.Counter("upstream_rq_retry_success");
    }

    public Counter RequestTotal { get; }
    public Counter RequestCompleted { get; }
    public StatusClassCounters Classes { get; }

    /// <summary>First octet of the request to the end of the exchange, milliseconds.</summary>
    public Histogram RequestTime { get; }
    public StatusCounters Statuses { get; }
    public Counter RequestTimeout { get; }
    public Counter Retry { get; }
    public Counter RetryLimitExceeded { get; }
    public Counter RetrySuccess { get; }

    /// <summary>Counts an exchange that has ended, when its route asks for statistics of its own.</summary>
    internal static void Count(HttpExchange exchange, StatsRegistry registry)
    {
        if (exchange.Route is not { StatPrefix.Length: > 0 } route) return;
        var stats = Of(route, registry);
        var shard = exchange.Shard;
        var record = exchange.Record;
        shard.Increment(stats.RequestTotal);
        if ((record.Flags & ResponseFlags.UpstreamRequestTimeout) != 0) shard.Increment(stats.RequestTimeout);
        if (record.Attempts.Length > 1)
        {
            shard.Add(stats.Retry, record.Attempts.Length - 1);
            if ((record.Flags & ResponseFlags.UpstreamRetryLimitExceeded) != 0) shard.Increment(stats.RetryLimitExceeded);
            else if (record.ResponseStatus is > 0 and < 500) shard.Increment(stats.RetrySuccess);
        }

        if (record.ResponseStatus == 0) return;
        shard.Increment(stats.RequestCompleted);
        shard.Increment(stats.Classes.For(record.ResponseStatus));
        shard.Increment(stats.Statuses.For(record.ResponseStatus));
        shard.Record(stats.RequestTime, record.DurationMilliseconds);
    }

    /// <summary>The group of a route. Two workers may bind at the same time: both groups count in the same cells, so it does not matter
    /// whose stays. Groups are not given back: there are as many cells as names were ever configured.</summary>
    internal static RouteStats Of(RouteEntry route, StatsRegistry registry) =>
        route.Statistics ??= Open(registry, route.VirtualHost.Name, route.StatPrefix);

    /// <summary>Opens the group of a route.</summary>
    public static RouteStats Open(StatsRegistry registry, string virtualHost, string statPrefix)
    {
        return Schema.Open(registry, StatScope.Route(virtualHost, statPrefix));
    }
}
