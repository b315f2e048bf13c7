using System.Collections.Immutable;
using System.Text;
using Envoy.Type.Matcher.V3;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Metadata;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>
/// Which requests are asked about at all (<c>filter_enabled_metadata</c>): those of which an earlier filter noted a text, such as the name of the
/// policy that wants them to be asked about.
/// </summary>
/// <remarks>Immutable. Where metadata were lost for want of room it is open: the service is asked once too often rather than not.</remarks>
internal sealed class MetadataGate
{
    private readonly byte[] _namespace;
    private readonly ImmutableArray<byte[]> _path;
    private readonly BytePredicate? _text;
    private readonly bool? _flag;
    private readonly bool _isInverted;

    private MetadataGate(MetadataMatcher matcher, BytePredicate? text)
    {
        _namespace = Encoding.UTF8.GetBytes(matcher.Filter);
        _path = [.. matcher.Path.Select(static one => Encoding.UTF8.GetBytes(one.Key))];
        _text = text;
        _flag = matcher.Value.MatchPatternCase == ValueMatcher.MatchPatternOneofCase.BoolMatch ? matcher.Value.BoolMatch : null;
        _isInverted = matcher.Invert;
    }

    /// <returns>Null when <paramref name="errors"/> got something to say.</returns>
    public static MetadataGate? Compile(MetadataMatcher matcher, FieldPath path, ConfigurationErrors errors)
    {
        int errorsBefore = errors.Count;
        if (matcher.Filter.Length == 0) errors.Add(path.Field("filter"), "is required");
        if (matcher.Path.Count == 0) errors.Add(path.Field("path"), "at least one segment is required");
        BytePredicate? text = null;
        switch (matcher.Value?.MatchPatternCase)
        {
            case ValueMatcher.MatchPatternOneofCase.StringMatch:
                text = StringMatchers.Compile(matcher.Value.StringMatch, path.Field("value").Field("string_match"), errors);
                break;
            case ValueMatcher.MatchPatternOneofCase.PresentMatch when matcher.Value.PresentMatch:
            case ValueMatcher.MatchPatternOneofCase.BoolMatch:
                break;
            default:
                errors.Add(path.Field("value"), "must be string_match, bool_match or present_match: true; no other test is supported here");
                break;
        }

        return errors.Count > errorsBefore ? null : new MetadataGate(matcher, text);
    }

    public bool IsOpen(DynamicMetadata metadata)
    {
        if (metadata.IsOverflowed) return true;
        MetadataValue value = metadata[_namespace];
        foreach (byte[] key in _path) value = value[key];
        bool fits = _text is not null ? value.Kind == MetadataKind.Text && _text.IsMatch(value.Text)
            : _flag is { } wanted ? value.Kind == MetadataKind.Bool && value.IsTrue == wanted
            : !value.IsMissing;
        return fits != _isInverted;
    }
}
