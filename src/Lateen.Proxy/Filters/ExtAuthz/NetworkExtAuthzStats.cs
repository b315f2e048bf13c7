using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>What a network filter <c>ext_authz</c> counts: <c>ext_authz.STAT_PREFIX.*</c>.</summary>
internal sealed class NetworkExtAuthzStats : StatGroup
{
    private static readonly StatSchema<NetworkExtAuthzStats> Schema = new(static fields => new NetworkExtAuthzStats(fields));

    private NetworkExtAuthzStats(StatFields fields)
        : base(fields)
    {
        Total = fields.Counter("total");
        Ok = fields.Counter("ok");
        Denied = fields.Counter("denied");
        Error = fields.Counter("error");
        FailureModeAllowed = fields.Counter("failure_mode_allowed");
        Disabled = fields.Counter("disabled");
        ConnectionsClosed = fields.Counter("cx_closed");
        Active = fields.Gauge("active");
    }

    /// <summary>Questions.</summary>
    public Counter Total { get; }

    public Counter Ok { get; }

    public Counter Denied { get; }

    /// <summary>The service gave no usable answer.</summary>
    public Counter Error { get; }

    /// <summary>Of these errors, those after which the connection was served.</summary>
    public Counter FailureModeAllowed { get; }

    /// <summary>Connections about which nobody was asked.</summary>
    public Counter Disabled { get; }

    public Counter ConnectionsClosed { get; }

    /// <summary>Questions without an answer yet.</summary>
    public Gauge Active { get; }

    public static NetworkExtAuthzStats Open(StatsRegistry registry, string statPrefix)
    {
        string own = StatNames.Sanitize(statPrefix.TrimEnd('.'));
        return Schema.Open(registry, new StatScope($"ext_authz.{own}.", "envoy_ext_authz_", [new StatTag("envoy_ext_authz_prefix", own)]));
    }
}
