using Envoy.Type.Matcher.V3;
using Envoy.Type.V3;
using Google.Protobuf.Collections;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Proto = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles the conditions of routes.</summary>
internal sealed class MatchCompiler(ConfigurationErrors errors)
{
    public RouteMatcher? Compile(Proto.RouteMatch match, FieldPath path)
    {
        var headers = CompileHeaders(match.Headers, path.Field("headers"));
        var query = new List<QueryPredicate>(match.QueryParameters.Count);
        for (var i = 0; i < match.QueryParameters.Count; i++)
        {
            if (CompileQuery(match.QueryParameters[i], path.Field("query_parameters").At(i)) is { } predicate) query.Add(predicate);
        }

        var (fraction, fractionBase) = CompileFraction(match.RuntimeFraction?.DefaultValue, path.Field("runtime_fraction"));
        if (CompilePath(match, path) is not { } pathPredicate) return null;
        return new RouteMatcher { Path = pathPredicate, Headers = headers, Query = [.. query], Fraction = fraction, FractionBase = fractionBase };
    }

    public HeaderPredicate[] CompileHeaders(RepeatedField<Proto.HeaderMatcher> matchers, FieldPath path)
    {
        var predicates = new List<HeaderPredicate>(matchers.Count);
        for (var i = 0; i < matchers.Count; i++)
        {
            if (CompileHeader(matchers[i], path.At(i)) is { } predicate) predicates.Add(predicate);
        }

        return [.. predicates];
    }

    private PathPredicate? CompilePath(Proto.RouteMatch match, FieldPath path)
    {
        var ignoreCase = match.CaseSensitive is false;
        switch (match.PathSpecifierCase)
        {
            case Proto.RouteMatch.PathSpecifierOneofCase.Prefix:
                return PathPredicate.Prefix(match.Prefix, ignoreCase);
            case Proto.RouteMatch.PathSpecifierOneofCase.Path:
                return PathPredicate.Exact(match.Path, ignoreCase);
            case Proto.RouteMatch.PathSpecifierOneofCase.SafeRegex:
                return CompileRegex(match.SafeRegex, path.Field("safe_regex")) is { } regex ? PathPredicate.Matches(regex) : null;
            case Proto.RouteMatch.PathSpecifierOneofCase.PathSeparatedPrefix:
                var prefix = match.PathSeparatedPrefix;
                if (prefix.Length > 1 && prefix[0] == '/' && prefix[^1] != '/' && !prefix.AsSpan().ContainsAny("?#"))
                    return PathPredicate.SeparatedPrefix(prefix, ignoreCase);
                errors.Add(path.Field("path_separated_prefix"), $"'{prefix}' must begin with '/', not end with it, and have neither '?' nor '#'");
                return null;
            case Proto.RouteMatch.PathSpecifierOneofCase.ConnectMatcher:
                return PathPredicate.None;
            default:
                errors.Add(path, "needs a path condition: prefix, path, safe_regex, path_separated_prefix or connect_matcher");
                return null;
        }
    }

    private HeaderPredicate? CompileHeader(Proto.HeaderMatcher matcher, FieldPath path)
    {
        HeaderName? name = null;
        var subject = matcher.Name.ToLowerInvariant() switch
        {
            ":method" => HeaderSubject.Method,
            ":scheme" => HeaderSubject.Scheme,
            ":authority" or "host" => HeaderSubject.Authority,
            ":path" => HeaderSubject.Path,
            _ => HeaderSubject.Field,
        };
        if (subject == HeaderSubject.Field && !HeaderName.TryCreate(matcher.Name, out name))
        {
            errors.Add(path.Field("name"), $"'{matcher.Name}' is not a header name");
            return null;
        }

        var errorsBefore = errors.Count;
        var value = matcher.HeaderMatchSpecifierCase switch
        {
            Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.ExactMatch => BytePredicate.Exact(matcher.ExactMatch, ignoreCase: false),
            Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.PrefixMatch => BytePredicate.Prefix(matcher.PrefixMatch, ignoreCase: false),
            Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.SuffixMatch => BytePredicate.Suffix(matcher.SuffixMatch, ignoreCase: false),
            Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.ContainsMatch => BytePredicate.Contains(matcher.ContainsMatch, ignoreCase: false),
            Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.SafeRegexMatch =>
                CompileRegex(matcher.SafeRegexMatch, path.Field("safe_regex_match")) is { } regex ? BytePredicate.Matches(regex) : null,
            Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.StringMatch => CompileString(matcher.StringMatch, path.Field("string_match")),
            _ => null,
        };
        if (errors.Count > errorsBefore) return null;

        return new HeaderPredicate
        {
            Subject = subject,
            Name = name,
            Value = value,
            Range = CompileRange(matcher, path),
            IsPresenceWanted = matcher.HeaderMatchSpecifierCase != Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.PresentMatch || matcher.PresentMatch,
            IsInverted = matcher.InvertMatch,
            IsMissingEmpty = matcher.TreatMissingHeaderAsEmpty,
        };
    }

    private (long Start, long End)? CompileRange(Proto.HeaderMatcher matcher, FieldPath path)
    {
        if (matcher.HeaderMatchSpecifierCase != Proto.HeaderMatcher.HeaderMatchSpecifierOneofCase.RangeMatch) return null;
        if (matcher.RangeMatch.Start >= matcher.RangeMatch.End)
            errors.Add(path.Field("range_match"), "the start (inclusive) must be below the end (exclusive)");
        return (matcher.RangeMatch.Start, matcher.RangeMatch.End);
    }

    private QueryPredicate? CompileQuery(Proto.QueryParameterMatcher matcher, FieldPath path)
    {
        if (matcher.Name.Length == 0)
        {
            errors.Add(path.Field("name"), "is required");
            return null;
        }

        switch (matcher.QueryParameterMatchSpecifierCase)
        {
            case Proto.QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.StringMatch:
                return CompileString(matcher.StringMatch, path.Field("string_match")) is { } value ? new QueryPredicate(matcher.Name, value) : null;
            case Proto.QueryParameterMatcher.QueryParameterMatchSpecifierOneofCase.PresentMatch:
                return new QueryPredicate(matcher.Name, null, matcher.PresentMatch);
            default:
                return new QueryPredicate(matcher.Name, null);
        }
    }

    private BytePredicate? CompileString(StringMatcher matcher, FieldPath path) => StringMatchers.Compile(matcher, path, errors);

    private SafeRegex? CompileRegex(RegexMatcher matcher, FieldPath path) => StringMatchers.CompileRegex(matcher, path, errors);

    private (uint? Fraction, uint Base) CompileFraction(FractionalPercent? percent, FieldPath path)
    {
        if (percent is null) return (null, 100);
        uint denominator = percent.Denominator switch
        {
            FractionalPercent.Types.DenominatorType.Hundred => 100,
            FractionalPercent.Types.DenominatorType.TenThousand => 10_000,
            FractionalPercent.Types.DenominatorType.Million => 1_000_000,
            _ => 0,
        };
        if (denominator != 0) return percent.Numerator >= denominator ? (null, denominator) : (percent.Numerator, denominator);
        errors.Add(path.Field("default_value").Field("denominator"), $"{(int)percent.Denominator} is not a known value");
        return (null, 100);
    }
}
