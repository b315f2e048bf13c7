using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>What an <c>ext_authz</c> filter counts: <c>http.STAT_PREFIX.ext_authz.*</c>.</summary>
internal sealed class ExtAuthzStats : StatGroup
{
    private static readonly StatSchema<ExtAuthzStats> Schema = new(static fields => new ExtAuthzStats(fields));

    private ExtAuthzStats(StatFields fields)
        : base(fields)
    {
        Ok = fields.Counter("ok");
        Denied = fields.Counter("denied");
        Error = fields.Counter("error");
        FailureModeAllowed = fields.Counter("failure_mode_allowed");
        Disabled = fields.Counter("disabled");
    }

    public Counter Ok { get; }

    public Counter Denied { get; }

    /// <summary>The service gave no usable answer.</summary>
    public Counter Error { get; }

    /// <summary>Of these errors, those after which the request passed (<c>failure_mode_allow</c>).</summary>
    public Counter FailureModeAllowed { get; }

    /// <summary>Requests about which nobody was asked.</summary>
    public Counter Disabled { get; }

    /// <summary>Opens the group of a filter.</summary>
    /// <param name="registry">Where it counts.</param>
    /// <param name="managerPrefix">The connection manager's <c>stat_prefix</c>.</param>
    /// <param name="filterPrefix">The filter's own; empty: none.</param>
    public static ExtAuthzStats Open(StatsRegistry registry, string managerPrefix, string filterPrefix)
    {
        string text = StatNames.Sanitize(managerPrefix);
        string own = filterPrefix.Length == 0 ? string.Empty : StatNames.Sanitize(filterPrefix);
        return Schema.Open(registry, new StatScope(
            own.Length == 0 ? $"http.{text}.ext_authz." : $"http.{text}.ext_authz.{own}.",
            own.Length == 0 ? "envoy_http_ext_authz_" : $"envoy_http_ext_authz_{own}_",
            [new StatTag("envoy_http_conn_manager_prefix", text)]));
    }
}
