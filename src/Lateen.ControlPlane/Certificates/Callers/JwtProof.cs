using System.Text;
using System.Text.Json;
using Lateen.Identity;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Lateen.ControlPlane.Certificates.Callers;

/// <summary>A JWT of an issuer that the operator named: signature, issuer, audience and times hold, and its claims name a namespace and a service account.</summary>
/// <remarks>The checks are the library's (Microsoft.IdentityModel.JsonWebTokens). Algorithms are an allow-list of asymmetric ones: neither <c>none</c> nor a shared secret.</remarks>
internal sealed class JwtProof : ICallerProof
{
    private static readonly string[] Algorithms =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = CallerCredentials.MaxTokenLength, MapInboundClaims = false };
    private readonly TokenIssuer _issuer;
    private readonly TrustDomain _trustDomain;
    private readonly TokenValidationParameters _rules;

    /// <exception cref="FormatException">The issuer has no audience, no key, or keys that cannot be read.</exception>
    public JwtProof(TokenIssuer issuer, TrustDomain trustDomain, TimeProvider time)
    {
        _issuer = issuer;
        _trustDomain = trustDomain;
        if (issuer.Audiences.Count == 0) throw new FormatException($"the issuer {issuer.Issuer} has no audience: a token for somebody else would work here");
        if ((issuer.NamespaceClaim is null) != (issuer.ServiceAccountClaim is null)) throw new FormatException($"the issuer {issuer.Issuer} names one claim of two: namespace and service account");
        _rules = new TokenValidationParameters
        {
            ValidIssuer = issuer.Issuer,
            ValidAudiences = issuer.Audiences,
            ValidAlgorithms = Algorithms,
            IssuerSigningKeys = Keys(issuer),
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            LifetimeValidator = (begin, end, _, _) =>
            {
                var now = time.GetUtcNow().UtcDateTime;
                var skew = Lateen.Identity.Signing.LeafLifetime.ClockSkew;
                return end is { } last && now < last + skew && (begin is not { } first || now >= first - skew);
            },
        };
    }

    private static List<SecurityKey> Keys(TokenIssuer issuer)
    {
        try
        {
            var keys = new JsonWebKeySet(issuer.Jwks).GetSigningKeys().Where(key => key is not SymmetricSecurityKey).ToList();
            return keys.Count > 0 ? keys : throw new FormatException($"the issuer {issuer.Issuer} has no asymmetric key in its jwks");
        }
        catch (Exception e) when (e is ArgumentException or JsonException)
        {
            throw new FormatException($"the jwks of the issuer {issuer.Issuer} cannot be read", e);
        }
    }

    public bool IsCostly => true;

    public async ValueTask<CallerVerdict?> JudgeAsync(CallerCredentials credentials, CancellationToken cancellation)
    {
        if (credentials.BearerToken is not { } text || !IsOfThisIssuer(text)) return null;
        var result = await _handler.ValidateTokenAsync(text, _rules);
        // The library's message may quote the token: the kind of its exception is all that is told.
        if (!result.IsValid) return CallerVerdict.Refused($"a token of {_issuer.Issuer}: {result.Exception?.GetType().Name ?? "not valid"}");
        var token = (JsonWebToken)result.SecurityToken;
        var (space, account) = _issuer.NamespaceClaim is null ? FromSubject(token.Subject) : (Claim(token, _issuer.NamespaceClaim), Claim(token, _issuer.ServiceAccountClaim!));
        return SpiffeId.TryCreate(_trustDomain, space, account, out var identity, out string? reason)
            ? CallerVerdict.Proven(ProvenCaller.Of($"token of {_issuer.Issuer}", identity))
            : CallerVerdict.Refused($"a token of {_issuer.Issuer} names no workload: {reason}");
    }

    /// <summary>Which issuer's keys to hold against it; what it says is believed only after they fit.</summary>
    private bool IsOfThisIssuer(string text)
    {
        string[] parts = text.Split('.', 4);
        if (parts.Length != 3) return false;
        try
        {
            using var claims = JsonDocument.Parse(Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1])));
            return claims.RootElement.ValueKind == JsonValueKind.Object && claims.RootElement.TryGetProperty("iss", out var issuer)
                && issuer.ValueKind == JsonValueKind.String && issuer.GetString() == _issuer.Issuer;
        }
        catch (Exception e) when (e is FormatException or JsonException or ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    private static (string?, string?) FromSubject(string? subject) =>
        subject?.Split(':') is ["system", "serviceaccount", var space, var account] ? (space, account) : (null, null);

    private static string? Claim(JsonWebToken token, string name) => token.TryGetPayloadValue<string>(name, out string value) ? value : null;
}
