using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Lateen.Model.Security;

/// <summary>
/// Which rules match one described request, judged as proxies do (ADR 0024): where a request can be read in more than one way, a test in a place that helps to allow
/// holds only if it does in each reading, and one in a place that helps to deny if it does in any.
/// </summary>
/// <param name="otherFiltersDeny">
/// What other filters left (<c>experimental.envoy.filters.*</c>) no description says: true takes each condition on it as it helps to refuse, false as it helps to
/// let through. What both ways say is certain.
/// </param>
internal sealed class RuleMatching(MeshConfig mesh, DescribedRequest request, bool otherFiltersDeny)
{
    /// <summary>Bits of <c>::ffff:0:0</c>, behind which an IPv4 address stands in IPv6 form.</summary>
    private const int MappedPrefixBits = 96;

    private readonly TrustDomains _domains = new(mesh);

    private readonly string? _principal = SpiffeIdOf(request.Principal);

    private readonly DescribedPath _path = DescribedPath.Of(request.Path, mesh.PathNormalization);

    /// <summary>The places of the policy's rules that match.</summary>
    public IEnumerable<int> Matches(Resource<AuthorizationPolicy> policy)
    {
        for (int i = 0; i < policy.Spec.Rules.Length; i++)
            if (Matches(policy.Spec.Rules[i], policy)) yield return i;
    }

    private bool Matches(AuthorizationRule rule, Resource<AuthorizationPolicy> policy)
    {
        // What a connection cannot answer makes an ALLOW rule never match and is not asked by the other actions.
        if (!request.IsHttp && policy.Spec.Action == AuthorizationAction.Allow && rule.AllConditions().Any(condition => condition.Attribute.IsOfRequest())) return false;
        // To ask an authorizer is on the safe side as to deny is.
        bool whenInDoubt = policy.Spec.Action is AuthorizationAction.Deny or AuthorizationAction.Custom;
        return OneOf(rule.From) && OneOf(rule.To) && All(rule.When);

        bool OneOf(ImmutableArray<ConditionSet> sets) => sets.IsEmpty || sets.Any(set => All(set.Conditions));

        bool All(ImmutableArray<AttributeCondition> conditions) => conditions.All(condition => (!request.IsHttp && condition.Attribute.IsOfRequest())
            || ((condition.Values.IsEmpty || condition.Values.Any(value => Is(condition, value, policy.Namespace, whenInDoubt)))
                && !condition.NotValues.Any(value => Is(condition, value, policy.Namespace, !whenInDoubt))));
    }

    private bool Is(AttributeCondition condition, string value, string policyNamespace, bool whenInDoubt) => condition.Attribute switch
    {
        PolicyAttribute.Principal => _domains.ExpandPrincipal(value).Any(IsPrincipal),
        PolicyAttribute.TrustDomain => TrustDomain() is { } domain && _domains.Expand(value).Any(expanded => Glob(expanded, domain)),
        PolicyAttribute.Namespace => Namespace() is { } ns && Glob(value, ns),
        PolicyAttribute.ServiceAccount => IsServiceAccount(value, policyNamespace),
        PolicyAttribute.SourceIp => IsWithin(request.SourceIp, value),
        PolicyAttribute.RemoteIp => IsWithin(request.RemoteIp ?? request.SourceIp, value),
        PolicyAttribute.DestinationIp => IsWithin(request.DestinationIp, value),
        PolicyAttribute.DestinationPort => request.DestinationPort == int.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture),
        PolicyAttribute.ServerName => request.ServerName is { } name && ValuePattern.Parse(value).Matches(name.TrimEnd('.'), ignoreCase: true),
        PolicyAttribute.Method => IsMethod(ValuePattern.Parse(value), whenInDoubt),
        PolicyAttribute.Path => IsPath(value, whenInDoubt),
        PolicyAttribute.Host => IsHost(value, whenInDoubt),
        PolicyAttribute.Header => IsHeader(condition.Path[0], ValuePattern.Parse(value), whenInDoubt),
        PolicyAttribute.RequestPrincipal => IsRequestPrincipal(ValuePattern.Parse(value)),
        PolicyAttribute.Audience => AnyOf(request.ClaimValues("aud"), value),
        PolicyAttribute.Presenter => AnyOf(request.ClaimValues("azp"), value),
        PolicyAttribute.Claim => AnyOf(request.ClaimValues(condition.Path.AsSpan()), value),
        _ => otherFiltersDeny == whenInDoubt,
    };

    private bool IsPath(string value, bool whenInDoubt)
    {
        string octets = DescribedPath.Octets(value);
        if (PathTemplate.IsTemplate(value)) return _path.Holds(path => PathTemplate.Matches(octets, path), path => PathTemplate.Matches(octets, path), whenInDoubt);
        var pattern = ValuePattern.Parse(octets);
        var lenient = DescribedPath.ReadLeniently(pattern);
        return _path.Holds(path => pattern.Matches(path), path => lenient.Matches(path), whenInDoubt);
    }

    /// <summary>Methods have case (RFC 9110 section 9.1), but some servers raise it.</summary>
    private bool IsMethod(ValuePattern pattern, bool whenInDoubt) =>
        pattern.Kind == ValuePatternKind.Presence || AsRead([request.Method, request.Method.ToUpperInvariant()], method => pattern.Matches(method), whenInDoubt);

    /// <summary>Pseudo-headers are what the request line says (RFC 9113 section 8.3.1). The presence of a header is asked, not that it says something.</summary>
    private bool IsHeader(string name, ValuePattern pattern, bool whenInDoubt)
    {
        bool isPresence = pattern.Kind == ValuePatternKind.Presence;
        switch (name)
        {
            case ":method": return IsMethod(pattern, whenInDoubt);
            case ":path": return isPresence || _path.Holds(path => pattern.Matches(path + _path.Query), path => pattern.Matches(path + _path.Query), whenInDoubt);
            case ":authority" or "host": return isPresence || IsAuthority(host => pattern.Matches(host, ignoreCase: true), whenInDoubt);
        }

        if (request.Headers.GetValueOrDefault(name) is not { IsDefaultOrEmpty: false } values) return false;
        if (isPresence) return true;
        string joined = string.Join(',', values);
        if (whenInDoubt) return values.Append(joined).Any(value => pattern.Matches(value));
        // A joined value that is exactly the text is so for whoever reads it; one that begins or ends with it hides what the others are like.
        return pattern.Matches(joined) && (pattern.Kind == ValuePatternKind.Exact || values.All(value => pattern.Matches(value)));
    }

    private static bool AsRead(ReadOnlySpan<string> readings, Predicate<string> test, bool whenInDoubt)
    {
        foreach (string reading in readings)
            if (test(reading) == whenInDoubt) return whenInDoubt;
        return !whenInDoubt;
    }

    private bool IsPrincipal(string value)
    {
        if (_principal is null) return false;
        if (value.StartsWith(TrustDomains.SpiffeScheme, StringComparison.Ordinal)) return ValuePattern.Parse(value).Matches(_principal);
        return ValuePattern.Parse(value).Matches(_principal[TrustDomains.SpiffeScheme.Length..]);
    }

    /// <summary>Null for a peer without one: a certificate may name its holder by other URIs or by a subject (<c>CN=x</c>), which are no identity of the mesh.</summary>
    private static string? SpiffeIdOf(string? written)
    {
        if (string.IsNullOrEmpty(written)) return null;
        if (written.StartsWith(TrustDomains.SpiffeScheme, StringComparison.Ordinal)) return written;
        return written.AsSpan().ContainsAny(':', '=') ? null : TrustDomains.SpiffeScheme + written;
    }

    /// <summary>The namespace that the peer's id says; null when it says none, or nothing behind it.</summary>
    private string? Namespace() => _principal?[TrustDomains.SpiffeScheme.Length..].Split('/') is [{ Length: > 0 }, "ns", var ns, _, ..] ? ns : null;

    /// <summary>The trust domain of the peer's id; null when there is none, or nothing behind it.</summary>
    private string? TrustDomain() => _principal?[TrustDomains.SpiffeScheme.Length..].Split('/', 2) is [var domain, _] ? domain : null;

    /// <summary>A star stands for anything, also in the middle.</summary>
    private static bool Glob(string pattern, string value)
    {
        string[] parts = pattern.Split('*');
        if (parts.Length == 1) return pattern == value;
        if (!value.StartsWith(parts[0], StringComparison.Ordinal)) return false;
        int at = parts[0].Length;
        for (int i = 1; i < parts.Length - 1; i++)
        {
            int found = value.IndexOf(parts[i], at, StringComparison.Ordinal);
            if (found < 0) return false;
            at = found + parts[i].Length;
        }

        return value.Length - at >= parts[^1].Length && value.EndsWith(parts[^1], StringComparison.Ordinal);
    }

    private bool IsServiceAccount(string value, string policyNamespace)
    {
        int slash = value.IndexOf('/');
        return _principal?[TrustDomains.SpiffeScheme.Length..].Split('/') is [{ Length: > 0 }, "ns", var ns, "sa", var account]
            && ns == (slash < 0 ? policyNamespace : value[..slash]) && account == value[(slash + 1)..];
    }

    /// <summary>A value that names no port takes any.</summary>
    private bool IsHost(string value, bool whenInDoubt)
    {
        var pattern = ValuePattern.Parse(value);
        if (pattern.Kind == ValuePatternKind.Presence) return true;
        bool takesAnyPort = pattern.Kind != ValuePatternKind.Prefix && Port(pattern.Text) < 0;
        return IsAuthority(
            host => pattern.Matches(host, ignoreCase: true) || (takesAnyPort && Port(host) is >= 0 and var at && pattern.Matches(host[..at], ignoreCase: true)), whenInDoubt);
    }

    /// <summary>A host is one name however it is written: with the root's dot, with zeros before its port or with none behind the colon.</summary>
    private bool IsAuthority(Predicate<string> test, bool whenInDoubt)
    {
        string host = request.Host;
        if (host.Contains('%')) return whenInDoubt;
        if (test(host)) return true;
        int colon = Port(host);
        string name = (colon < 0 ? host : host[..colon]).TrimEnd('.');
        string port = colon < 0 || colon == host.Length - 1 ? "" : host[(colon + 1)..].TrimStart('0');
        return test(colon < 0 || colon == host.Length - 1 ? name : $"{name}:{(port.Length == 0 ? "0" : port)}");
    }

    /// <summary>Where the port of a host begins; -1 for none. The colons of <c>[::1]</c> are none.</summary>
    private static int Port(string host) => host.LastIndexOf(':') is >= 0 and var colon && colon > host.LastIndexOf(']') ? colon : -1;

    /// <summary><c>issuer/subject</c> of one token; where the pattern leaves one of the two open, there must be one all the same.</summary>
    private bool IsRequestPrincipal(ValuePattern pattern)
    {
        if (request.ClaimValues("iss") is not [var issuer] || request.ClaimValues("sub") is not [var subject]) return false;
        return pattern.Kind switch
        {
            ValuePatternKind.Presence => issuer.Length > 0 && subject.Length > 0,
            ValuePatternKind.Prefix => subject.Length > 0 && pattern.Matches($"{issuer}/{subject}"),
            ValuePatternKind.Suffix => issuer.Length > 0 && pattern.Matches($"{issuer}/{subject}"),
            _ => pattern.Matches($"{issuer}/{subject}"),
        };
    }

    private static bool AnyOf(ImmutableArray<string> values, string value) => values.Any(candidate => ValuePattern.Parse(value).Matches(candidate));

    private static bool IsWithin(string? address, string block)
    {
        int slash = block.IndexOf('/');
        if (!IPAddress.TryParse(address, out var actual) || !IPAddress.TryParse(slash < 0 ? block : block[..slash], out var expected)) return false;
        if (actual.IsIPv4MappedToIPv6) actual = actual.MapToIPv4();
        int bits = slash < 0 ? expected.GetAddressBytes().Length * 8 : int.Parse(block.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        if (expected.IsIPv4MappedToIPv6 && bits >= MappedPrefixBits) (expected, bits) = (expected.MapToIPv4(), bits - MappedPrefixBits);
        if (actual.AddressFamily != expected.AddressFamily) return false;
        byte[] left = actual.GetAddressBytes(), right = expected.GetAddressBytes();
        for (int i = 0; i < left.Length && bits > 0; i++, bits -= 8)
        {
            int mask = bits >= 8 ? 0xff : 0xff << (8 - bits) & 0xff;
            if (((left[i] ^ right[i]) & mask) != 0) return false;
        }

        return true;
    }
}
