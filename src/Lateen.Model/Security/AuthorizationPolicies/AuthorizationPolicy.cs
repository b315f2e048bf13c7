using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>What a policy does with a request that one of its rules matches.</summary>
public enum AuthorizationAction
{
    /// <summary>Lets it through; as soon as one such policy concerns a workload, what none of them matches is refused.</summary>
    Allow = 0,

    /// <summary>Refuses it, whatever an ALLOW policy says.</summary>
    Deny = 1,

    /// <summary>Marks it for the log and decides nothing.</summary>
    Audit = 2,

    /// <summary>Asks an external authorizer of the mesh settings, before the other actions.</summary>
    Custom = 3,
}

/// <summary>Istio's AuthorizationPolicy.</summary>
public sealed record AuthorizationPolicy
{
    public PolicyScope Scope { get; init; } = PolicyScope.Everyone;

    public AuthorizationAction Action { get; init; }

    /// <summary>Name of the extension provider; set with <see cref="AuthorizationAction.Custom"/> and never without.</summary>
    public string? Provider { get; init; }

    /// <summary>One match suffices. Empty matches nothing, so ALLOW with no rules refuses everything; a rule without content matches everything.</summary>
    public ImmutableArray<AuthorizationRule> Rules { get; init; } = [];

    /// <summary>Evaluated and counted, but not enforced (annotation <c>istio.io/dry-run</c>); ALLOW and DENY only.</summary>
    public bool IsDryRun { get; init; }
}

/// <summary>
/// One rule: it matches when one of <see cref="From"/>, one of <see cref="To"/> and all of <see cref="When"/> match; an empty list asks nothing.
/// </summary>
public sealed record AuthorizationRule
{
    public ImmutableArray<ConditionSet> From { get; init; } = [];

    public ImmutableArray<ConditionSet> To { get; init; } = [];

    public ImmutableArray<AttributeCondition> When { get; init; } = [];

    public SourceLocation? Location { get; init; }

    /// <summary>Every condition of the rule, in the order written.</summary>
    public IEnumerable<AttributeCondition> AllConditions() =>
        From.SelectMany(source => source.Conditions).Concat(To.SelectMany(operation => operation.Conditions)).Concat(When);
}

/// <summary>A source or an operation: all of its conditions have to hold.</summary>
public sealed record ConditionSet(ImmutableArray<AttributeCondition> Conditions);

/// <summary>
/// What a rule asks of one attribute: that one of <see cref="Values"/> matches (when there are any) and none of <see cref="NotValues"/> does. The
/// fields of sources and operations and the keys of <c>when</c> are all read into this one form.
/// </summary>
public sealed record AttributeCondition
{
    public required PolicyAttribute Attribute { get; init; }

    /// <summary>What the attribute is asked by: a header's name in lower case; the steps of a claim; a filter's name and the steps below it; else empty.</summary>
    public ImmutableArray<string> Path { get; init; } = [];

    public ImmutableArray<string> Values { get; init; } = [];

    public ImmutableArray<string> NotValues { get; init; } = [];
}

/// <summary>Something about a connection or a request that policy can ask for.</summary>
public enum PolicyAttribute
{
    /// <summary>SPIFFE id of the peer's certificate, <c>trust-domain/ns/namespace/sa/account</c> without its scheme.</summary>
    Principal = 0,
    Namespace = 1,

    /// <summary><c>namespace/account</c>, or <c>account</c> in the policy's namespace.</summary>
    ServiceAccount = 2,
    TrustDomain = 3,

    /// <summary>Address of the peer of the connection.</summary>
    SourceIp = 4,

    /// <summary>Address of the original client, as X-Forwarded-For or the PROXY protocol tells it.</summary>
    RemoteIp = 5,

    /// <summary><c>issuer/subject</c> of the request's token.</summary>
    RequestPrincipal = 6,
    Audience = 7,

    /// <summary>The claim <c>azp</c>.</summary>
    Presenter = 8,
    Claim = 9,
    Host = 10,
    Method = 11,
    Path = 12,
    Header = 13,
    DestinationIp = 14,
    DestinationPort = 15,

    /// <summary>Server name of the TLS handshake.</summary>
    ServerName = 16,

    /// <summary>Dynamic metadata of another filter.</summary>
    FilterMetadata = 17,
}

/// <summary>What is known about attributes.</summary>
public static class PolicyAttributes
{
    /// <summary>True when only a request has it. On a connection that is not HTTP a rule that asks for it never allows, and denies as if it had not asked.</summary>
    public static bool IsOfRequest(this PolicyAttribute attribute) => attribute is PolicyAttribute.RequestPrincipal or PolicyAttribute.Audience
        or PolicyAttribute.Presenter or PolicyAttribute.Claim or PolicyAttribute.Host or PolicyAttribute.Method or PolicyAttribute.Path or PolicyAttribute.Header;

    /// <summary>True when authentication finds it out; external authorizers are asked before that.</summary>
    public static bool IsAuthenticated(this PolicyAttribute attribute) => attribute is PolicyAttribute.Principal or PolicyAttribute.Namespace
        or PolicyAttribute.ServiceAccount or PolicyAttribute.TrustDomain or PolicyAttribute.RequestPrincipal or PolicyAttribute.Audience
        or PolicyAttribute.Presenter or PolicyAttribute.Claim;

    /// <summary>True when the values are addresses and blocks rather than patterns.</summary>
    public static bool IsAddress(this PolicyAttribute attribute) =>
        attribute is PolicyAttribute.SourceIp or PolicyAttribute.RemoteIp or PolicyAttribute.DestinationIp;
}
