using System.Collections.Immutable;
using Envoy.Config.Rbac.V3;
using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Xds;
using RbacAction = Envoy.Config.Rbac.V3.RBAC.Types.Action;

namespace Lateen.Translation.Security;

/// <summary>What a filter chain carries: requests, or connections that nobody takes apart.</summary>
internal enum GuardedTraffic
{
    Requests,
    Connections,
}

/// <summary>AuthorizationPolicies of one action as the rules of Envoy's RBAC.</summary>
internal static class RbacRules
{
    /// <param name="naming">Makes a name out of the one that Istio gives a rule: <c>ns[NAMESPACE]-policy[NAME]-rule[N]</c>.</param>
    /// <returns>Null when there is no policy: rules without a policy refuse everything or nothing, which is something else.</returns>
    public static RBAC? Of(
        IReadOnlyCollection<Resource<AuthorizationPolicy>> policies, RbacAction action, GuardedTraffic traffic, TrustDomains domains, Func<string, string>? naming = null)
    {
        if (policies.Count == 0) return null;
        var rbac = new RBAC { Action = action };
        var places = new List<KeyValuePair<string, string>>();
        foreach (var policy in policies)
        {
            var conditions = new RbacConditions(domains, policy.Namespace);
            var rules = policy.Spec.Rules;
            for (int i = 0; i < Math.Max(1, rules.Length); i++)
            {
                string name = MatchedRule.NameOf(policy, i);
                if (naming is not null) name = naming(name);
                // An ALLOW policy that allows nothing is no absent one; it stands there by name, to be seen in dumps and counters.
                if ((rules.IsEmpty ? Never() : PolicyOf(rules[i], action, traffic, conditions)) is { } rule) rbac.Policies.Add(name, rule);
                // Also of a rule that cannot match here: the operator is told which rules there are when none of them allowed a request.
                if (MatchedRule.LocationOf(policy, i)?.FileAndLine is { Length: > 0 } place) places.Add(KeyValuePair.Create(name, place));
            }
        }

        rbac.AuditLoggingOptions = PolicyPlaces.Pack(places);
        return rbac;
    }

    /// <summary>Null for a rule that can never match: one that allows by what a connection does not have.</summary>
    private static Policy? PolicyOf(AuthorizationRule rule, RbacAction action, GuardedTraffic traffic, RbacConditions conditions)
    {
        // Dropping the rule allows less, not asking the attribute denies more: both fail towards the safe side.
        bool isAsked(AttributeCondition condition) => traffic == GuardedTraffic.Requests || !condition.Attribute.IsOfRequest();
        if (action == RbacAction.Allow && !rule.AllConditions().All(isAsked)) return null;

        var policy = new Policy();
        var ofOperation = rule.When.Where(condition => RbacConditions.IsPermission(condition.Attribute)).ToList();
        var ofCaller = rule.When.Where(condition => !RbacConditions.IsPermission(condition.Attribute)).ToList();
        foreach (var operation in Sets(rule.To))
        {
            var all = new Permission.Types.Set();
            foreach (var condition in operation.Concat(ofOperation).Where(isAsked)) all.Rules.AddRange(RbacConditions.Permissions(condition));
            if (all.Rules.Count == 0) all.Rules.Add(new Permission { Any = true });
            policy.Permissions.Add(new Permission { AndRules = all });
        }

        foreach (var source in Sets(rule.From))
        {
            var all = new Principal.Types.Set();
            foreach (var condition in source.Concat(ofCaller).Where(isAsked)) all.Ids.AddRange(conditions.Principals(condition));
            if (all.Ids.Count == 0) all.Ids.Add(new Principal { Any = true });
            policy.Principals.Add(new Principal { AndIds = all });
        }

        return policy;
    }

    /// <summary>No set at all asks nothing, as one empty set does.</summary>
    private static IEnumerable<ImmutableArray<AttributeCondition>> Sets(ImmutableArray<ConditionSet> sets) =>
        sets.IsEmpty ? [[]] : sets.Select(set => set.Conditions);

    private static Policy Never() => new()
    {
        Permissions = { new Permission { NotRule = new Permission { Any = true } } },
        Principals = { new Principal { NotId = new Principal { Any = true } } },
    };
}
