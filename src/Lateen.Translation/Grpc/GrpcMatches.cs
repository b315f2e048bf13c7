using System.Collections.Immutable;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Model.Networking;
using Lateen.Translation.Routing;
using StringMatch = Lateen.Model.Networking.StringMatch;

namespace Lateen.Translation.Grpc;

/// <summary>
/// A match of a VirtualService in the terms that gRPC clients understand (gRFC A28): a path and headers, the headers in Envoy's older one-field
/// matchers, because clients before gRFC A63 refuse a whole table over a <c>string_match</c>.
/// </summary>
/// <remarks>
/// What every gRPC call has alike is decided here: the method is POST, the scheme is http, and there is no query. What a client cannot tell is
/// left out with a reason, and a match that lacks a condition would match too much, so then there is no match at all.
/// </remarks>
internal static class GrpcMatches
{
    /// <summary>Values that a header must not have: each doubles the routes, see <see cref="Without"/>. Sixteen routes for one match is enough.</summary>
    private const int MaxWithoutValues = 4;

    private const string Method = "POST";
    private const string Scheme = "http";

    /// <summary>The matches that together mean the same: none when no gRPC call can match, or when <paramref name="unsupported"/> says why not.</summary>
    public static ImmutableArray<RouteMatch> Of(HttpMatchRequest match, out string? unsupported)
    {
        unsupported = Unsupported(match);
        if (unsupported is not null || match.QueryParams.Count > 0 || !Holds(match.Method, Method) || !Holds(match.Scheme, Scheme)) return [];
        var matches = ImmutableArray.Create(Path(match));
        foreach (var (name, value) in match.Headers) AddToAll(matches, Header(name, value));
        foreach (var (name, value) in match.WithoutHeaders) matches = Without(matches, name, value);
        return matches;
    }

    private static string? Unsupported(HttpMatchRequest match)
    {
        if (!RouteMatches.IsSupported(match)) return "a condition on claims of a token";
        if (match.Authority is not null) return "a condition on the authority";
        if (match.Method is { Kind: StringMatchKind.Regex, IsPresence: false }) return "a regular expression on the method";
        if (match.Scheme is { Kind: StringMatchKind.Regex, IsPresence: false }) return "a regular expression on the scheme";
        if (match.WithoutHeaders.Count(header => !header.Value.IsPresence) > MaxWithoutValues) return $"more than {MaxWithoutValues} values in withoutHeaders";
        return null;
    }

    private static bool Holds(StringMatch? match, string value) => match is not { IsPresence: false } written
        || (written.Kind == StringMatchKind.Exact ? written.Value == value : value.StartsWith(written.Value, StringComparison.Ordinal));

    private static RouteMatch Path(HttpMatchRequest match)
    {
        var result = RouteMatches.All();
        switch (match.Uri)
        {
            case { Kind: StringMatchKind.Exact } exact: result.Path = exact.Value; break;
            case { Kind: StringMatchKind.Prefix, Value.Length: > 0 } prefix: result.Prefix = prefix.Value; break;
            case { Kind: StringMatchKind.Regex, IsPresence: false } regex: result.SafeRegex = Regex(regex.Value); break;
        }

        if (match.IgnoreUriCase) result.CaseSensitive = false;
        return result;
    }

    private static void AddToAll(ImmutableArray<RouteMatch> matches, HeaderMatcher header)
    {
        foreach (var match in matches) match.Headers.Add(header);
    }

    /// <summary>
    /// "Missing, or of another value". Clients differ on an inverted condition over a missing header: C-core says that it fails, Node that it
    /// holds. So it is said in two matches, on which they agree: the header is not there; its value is another.
    /// </summary>
    private static ImmutableArray<RouteMatch> Without(ImmutableArray<RouteMatch> matches, string name, StringMatch value)
    {
        if (value.IsPresence)
        {
            AddToAll(matches, Absent(name));
            return matches;
        }

        var other = Header(name, value);
        other.InvertMatch = true;
        ImmutableArray<RouteMatch> present = [.. matches.Select(match => match.Clone())];
        AddToAll(matches, Absent(name));
        AddToAll(present, other);
        return [.. matches, .. present];
    }

    private static HeaderMatcher Absent(string name) => new() { Name = name, PresentMatch = true, InvertMatch = true };

    private static HeaderMatcher Header(string name, StringMatch match) => match switch
    {
        { IsPresence: true } or { Kind: StringMatchKind.Prefix, Value.Length: 0 } => new HeaderMatcher { Name = name, PresentMatch = true },
        { Kind: StringMatchKind.Prefix } => new HeaderMatcher { Name = name, PrefixMatch = match.Value },
        { Kind: StringMatchKind.Regex } => new HeaderMatcher { Name = name, SafeRegexMatch = Regex(match.Value) },
        _ => new HeaderMatcher { Name = name, ExactMatch = match.Value },
    };

    /// <summary>The whole value must match. Node anchors the text as it stands, so alternatives need a group around them.</summary>
    private static RegexMatcher Regex(string pattern) => new() { Regex = pattern.Contains('|', StringComparison.Ordinal) ? $"(?:{pattern})" : pattern };
}
