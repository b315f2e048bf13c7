using Lateen.Model.Reading;
using Lateen.Model.Reading.Values;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Reads one match of an http rule.</summary>
internal static class HttpMatchReader
{
    public static readonly MessageShape Shape = new(
        "HTTPMatchRequest",
        InEffect("name"), InEffect("uri", ObjectReader.StringMatchShape), InEffect("scheme", ObjectReader.StringMatchShape),
        InEffect("method", ObjectReader.StringMatchShape), InEffect("authority", ObjectReader.StringMatchShape),
        InEffect("headers", ObjectReader.StringMatchShape), InEffect("withoutHeaders", ObjectReader.StringMatchShape),
        InEffect("queryParams", ObjectReader.StringMatchShape), InEffect("ignoreUriCase"), InEffect("port"), InEffect("sourceLabels"),
        InEffect("sourceNamespace"), InEffect("gateways"), Pending("statPrefix"));

    public static HttpMatchRequest Read(ObjectReader at)
    {
        var match = new HttpMatchRequest
        {
            Name = at.String("name"),
            Uri = at.Match("uri"),
            Scheme = at.Match("scheme"),
            Method = at.Match("method"),
            Authority = at.Match("authority"),
            Headers = at.Matches("headers"),
            WithoutHeaders = at.Matches("withoutHeaders"),
            QueryParams = at.Matches("queryParams"),
            IgnoreUriCase = at.Boolean("ignoreUriCase") ?? false,
            Port = at.Port("port"),
            SourceLabels = at.StringMap("sourceLabels"),
            SourceNamespace = at.String("sourceNamespace"),
            Gateways = at.Strings("gateways"),
            StatPrefix = at.String("statPrefix"),
        };
        SomethingIsMatched(match.Uri, "uri", at, emptyPrefixAllowed: true);
        SomethingIsMatched(match.Scheme, "scheme", at);
        SomethingIsMatched(match.Method, "method", at);
        SomethingIsMatched(match.Authority, "authority", at);
        HeaderRules.CheckMatches(at, "headers", match.Headers);
        HeaderRules.CheckMatches(at, "withoutHeaders", match.WithoutHeaders);
        LabelRules.Check(at, "sourceLabels", match.SourceLabels);
        GatewayReferenceRules.Check(at, "gateways", match.Gateways);
        CaseIsIgnoredOnlyWithoutRegex(match, at);
        return match with { Headers = Lower(match.Headers), WithoutHeaders = Lower(match.WithoutHeaders) };
    }

    /// <summary>An empty condition is a slip: it would match nothing, or everything, depending on its kind.</summary>
    private static void SomethingIsMatched(StringMatch? match, string field, ObjectReader at, bool emptyPrefixAllowed = false)
    {
        if (match is not { } condition || condition.Value.Length > 0) return;
        if (emptyPrefixAllowed && condition.Kind == StringMatchKind.Prefix) return;
        at.Report(
            DiagnosticCodes.EmptyMatch, field, $"'{field}' matches an empty value",
            "write exact, prefix or regex with a value, or leave it out");
    }

    private static void CaseIsIgnoredOnlyWithoutRegex(HttpMatchRequest match, ObjectReader at)
    {
        if (match.IgnoreUriCase && match.Uri is { Kind: StringMatchKind.Regex })
            at.Report(DiagnosticCodes.CaseOfRegex, "ignoreUriCase", "has no effect on a regex", "begin the regex with (?i)");
    }

    /// <summary>HTTP header names are compared in lower case. Claims keep their case.</summary>
    private static StringMap<StringMatch> Lower(StringMap<StringMatch> matches)
    {
        if (!matches.Any(entry => !entry.Key.StartsWith('@') && entry.Key.Any(char.IsAsciiLetterUpper))) return matches;
        return matches.Select(entry => KeyValuePair.Create(entry.Key.StartsWith('@') ? entry.Key : entry.Key.ToLowerInvariant(), entry.Value))
            .DistinctBy(entry => entry.Key).ToStringMap();
    }
}
