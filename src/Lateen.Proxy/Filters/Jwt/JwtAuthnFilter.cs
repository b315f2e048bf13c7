using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Routing;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Filters.Jwt;

/// <summary>A rule: requests that match it must meet its requirement.</summary>
/// <param name="Match">As a route's.</param>
/// <param name="Requirement">Null: none.</param>
internal sealed record JwtRule(RouteMatcher Match, JwtRequirement? Requirement);

/// <summary>
/// <c>envoy.filters.http.jwt_authn</c>: verifies the JSON Web Tokens of a request, refuses it when they are not what the first matching rule demands
/// (RFC 7515, 7519, 8725), and leaves their claims for those who decide by them.
/// </summary>
/// <remarks>
/// Keys stand in the configuration, so it decides without waiting. In steady state, tokens that were seen before, it allocates nothing.
/// </remarks>
/// <param name="Name">The instance's name in the configuration.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
internal sealed record JwtAuthnFilter(string Name, string TypeUrl) : HttpFilter(Name, TypeUrl)
{
    private const int MaxRealmOctets = 512;

    /// <summary>Under which claims stand in dynamic metadata.</summary>
    public static ReadOnlySpan<byte> MetadataNamespace => "envoy.filters.http.jwt_authn"u8;

    internal required ImmutableArray<JwtRule> Rules { get; init; }

    /// <summary>What all rules demand together, for a request of which nobody can say whose it is.</summary>
    internal required JwtRequirement? Everything { get; init; }

    /// <summary>What routes may demand by name.</summary>
    internal required FrozenDictionary<string, JwtRequirement?> NamedRequirements { get; init; }

    /// <summary>Headers that only this filter may set: what a client sends under these names is taken out of every request.</summary>
    internal required ImmutableArray<HeaderName> OwnHeaders { get; init; }

    /// <summary>Leaves of all requirements. Count.</summary>
    internal required int LeafCount { get; init; }

    internal bool BypassesCorsPreflight { get; init; }

    internal bool StripsFailureResponse { get; init; }

    internal string StatPrefix { get; init; } = string.Empty;

    internal JwtAuthnStats? Stats { get; init; }

    public override FilterStages Stages => FilterStages.Request | FilterStages.Response | FilterStages.Complete;

    /// <summary>Keys of its providers that were passed over. Count.</summary>
    internal int UnusableKeyCount { get; init; }

    internal override HttpFilter Counting(string statPrefix, StatsRegistry registry)
    {
        var stats = JwtAuthnStats.Open(registry, statPrefix, StatPrefix);
        if (UnusableKeyCount > 0) registry.Shared.Add(stats.UnusableKeys, UnusableKeyCount);
        return this with { Stats = stats };
    }

    public override FilterVerdict OnRequest(HttpExchange exchange)
    {
        JwtAuthnStats stats = Stats ?? throw new UnreachableException("a filter that runs has its counters");
        HttpRequestHead request = exchange.Request;
        if (!OwnHeaders.IsEmpty) RemoveForged(request.Headers);
        if (BypassesCorsPreflight && IsCorsPreflight(request))
        {
            exchange.Shard.Increment(stats.CorsPreflightBypassed);
            return FilterVerdict.Continue;
        }

        JwtStatus status = JwtStatus.Ok;
        JwtCheck check = exchange.FilterState<JwtCheck>(this);
        JwtRequirement? requirement = FindRequirement(exchange, check, out JwtRequirement? alsoRequired);
        bool isAsked = requirement is not null || alsoRequired is not null;
        if (isAsked)
        {
            check.Begin(exchange, LeafCount, exchange.Connection.Worker.WallMicroseconds() / 1_000_000);
            if (requirement is not null) status = requirement.Evaluate(check);
            if (status == JwtStatus.Ok && alsoRequired is not null) status = alsoRequired.Evaluate(check);
            exchange.Shard.Add(stats.CacheHit, check.CacheHits);
            exchange.Shard.Add(stats.CacheMiss, check.CacheMisses);
        }

        if (status == JwtStatus.Ok)
        {
            if (isAsked) check.Apply();
            exchange.Shard.Increment(stats.Allowed);
            return FilterVerdict.Continue;
        }

        check.Refusal = status;
        exchange.Shard.Increment(stats.Denied);
        return FilterVerdict.Respond(JwtReplies.Of(status, StripsFailureResponse));
    }

    /// <summary>
    /// What only this filter may say is taken out of the request, also where it is written with <c>_</c> for <c>-</c>: the two are one name to servers behind CGI and
    /// its successors (RFC 3875 section 4.1.18).
    /// </summary>
    private void RemoveForged(HeaderBlock headers)
    {
        foreach (HeaderName name in OwnHeaders) headers.Remove(name);
        for (int at = headers.Count - 1; at >= 0; at--)
        {
            ReadOnlySpan<byte> written = headers[at].Name;
            if (!written.Contains((byte)'_')) continue;
            foreach (HeaderName name in OwnHeaders)
            {
                if (!IsAlike(written, name.Bytes)) continue;
                headers.RemoveAt(at);
                break;
            }
        }
    }

    private static bool IsAlike(ReadOnlySpan<byte> written, ReadOnlySpan<byte> name)
    {
        if (written.Length != name.Length) return false;
        for (int i = 0; i < name.Length; i++)
        {
            byte one = written[i] == (byte)'_' ? (byte)'-' : (byte)char.ToLowerInvariant((char)written[i]);
            if (one != (name[i] == (byte)'_' ? (byte)'-' : (byte)char.ToLowerInvariant((char)name[i]))) return false;
        }

        return true;
    }

    public override FilterVerdict OnResponse(HttpExchange exchange)
    {
        JwtCheck check = exchange.FilterState<JwtCheck>(this);
        if (JwtReplies.IsUnauthenticated(check.Refusal)) Challenge(exchange, check.Refusal);
        return FilterVerdict.Continue;
    }

    public override void OnComplete(HttpExchange exchange) => exchange.FilterState<JwtCheck>(this).End();

    /// <summary>How to authenticate (RFC 6750 section 3). The realm is the request's address without its query, in which a token may stand.</summary>
    private static void Challenge(HttpExchange exchange, JwtStatus refusal)
    {
        HttpRequestHead request = exchange.Request;
        Span<byte> value = stackalloc byte[MaxRealmOctets + 64];
        int length = 0;
        Append("Bearer realm=\""u8, value, ref length);
        Append(request.Scheme == RequestScheme.Https ? "https://"u8 : "http://"u8, value, ref length);
        AppendQuotable(request.Authority, value[..MaxRealmOctets], ref length);
        AppendQuotable(request.Path, value[..MaxRealmOctets], ref length);
        Append(refusal == JwtStatus.Missing ? "\""u8 : "\", error=\"invalid_token\""u8, value, ref length);
        exchange.Response.Headers.Set(KnownHeader.WwwAuthenticate, value[..length]);
    }

    private static void Append(ReadOnlySpan<byte> text, Span<byte> value, ref int length)
    {
        text.CopyTo(value[length..]);
        length += text.Length;
    }

    /// <summary>What a quoted string can hold without escapes; the rest is cut off, as what is too long.</summary>
    private static void AppendQuotable(ReadOnlySpan<byte> text, Span<byte> value, ref int length)
    {
        int end = text.IndexOfAny((byte)'"', (byte)'\\');
        if (end >= 0) text = text[..end];
        Append(text[..Math.Max(0, Math.Min(text.Length, value.Length - length))], value, ref length);
    }

    /// <summary>The first rule that matches, in each reading of the path: the server may take it for one of another rule (ADR 0024).</summary>
    /// <param name="alsoRequired">What another reading demands beside it; null: nothing else.</param>
    private JwtRequirement? FindRequirement(HttpExchange exchange, JwtCheck check, out JwtRequirement? alsoRequired)
    {
        alsoRequired = null;
        if (exchange.Route?.FilterConfiguration(Name) is JwtRouteRule own)
        {
            if (own.IsDisabled) return null;
            return NamedRequirements.TryGetValue(own.RequirementName, out JwtRequirement? named) ? named : UnknownRequirement.Instance;
        }

        if (Rules.IsEmpty) return null;
        RequestView view = RequestView.Of(exchange.Request);
        JwtRule? asSent = Find(view, exchange);
        // With one rule that fits, another reading can only demand less.
        if (asSent is not null && Rules.Length == 1) return asSent.Requirement;
        PathReadings paths = check.Paths;
        paths.Read(exchange.Request);
        if (paths.IsInDoubt) alsoRequired = Everything;
        else if (paths.HasLenient) alsoRequired = Find(view.Reading(paths.LenientPath, paths.LenientTarget), exchange)?.Requirement;
        if (ReferenceEquals(alsoRequired, asSent?.Requirement)) alsoRequired = null;
        return asSent?.Requirement;
    }

    private JwtRule? Find(in RequestView view, HttpExchange exchange)
    {
        foreach (JwtRule rule in Rules)
        {
            if (rule.Match.IsMatch(view, exchange.Connection.Worker.Random)) return rule;
        }

        return null;
    }

    /// <summary>Fetch standard, "CORS-preflight request": it carries no credentials, so there is no token to demand.</summary>
    private static bool IsCorsPreflight(HttpRequestHead request) =>
        request.Method == RequestMethod.Options && request.Headers.Contains(KnownHeader.Origin) && request.Headers.Contains(KnownHeader.AccessControlRequestMethod);
}
