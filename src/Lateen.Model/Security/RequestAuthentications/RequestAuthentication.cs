using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>
/// Istio's RequestAuthentication: whose JSON Web Tokens a workload takes. A request without a token passes (an AuthorizationPolicy may ask for one);
/// one with a token that no rule accepts is answered 401.
/// </summary>
public sealed record RequestAuthentication
{
    public PolicyScope Scope { get; init; } = PolicyScope.Everyone;

    public ImmutableArray<JwtRule> JwtRules { get; init; } = [];
}

/// <summary>One issuer of tokens.</summary>
public sealed record JwtRule
{
    /// <summary>What the claim <c>iss</c> must be; null: anything, with <see cref="JwksUri"/> or <see cref="Jwks"/>.</summary>
    public string? Issuer { get; init; }

    /// <summary>One of them must be among the token's; empty: not asked.</summary>
    public ImmutableArray<string> Audiences { get; init; } = [];

    /// <summary>Where the keys are; null with no <see cref="Jwks"/>: where the issuer's OpenID configuration says.</summary>
    public string? JwksUri { get; init; }

    /// <summary>The keys themselves, JSON (RFC 7517), without what is private in them.</summary>
    public string? Jwks { get; init; }

    /// <summary>Headers that hold a token. With no headers, parameters and cookies written: <c>Authorization: Bearer</c> and <c>access_token</c>.</summary>
    public ImmutableArray<JwtHeader> FromHeaders { get; init; } = [];

    /// <summary>Query parameters that hold a token.</summary>
    public ImmutableArray<string> FromParams { get; init; } = [];

    public ImmutableArray<string> FromCookies { get; init; } = [];

    /// <summary>Header towards the application that gets the payload, base64url; null: none.</summary>
    public string? OutputPayloadToHeader { get; init; }

    public ImmutableArray<ClaimToHeader> OutputClaimToHeaders { get; init; } = [];

    /// <summary>True: the application sees the token too.</summary>
    public bool ForwardOriginalToken { get; init; }

    /// <summary>For fetching the keys.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Claims that are lists with spaces between; null: <c>scope</c> and <c>permission</c>.</summary>
    public ImmutableArray<string>? SpaceDelimitedClaims { get; init; }

    public SourceLocation? Location { get; init; }
}

/// <summary>A header that holds a token behind a prefix: <c>x-token</c>, <c>Bearer </c> (with its space); the prefix may be empty.</summary>
public sealed record JwtHeader(string Name, string Prefix);

/// <summary>A header towards the application that gets a claim, whose steps are divided by dots.</summary>
public sealed record ClaimToHeader(string Header, string Claim);
