using System.Collections.Frozen;
using System.Collections.Immutable;
using Lateen.Model.Networking.VirtualServices;
using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Security.RequestAuthentications;

/// <summary>Reads and checks the spec of a RequestAuthentication.</summary>
internal static class RequestAuthenticationReader
{
    public static readonly MessageShape HeaderShape = new("JWTHeader", InEffect("name"), InEffect("prefix"));

    public static readonly MessageShape ClaimShape = new("ClaimToHeader", InEffect("header"), InEffect("claim"));

    public static readonly MessageShape RuleShape = new(
        "JWTRule",
        InEffect("issuer"), InEffect("audiences"), InEffect("jwksUri"), InEffect("jwks"), InEffect("fromHeaders", HeaderShape), InEffect("fromParams"),
        InEffect("fromCookies"), InEffect("outputPayloadToHeader"), InEffect("outputClaimToHeaders", ClaimShape), InEffect("forwardOriginalToken"),
        InEffect("timeout"), InEffect("spaceDelimitedClaims"));

    public static readonly MessageShape Shape = new("RequestAuthentication", [.. PolicyScopeReader.Fields, InEffect("jwtRules", RuleShape)]);

    /// <summary>Places that one rule may name, each kind. Count; beyond it is an error, for each is looked at in each request.</summary>
    private const int MaxPlaces = 32;

    /// <summary>Unusable keys of one set that are named. Count; the rest is left out without a word of its own.</summary>
    private const int MaxNamedKeys = 8;

    /// <summary>
    /// Headers whose meaning is the connection's, the message's length, its authority, or who the caller is: an issuer must not choose them by a claim.
    /// RFC 9110 section 7.6.1 names the hop-by-hop ones. Proxies refuse the same.
    /// </summary>
    private static readonly FrozenSet<string> NotForClaims = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade",
        "expect", "http2-settings", "x-forwarded-client-cert");

    public static RequestAuthentication Read(ObjectReader at) =>
        new() { Scope = PolicyScopeReader.Read(at), JwtRules = at.Objects("jwtRules", ReadRule) };

    private static JwtRule ReadRule(ObjectReader at)
    {
        at.AtMostOne("jwksUri", "jwks");
        var rule = new JwtRule
        {
            Issuer = at.String("issuer") is { Length: > 0 } issuer ? issuer : null,
            Audiences = NotEmpty(at, "audiences"),
            JwksUri = ReadUri(at),
            Jwks = ReadKeys(at),
            FromHeaders = at.Objects("fromHeaders", ReadHeader),
            FromParams = Names(at, "fromParams"),
            FromCookies = Names(at, "fromCookies"),
            OutputPayloadToHeader = ReadOutputHeader(at, "outputPayloadToHeader"),
            OutputClaimToHeaders = at.Objects("outputClaimToHeaders", ReadClaim),
            ForwardOriginalToken = at.Boolean("forwardOriginalToken") ?? false,
            Timeout = at.Duration("timeout") ?? TimeSpan.FromSeconds(5),
            SpaceDelimitedClaims = NotEmpty(at, "spaceDelimitedClaims") is var claims && at.Has("spaceDelimitedClaims") ? claims : null,
            Location = at.Location,
        };
        if (rule.Issuer is null && !at.Has("jwksUri") && !at.Has("jwks"))
            at.ReportHere(DiagnosticCodes.NoKeySource, "nothing says whose tokens are taken", "issuer, jwksUri or jwks");
        else if (rule is { JwksUri: null } && !at.Has("jwks") && !at.Has("jwksUri") && !IsUrl(rule.Issuer!))
            at.Report(
                DiagnosticCodes.KeysNotFound, "issuer", $"the keys of '{rule.Issuer}' cannot be found, for it is not a URL; no token passes", "add jwksUri or jwks");
        if (rule.FromHeaders.Length > MaxPlaces)
            at.Report(DiagnosticCodes.InvalidTokenLocation, "fromHeaders", $"{rule.FromHeaders.Length} headers are written", $"at most {MaxPlaces}");
        return rule;
    }

    private static ImmutableArray<string> NotEmpty(ObjectReader at, string field)
    {
        var values = at.Strings(field);
        for (int i = 0; i < values.Length; i++)
            if (values[i].Length == 0) at.ReportItem(DiagnosticCodes.InvalidTokenLocation, field, i, "an empty name names nothing");
        if (values.Length > MaxPlaces && field != "audiences")
            at.Report(DiagnosticCodes.InvalidTokenLocation, field, $"{values.Length} names are written", $"at most {MaxPlaces}");
        return values;
    }

    /// <summary>Names of query parameters and of cookies, in neither of which these characters can stand: proxies refuse a whole listener over such a name.</summary>
    private static ImmutableArray<string> Names(ObjectReader at, string field)
    {
        var names = NotEmpty(at, field);
        for (int i = 0; i < names.Length; i++)
            if (names[i].AsSpan().ContainsAny("=&; ")) at.ReportItem(DiagnosticCodes.InvalidTokenLocation, field, i, $"'{names[i]}' is not a name", "without '=', '&', ';' and space");
        return names;
    }

    private static string? ReadUri(ObjectReader at)
    {
        if (at.String("jwksUri") is not { } uri) return null;
        if (!IsUrl(uri)) at.Report(DiagnosticCodes.InvalidJwksUri, "jwksUri", $"'{uri}' is not a URL of keys", "https://host/path");
        return uri;
    }

    private static bool IsUrl(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0 && uri.UserInfo.Length == 0 && uri.Fragment.Length == 0;

    private static string? ReadKeys(ObjectReader at)
    {
        if (at.String("jwks") is not { } text) return null;
        if (JsonWebKeySet.Read(text, out string? reason) is not { } keys)
        {
            at.Report(DiagnosticCodes.InvalidJwks, "jwks", $"not a key set: {reason}", "{\"keys\": [{\"kty\": ..., \"kid\": ...}]}");
            return null;
        }

        if (keys.HoldsPrivateKey || keys.HoldsSharedKey)
            at.Report(
                DiagnosticCodes.PrivateKeyInJwks, "jwks",
                keys.HoldsPrivateKey ? "the set holds a private key; whoever reads this resource can make tokens"
                    : "the set holds a shared key; whoever reads this resource can make tokens",
                "write the public half only; proxies get nothing else of a key pair");
        foreach (string unusable in keys.Unusable.Take(MaxNamedKeys))
            at.Report(DiagnosticCodes.UnusableKeyInJwks, "jwks", $"{unusable}: the key is left out", "tokens that are signed by it are refused");
        return keys.Text;
    }

    private static JwtHeader? ReadHeader(ObjectReader at)
    {
        string? name = at.RequiredString("name");
        string prefix = at.String("prefix") ?? "";
        if (name is not null && !HeaderRules.IsToken(name))
            at.Report(DiagnosticCodes.InvalidTokenLocation, "name", $"'{name}' is not a header name", "RFC 9110 section 5.1");
        return name is null ? null : new JwtHeader(name, prefix);
    }

    private static ClaimToHeader? ReadClaim(ObjectReader at)
    {
        string? claim = at.RequiredString("claim");
        at.Require("header");
        return ReadOutputHeader(at, "header") is { } header && claim is not null ? new ClaimToHeader(header, claim) : null;
    }

    private static string? ReadOutputHeader(ObjectReader at, string field)
    {
        if (at.String(field) is not { } name) return null;
        if (!HeaderRules.IsToken(name) || NotForClaims.Contains(name))
            at.Report(DiagnosticCodes.InvalidTokenLocation, field, $"'{name}' is not a header that can be written", "such as x-jwt-payload");
        return name;
    }
}
