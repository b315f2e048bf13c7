using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What a cluster's circuit breakers still allow: <c>cluster.NAME.circuit_breakers.default.remaining_*</c>, as Envoy names it.</summary>
public sealed class RemainingBudgetStats : StatGroup
{
    private static readonly StatSchema<RemainingBudgetStats> Schema = new(static fields => new RemainingBudgetStats(fields));

    private RemainingBudgetStats(StatFields fields)
        : base(fields)
    {
        Connections = fields.Gauge("circuit_breakers.default.remaining_cx");
        PendingRequests = fields.Gauge("circuit_breakers.default.remaining_pending");
        Requests = fields.Gauge("circuit_breakers.default.remaining_rq");
        Retries = fields.Gauge("circuit_breakers.default.remaining_retries");
    }

    public Gauge Connections { get; }

    public Gauge PendingRequests { get; }

    public Gauge Requests { get; }

    public Gauge Retries { get; }

    /// <summary>Opens the group of a cluster, by its <c>alt_stat_name</c> or name.</summary>
    public static RemainingBudgetStats Open(StatsRegistry registry, string statName) => Schema.Open(registry, StatScope.Cluster(statName));
}
