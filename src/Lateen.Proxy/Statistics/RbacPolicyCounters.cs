using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Statistics;

/// <summary>
/// Verdicts policy by policy, where that is asked for: <c>http.PREFIX.rbac.policy.NAME.allowed</c> and <c>.denied</c>, and as <c>.place</c> the file and line
/// of the policy that decided last under this name. A policy whose line moves keeps its counters.
/// </summary>
/// <remarks>
/// Thread-safe. Bounded by <see cref="MaxPolicies"/>: names of policies come and go, and counters that are never given back would pile up in a proxy that
/// runs for months. So those of a policy that no rules hold any more go to the next that needs room; until then they can be read.
/// </remarks>
public sealed class RbacPolicyCounters(StatsRegistry registry)
{
    /// <summary>Policies with counters of their own. Count. Hit: the others share those of <c>policy.other</c>, which have no place.</summary>
    public const int MaxPolicies = 1000;

    private const string Others = "other";

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Scope, bool IsShadow), Entry> _entries = [];

    /// <summary>Policies that have counters of their own now. Count.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>The counters of a policy. They are its own for as long as the caller holds what it was given.</summary>
    /// <param name="rbac">The scope of the filter's counters.</param>
    /// <param name="prefix"><c>rules_stat_prefix</c> or <c>shadow_rules_stat_prefix</c>; may be empty.</param>
    /// <param name="policy">The policy's name.</param>
    /// <param name="isShadow">Its verdict decides nothing.</param>
    /// <param name="place">Where it is written; empty: nobody said.</param>
    public RbacPolicyCounter Open(StatScope rbac, string prefix, string policy, bool isShadow, string place)
    {
        StatScope scope = RbacScopes.Policy(rbac, prefix, policy);
        lock (_lock)
        {
            if (!_entries.TryGetValue((scope.TextPrefix, isShadow), out Entry? entry))
            {
                if (_entries.Count >= MaxPolicies) GiveBackUnused();
                if (_entries.Count >= MaxPolicies) return new RbacPolicyCounter(RbacPolicyStats.Open(registry, RbacScopes.Policy(rbac, prefix, Others), isShadow));
                _entries.Add((scope.TextPrefix, isShadow), entry = new Entry(RbacPolicyStats.Open(registry, scope, isShadow)));
            }

            entry.Stats.Place.Value = place;
            return entry.Use();
        }
    }

    /// <summary>Whoever counts holds its counter, so one that was collected is one that no request can use.</summary>
    private void GiveBackUnused()
    {
        foreach (var (key, entry) in _entries)
        {
            if (entry.IsUsed) continue;
            entry.Stats.Dispose();
            _entries.Remove(key);
        }
    }

    private sealed class Entry(RbacPolicyStats stats)
    {
        private readonly WeakReference<RbacPolicyCounter> _use = new(null!);

        public RbacPolicyStats Stats => stats;

        public bool IsUsed => _use.TryGetTarget(out _);

        /// <summary>The same object for all who count, so that one reference is enough to see whether any is left.</summary>
        public RbacPolicyCounter Use()
        {
            if (_use.TryGetTarget(out RbacPolicyCounter? counter)) return counter;
            counter = new RbacPolicyCounter(stats);
            _use.SetTarget(counter);
            return counter;
        }
    }
}

/// <summary>The counters of one policy, held by the rules that count in them.</summary>
public sealed class RbacPolicyCounter
{
    internal RbacPolicyCounter(RbacPolicyStats stats)
    {
        Allowed = stats.Allowed;
        Denied = stats.Denied;
    }

    public Counter Allowed { get; }

    public Counter Denied { get; }
}

/// <summary>Verdicts of one policy: <c>allowed</c>, <c>denied</c>, <c>place</c>, or the same with <c>shadow_</c>.</summary>
internal sealed class RbacPolicyStats : StatGroup
{
    private static readonly StatSchema<RbacPolicyStats> EnforcedSchema = new(static fields => new RbacPolicyStats(fields, string.Empty));
    private static readonly StatSchema<RbacPolicyStats> ShadowSchema = new(static fields => new RbacPolicyStats(fields, "shadow_"));

    private RbacPolicyStats(StatFields fields, string prefix)
        : base(fields)
    {
        Allowed = fields.Counter(prefix + "allowed");
        Denied = fields.Counter(prefix + "denied");
        Place = fields.Text(prefix + "place");
    }

    public Counter Allowed { get; }

    public Counter Denied { get; }

    public TextReadout Place { get; }

    public static RbacPolicyStats Open(StatsRegistry registry, StatScope scope, bool isShadow) => (isShadow ? ShadowSchema : EnforcedSchema).Open(registry, scope);
}
