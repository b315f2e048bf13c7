using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>
/// Says what the policies of a workload make of a request, from the policies themselves: CUSTOM, then DENY, then ALLOW; with no ALLOW policy everything that
/// is not denied passes. It is written from the policies and not from the rules that are made of them, so that each can be held against the other:
/// test/Lateen.Proxy.Tests compares the two over generated policies and requests. Pure.
/// </summary>
public static class AuthorizationDecision
{
    /// <param name="policies">Those that concern the workload, in their order.</param>
    /// <param name="mesh">Declares the authorizers, and how paths are normalised.</param>
    /// <param name="request">What is judged.</param>
    /// <param name="isThere">Whether a declared authorizer has a service that answers for it; null: every one has.</param>
    public static AuthorizationVerdict Of(
        ImmutableArray<Resource<AuthorizationPolicy>> policies, MeshConfig mesh, DescribedRequest request, Func<ExtensionProvider, bool>? isThere = null)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        ArgumentNullException.ThrowIfNull(request);
        var strict = Of(policies, mesh, request, isThere ?? (static _ => true), otherFiltersDeny: true);
        if (!policies.Any(policy => policy.Spec.Rules.Any(rule => rule.AllConditions().Any(condition => condition.Attribute == PolicyAttribute.FilterMetadata)))) return strict;
        var lenient = Of(policies, mesh, request, isThere ?? (static _ => true), otherFiltersDeny: false);
        // Each names a rule that certainly matches: what refuses or asks though all such conditions help to let through, what allows though they help to refuse.
        if (strict.Outcome == lenient.Outcome) return strict.Outcome == AuthorizationOutcome.Allowed ? strict : lenient;
        var matched = Matched(strict).ToHashSet();
        matched.SymmetricExceptWith(Matched(lenient));
        var open = matched.Where(rule => rule.Policy.Spec is { IsDryRun: false, Action: not AuthorizationAction.Audit }).MinBy(rule => rule.Name, StringComparer.Ordinal);
        return new AuthorizationVerdict(AuthorizationOutcome.Unknown, AuthorizationReason.OtherFilters, open, [.. Matched(strict).Intersect(Matched(lenient))]);

        static IEnumerable<MatchedRule> Matched(AuthorizationVerdict verdict) => verdict.Rule is { } rule ? verdict.AlsoMatched.Prepend(rule) : verdict.AlsoMatched;
    }

    private static AuthorizationVerdict Of(
        ImmutableArray<Resource<AuthorizationPolicy>> policies, MeshConfig mesh, DescribedRequest request, Func<ExtensionProvider, bool> isThere, bool otherFiltersDeny)
    {
        var matching = new RuleMatching(mesh, request, otherFiltersDeny);
        var matched = ImmutableArray.CreateBuilder<MatchedRule>();
        foreach (var policy in policies)
            if (matching.Matches(policy).Select(rule => new MatchedRule(policy, rule)).MinBy(rule => rule.Name, StringComparer.Ordinal) is { } first) matched.Add(first);

        var (outcome, reason, decisive) = Decide(policies, mesh, request.IsHttp, matched, isThere);
        return new AuthorizationVerdict(outcome, reason, decisive, [.. matched.Where(rule => rule != decisive)]);
    }

    private static (AuthorizationOutcome Outcome, AuthorizationReason Reason, MatchedRule? Rule) Decide(
        ImmutableArray<Resource<AuthorizationPolicy>> policies, MeshConfig mesh, bool isHttp, ImmutableArray<MatchedRule>.Builder matched,
        Func<ExtensionProvider, bool> isThere)
    {
        MatchedRule? asking = null;
        foreach (string name in policies.Where(policy => policy.Spec.Action == AuthorizationAction.Custom).Select(policy => policy.Spec.Provider!).Distinct())
        {
            if (First(AuthorizationAction.Custom, rule => rule.Policy.Spec.Provider == name) is not { } custom) continue;
            if (mesh.ExtensionProviders.FirstOrDefault(provider => provider.Name == name) is not { } known || !isThere(known))
                return (AuthorizationOutcome.Denied, AuthorizationReason.UnknownProvider, custom);
            // Only by gRPC can anybody be asked about a connection.
            if (!isHttp && known.Protocol == AuthorizerProtocol.Http) return (AuthorizationOutcome.Denied, AuthorizationReason.NotAskedOfConnections, custom);
            asking ??= custom;
        }

        if (First(AuthorizationAction.Deny) is { } denying) return (AuthorizationOutcome.Denied, AuthorizationReason.DenyRule, denying);
        var allowing = First(AuthorizationAction.Allow);
        bool isAllowNeeded = policies.Any(policy => policy.Spec is { Action: AuthorizationAction.Allow, IsDryRun: false });
        if (isAllowNeeded && allowing is null) return (AuthorizationOutcome.Denied, AuthorizationReason.NothingAllows, null);
        if (asking is not null) return (AuthorizationOutcome.LeftToAuthorizer, AuthorizationReason.CustomRule, asking);
        if (allowing is not null) return (AuthorizationOutcome.Allowed, AuthorizationReason.AllowRule, allowing);
        return (AuthorizationOutcome.Allowed, policies.IsEmpty ? AuthorizationReason.NoPolicy : AuthorizationReason.NothingDenies, null);

        // Of several rules proxies name the first by its name: that is the order in which they try them.
        MatchedRule? First(AuthorizationAction action, Func<MatchedRule, bool>? also = null) => matched
            .Where(rule => rule.Policy.Spec.Action == action && !rule.Policy.Spec.IsDryRun && (also is null || also(rule)))
            .MinBy(rule => rule.Name, StringComparer.Ordinal);
    }
}
