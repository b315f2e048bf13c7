using System.Text;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Rules with what their verdicts become: answers, metadata, counters per policy.</summary>
/// <remarks>Immutable but for the counters, which the first verdict of each policy binds.</remarks>
internal sealed class RbacRuleSet
{
    private readonly LocalReply[] _replies;
    private readonly byte[][] _policyNames;
    private readonly byte[] _policyKey;
    private readonly byte[] _resultKey;
    private readonly string _statPrefix;
    private readonly bool _isShadow;
    private readonly RbacRuleStats?[]? _policyStats;

    /// <param name="rules">The rules.</param>
    /// <param name="statPrefix">Stands before the names of counters and, for shadow rules, before the keys of metadata.</param>
    /// <param name="isShadow">Their verdict decides nothing.</param>
    /// <param name="countsPolicies"><c>track_per_rule_stats</c></param>
    public RbacRuleSet(RbacRules rules, string statPrefix, bool isShadow, bool countsPolicies)
    {
        Rules = rules;
        _statPrefix = statPrefix;
        _isShadow = isShadow;
        _replies = [RbacReplies.Denied(null), .. rules.Policies.Select(static policy => RbacReplies.Denied(policy.Name))];
        _policyNames = [.. rules.Policies.Select(static policy => Encoding.UTF8.GetBytes(policy.Name))];
        _policyKey = Encoding.UTF8.GetBytes(statPrefix + "shadow_effective_policy_id");
        _resultKey = Encoding.UTF8.GetBytes(statPrefix + "shadow_engine_result");
        _policyStats = countsPolicies ? new RbacRuleStats?[rules.Policies.Length] : null;
    }

    public RbacRules Rules { get; }

    /// <summary>The answer to a request that was denied.</summary>
    public LocalReply ReplyTo(in RbacVerdict verdict) => _replies[verdict.Policy + 1];

    /// <summary>Leaves a shadow verdict where other filters and the access log find it.</summary>
    /// <returns>False when there is no room for it.</returns>
    public bool Leave(DynamicMetadata metadata, ReadOnlySpan<byte> filterNamespace, in RbacVerdict verdict)
    {
        MetadataValue own = metadata.Open(filterNamespace);
        return (verdict.Policy < 0 || own.Set(_policyKey, _policyNames[verdict.Policy]))
            && own.Set(_resultKey, verdict.IsAllowed ? "allowed"u8 : "denied"u8);
    }

    /// <summary>Counts a verdict for the policy that fitted, if that is asked for.</summary>
    public void Count(StatShard shard, in RbacVerdict verdict, StatsRegistry registry, string managerStatPrefix)
    {
        if (_policyStats is null || verdict.Policy < 0) return;
        RbacRuleStats stats = _policyStats[verdict.Policy] ??=
            RbacPolicyStats.OpenHttp(registry, managerStatPrefix, _statPrefix, Rules.Policies[verdict.Policy].Name, _isShadow);
        shard.Increment(verdict.IsAllowed ? stats.Allowed : stats.Denied);
    }
}
