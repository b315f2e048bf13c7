using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What an RBAC filter counts: <c>http.PREFIX.rbac.*</c>, or <c>PREFIX.rbac.*</c> for one of connections.</summary>
/// <remarks>
/// The prefixes of rules and shadow rules stand between <c>rbac</c> and the counter, as in Envoy:
/// <c>rbac.istio_dry_run_allow_.shadow_denied</c>.
/// </remarks>
public sealed class RbacStats
{
    private RbacStats(RbacRuleStats enforced, RbacRuleStats shadow)
    {
        Allowed = enforced.Allowed;
        Denied = enforced.Denied;
        ShadowAllowed = shadow.Allowed;
        ShadowDenied = shadow.Denied;
    }

    public Counter Allowed { get; }

    public Counter Denied { get; }

    /// <summary>What shadow rules would have allowed.</summary>
    public Counter ShadowAllowed { get; }

    /// <summary>What shadow rules would have denied.</summary>
    public Counter ShadowDenied { get; }

    /// <summary>Opens the counters of an HTTP filter.</summary>
    /// <param name="registry">Where they are counted.</param>
    /// <param name="managerStatPrefix">Of the connection manager.</param>
    /// <param name="rulesPrefix"><c>rules_stat_prefix</c>; may be empty.</param>
    /// <param name="shadowPrefix"><c>shadow_rules_stat_prefix</c>; may be empty.</param>
    public static RbacStats OpenHttp(StatsRegistry registry, string managerStatPrefix, string rulesPrefix, string shadowPrefix) => new(
        RbacRuleStats.Open(registry, RbacScopes.Http(managerStatPrefix, rulesPrefix), isShadow: false),
        RbacRuleStats.Open(registry, RbacScopes.Http(managerStatPrefix, shadowPrefix), isShadow: true));

    /// <summary>Opens the counters of a network filter, by its <c>stat_prefix</c>.</summary>
    public static RbacStats OpenNetwork(StatsRegistry registry, string statPrefix, string shadowPrefix) => new(
        RbacRuleStats.Open(registry, RbacScopes.Network(statPrefix, string.Empty), isShadow: false),
        RbacRuleStats.Open(registry, RbacScopes.Network(statPrefix, shadowPrefix), isShadow: true));
}

/// <summary>Verdicts of one set of rules: <c>allowed</c>, <c>denied</c>, or the same with <c>shadow_</c>.</summary>
public sealed class RbacRuleStats : StatGroup
{
    private static readonly StatSchema<RbacRuleStats> EnforcedSchema = new(static fields => new RbacRuleStats(fields, string.Empty));
    private static readonly StatSchema<RbacRuleStats> ShadowSchema = new(static fields => new RbacRuleStats(fields, "shadow_"));

    private RbacRuleStats(StatFields fields, string prefix)
        : base(fields)
    {
        Allowed = fields.Counter(prefix + "allowed");
        Denied = fields.Counter(prefix + "denied");
    }

    public Counter Allowed { get; }

    public Counter Denied { get; }

    internal static RbacRuleStats Open(StatsRegistry registry, StatScope scope, bool isShadow) =>
        (isShadow ? ShadowSchema : EnforcedSchema).Open(registry, scope);
}

/// <summary>Verdicts of one policy, where <c>track_per_rule_stats</c> asks for them: <c>rbac.policy.NAME.allowed</c>.</summary>
public static class RbacPolicyStats
{
    /// <summary>Opens the counters of a policy of an HTTP filter.</summary>
    public static RbacRuleStats OpenHttp(StatsRegistry registry, string managerStatPrefix, string prefix, string policy, bool isShadow) =>
        RbacRuleStats.Open(registry, RbacScopes.HttpPolicy(managerStatPrefix, prefix, policy), isShadow);
}

/// <summary>How the names of RBAC counters are put together.</summary>
internal static class RbacScopes
{
    public static StatScope Http(string managerStatPrefix, string prefix)
    {
        string manager = StatNames.Sanitize(managerStatPrefix);
        string rules = Middle(prefix);
        return new StatScope($"http.{manager}.rbac.{rules}", "envoy_http_rbac_" + StatNames.ToFamily(rules), [Manager(manager)]);
    }

    public static StatScope HttpPolicy(string managerStatPrefix, string prefix, string policy)
    {
        string manager = StatNames.Sanitize(managerStatPrefix);
        string rules = Middle(prefix);
        string name = StatNames.Sanitize(policy);
        return new StatScope(
            $"http.{manager}.rbac.{rules}policy.{name}.", "envoy_http_rbac_" + StatNames.ToFamily(rules + "policy."), [Manager(manager), new StatTag("envoy_rbac_policy", name)]);
    }

    public static StatScope Network(string statPrefix, string prefix)
    {
        string own = StatNames.Sanitize(statPrefix.TrimEnd('.'));
        string rules = Middle(prefix);
        return new StatScope($"{own}.rbac.{rules}", "envoy_rbac_" + StatNames.ToFamily(rules), [new StatTag("envoy_rbac_prefix", own)]);
    }

    private static StatTag Manager(string statPrefix) => new("envoy_http_conn_manager_prefix", statPrefix);

    private static string Middle(string prefix) => prefix.Length == 0 ? string.Empty : StatNames.Sanitize(prefix.TrimEnd('.')) + ".";
}
