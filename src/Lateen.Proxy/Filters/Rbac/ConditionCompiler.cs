using System.Text;
using Envoy.Config.Rbac.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Http;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;
using Route = Envoy.Config.Route.V3;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>Compiles the tests that permissions and principals share: fields of a request, paths, metadata, addresses.</summary>
/// <param name="errors">Gets what is wrong.</param>
/// <param name="isConnection">The rules are of connections: nothing of HTTP may stand in them, as in Envoy.</param>
internal sealed class ConditionCompiler(ConfigurationErrors errors, bool isConnection)
{
    public ConfigurationErrors Errors => errors;

    /// <summary>A test of a request's head in rules of connections is an error that names the field.</summary>
    public bool IsForRequests(FieldPath path)
    {
        if (isConnection) errors.Add(path, "is of HTTP requests and cannot stand in a network filter, which sees connections");
        return !isConnection;
    }

    /// <summary>The one text that a matcher takes; null when there are more.</summary>
    public static byte[]? ExactOf(StringMatcher matcher) =>
        matcher.MatchPatternCase == StringMatcher.MatchPatternOneofCase.Exact && !matcher.IgnoreCase ? Encoding.UTF8.GetBytes(matcher.Exact) : null;

    public Condition? Refuse(FieldPath path, string reason)
    {
        errors.Add(path, reason);
        return null;
    }

    public Condition? Header(Route.HeaderMatcher matcher, FieldPath path, bool whenInDoubt)
    {
        if (!IsForRequests(path)) return null;
        HeaderName? name = null;
        string subject = matcher.Name.ToLowerInvariant();
        bool isPseudo = subject is ":method" or ":scheme" or ":authority" or ":path" or "host";
        if (!isPseudo && !HeaderName.TryCreate(matcher.Name, out name))
            return Refuse(path.Field("name"), $"'{matcher.Name}' is not a header name");

        if (matcher.HeaderMatchSpecifierCase is Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.None or Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.PresentMatch)
        {
            bool wanted = matcher.HeaderMatchSpecifierCase == Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.None || matcher.PresentMatch;
            wanted = (matcher.TreatMissingHeaderAsEmpty || wanted) != matcher.InvertMatch;
            if (!isPseudo && !matcher.TreatMissingHeaderAsEmpty) return new HeaderPresenceCondition(name!, wanted);
            // What every request has, or has by this rule's own wish, is there.
            return wanted ? AlwaysCondition.Instance : new NotCondition(AlwaysCondition.Instance);
        }

        int errorsBefore = errors.Count;
        (BytePredicate? text, (long, long) range, bool needsEach) = ValueOf(matcher, path, ignoreCase: subject is ":authority" or "host");
        if (errors.Count > errorsBefore) return null;
        var value = new ValueTest(text, range);
        // Of the value's test itself, before it is turned round.
        bool valueInDoubt = whenInDoubt != matcher.InvertMatch;
        return subject switch
        {
            ":method" => new MethodCondition(value, matcher.InvertMatch, valueInDoubt),
            ":scheme" => new SchemeCondition(value, matcher.InvertMatch),
            ":authority" or "host" => new AuthorityCondition(value, matcher.InvertMatch, valueInDoubt),
            ":path" => new TargetCondition(value, matcher.InvertMatch, valueInDoubt),
            _ => new HeaderCondition(name!, value, needsEach, matcher.InvertMatch, matcher.TreatMissingHeaderAsEmpty, valueInDoubt),
        };
    }

    public Condition? Path(PathMatcher matcher, FieldPath path, bool whenInDoubt)
    {
        if (!IsForRequests(path)) return null;
        FieldPath inner = path.Field("path");
        if (matcher.Path is null) return Refuse(inner, "is required");
        if (StringMatchers.Compile(matcher.Path, inner, errors) is not { } asSent) return null;
        StringMatcher lenient = matcher.Path.Clone();
        switch (lenient.MatchPatternCase)
        {
            case StringMatcher.MatchPatternOneofCase.Exact: lenient.Exact = PathCondition.ReadLeniently(lenient.Exact, isOpen: false); break;
            case StringMatcher.MatchPatternOneofCase.Prefix: lenient.Prefix = PathCondition.ReadLeniently(lenient.Prefix, isOpen: true); break;
            case StringMatcher.MatchPatternOneofCase.Suffix: lenient.Suffix = PathCondition.ReadLeniently(lenient.Suffix, isOpen: false); break;
            case StringMatcher.MatchPatternOneofCase.Contains: lenient.Contains = PathCondition.ReadLeniently(lenient.Contains, isOpen: true); break;
        }

        return StringMatchers.Compile(lenient, inner, errors) is { } asRead ? new PathCondition(asSent, asRead, whenInDoubt, ExactOf(matcher.Path)) : null;
    }

    public Condition? Metadata(MetadataMatcher matcher, FieldPath path, bool whenInDoubt)
    {
        int errorsBefore = errors.Count;
        if (matcher.Filter.Length == 0) errors.Add(path.Field("filter"), "is required");
        if (matcher.Path.Count == 0) errors.Add(path.Field("path"), "at least one segment is required");
        for (int i = 0; i < matcher.Path.Count; i++)
        {
            if (matcher.Path[i].Key.Length == 0) errors.Add(path.Field("path").At(i).Field("key"), "is required");
        }

        MetadataTest? value = Value(matcher.Value, path.Field("value"));
        if (value is null || errors.Count > errorsBefore) return null;
        return new MetadataCondition(
            Encoding.UTF8.GetBytes(matcher.Filter), [.. matcher.Path.Select(static one => Encoding.UTF8.GetBytes(one.Key))], value, matcher.Invert, whenInDoubt);
    }

    public Condition? Metadata(SourcedMetadata sourced, FieldPath path, bool whenInDoubt)
    {
        if (sourced.MetadataSource != MetadataSource.Dynamic)
            return Refuse(path.Field("metadata_source"), "only DYNAMIC is supported: routes have no metadata here");
        return sourced.MetadataMatcher is { } matcher
            ? Metadata(matcher, path.Field("metadata_matcher"), whenInDoubt)
            : Refuse(path.Field("metadata_matcher"), "is required");
    }

    public Condition? Address(AddressSubject subject, Envoy.Config.Core.V3.CidrRange range, FieldPath path) =>
        AddressRange.Compile(range, path, errors) is { } compiled ? new AddressCondition(subject, compiled) : null;

    public Condition? ServerName(StringMatcher matcher, FieldPath path, bool whenInDoubt)
    {
        StringMatcher anyCase = matcher.Clone();
        anyCase.IgnoreCase = true;
        return StringMatchers.Compile(anyCase, path, errors) is { } name ? new ServerNameCondition(name, whenInDoubt) : null;
    }

    private (BytePredicate? Text, (long, long) Range, bool NeedsEach) ValueOf(Route.HeaderMatcher matcher, FieldPath path, bool ignoreCase)
    {
        switch (matcher.HeaderMatchSpecifierCase)
        {
            case Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.ExactMatch: return (BytePredicate.Exact(matcher.ExactMatch, ignoreCase), default, false);
            case Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.PrefixMatch: return (BytePredicate.Prefix(matcher.PrefixMatch, ignoreCase), default, true);
            case Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.SuffixMatch: return (BytePredicate.Suffix(matcher.SuffixMatch, ignoreCase), default, true);
            case Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.ContainsMatch: return (BytePredicate.Contains(matcher.ContainsMatch, ignoreCase), default, false);
            case Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.SafeRegexMatch:
                SafeRegex? regex = StringMatchers.CompileRegex(matcher.SafeRegexMatch, path.Field("safe_regex_match"), errors);
                return (regex is null ? null : BytePredicate.Matches(regex), default, false);
            case Route.HeaderMatcher.HeaderMatchSpecifierOneofCase.RangeMatch:
                if (matcher.RangeMatch.Start >= matcher.RangeMatch.End)
                    errors.Add(path.Field("range_match"), "the start (inclusive) must be below the end (exclusive)");
                return (null, (matcher.RangeMatch.Start, matcher.RangeMatch.End), false);
            default:
                StringMatcher text = matcher.StringMatch;
                if (ignoreCase)
                {
                    text = text.Clone();
                    text.IgnoreCase = true;
                }

                return (StringMatchers.Compile(text, path.Field("string_match"), errors), default,
                    text.MatchPatternCase is StringMatcher.MatchPatternOneofCase.Prefix or StringMatcher.MatchPatternOneofCase.Suffix);
        }
    }

    private MetadataTest? Value(ValueMatcher? matcher, FieldPath path)
    {
        switch (matcher?.MatchPatternCase)
        {
            case ValueMatcher.MatchPatternOneofCase.NullMatch: return new NullTest();
            case ValueMatcher.MatchPatternOneofCase.BoolMatch: return new BoolTest(matcher.BoolMatch);
            case ValueMatcher.MatchPatternOneofCase.PresentMatch: return new PresenceTest(matcher.PresentMatch);
            case ValueMatcher.MatchPatternOneofCase.StringMatch:
                return StringMatchers.Compile(matcher.StringMatch, path.Field("string_match"), errors) is { } text ? new TextTest(text) : null;
            case ValueMatcher.MatchPatternOneofCase.DoubleMatch:
                return Number(matcher.DoubleMatch, path.Field("double_match"));
            case ValueMatcher.MatchPatternOneofCase.ListMatch:
                return Value(matcher.ListMatch.OneOf, path.Field("list_match").Field("one_of")) is { } element ? new ListTest(element) : null;
            case ValueMatcher.MatchPatternOneofCase.OrMatch:
                FieldPath alternatives = path.Field("or_match").Field("value_matchers");
                if (matcher.OrMatch.ValueMatchers.Count < 2) errors.Add(alternatives, "at least two are required");
                var tests = new List<MetadataTest>();
                for (int i = 0; i < matcher.OrMatch.ValueMatchers.Count; i++)
                {
                    if (Value(matcher.OrMatch.ValueMatchers[i], alternatives.At(i)) is { } test) tests.Add(test);
                }

                return new OrTest([.. tests]);
            default:
                errors.Add(path, "needs a test: null_match, double_match, string_match, bool_match, present_match, list_match or or_match");
                return null;
        }
    }

    private NumberTest? Number(DoubleMatcher matcher, FieldPath path)
    {
        switch (matcher.MatchPatternCase)
        {
            case DoubleMatcher.MatchPatternOneofCase.Exact: return new NumberTest(matcher.Exact, 0, isExact: true);
            case DoubleMatcher.MatchPatternOneofCase.Range: return new NumberTest(matcher.Range.Start, matcher.Range.End, isExact: false);
            default:
                errors.Add(path, "needs a number: exact or range");
                return null;
        }
    }
}
