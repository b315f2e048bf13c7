using System.Text;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Rules with what their verdicts become: answers, metadata, counters per policy. All texts are made here, none by a request.</summary>
/// <remarks>Immutable but for the counters, which the first verdict of each policy binds.</remarks>
internal sealed class RbacRuleSet
{
    /// <summary>Stands for the policy's name where none fitted and one should have.</summary>
    public const string NoPolicy = "none";

    /// <summary>Where access logs find which policy refused (<c>policy</c>, <c>place</c>, <c>action</c>), which AUDIT policy fitted (<c>audit_policy</c>,
    /// <c>audit_place</c>), and where the policy of a shadow verdict is written (<c>PREFIXshadow_place</c>).</summary>
    private static readonly byte[] OwnNamespace = "lateen.rbac"u8.ToArray();
    private static readonly byte[] CommonNamespace = "envoy.common"u8.ToArray();
    private static readonly byte[] LogHintKey = "access_log_hint"u8.ToArray();

    /// <summary>By the policy of a verdict, plus one: the first is for none.</summary>
    private readonly Outcome[] _outcomes;
    private readonly byte[] _action;
    private readonly byte[] _policyKey;
    private readonly byte[] _resultKey;
    private readonly byte[] _placeKey;
    private readonly string _statPrefix;
    private readonly bool _isShadow;
    private readonly RbacPolicyCounters? _counters;

    /// <param name="rules">The rules.</param>
    /// <param name="statPrefix">Stands before the names of counters and, for shadow rules, before the keys of metadata.</param>
    /// <param name="isShadow">Their verdict decides nothing.</param>
    /// <param name="counters">Counts for each policy (<c>track_per_rule_stats</c>); null: it is not asked for.</param>
    public RbacRuleSet(RbacRules rules, string statPrefix, bool isShadow, RbacPolicyCounters? counters)
    {
        Rules = rules;
        _statPrefix = statPrefix;
        _isShadow = isShadow;
        _counters = counters;
        _outcomes = [new Outcome(null, rules.AllPlaces), .. rules.Policies.Select(static policy => new Outcome(policy.Name, policy.Place))];
        _action = Encoding.ASCII.GetBytes(rules.Action.ToString().ToUpperInvariant());
        _policyKey = Encoding.UTF8.GetBytes(statPrefix + "shadow_effective_policy_id");
        _resultKey = Encoding.UTF8.GetBytes(statPrefix + "shadow_engine_result");
        _placeKey = Encoding.UTF8.GetBytes(statPrefix + "shadow_place");
    }

    public RbacRules Rules { get; }

    /// <summary>The answer to a request that was denied.</summary>
    public LocalReply ReplyTo(in RbacVerdict verdict) => OutcomeOf(verdict).Reply;

    /// <summary>Leaves a shadow verdict where other filters and the access log find it.</summary>
    /// <returns>False when there is no room for it.</returns>
    public bool Leave(DynamicMetadata metadata, ReadOnlySpan<byte> filterNamespace, in RbacVerdict verdict)
    {
        MetadataValue own = metadata.Open(filterNamespace);
        Outcome outcome = OutcomeOf(verdict);
        if (verdict.Policy >= 0 && !own.Set(_policyKey, outcome.Policy)) return false;
        if (!own.Set(_resultKey, verdict.IsAllowed ? "allowed"u8 : "denied"u8)) return false;
        if (IsTold(verdict)) LeavePlace(metadata.Open(OwnNamespace), _placeKey, outcome);
        return true;
    }

    /// <summary>Tells the access log which policy refused, and where it is written.</summary>
    public void LeaveRefusal(DynamicMetadata metadata, in RbacVerdict verdict)
    {
        MetadataValue own = metadata.Open(OwnNamespace);
        Outcome outcome = OutcomeOf(verdict);
        own.Set("policy"u8, outcome.Policy);
        own.Set("action"u8, _action);
        LeavePlace(own, "place"u8, outcome);
    }

    /// <summary>Tells the access log whether a rule asks for this exchange to be written down, and which.</summary>
    public void LeaveLogHint(DynamicMetadata metadata, in RbacVerdict verdict)
    {
        metadata.Open(CommonNamespace).Set(LogHintKey, verdict.Policy >= 0);
        if (verdict.Policy < 0) return;
        MetadataValue own = metadata.Open(OwnNamespace);
        own.Set("audit_policy"u8, OutcomeOf(verdict).Policy);
        LeavePlace(own, "audit_place"u8, OutcomeOf(verdict));
    }

    /// <summary>Counts a verdict for the policy that gave it, if that is asked for.</summary>
    /// <param name="rbac">The scope of the filter's counters.</param>
    public void Count(StatShard shard, in RbacVerdict verdict, StatScope rbac)
    {
        if (_counters is null || !IsTold(verdict)) return;
        Outcome outcome = OutcomeOf(verdict);
        RbacPolicyCounter counter = outcome.Counter ??= _counters.Open(rbac, _statPrefix, outcome.Name, _isShadow, outcome.PlaceText);
        shard.Increment(verdict.IsAllowed ? counter.Allowed : counter.Denied);
    }

    /// <summary>A policy gave it, or all of them by not fitting: not where nothing denied.</summary>
    private static bool IsTold(in RbacVerdict verdict) => verdict.Policy >= 0 || !verdict.IsAllowed;

    private static void LeavePlace(MetadataValue own, ReadOnlySpan<byte> key, Outcome outcome)
    {
        if (outcome.Place.Length > 0) own.Set(key, outcome.Place);
    }

    private Outcome OutcomeOf(in RbacVerdict verdict) => _outcomes[verdict.Policy + 1];

    /// <summary>What a policy's verdict becomes.</summary>
    private sealed class Outcome(string? name, string place)
    {
        public string Name { get; } = name ?? NoPolicy;

        public string PlaceText { get; } = place;

        public byte[] Policy { get; } = Encoding.UTF8.GetBytes(name ?? NoPolicy);

        public byte[] Place { get; } = Encoding.UTF8.GetBytes(place);

        public LocalReply Reply { get; } = RbacReplies.Denied(name, place);

        /// <summary>Bound by the first verdict. Several threads may; all get the same.</summary>
        public RbacPolicyCounter? Counter { get; set; }
    }
}
