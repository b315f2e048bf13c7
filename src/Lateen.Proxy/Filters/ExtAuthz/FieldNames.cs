using System.Collections.Immutable;
using Envoy.Type.Matcher.V3;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>Which header fields are meant, by tests of their names (<c>ListStringMatcher</c>). Names are compared in lower case.</summary>
/// <remarks>Immutable.</remarks>
internal sealed class FieldNames
{
    private const int MaxNameOctets = 256;
    private readonly ImmutableArray<BytePredicate> _patterns;

    private FieldNames(ImmutableArray<BytePredicate> patterns) => _patterns = patterns;

    /// <summary>None at all.</summary>
    public static FieldNames None { get; } = new([]);

    /// <param name="always">Names that are meant whatever the configuration says; lower case.</param>
    public static FieldNames Compile(ListStringMatcher? list, FieldPath path, ConfigurationErrors errors, params ReadOnlySpan<string> always)
    {
        var patterns = ImmutableArray.CreateBuilder<BytePredicate>();
        foreach (string name in always) patterns.Add(BytePredicate.Exact(name, ignoreCase: true));
        for (int i = 0; list is not null && i < list.Patterns.Count; i++)
        {
            StringMatcher anyCase = list.Patterns[i].Clone();
            anyCase.IgnoreCase = true;
            if (StringMatchers.Compile(anyCase, path.Field("patterns").At(i), errors) is { } pattern) patterns.Add(pattern);
        }

        return new FieldNames(patterns.ToImmutable());
    }

    public bool Contain(ReadOnlySpan<byte> name)
    {
        if (_patterns.IsEmpty || name.Length > MaxNameOctets) return false;
        Span<byte> lower = stackalloc byte[MaxNameOctets];
        System.Text.Ascii.ToLower(name, lower, out int length);
        foreach (BytePredicate pattern in _patterns)
        {
            if (pattern.IsMatch(lower[..length])) return true;
        }

        return false;
    }
}
