using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>What becomes of a request.</summary>
public enum AuthorizationOutcome
{
    Allowed = 0,
    Denied = 1,

    /// <summary>Policy lets it through if the external authorizer does.</summary>
    LeftToAuthorizer = 2,

    /// <summary>It depends on what other filters leave in a request's metadata, which no description says.</summary>
    Unknown = 3,
}

/// <summary>Why.</summary>
public enum AuthorizationReason
{
    /// <summary>No policy allows or denies anything here.</summary>
    NoPolicy = 0,

    /// <summary>No DENY rule matched, and there is no ALLOW policy.</summary>
    NothingDenies = 1,
    AllowRule = 2,
    DenyRule = 3,

    /// <summary>There are ALLOW policies, and none of their rules matched.</summary>
    NothingAllows = 4,

    /// <summary>A CUSTOM rule matched whose provider is not declared, or has no service.</summary>
    UnknownProvider = 5,

    /// <summary>A CUSTOM rule matched.</summary>
    CustomRule = 6,

    /// <summary>A CUSTOM rule matched a connection that is not HTTP, about which its provider cannot be asked.</summary>
    NotAskedOfConnections = 7,

    /// <summary>A rule asks what other filters left.</summary>
    OtherFilters = 8,
}

/// <summary>A rule that matched.</summary>
/// <param name="Rule">Its place in the policy, from 0.</param>
public sealed record MatchedRule(Resource<AuthorizationPolicy> Policy, int Rule)
{
    /// <summary>Istio's name of the rule, which dumps, logs and counters show.</summary>
    public string Name => NameOf(Policy, Rule);

    /// <summary>Where the rule is written.</summary>
    public SourceLocation? Location => LocationOf(Policy, Rule);

    /// <inheritdoc cref="Name"/>
    public static string NameOf(Resource<AuthorizationPolicy> policy, int rule)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return $"ns[{policy.Namespace}]-policy[{policy.Name}]-rule[{rule}]";
    }

    /// <summary>Where a rule is written; of a policy without rules, where the policy is. Whoever enforces rules and whoever is asked about them take it from here.</summary>
    public static SourceLocation? LocationOf(Resource<AuthorizationPolicy> policy, int rule)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return (rule < policy.Spec.Rules.Length ? policy.Spec.Rules[rule].Location : null) ?? policy.Metadata.Location;
    }
}

/// <summary>What policy says of a request, and which rule said it.</summary>
/// <param name="Rule">The rule that decided; null where the absence of one did.</param>
/// <param name="AlsoMatched">Every other rule that matched (the first by name of each policy): AUDIT, dry-run, and those that came too late to decide.</param>
public sealed record AuthorizationVerdict(
    AuthorizationOutcome Outcome, AuthorizationReason Reason, MatchedRule? Rule, ImmutableArray<MatchedRule> AlsoMatched);
