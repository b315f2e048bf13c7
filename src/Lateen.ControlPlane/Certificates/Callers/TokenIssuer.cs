namespace Lateen.ControlPlane.Certificates.Callers;

/// <summary>
/// An issuer of JWTs (an OpenID provider, a cloud's metadata service) whose tokens prove workloads: what the operator says of it. Keys are inline; nothing is fetched.
/// </summary>
public sealed record TokenIssuer
{
    /// <summary>The <c>iss</c> claim, compared by octets.</summary>
    public required string Issuer { get; init; }

    /// <summary>A token must be for one of these (<c>aud</c>). At least one: a token for somebody else, shown here, must not work.</summary>
    public required IReadOnlyList<string> Audiences { get; init; }

    /// <summary>The keys as a JSON Web Key Set (RFC 7517). Asymmetric keys only.</summary>
    public required string Jwks { get; init; }

    /// <summary>The claim that names the namespace; null with <see cref="ServiceAccountClaim"/> reads both out of <c>sub</c>: <c>system:serviceaccount:NS:NAME</c>.</summary>
    public string? NamespaceClaim { get; init; }

    public string? ServiceAccountClaim { get; init; }
}
