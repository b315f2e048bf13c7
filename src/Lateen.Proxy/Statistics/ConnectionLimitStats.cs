using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What a <c>connection_limit</c> filter counts: <c>connection_limit.STAT_PREFIX.*</c>.</summary>
public sealed class ConnectionLimitStats : StatGroup
{
    private static readonly StatSchema<ConnectionLimitStats> Schema = new(static fields => new ConnectionLimitStats(fields));

    private ConnectionLimitStats(StatFields fields)
        : base(fields)
    {
        Limited = fields.Counter("limited_connections");
        Active = fields.Gauge("active_connections");
    }

    /// <summary>Connections that were refused.</summary>
    public Counter Limited { get; }

    public Gauge Active { get; }

    /// <summary>Opens the group of a filter, by its <c>stat_prefix</c>.</summary>
    public static ConnectionLimitStats Open(StatsRegistry registry, string statPrefix)
    {
        var text = StatNames.Sanitize(statPrefix);
        return Schema.Open(registry, new StatScope(
            $"connection_limit.{text}.", "envoy_connection_limit_", [new StatTag("envoy_connection_limit_prefix", text)]));
    }
}
