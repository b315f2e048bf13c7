using System.Text;
using Envoy.Config.Route.V3;
using Envoy.Type.Matcher.V3;
using Lateen.Model.Security;

namespace Lateen.Translation.Security;

/// <summary>Patterns of policies as Envoy's matchers.</summary>
internal static class StringMatchers
{
    /// <summary>Istio's expression for "there is one".</summary>
    private const string AnyValue = ".+";

    public static StringMatcher Of(string value) => Of(ValuePattern.Parse(value));

    public static StringMatcher Of(ValuePattern pattern) => pattern.Kind switch
    {
        ValuePatternKind.Exact => new StringMatcher { Exact = pattern.Text },
        ValuePatternKind.Prefix => new StringMatcher { Prefix = pattern.Text },
        ValuePatternKind.Suffix => new StringMatcher { Suffix = pattern.Text },
        _ => Expression(AnyValue),
    };

    public static StringMatcher Expression(string regex) => new() { SafeRegex = new RegexMatcher { Regex = regex } };

    /// <summary>
    /// A SPIFFE id; the value leaves its scheme out, or not. Envoy compares DNS names and the subject of a certificate too, so each matcher of names begins with the
    /// scheme: behind a Gateway that takes certificates of others, a subject may say what it likes (ADR 0033).
    /// </summary>
    public static StringMatcher Principal(string value)
    {
        if (value.StartsWith(TrustDomains.SpiffeScheme, StringComparison.Ordinal)) return Of(value);
        var pattern = ValuePattern.Parse(value);
        return pattern.Kind switch
        {
            ValuePatternKind.Exact => new StringMatcher { Exact = TrustDomains.SpiffeScheme + pattern.Text },
            ValuePatternKind.Prefix => new StringMatcher { Prefix = TrustDomains.SpiffeScheme + pattern.Text },
            // What the scheme is followed by may be anything that ends so; an id of another scheme may not.
            ValuePatternKind.Suffix => Expression($"{TrustDomains.SpiffeScheme}.*{Literally(pattern.Text)}"),
            _ => Expression(TrustDomains.SpiffeScheme + AnyValue),
        };
    }

    /// <summary>The namespace of a SPIFFE id. A star stands for anything within it.</summary>
    public static StringMatcher Namespace(string value) => Expression($"{TrustDomains.SpiffeScheme}[^/]+/ns/{WithStars(value)}/.*");

    /// <summary>A service account, which says its namespace.</summary>
    public static StringMatcher ServiceAccount(string value, string policyNamespace)
    {
        int slash = value.IndexOf('/');
        string ns = slash < 0 ? policyNamespace : value[..slash];
        return Expression($"{TrustDomains.SpiffeScheme}[^/]+/ns/{Literally(ns)}/sa/{Literally(value[(slash + 1)..])}");
    }

    public static StringMatcher TrustDomain(string value) => value.Contains('*')
        ? Expression($"{TrustDomains.SpiffeScheme}{WithStars(value)}/.*")
        : new StringMatcher { Prefix = $"{TrustDomains.SpiffeScheme}{value}/" };

    /// <summary>A header of the request; presence is asked as such, so that an empty value counts, as in Istio.</summary>
    public static HeaderMatcher Header(string name, string value)
    {
        var pattern = ValuePattern.Parse(value);
        return pattern.Kind == ValuePatternKind.Presence
            ? new HeaderMatcher { Name = name, PresentMatch = true }
            : new HeaderMatcher { Name = name, StringMatch = Of(pattern) };
    }

    /// <summary>A host without regard to case. A value that names no port takes any: a rule about a host is about it on whatever port it is asked for.</summary>
    public static HeaderMatcher Host(string value)
    {
        const string authority = ":authority";
        var pattern = ValuePattern.Parse(value);
        if (pattern.Kind == ValuePatternKind.Presence) return new HeaderMatcher { Name = authority, PresentMatch = true };
        if (pattern.Kind == ValuePatternKind.Prefix || HasPort(pattern.Text))
        {
            var matcher = Of(pattern);
            matcher.IgnoreCase = true;
            return new HeaderMatcher { Name = authority, StringMatch = matcher };
        }

        string any = pattern.Kind == ValuePatternKind.Suffix ? ".*" : "";
        return new HeaderMatcher { Name = authority, StringMatch = Expression($"(?i){any}{Literally(pattern.Text)}(:[0-9]+)?") };
    }

    /// <summary>True for <c>host:8080</c> and <c>[::1]:8080</c>, not for <c>[::1]</c>.</summary>
    private static bool HasPort(string host)
    {
        int colon = host.LastIndexOf(':');
        return colon >= 0 && colon > host.LastIndexOf(']');
    }

    /// <summary>Stars within one step of an id.</summary>
    private static string WithStars(string value) => string.Join("[^/]*", value.Split('*').Select(Literally));

    /// <summary>As an RE2 literal. .NET escapes white space and '#' in ways that RE2 does not read, so only what both know as special is escaped.</summary>
    private static string Literally(string text)
    {
        var result = new StringBuilder(text.Length + 8);
        foreach (char letter in text)
        {
            if (letter is '\\' or '.' or '+' or '*' or '?' or '(' or ')' or '|' or '[' or ']' or '{' or '}' or '^' or '$') result.Append('\\');
            result.Append(letter);
        }

        return result.ToString();
    }
}
