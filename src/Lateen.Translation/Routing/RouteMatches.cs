using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Model.Networking;
using StringMatch = Lateen.Model.Networking.StringMatch;

namespace Lateen.Translation.Routing;

/// <summary>One match of a VirtualService as Envoy's <see cref="RouteMatch"/>.</summary>
internal static class RouteMatches
{
    /// <summary>Matches every request.</summary>
    public static RouteMatch All() => new() { Prefix = "/" };

    /// <summary>Conditions on claims of a token need the token filter. Leaving one out would widen the rule, so such a match yields no route at all.</summary>
    public static bool IsSupported(HttpMatchRequest match) =>
        !match.Headers.Any(header => IsClaim(header.Key)) && !match.WithoutHeaders.Any(header => IsClaim(header.Key));

    private static bool IsClaim(string header) => header.StartsWith("@request.auth.", StringComparison.Ordinal);

    public static RouteMatch Of(HttpMatchRequest match)
    {
        var result = All();
        if (match.Uri is { } uri) WritePath(result, uri);
        if (match.IgnoreUriCase) result.CaseSensitive = false;
        if (match.Scheme is { } scheme) result.Headers.Add(Header(":scheme", scheme));
        if (match.Method is { } method) result.Headers.Add(Header(":method", method));
        if (match.Authority is { } authority) result.Headers.Add(Header(":authority", authority));
        foreach (var (name, value) in match.Headers) result.Headers.Add(Header(name, value));
        foreach (var (name, value) in match.WithoutHeaders) result.Headers.Add(Without(name, value));
        foreach (var (name, value) in match.QueryParams) result.QueryParameters.Add(Query(name, value));
        return result;
    }

    private static void WritePath(RouteMatch result, StringMatch uri)
    {
        switch (uri.Kind)
        {
            case StringMatchKind.Exact: result.Path = uri.Value; break;
            // An empty prefix is allowed and means every path; Envoy wants the slash.
            case StringMatchKind.Prefix: result.Prefix = uri.Value.Length == 0 ? "/" : uri.Value; break;
            case StringMatchKind.Regex: result.SafeRegex = new RegexMatcher { Regex = uri.Value }; break;
        }
    }

    private static HeaderMatcher Header(string name, StringMatch match) => match.IsPresence
        ? new HeaderMatcher { Name = name, PresentMatch = true }
        : new HeaderMatcher { Name = name, StringMatch = Matcher(match) };

    /// <summary>Envoy fails every condition but presence on a missing header, inverted ones too; taken as empty, a missing header differs from any
    /// value, which is what Istio promises.</summary>
    private static HeaderMatcher Without(string name, StringMatch match)
    {
        var result = Header(name, match);
        result.InvertMatch = true;
        result.TreatMissingHeaderAsEmpty = !match.IsPresence;
        return result;
    }

    private static QueryParameterMatcher Query(string name, StringMatch match) => match.IsPresence
        ? new QueryParameterMatcher { Name = name, PresentMatch = true }
        : new QueryParameterMatcher { Name = name, StringMatch = Matcher(match) };

    private static StringMatcher Matcher(StringMatch match) => match.Kind switch
    {
        StringMatchKind.Prefix => new StringMatcher { Prefix = match.Value },
        StringMatchKind.Regex => new StringMatcher { SafeRegex = new RegexMatcher { Regex = match.Value } },
        _ => new StringMatcher { Exact = match.Value },
    };
}
