using System.Runtime.CompilerServices;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Tests.Statistics;

/// <summary>How many policies of a proxy have counters of their own, and whose are given to others.</summary>
public sealed class RbacPolicyCountersTests
{
    private static readonly StatScope Rbac = RbacScopes.Http("in");

    private readonly StatsRegistry _registry = new();

    [Fact]
    public void Beyond_the_bound_policies_share_counters_until_rules_that_are_gone_give_theirs_back()
    {
        var counters = new RbacPolicyCounters(_registry);
        StatShard shard = _registry.CreateShard("worker_0");
        RbacPolicyCounter kept = Open(counters, "kept");
        shard.Increment(kept.Denied);
        FillUp(counters);
        shard.Increment(Open(counters, "late").Denied);
        Assert.Equal((1, null), (_registry.Find("http.in.rbac.policy.other.denied"), _registry.Find("http.in.rbac.policy.late.denied")));
        Assert.Equal(RbacPolicyCounters.MaxPolicies, counters.Count);

        GC.Collect();
        shard.Increment(Open(counters, "late").Denied);

        Assert.Equal((1, 1), (_registry.Find("http.in.rbac.policy.kept.denied"), _registry.Find("http.in.rbac.policy.late.denied")));
        Assert.Null(_registry.Find("http.in.rbac.policy.p7.denied"));
        Assert.Equal(2, counters.Count);
        GC.KeepAlive(kept);
    }

    [Fact]
    public void Rules_that_are_compiled_anew_go_on_in_the_counters_of_the_old()
    {
        var counters = new RbacPolicyCounters(_registry);

        RbacPolicyCounter before = Open(counters, "p"), after = Open(counters, "p");

        Assert.Same(before, after);
    }

    /// <summary>Policies up to the bound, whose rules are gone when this returns and were there until then.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FillUp(RbacPolicyCounters counters)
    {
        var held = new List<RbacPolicyCounter>();
        for (int i = 1; i < RbacPolicyCounters.MaxPolicies; i++) held.Add(Open(counters, $"p{i}"));
        RbacPolicyCounter other = Open(counters, "over");
        Assert.DoesNotContain(other, held);
        GC.KeepAlive(held);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static RbacPolicyCounter Open(RbacPolicyCounters counters, string policy) => counters.Open(Rbac, string.Empty, policy, isShadow: false, "a.yaml:1");
}
