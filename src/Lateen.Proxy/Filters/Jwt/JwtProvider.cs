using System.Collections.Immutable;
using Lateen.Http;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>
/// An issuer whose tokens are accepted (<c>JwtProvider</c>): who it is, with which keys it signs, where its tokens stand in a request, and what is
/// made of them.
/// </summary>
/// <remarks>Immutable but for its caches, of which each reactor owns one.</remarks>
internal sealed class JwtProvider
{
    /// <summary>A longer token is not read. Octets; the whole head of a request is bounded as well.</summary>
    public const int MaxTokenOctets = 16 * 1024;

    /// <summary>How far an issuer's clock may be ahead where nothing is said: Envoy's default of <c>clock_skew_seconds</c>. Seconds.</summary>
    public const long DefaultAheadSeconds = 60;

    private readonly TokenCache[] _caches;

    /// <param name="cachedTokens">Verified tokens that each reactor keeps. Count; 0: none.</param>
    /// <param name="reactorCount">How many reactors verify.</param>
    public JwtProvider(int cachedTokens, int reactorCount)
    {
        _caches = cachedTokens == 0 ? [] : new TokenCache[reactorCount];
        for (int i = 0; i < _caches.Length; i++) _caches[i] = new TokenCache(cachedTokens);
    }

    /// <summary>Its name in the configuration.</summary>
    public required string Name { get; init; }

    /// <summary>What <c>iss</c> must be; empty: anything, also nothing.</summary>
    public required byte[] Issuer { get; init; }

    public required AudienceSet Audiences { get; init; }

    /// <summary>What <c>sub</c> must be; null: anything.</summary>
    public BytePredicate? Subjects { get; init; }

    public required JsonWebKeySet Keys { get; init; }

    public required TokenLocations Locations { get; init; }

    /// <summary>The token goes on to the server.</summary>
    public bool Forward { get; init; }

    /// <summary>Gets the payload, in base64url.</summary>
    public HeaderName? ForwardPayloadHeader { get; init; }

    public bool PadsForwardedPayload { get; init; }

    public ImmutableArray<ClaimHeader> ClaimHeaders { get; init; } = [];

    /// <summary>The payload goes into dynamic metadata under this key; empty: it does not.</summary>
    public byte[] PayloadKey { get; init; } = [];

    /// <summary>As <see cref="PayloadKey"/>, for the header.</summary>
    public byte[] HeaderKey { get; init; } = [];

    /// <summary>Claims whose text is put into metadata as the list of its words, such as <c>scope</c>.</summary>
    public ImmutableArray<byte[]> SpaceDelimitedClaims { get; init; } = [];

    public bool ClearsRouteCache { get; init; }

    /// <summary>
    /// How long a token is taken after its <c>exp</c>. Seconds; 0 where <c>clock_skew_seconds</c> is not set, where Envoy takes 60 (ADR 0033).
    /// </summary>
    public long LateSeconds { get; init; }

    /// <summary>How long before its <c>nbf</c> a token is taken: the issuer's clock may be ahead of ours. Seconds.</summary>
    public long AheadSeconds { get; init; } = DefaultAheadSeconds;

    public bool RequiresExpiration { get; init; }

    /// <summary>The longest time that a token may still be valid. Seconds; 0: any.</summary>
    public long MaxLifetimeSeconds { get; init; }

    /// <summary>A longer token is verified each time. Octets.</summary>
    public int MaxCachedTokenOctets { get; init; } = MaxTokenOctets;

    /// <summary>Verifies a token, or finds that it was.</summary>
    /// <param name="token">Its bytes, as they stand in the request.</param>
    /// <param name="audiences">Of which it must name one.</param>
    /// <param name="now">Seconds since 1970.</param>
    /// <param name="reactorIndex">Of the calling reactor.</param>
    /// <param name="verified">Set when the answer is <see cref="JwtStatus.Ok"/>.</param>
    /// <param name="isCached">It was found, not verified.</param>
    public JwtStatus Verify(ReadOnlySpan<byte> token, AudienceSet audiences, long now, int reactorIndex, out VerifiedToken? verified, out bool isCached)
    {
        verified = null;
        isCached = false;
        if (token.Length > MaxTokenOctets) return JwtStatus.TooLarge;
        TokenCache? cache = _caches.Length == 0 || token.Length > MaxCachedTokenOctets ? null : _caches[reactorIndex];
        if (cache is not null && cache.TryFind(token, out VerifiedToken? known))
        {
            isCached = true;
            JwtStatus standing = CheckTimes(known.NotBefore, known.ExpiresAt, now);
            if (standing == JwtStatus.Ok && !audiences.Allows(known.Payload["aud"u8])) standing = JwtStatus.AudienceNotAllowed;
            if (standing == JwtStatus.Ok) verified = known;
            return standing;
        }

        JwtStatus status = TokenReader.Read(token, out TokenReader reader);
        if (status == JwtStatus.Ok) status = CheckClaims(reader, audiences, now);
        if (status == JwtStatus.Ok) status = CheckSignature(token, reader);
        if (status != JwtStatus.Ok) return status;
        verified = Keep(token, reader);
        cache?.Add(token, verified);
        return JwtStatus.Ok;
    }

    private JwtStatus CheckClaims(in TokenReader reader, AudienceSet audiences, long now)
    {
        if (Issuer.Length > 0 && !reader.Payload["iss"u8].Text.SequenceEqual(Issuer)) return JwtStatus.UnknownIssuer;
        JwtStatus status = CheckTimes(reader.NotBefore, reader.ExpiresAt, now);
        if (status != JwtStatus.Ok) return status;
        if (Subjects is not null && !Subjects.IsMatch(reader.Payload["sub"u8].Text)) return JwtStatus.SubjectNotAllowed;
        return audiences.Allows(reader.Payload["aud"u8]) ? JwtStatus.Ok : JwtStatus.AudienceNotAllowed;
    }

    private JwtStatus CheckTimes(long notBefore, long expiresAt, long now)
    {
        if (notBefore > now + AheadSeconds) return JwtStatus.NotYetValid;
        if (expiresAt == long.MaxValue) return RequiresExpiration || MaxLifetimeSeconds > 0 ? JwtStatus.ExpirationMissing : JwtStatus.Ok;
        // "On or after" exp it must not be accepted (RFC 7519 section 4.1.4).
        if (now - LateSeconds >= expiresAt) return JwtStatus.Expired;
        return MaxLifetimeSeconds > 0 && expiresAt - now > MaxLifetimeSeconds + AheadSeconds ? JwtStatus.LifetimeTooLong : JwtStatus.Ok;
    }

    private JwtStatus CheckSignature(ReadOnlySpan<byte> token, in TokenReader reader)
    {
        if (Keys.Keys.IsEmpty) return JwtStatus.NoKeys;
        MetadataValue id = reader.Header["kid"u8];
        bool hasMatch = false;
        foreach (JsonWebKey key in Keys.Keys)
        {
            // A token that names its key is verified with that one only, and each key only by an algorithm that is its own.
            if ((!id.IsMissing && !id.Text.SequenceEqual(key.Id)) || !key.Fits(reader.Algorithm)) continue;
            hasMatch = true;
            if (key.Key.Verify(reader.Algorithm, reader.SignedPart(token), reader.Signature)) return JwtStatus.Ok;
        }

        return hasMatch ? JwtStatus.VerificationFailed : JwtStatus.NoKeyMatches;
    }

    private VerifiedToken Keep(ReadOnlySpan<byte> token, in TokenReader reader)
    {
        var verified = new VerifiedToken { Store = reader.Store, ExpiresAt = reader.ExpiresAt, NotBefore = reader.NotBefore };
        if (ForwardPayloadHeader is not null)
        {
            ReadOnlySpan<byte> text = reader.PayloadText(token);
            verified.ForwardedPayload = PadsForwardedPayload ? [.. text, .. "=="u8[..((4 - (text.Length % 4)) % 4)]] : text.ToArray();
        }

        if (!ClaimHeaders.IsEmpty)
        {
            var headers = new List<(HeaderName Name, byte[] Value)>(ClaimHeaders.Length);
            foreach (ClaimHeader one in ClaimHeaders)
            {
                if (one.ValueOf(verified.Payload) is { } value) headers.Add((one.Name, value));
            }

            verified.ClaimHeaders = [.. headers];
        }

        return verified;
    }
}
