namespace Lateen.ControlPlane.Api;

/// <summary>A root of trust as the API shows it.</summary>
/// <param name="Fingerprint">SHA-256 over the certificate, in lower-case hexadecimal.</param>
public sealed record RootView(string Subject, string Fingerprint, DateTimeOffset NotBefore, DateTimeOffset NotAfter);

/// <summary>The answer to <c>GET /api/v1/ca</c>: the certificate authority and where its rotation stands. No key, no token.</summary>
/// <param name="Source">embedded, or the directory of the operator's files.</param>
/// <param name="Signer">Subject of the certificate that signs.</param>
/// <param name="Stage">settled, distributing or retiring; external when the operator's files decide.</param>
/// <param name="StageSince">When the stage began.</param>
/// <param name="Pending">Distributing: proxies that have not acknowledged the new root yet.</param>
/// <param name="FinishesAt">Retiring: when the old root is dropped.</param>
/// <param name="JoinTokens">Tokens that are out and not expired.</param>
public sealed record AuthorityStatusResponse(
    string TrustDomain, string Source, string SecureAddress, string Signer, DateTimeOffset SignerNotAfter, string Stage, DateTimeOffset? StageSince,
    IReadOnlyList<string> Pending, DateTimeOffset? FinishesAt, IReadOnlyList<RootView> Roots, int JoinTokens);

/// <summary>The answer to <c>GET /api/v1/ca/roots</c>.</summary>
/// <param name="Pem">All roots, one after the other.</param>
/// <param name="Server">The identity of the control plane itself.</param>
public sealed record RootsResponse(string TrustDomain, string Server, string Pem, IReadOnlyList<RootView> Roots);

/// <summary>The body of <c>POST /api/v1/ca/rotate</c>.</summary>
/// <param name="Root">Must be true: the root is what can be rotated here.</param>
public sealed record RotateRequest(bool Root);

/// <summary>The body of <c>POST /api/v1/ca/tokens</c>.</summary>
/// <param name="Namespace">Whom it admits; <c>*</c> is any, and only with <paramref name="AllowAny"/>.</param>
/// <param name="ServiceAccount">The same.</param>
/// <param name="Gateway">Proxies of the account may be gateways: kept beyond the token, until the account is forgotten.</param>
/// <param name="Labels">Labels that its proxies may carry: kept likewise.</param>
public sealed record TokenRequest(
    string Namespace, string ServiceAccount, double LifetimeSeconds = 3600, int Uses = 1, bool AllowAny = false, bool Gateway = false,
    Dictionary<string, string>? Labels = null)
{
    internal bool IsGrant => Gateway || Labels is { Count: > 0 };
}

/// <summary>A join token that was just issued: the only time that its text is shown.</summary>
public sealed record TokenResponse(string Id, string Token, string Namespace, string ServiceAccount, DateTimeOffset ExpiresAt, int Uses);

/// <summary>A join token as listings show it, without its secret.</summary>
public sealed record TokenView(string Id, string Namespace, string ServiceAccount, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, int UsesLeft);

/// <summary>The answer to <c>GET /api/v1/ca/tokens</c>, and to a removal: what is left.</summary>
public sealed record TokenListResponse(IReadOnlyList<TokenView> Items);

/// <summary>What proxies of a service account may say of themselves.</summary>
public sealed record GrantView(string Namespace, string ServiceAccount, bool Gateway, IReadOnlyDictionary<string, string> Labels);

/// <summary>The answer to <c>GET /api/v1/ca/workloads</c>, and to a removal: what is left.</summary>
public sealed record GrantListResponse(IReadOnlyList<GrantView> Items);
