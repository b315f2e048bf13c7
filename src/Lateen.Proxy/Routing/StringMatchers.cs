using Envoy.Type.Matcher.V3;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Routing;

/// <summary>Compiles <c>envoy.type.matcher.v3.StringMatcher</c>, wherever it stands.</summary>
internal static class StringMatchers
{
    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static BytePredicate? Compile(StringMatcher matcher, FieldPath path, ConfigurationErrors errors)
    {
        switch (matcher.MatchPatternCase)
        {
            case StringMatcher.MatchPatternOneofCase.Exact: return BytePredicate.Exact(matcher.Exact, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.Prefix: return BytePredicate.Prefix(matcher.Prefix, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.Suffix: return BytePredicate.Suffix(matcher.Suffix, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.Contains: return BytePredicate.Contains(matcher.Contains, matcher.IgnoreCase);
            case StringMatcher.MatchPatternOneofCase.SafeRegex:
                return CompileRegex(matcher.SafeRegex, path.Field("safe_regex"), errors) is { } regex ? BytePredicate.Matches(regex) : null;
            default:
                errors.Add(path, "needs a pattern: exact, prefix, suffix, contains or safe_regex");
                return null;
        }
    }

    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static SafeRegex? CompileRegex(RegexMatcher matcher, FieldPath path, ConfigurationErrors errors)
    {
        var regex = SafeRegex.TryCreate(matcher.Regex, out var error);
        if (regex is null) errors.Add(path.Field("regex"), error);
        return regex;
    }
}
