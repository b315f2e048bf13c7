using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>What a <c>jwt_authn</c> filter counts: <c>http.STAT_PREFIX.jwt_authn.*</c>.</summary>
internal sealed class JwtAuthnStats : StatGroup
{
    private static readonly StatSchema<JwtAuthnStats> Schema = new(static fields => new JwtAuthnStats(fields));

    private JwtAuthnStats(StatFields fields)
        : base(fields)
    {
        Allowed = fields.Counter("allowed");
        Denied = fields.Counter("denied");
        CorsPreflightBypassed = fields.Counter("cors_preflight_bypassed");
        CacheHit = fields.Counter("jwt_cache_hit");
        CacheMiss = fields.Counter("jwt_cache_miss");
        UnusableKeys = fields.Counter("jwks_unusable_keys");
    }

    public Counter Allowed { get; }

    public Counter Denied { get; }

    public Counter CorsPreflightBypassed { get; }

    /// <summary>Tokens that had been verified before.</summary>
    public Counter CacheHit { get; }

    public Counter CacheMiss { get; }

    /// <summary>Keys that were passed over as malformed, weak or private, counted each time that a configuration with them is taken.</summary>
    public Counter UnusableKeys { get; }

    /// <summary>Opens the group of a filter.</summary>
    /// <param name="registry">Where it counts.</param>
    /// <param name="managerPrefix">The connection manager's <c>stat_prefix</c>.</param>
    /// <param name="filterPrefix">The filter's own; empty: none.</param>
    public static JwtAuthnStats Open(StatsRegistry registry, string managerPrefix, string filterPrefix)
    {
        string text = StatNames.Sanitize(managerPrefix);
        string own = filterPrefix.Length == 0 ? string.Empty : StatNames.Sanitize(filterPrefix) + ".";
        return Schema.Open(registry, new StatScope(
            $"http.{text}.jwt_authn.{own}",
            filterPrefix.Length == 0 ? "envoy_http_jwt_authn_" : $"envoy_http_jwt_authn_{StatNames.Sanitize(filterPrefix)}_",
            [new StatTag("envoy_http_conn_manager_prefix", text)]));
    }
}
