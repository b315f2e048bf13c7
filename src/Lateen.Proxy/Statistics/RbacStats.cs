using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>What an RBAC filter counts: <c>http.PREFIX.rbac.*</c>, or <c>PREFIX.rbac.*</c> for one of connections.</summary>
/// <remarks>
/// The prefixes of rules and shadow rules stand between <c>rbac</c> and the counter, as in Envoy:
/// <c>rbac.istio_dry_run_allow_.shadow_denied</c>.
/// </remarks>
public sealed class RbacStats
{
    private RbacStats(StatScope scope, RbacRuleStats enforced, RbacRuleStats shadow)
    {
        Scope = scope;
        Allowed = enforced.Allowed;
        Denied = enforced.Denied;
        ShadowAllowed = shadow.Allowed;
        ShadowDenied = shadow.Denied;
    }

    /// <summary>Of the filter: what stands before the prefixes of rules.</summary>
    public StatScope Scope { get; }

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
    public static RbacStats OpenHttp(StatsRegistry registry, string managerStatPrefix, string rulesPrefix, string shadowPrefix) =>
        Open(registry, RbacScopes.Http(managerStatPrefix), rulesPrefix, shadowPrefix);

    /// <summary>Opens the counters of a network filter, by its <c>stat_prefix</c>.</summary>
    public static RbacStats OpenNetwork(StatsRegistry registry, string statPrefix, string shadowPrefix) =>
        Open(registry, RbacScopes.Network(statPrefix), string.Empty, shadowPrefix);

    private static RbacStats Open(StatsRegistry registry, StatScope scope, string rulesPrefix, string shadowPrefix) => new(
        scope,
        RbacRuleStats.Open(registry, RbacScopes.Rules(scope, rulesPrefix), isShadow: false),
        RbacRuleStats.Open(registry, RbacScopes.Rules(scope, shadowPrefix), isShadow: true));
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

/// <summary>How the names of RBAC counters are put together.</summary>
internal static class RbacScopes
{
    public static StatScope Http(string managerStatPrefix)
    {
        string manager = StatNames.Sanitize(managerStatPrefix);
        return new StatScope($"http.{manager}.rbac.", "envoy_http_rbac_", [new StatTag("envoy_http_conn_manager_prefix", manager)]);
    }

    public static StatScope Network(string statPrefix)
    {
        string own = StatNames.Sanitize(statPrefix.TrimEnd('.'));
        return new StatScope($"{own}.rbac.", "envoy_rbac_", [new StatTag("envoy_rbac_prefix", own)]);
    }

    /// <summary>Of rules within a filter.</summary>
    /// <param name="prefix"><c>rules_stat_prefix</c> or <c>shadow_rules_stat_prefix</c>; may be empty.</param>
    public static StatScope Rules(StatScope rbac, string prefix)
    {
        string middle = prefix.Length == 0 ? string.Empty : StatNames.Sanitize(prefix.TrimEnd('.')) + ".";
        return new StatScope(rbac.TextPrefix + middle, rbac.FamilyPrefix + StatNames.ToFamily(middle), [.. rbac.TagSpan]);
    }

    /// <summary>Of one policy among these rules.</summary>
    public static StatScope Policy(StatScope rbac, string prefix, string policy)
    {
        StatScope rules = Rules(rbac, prefix);
        string name = StatNames.Sanitize(policy);
        return new StatScope($"{rules.TextPrefix}policy.{name}.", rules.FamilyPrefix + "policy_", [.. rules.TagSpan, new StatTag("envoy_rbac_policy", name)]);
    }
}
