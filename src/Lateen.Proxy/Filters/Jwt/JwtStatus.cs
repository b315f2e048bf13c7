using System.Collections.Immutable;
using System.Text;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>What came of looking for a token and verifying it.</summary>
internal enum JwtStatus : byte
{
    Ok,

    /// <summary>The request has none where one was looked for.</summary>
    Missing,

    /// <summary>It is of another issuer than the provider's.</summary>
    UnknownIssuer,

    BadFormat,
    TooLarge,
    TooMany,
    HeaderBadBase64,
    HeaderBadJson,
    HeaderBadAlgorithm,
    AlgorithmNotSupported,
    HeaderBadKeyId,
    CriticalNotSupported,
    PayloadBadBase64,
    PayloadBadJson,
    IssuerNotText,
    SubjectNotText,
    AudienceNotText,
    IssuedAtNotInteger,
    NotBeforeNotInteger,
    ExpirationNotInteger,
    SignatureBadBase64,
    NotYetValid,
    Expired,
    ExpirationMissing,
    LifetimeTooLong,
    SubjectNotAllowed,
    AudienceNotAllowed,
    NoKeys,
    NoKeyMatches,
    VerificationFailed,

    /// <summary>A route names a requirement that is not there.</summary>
    RequirementUnknown,
}

/// <summary>
/// The answers to tokens that are not accepted, in the words of Envoy's filter where it has some. A 401 says what is wrong with the token, so that its holder
/// can bring a better one; a 403 says nothing, whatever the configuration: the details are the operator's (ADR 0034).
/// </summary>
/// <remarks>Made once: refusing a flood of bad tokens makes no object.</remarks>
internal static class JwtReplies
{
    private static readonly ImmutableArray<LocalReply> Full = [.. Enum.GetValues<JwtStatus>().Select(static status => Make(status, hasBody: true))];
    private static readonly ImmutableArray<LocalReply> Bare = [.. Enum.GetValues<JwtStatus>().Select(static status => Make(status, hasBody: false))];

    /// <param name="status">Not <see cref="JwtStatus.Ok"/>.</param>
    /// <param name="isStripped">The client is told the status code only (<c>strip_failure_response</c>).</param>
    public static LocalReply Of(JwtStatus status, bool isStripped) => (isStripped ? Bare : Full)[(int)status];

    /// <summary>Another token would help, so how to bring it is told.</summary>
    public static bool IsUnauthenticated(JwtStatus status) => status is not (JwtStatus.Ok or JwtStatus.AudienceNotAllowed or JwtStatus.RequirementUnknown);

    public static string TextOf(JwtStatus status) => status switch
    {
        JwtStatus.Ok => "OK",
        JwtStatus.Missing => "Jwt is missing",
        JwtStatus.UnknownIssuer => "Jwt issuer is not configured",
        JwtStatus.BadFormat => "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections",
        JwtStatus.TooLarge => "Jwt is too large",
        JwtStatus.TooMany => "Too many Jwts are present",
        JwtStatus.HeaderBadBase64 => "Jwt header is an invalid Base64url encoded",
        JwtStatus.HeaderBadJson => "Jwt header is an invalid JSON",
        JwtStatus.HeaderBadAlgorithm => "Jwt header [alg] field is required and must be a string",
        JwtStatus.AlgorithmNotSupported => "Jwt header [alg] is not supported",
        JwtStatus.HeaderBadKeyId => "Jwt header [kid] field is not a string",
        JwtStatus.CriticalNotSupported => "Jwt header [crit] is not supported",
        JwtStatus.PayloadBadBase64 => "Jwt payload is an invalid Base64url encoded",
        JwtStatus.PayloadBadJson => "Jwt payload is an invalid JSON",
        JwtStatus.IssuerNotText => "Jwt payload [iss] field is not a string",
        JwtStatus.SubjectNotText => "Jwt payload [sub] field is not a string",
        JwtStatus.AudienceNotText => "Jwt payload [aud] field is not a string or string list",
        JwtStatus.IssuedAtNotInteger => "Jwt payload [iat] field is not an integer",
        JwtStatus.NotBeforeNotInteger => "Jwt payload [nbf] field is not an integer",
        JwtStatus.ExpirationNotInteger => "Jwt payload [exp] field is not an integer",
        JwtStatus.SignatureBadBase64 => "Jwt signature is an invalid Base64url encoded",
        JwtStatus.NotYetValid => "Jwt not yet valid",
        JwtStatus.Expired => "Jwt is expired",
        JwtStatus.ExpirationMissing => "Jwt payload [exp] field is required",
        JwtStatus.LifetimeTooLong => "Jwt lifetime is longer than allowed",
        JwtStatus.SubjectNotAllowed => "Subject in Jwt is not allowed",
        JwtStatus.AudienceNotAllowed => "Audiences in Jwt are not allowed",
        JwtStatus.NoKeys => "Jwks doesn't have any valid public key",
        JwtStatus.NoKeyMatches => "Jwks doesn't have key to match kid or alg from Jwt",
        JwtStatus.VerificationFailed => "Jwt verification fails",
        JwtStatus.RequirementUnknown => "Failed JWT authentication: Wrong requirement_name",
        _ => throw new ArgumentOutOfRangeException(nameof(status)),
    };

    private static LocalReply Make(JwtStatus status, bool hasBody) => new()
    {
        Status = IsUnauthenticated(status) ? 401 : 403,
        Body = hasBody && IsUnauthenticated(status) ? Encoding.ASCII.GetBytes(TextOf(status)) : default,
        Details = $"jwt_authn_access_denied{{{TextOf(status).Replace(' ', '_')}}}",
    };
}
