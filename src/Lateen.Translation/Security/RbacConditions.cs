using System.Collections.Immutable;
using System.Globalization;
using Envoy.Config.Core.V3;
using Envoy.Config.Rbac.V3;
using Envoy.Extensions.Path.Match.UriTemplate.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Model.Security;

namespace Lateen.Translation.Security;

/// <summary>One condition of a rule as Envoy's RBAC asks it: of the operation (a permission) or of who asks (a principal).</summary>
/// <param name="domains">The mesh's names for itself.</param>
/// <param name="policyNamespace">Namespace of the service accounts that name none.</param>
internal sealed class RbacConditions(TrustDomains domains, string policyNamespace)
{
    /// <summary>Where the JWT filter leaves the claims of a verified token, and below which key.</summary>
    private const string TokenFilter = "envoy.filters.http.jwt_authn";

    private const string UriTemplateMatcher = "uri_template";

    /// <summary>True when Envoy asks this of the operation; the rest it asks of who asks.</summary>
    public static bool IsPermission(PolicyAttribute attribute) => attribute is PolicyAttribute.Host or PolicyAttribute.Method or PolicyAttribute.Path
        or PolicyAttribute.DestinationIp or PolicyAttribute.DestinationPort or PolicyAttribute.ServerName or PolicyAttribute.FilterMetadata;

    public static IEnumerable<Permission> Permissions(AttributeCondition condition)
    {
        if (!condition.Values.IsEmpty) yield return AnyOf(condition, condition.Values);
        if (!condition.NotValues.IsEmpty) yield return new Permission { NotRule = AnyOf(condition, condition.NotValues) };
    }

    public IEnumerable<Principal> Principals(AttributeCondition condition)
    {
        if (!condition.Values.IsEmpty) yield return AnyWho(condition, condition.Values);
        if (!condition.NotValues.IsEmpty) yield return new Principal { NotId = AnyWho(condition, condition.NotValues) };
    }

    private static Permission AnyOf(AttributeCondition condition, ImmutableArray<string> values)
    {
        var set = new Permission.Types.Set();
        foreach (string value in values) set.Rules.Add(PermissionOf(condition, value));
        return new Permission { OrRules = set };
    }

    private Principal AnyWho(AttributeCondition condition, ImmutableArray<string> values)
    {
        var set = new Principal.Types.Set();
        foreach (string value in values) set.Ids.AddRange(PrincipalsOf(condition, value));
        // A request principal without a slash is nobody's, and an empty alternative is no valid one.
        if (set.Ids.Count == 0) set.Ids.Add(new Principal { NotId = new Principal { Any = true } });
        return new Principal { OrIds = set };
    }

    private static Permission PermissionOf(AttributeCondition condition, string value) => condition.Attribute switch
    {
        PolicyAttribute.Host => new Permission { Header = StringMatchers.Host(value) },
        PolicyAttribute.Method => new Permission { Header = StringMatchers.Header(":method", value) },
        PolicyAttribute.Path when PathTemplate.IsTemplate(value) => new Permission { UriTemplate = UriTemplate(value) },
        PolicyAttribute.Path => new Permission { UrlPath = new PathMatcher { Path = StringMatchers.Of(value) } },
        PolicyAttribute.DestinationIp => new Permission { DestinationIp = Block(value) },
        PolicyAttribute.DestinationPort => new Permission { DestinationPort = uint.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture) },
        PolicyAttribute.ServerName => new Permission { RequestedServerName = StringMatchers.Of(value) },
        PolicyAttribute.FilterMetadata => new Permission { Metadata = OfFilter(condition.Path, value) },
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition.Attribute, "not asked of the operation"),
    };

    private IEnumerable<Principal> PrincipalsOf(AttributeCondition condition, string value) => condition.Attribute switch
    {
        PolicyAttribute.Principal => domains.ExpandPrincipal(value).Select(expanded => Authenticated(StringMatchers.Principal(expanded))),
        PolicyAttribute.TrustDomain => domains.Expand(value).Select(expanded => Authenticated(StringMatchers.TrustDomain(expanded))),
        PolicyAttribute.Namespace => [Authenticated(StringMatchers.Namespace(value))],
        PolicyAttribute.ServiceAccount => [Authenticated(StringMatchers.ServiceAccount(value, policyNamespace))],
        PolicyAttribute.SourceIp => [new Principal { DirectRemoteIp = Block(value) }],
        PolicyAttribute.RemoteIp => [new Principal { RemoteIp = Block(value) }],
        PolicyAttribute.Header => [new Principal { Header = StringMatchers.Header(condition.Path[0], value) }],
        PolicyAttribute.RequestPrincipal => RequestPrincipals(value),
        PolicyAttribute.Audience => Claim(["aud"], StringMatchers.Of(value)),
        PolicyAttribute.Presenter => Claim(["azp"], StringMatchers.Of(value)),
        PolicyAttribute.Claim => Claim(condition.Path, StringMatchers.Of(value)),
        _ => throw new ArgumentOutOfRangeException(nameof(condition), condition.Attribute, "not asked of who asks"),
    };

    private static Principal Authenticated(StringMatcher name) => new() { Authenticated = new Principal.Types.Authenticated { PrincipalName = name } };

    /// <summary>A claim is a text or a list of texts, of which one has to match.</summary>
    private static IEnumerable<Principal> Claim(ImmutableArray<string> path, StringMatcher value)
    {
        yield return ClaimIs(path, new ValueMatcher { StringMatch = value });
        yield return ClaimIs(path, new ValueMatcher { ListMatch = new ListMatcher { OneOf = new ValueMatcher { StringMatch = value } } });
    }

    private static Principal ClaimIs(IEnumerable<string> path, ValueMatcher value)
    {
        var matcher = new MetadataMatcher { Filter = TokenFilter, Value = value };
        matcher.Path.Add(new MetadataMatcher.Types.PathSegment { Key = JwtAuthentications.PayloadKey });
        matcher.Path.AddRange(path.Select(step => new MetadataMatcher.Types.PathSegment { Key = step }));
        return new Principal { Metadata = matcher };
    }

    /// <summary>
    /// <c>issuer/subject</c>: the token holds the two apart, and both may hold slashes, so each slash of the value may be the one between them.
    /// </summary>
    private static IEnumerable<Principal> RequestPrincipals(string value)
    {
        var pattern = ValuePattern.Parse(value);
        switch (pattern.Kind)
        {
            case ValuePatternKind.Presence:
                yield return Token(ValuePattern.Any, ValuePattern.Any);
                break;
            case ValuePatternKind.Prefix:
                // The value ends before the slash, or behind it.
                yield return Token(pattern, ValuePattern.Any);
                foreach (var (issuer, subject) in Splits(pattern.Text))
                {
                    yield return Token(
                        new ValuePattern(ValuePatternKind.Exact, issuer),
                        subject.Length == 0 ? ValuePattern.Any : new ValuePattern(ValuePatternKind.Prefix, subject));
                }

                break;
            case ValuePatternKind.Suffix:
                yield return Token(ValuePattern.Any, pattern);
                foreach (var (issuer, subject) in Splits(pattern.Text))
                {
                    yield return Token(
                        issuer.Length == 0 ? ValuePattern.Any : new ValuePattern(ValuePatternKind.Suffix, issuer),
                        new ValuePattern(ValuePatternKind.Exact, subject));
                }

                break;
            default:
                foreach (var (issuer, subject) in Splits(pattern.Text))
                    yield return Token(new ValuePattern(ValuePatternKind.Exact, issuer), new ValuePattern(ValuePatternKind.Exact, subject));
                break;
        }
    }

    private static IEnumerable<(string Issuer, string Subject)> Splits(string text)
    {
        for (int slash = text.IndexOf('/'); slash >= 0; slash = text.IndexOf('/', slash + 1)) yield return (text[..slash], text[(slash + 1)..]);
    }

    private static Principal Token(ValuePattern issuer, ValuePattern subject) => new()
    {
        AndIds = new Principal.Types.Set
        {
            Ids =
            {
                ClaimIs(["iss"], new ValueMatcher { StringMatch = StringMatchers.Of(issuer) }),
                ClaimIs(["sub"], new ValueMatcher { StringMatch = StringMatchers.Of(subject) }),
            },
        },
    };

    /// <summary>Istio's form: a value in brackets is one of a list, any other the value itself.</summary>
    private static MetadataMatcher OfFilter(ImmutableArray<string> path, string value)
    {
        bool isList = value.Length > 2 && value[0] == '[' && value[^1] == ']';
        var text = new ValueMatcher { StringMatch = StringMatchers.Of(isList ? value[1..^1] : value) };
        var matcher = new MetadataMatcher { Filter = path[0], Value = isList ? new ValueMatcher { ListMatch = new ListMatcher { OneOf = text } } : text };
        matcher.Path.AddRange(path.Skip(1).Select(step => new MetadataMatcher.Types.PathSegment { Key = step }));
        return matcher;
    }

    private static TypedExtensionConfig UriTemplate(string value) => new()
    {
        Name = UriTemplateMatcher,
        TypedConfig = Messages.Pack(new UriTemplateMatchConfig
        {
            PathTemplate = value.Replace("{**}", "**", StringComparison.Ordinal).Replace("{*}", "*", StringComparison.Ordinal),
        }),
    };

    /// <summary>An address or a block; the model has checked both.</summary>
    private static CidrRange Block(string value)
    {
        int slash = value.IndexOf('/');
        string address = slash < 0 ? value : value[..slash];
        uint length = slash < 0 ? (address.Contains(':') ? 128u : 32u) : uint.Parse(value.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        return new CidrRange { AddressPrefix = address, PrefixLen = length };
    }
}
