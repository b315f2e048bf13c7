using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>
/// Says what the policies of a workload make of a request, from the policies themselves: CUSTOM, then DENY, then ALLOW; with no ALLOW policy everything that
/// is not denied passes. It knows nothing of how proxies do it, so that the two can be compared. Pure.
/// </summary>
public static class AuthorizationDecision
{
    /// <param name="policies">Those that concern the workload, in their order.</param>
    public static AuthorizationVerdict Of(ImmutableArray<Resource<AuthorizationPolicy>> policies, MeshConfig mesh, DescribedRequest request)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        ArgumentNullException.ThrowIfNull(request);
        var matching = new RuleMatching(new TrustDomains(mesh), request);
        var matched = ImmutableArray.CreateBuilder<MatchedRule>();
        foreach (var policy in policies)
            if (matching.FirstMatch(policy) is { } rule) matched.Add(new MatchedRule(policy, rule));

        var (outcome, reason, decisive) = Decide(policies, mesh, matched);
        return new AuthorizationVerdict(outcome, reason, decisive, [.. matched.Where(rule => rule != decisive)]);
    }

    private static (AuthorizationOutcome Outcome, AuthorizationReason Reason, MatchedRule? Rule) Decide(
        ImmutableArray<Resource<AuthorizationPolicy>> policies, MeshConfig mesh, ImmutableArray<MatchedRule>.Builder matched)
    {
        var custom = First(AuthorizationAction.Custom, rule => !mesh.ExtensionProviders.Any(provider => provider.Name == rule.Policy.Spec.Provider));
        if (custom is not null) return (AuthorizationOutcome.Denied, AuthorizationReason.UnknownProvider, custom);
        if (First(AuthorizationAction.Deny) is { } denying) return (AuthorizationOutcome.Denied, AuthorizationReason.DenyRule, denying);
        var allowing = First(AuthorizationAction.Allow);
        bool isAllowNeeded = policies.Any(policy => policy.Spec is { Action: AuthorizationAction.Allow, IsDryRun: false });
        if (isAllowNeeded && allowing is null) return (AuthorizationOutcome.Denied, AuthorizationReason.NothingAllows, null);
        if (First(AuthorizationAction.Custom) is { } asking) return (AuthorizationOutcome.LeftToAuthorizer, AuthorizationReason.CustomRule, asking);
        if (allowing is not null) return (AuthorizationOutcome.Allowed, AuthorizationReason.AllowRule, allowing);
        return (AuthorizationOutcome.Allowed, policies.IsEmpty ? AuthorizationReason.NoPolicy : AuthorizationReason.NothingDenies, null);

        MatchedRule? First(AuthorizationAction action, Func<MatchedRule, bool>? also = null)
        {
            foreach (var rule in matched)
                if (rule.Policy.Spec.Action == action && !rule.Policy.Spec.IsDryRun && (also is null || also(rule))) return rule;
            return null;
        }
    }
}
