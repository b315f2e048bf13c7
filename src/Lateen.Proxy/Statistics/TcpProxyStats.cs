using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What one TCP proxy counts: <c>tcp.STAT_PREFIX.*</c> as Envoy documents it.</summary>
public sealed class TcpProxyStats : StatGroup
{
    private static readonly StatSchema<TcpProxyStats> Schema = new(static fields => new TcpProxyStats(fields));

    private TcpProxyStats(StatFields fields)
        : base(fields)
    {
        ConnectionTotal = fields.Counter("downstream_cx_total");
        NoRoute = fields.Counter("downstream_cx_no_route");
        SentBytes = fields.Counter("downstream_cx_tx_bytes_total");
        ReceivedBytes = fields.Counter("downstream_cx_rx_bytes_total");
        IdleTimeout = fields.Counter("idle_timeout");
        MaxDuration = fields.Counter("max_downstream_connection_duration");
    }

    public Counter ConnectionTotal { get; }

    /// <summary>Connections whose cluster is not there: flag NC.</summary>
    public Counter NoRoute { get; }

    public Counter SentBytes { get; }

    public Counter ReceivedBytes { get; }

    public Counter IdleTimeout { get; }

    public Counter MaxDuration { get; }

    /// <summary>Opens the group of a TCP proxy, by its <c>stat_prefix</c>.</summary>
    public static TcpProxyStats Open(StatsRegistry registry, string statPrefix) => Schema.Open(registry, StatScope.TcpProxy(statPrefix));
}
