using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What one listener counts: <c>listener.ADDRESS.*</c>.</summary>
public sealed class ListenerStats : StatGroup
{
    private static readonly StatSchema<ListenerStats> Schema = new(static fields => new ListenerStats(fields));

    private ListenerStats(StatFields fields)
        : base(fields)
    {
        ConnectionTotal = fields.Counter("downstream_cx_total");
        ConnectionDestroy = fields.Counter("downstream_cx_destroy");
        ConnectionActive = fields.Gauge("downstream_cx_active");
        ConnectionLength = fields.Histogram("downstream_cx_length_ms");
        ConnectionOverflow = fields.Counter("downstream_cx_overflow");
        GlobalConnectionOverflow = fields.Counter("downstream_global_cx_overflow");
        PreConnectionTimeout = fields.Counter("downstream_pre_cx_timeout");
        PreConnectionActive = fields.Gauge("downstream_pre_cx_active");
        NoFilterChainMatch = fields.Counter("no_filter_chain_match");
        TransportSocketConnectTimeout = fields.Counter("downstream_cx_transport_socket_connect_timeout");
    }

    public Counter ConnectionTotal { get; }
    public Counter ConnectionDestroy { get; }
    public Gauge ConnectionActive { get; }

    /// <summary>Life of a connection, milliseconds.</summary>
    public Histogram ConnectionLength { get; }

    /// <summary>Connections refused because the listener's own limit was reached.</summary>
    public Counter ConnectionOverflow { get; }

    /// <summary>Connections closed because as many were open as the whole process takes.</summary>
    public Counter GlobalConnectionOverflow { get; }

    /// <summary>Connections closed because listener filters took too long.</summary>
    public Counter PreConnectionTimeout { get; }

    /// <summary>Connections that are still with listener filters.</summary>
    public Gauge PreConnectionActive { get; }
    public Counter NoFilterChainMatch { get; }

    /// <summary>Connections closed because their TLS handshake took too long.</summary>
    public Counter TransportSocketConnectTimeout { get; }

    /// <summary>Opens the group of a listener.</summary>
    public static ListenerStats Open(StatsRegistry registry, string statPrefix)
    {
        return Schema.Open(registry, StatScope.Listener(statPrefix));
    }
}

/// <summary>What a connection manager counts per listener: <c>listener.ADDRESS.http.STAT_PREFIX.*</c>.</summary>
public sealed class ListenerHttpStats : StatGroup
{
    private static readonly StatSchema<ListenerHttpStats> Schema = new(static fields => new ListenerHttpStats(fields));

    private ListenerHttpStats(StatFields fields)
        : base(fields)
    {
        Completed = fields.Counter("downstream_rq_completed");
        Classes = fields.StatusClasses("downstream_rq");
    }

    public Counter Completed { get; }

    public StatusClassCounters Classes { get; }

    /// <summary>Opens the group of a connection manager on a listener.</summary>
    public static ListenerHttpStats Open(StatsRegistry registry, string listenerStatPrefix, string statPrefix)
    {
        return Schema.Open(registry, StatScope.ListenerHttp(listenerStatPrefix, statPrefix));
    }
}
