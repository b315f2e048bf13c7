using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Google.Protobuf.Collections;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;
using Proto = Envoy.Extensions.Filters.Http.JwtAuthn.V3;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>Compiles one <c>JwtProvider</c>.</summary>
internal sealed class JwtProviderCompiler(int reactorCount, ConfigurationErrors errors)
{
    /// <summary>Verified tokens that each reactor keeps of one provider. Count; Envoy's jwt_cache_size says otherwise.</summary>
    private const uint DefaultCacheSize = 256;

    private const uint MaxCacheSize = 10_000;

    /// <summary>Seconds. A larger one is a mistake of unit.</summary>
    private const uint MaxClockSkew = 3600;

    /// <summary>
    /// Headers whose meaning is the connection's, the message's length, its authority, or who the caller is: an issuer must not choose them by a claim. RFC 9110
    /// section 7.6.1 names the hop-by-hop ones.
    /// </summary>
    private static readonly FrozenSet<string> NotForClaims = FrozenSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade",
        "expect", "http2-settings", "x-forwarded-client-cert");

    /// <returns>Null when the errors got something to say.</returns>
    public JwtProvider? Compile(string name, Proto.JwtProvider provider, FieldPath path)
    {
        int errorsBefore = errors.Count;
        JsonWebKeySet? keys = CompileKeys(provider, path);
        if (provider.FailedStatusInMetadata.Length > 0) errors.Add(path.Field("failed_status_in_metadata"), "is not supported: no filter of this proxy reads it");
        if (provider.ClockSkewSeconds > MaxClockSkew) errors.Add(path.Field("clock_skew_seconds"), $"is at most {MaxClockSkew}");
        uint cacheSize = provider.JwtCacheConfig is { JwtCacheSize: > 0 } cache ? cache.JwtCacheSize : DefaultCacheSize;
        if (cacheSize > MaxCacheSize) errors.Add(path.Field("jwt_cache_config").Field("jwt_cache_size"), $"is at most {MaxCacheSize}");
        TokenLocations locations = CompileLocations(provider, path);
        HeaderName? payloadHeader = provider.ForwardPayloadHeader.Length == 0 ? null : CompileTarget(provider.ForwardPayloadHeader, path.Field("forward_payload_header"));
        BytePredicate? subjects = provider.Subjects is null ? null : StringMatchers.Compile(provider.Subjects, path.Field("subjects"), errors);
        TimeSpan? lifetime = ProtoValues.Duration(provider.MaxLifetime, null, path.Field("max_lifetime"), errors);
        ImmutableArray<ClaimHeader> claims = CompileClaims(provider.ClaimToHeaders, path.Field("claim_to_headers"));
        if (errors.Count > errorsBefore) return null;
        return new JwtProvider((int)cacheSize, reactorCount)
        {
            Name = name,
            Issuer = Encoding.UTF8.GetBytes(provider.Issuer),
            Audiences = new AudienceSet(provider.Audiences),
            Subjects = subjects,
            Keys = keys!,
            Locations = locations,
            Forward = provider.Forward,
            ForwardPayloadHeader = payloadHeader,
            PadsForwardedPayload = provider.PadForwardPayloadHeader,
            ClaimHeaders = claims,
            PayloadKey = Encoding.UTF8.GetBytes(provider.PayloadInMetadata),
            HeaderKey = Encoding.UTF8.GetBytes(provider.HeaderInMetadata),
            SpaceDelimitedClaims = [.. (provider.NormalizePayloadInMetadata?.SpaceDelimitedClaims ?? []).Select(Encoding.UTF8.GetBytes)],
            ClearsRouteCache = provider.ClearRouteCache,
            // Not set and 0 are one on the wire, and both want an exact end.
            LateSeconds = provider.ClockSkewSeconds,
            AheadSeconds = provider.ClockSkewSeconds > 0 ? provider.ClockSkewSeconds : JwtProvider.DefaultAheadSeconds,
            RequiresExpiration = provider.RequireExpiration,
            MaxLifetimeSeconds = lifetime is { } time ? Math.Max(1, (long)time.TotalSeconds) : 0,
            MaxCachedTokenOctets = provider.JwtCacheConfig is { JwtMaxTokenSize: > 0 } sized
                ? (int)Math.Min(sized.JwtMaxTokenSize, JwtProvider.MaxTokenOctets)
                : JwtProvider.MaxTokenOctets,
        };
    }

    private JsonWebKeySet? CompileKeys(Proto.JwtProvider provider, FieldPath path)
    {
        switch (provider.JwksSourceSpecifierCase)
        {
            case Proto.JwtProvider.JwksSourceSpecifierOneofCase.LocalJwks:
                FieldPath place = path.Field("local_jwks");
                int errorsBefore = errors.Count;
                ReadOnlyMemory<byte> json = DataSourceReader.Read(provider.LocalJwks, uint.MaxValue, place, errors);
                return errors.Count > errorsBefore ? null : JsonWebKeySet.Compile(json.Span, place, errors);
            case Proto.JwtProvider.JwksSourceSpecifierOneofCase.RemoteJwks:
                errors.Add(path.Field("remote_jwks"), "is not supported: the control plane fetches keys; give them by local_jwks");
                return null;
            default:
                errors.Add(path, "needs keys: local_jwks");
                return null;
        }
    }

    private TokenLocations CompileLocations(Proto.JwtProvider provider, FieldPath path)
    {
        if (provider.FromHeaders.Count == 0 && provider.FromParams.Count == 0 && provider.FromCookies.Count == 0) return TokenLocations.Default;
        var headers = ImmutableArray.CreateBuilder<TokenHeader>(provider.FromHeaders.Count);
        for (int i = 0; i < provider.FromHeaders.Count; i++)
        {
            Proto.JwtHeader header = provider.FromHeaders[i];
            if (CompileName(header.Name, path.Field("from_headers").At(i).Field("name")) is { } name)
                headers.Add(new TokenHeader(name, Encoding.UTF8.GetBytes(header.ValuePrefix)));
        }

        return new TokenLocations(
            headers.ToImmutable(), CompileNames(provider.FromParams, path.Field("from_params")), CompileNames(provider.FromCookies, path.Field("from_cookies")));
    }

    private ImmutableArray<byte[]> CompileNames(RepeatedField<string> names, FieldPath path)
    {
        var compiled = ImmutableArray.CreateBuilder<byte[]>(names.Count);
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i].Length == 0 || names[i].AsSpan().ContainsAny("=&; ")) errors.Add(path.At(i), $"'{names[i]}' is not a name");
            compiled.Add(Encoding.UTF8.GetBytes(names[i]));
        }

        return compiled.ToImmutable();
    }

    private ImmutableArray<ClaimHeader> CompileClaims(RepeatedField<Proto.JwtClaimToHeader> claims, FieldPath path)
    {
        var compiled = ImmutableArray.CreateBuilder<ClaimHeader>(claims.Count);
        for (int i = 0; i < claims.Count; i++)
        {
            if (claims[i].ClaimName.Length == 0) errors.Add(path.At(i).Field("claim_name"), "is required");
            if (CompileTarget(claims[i].HeaderName, path.At(i).Field("header_name")) is { } name) compiled.Add(new ClaimHeader(name, claims[i].ClaimName));
        }

        return compiled.ToImmutable();
    }

    /// <summary>A header that is written with what an issuer says.</summary>
    private HeaderName? CompileTarget(string name, FieldPath path)
    {
        if (!NotForClaims.Contains(name)) return CompileName(name, path);
        errors.Add(path, $"'{name}' is not a header that a token may fill");
        return null;
    }

    private HeaderName? CompileName(string name, FieldPath path)
    {
        if (HeaderName.TryCreate(name, out HeaderName? compiled)) return compiled;
        errors.Add(path, $"'{name}' is not a header name");
        return null;
    }
}
