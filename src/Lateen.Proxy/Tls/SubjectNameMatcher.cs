using System.Collections.Immutable;
using System.Text;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Net.Tls;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Tls;

/// <summary>
/// The subject alternative names that a validation context accepts: <c>match_typed_subject_alt_names</c> and the older
/// <c>match_subject_alt_names</c>, of which one has to match.
/// </summary>
/// <remarks>Immutable; read on all reactors.</remarks>
internal sealed class SubjectNameMatcher
{
    private readonly ImmutableArray<Alternative> _alternatives;

    private SubjectNameMatcher(ImmutableArray<Alternative> alternatives) => _alternatives = alternatives;

    /// <summary>Compiles the matchers of a context.</summary>
    /// <returns>Null when it has none, or when <paramref name="errors"/> got something to say.</returns>
    public static SubjectNameMatcher? Compile(CertificateValidationContext context, FieldPath path, ConfigurationErrors errors)
    {
        var alternatives = ImmutableArray.CreateBuilder<Alternative>();
        for (var i = 0; i < context.MatchTypedSubjectAltNames.Count; i++)
        {
            var typed = context.MatchTypedSubjectAltNames[i];
            var typedPath = path.Field("match_typed_subject_alt_names").At(i);
            SubjectAltNameKind? kind = typed.SanType switch
            {
                SubjectAltNameMatcher.Types.SanType.Email => SubjectAltNameKind.Email,
                SubjectAltNameMatcher.Types.SanType.Dns => SubjectAltNameKind.Dns,
                SubjectAltNameMatcher.Types.SanType.Uri => SubjectAltNameKind.Uri,
                SubjectAltNameMatcher.Types.SanType.IpAddress => SubjectAltNameKind.IpAddress,
                _ => null,
            };
            if (kind is null) errors.Add(typedPath.Field("san_type"), "must be EMAIL, DNS, URI or IP_ADDRESS");
            if (typed.Matcher is null) errors.Add(typedPath.Field("matcher"), "is required");
            else Add(kind, typed.Matcher, typedPath.Field("matcher"));
        }

        for (var i = 0; i < context.MatchSubjectAltNames.Count; i++)
            Add(null, context.MatchSubjectAltNames[i], path.Field("match_subject_alt_names").At(i));

        return alternatives.Count == 0 ? null : new SubjectNameMatcher(alternatives.DrainToImmutable());

        void Add(SubjectAltNameKind? kind, StringMatcher matcher, FieldPath matcherPath)
        {
            if (StringMatchers.Compile(matcher, matcherPath, errors) is not { } predicate) return;
            var exact = matcher.MatchPatternCase == StringMatcher.MatchPatternOneofCase.Exact ? matcher.Exact : null;
            alternatives.Add(new Alternative(kind, predicate, exact));
        }
    }

    /// <summary>One of the matchers takes the name.</summary>
    public bool Accepts(SubjectAltName name)
    {
        foreach (var alternative in _alternatives)
        {
            if (alternative.Kind is { } kind && kind != name.Kind) continue;

            // As in Envoy: what is to match a DNS name exactly is a host, and a certificate may be for it by a wildcard.
            if (name.Kind == SubjectAltNameKind.Dns && alternative.Host is { } host ? CoversHost(name.Value, host) : IsMatch(alternative.Predicate, name.Value))
                return true;
        }

        return false;
    }

    private static bool IsMatch(BytePredicate predicate, string text)
    {
        Span<byte> utf8 = text.Length <= 256 ? stackalloc byte[1024] : new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        return predicate.IsMatch(utf8[..Encoding.UTF8.GetBytes(text, utf8)]);
    }

    /// <summary>RFC 9525 6.3: a wildcard is a whole left-most label and stands for exactly one.</summary>
    private static bool CoversHost(string pattern, string host)
    {
        if (pattern.Equals(host, StringComparison.OrdinalIgnoreCase)) return true;
        if (!pattern.StartsWith("*.", StringComparison.Ordinal)) return false;
        var dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && host.AsSpan(dot).Equals(pattern.AsSpan(1), StringComparison.OrdinalIgnoreCase);
    }

    /// <param name="Kind">Names of this kind; null: of every kind.</param>
    /// <param name="Predicate">What the name has to be like.</param>
    /// <param name="Host">The whole of it, when the matcher is an exact one.</param>
    private sealed record Alternative(SubjectAltNameKind? Kind, BytePredicate Predicate, string? Host);
}
