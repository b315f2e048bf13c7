using System.Collections.Immutable;
using System.Globalization;
using System.Net;

namespace Lateen.Model.Security;

/// <summary>Which rules match one described request.</summary>
internal sealed class RuleMatching(TrustDomains domains, DescribedRequest request)
{
    private readonly string? _principal = request.Principal is { Length: > 0 } written
        ? written.StartsWith(TrustDomains.SpiffeScheme, StringComparison.Ordinal) ? written : TrustDomains.SpiffeScheme + written
        : null;

    private readonly string _path = request.Path.IndexOf('?') is >= 0 and var query ? request.Path[..query] : request.Path;

    /// <summary>The place of the policy's first rule that matches; null when none does.</summary>
    public int? FirstMatch(Resource<AuthorizationPolicy> policy)
    {
        for (int i = 0; i < policy.Spec.Rules.Length; i++)
            if (Matches(policy.Spec.Rules[i], policy)) return i;
        return null;
    }

    private bool Matches(AuthorizationRule rule, Resource<AuthorizationPolicy> policy)
    {
        // What a connection cannot answer makes an ALLOW rule never match and is not asked by the other actions.
        if (!request.IsHttp && policy.Spec.Action == AuthorizationAction.Allow && rule.AllConditions().Any(condition => condition.Attribute.IsOfRequest())) return false;
        return OneOf(rule.From, policy.Namespace) && OneOf(rule.To, policy.Namespace) && All(rule.When, policy.Namespace);
    }

    private bool OneOf(ImmutableArray<ConditionSet> sets, string policyNamespace) =>
        sets.IsEmpty || sets.Any(set => All(set.Conditions, policyNamespace));

    private bool All(ImmutableArray<AttributeCondition> conditions, string policyNamespace)
    {
        foreach (var condition in conditions)
        {
            if (!request.IsHttp && condition.Attribute.IsOfRequest()) continue;
            if (!condition.Values.IsEmpty && !condition.Values.Any(value => Is(condition, value, policyNamespace))) return false;
            if (condition.NotValues.Any(value => Is(condition, value, policyNamespace))) return false;
        }

        return true;
    }

    private bool Is(AttributeCondition condition, string value, string policyNamespace) => condition.Attribute switch
    {
        PolicyAttribute.Principal => domains.ExpandPrincipal(value).Any(IsPrincipal),
        PolicyAttribute.TrustDomain => Identity("") is { } domain && domains.Expand(value).Any(expanded => ValuePattern.Parse(expanded).Matches(domain)),
        PolicyAttribute.Namespace => Identity("ns") is { } ns && IsNamespace(value, ns),
        PolicyAttribute.ServiceAccount => IsServiceAccount(value, policyNamespace),
        PolicyAttribute.SourceIp => IsWithin(request.SourceIp, value),
        PolicyAttribute.RemoteIp => IsWithin(request.RemoteIp ?? request.SourceIp, value),
        PolicyAttribute.DestinationIp => IsWithin(request.DestinationIp, value),
        PolicyAttribute.DestinationPort => request.DestinationPort?.ToString(CultureInfo.InvariantCulture) == value,
        PolicyAttribute.ServerName => request.ServerName is { } name && ValuePattern.Parse(value).Matches(name),
        PolicyAttribute.Method => ValuePattern.Parse(value).Matches(request.Method),
        PolicyAttribute.Path => PathTemplate.IsTemplate(value) ? PathTemplate.Matches(value, _path) : ValuePattern.Parse(value).Matches(_path),
        PolicyAttribute.Host => IsHost(value),
        // The presence of a header is asked, not that it says something.
        PolicyAttribute.Header => HeaderOf(condition.Path[0]) is { } header && (value == "*" || ValuePattern.Parse(value).Matches(header)),
        PolicyAttribute.RequestPrincipal => IsRequestPrincipal(value),
        PolicyAttribute.Audience => AnyOf(request.ClaimValues("aud"), value),
        PolicyAttribute.Presenter => AnyOf(request.ClaimValues("azp"), value),
        PolicyAttribute.Claim => AnyOf(request.ClaimValues(condition.Path.AsSpan()), value),
        // No description says what other filters leave.
        _ => false,
    };

    /// <summary>Pseudo-headers are what the request line says (RFC 9113 section 8.3.1).</summary>
    private string? HeaderOf(string name) => name switch
    {
        ":method" => request.Method,
        ":path" => request.Path,
        ":authority" or "host" => request.Host.Length > 0 ? request.Host : null,
        _ => request.Headers.GetValueOrDefault(name),
    };

    private bool IsPrincipal(string value)
    {
        if (_principal is null) return false;
        if (value.StartsWith(TrustDomains.SpiffeScheme, StringComparison.Ordinal)) return ValuePattern.Parse(value).Matches(_principal);
        return ValuePattern.Parse(value).Matches(_principal[TrustDomains.SpiffeScheme.Length..]);
    }

    /// <summary>The part of the peer's id behind a step; the empty step is the trust domain.</summary>
    private string? Identity(string step)
    {
        if (_principal is null) return null;
        string[] parts = _principal[TrustDomains.SpiffeScheme.Length..].Split('/');
        if (step.Length == 0) return parts[0];
        return parts is [_, "ns", var ns, "sa", var account] ? step == "ns" ? ns : account : null;
    }

    /// <summary>A star stands for anything, also in the middle.</summary>
    private static bool IsNamespace(string pattern, string value)
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
        return Identity("ns") == (slash < 0 ? policyNamespace : value[..slash]) && Identity("sa") == value[(slash + 1)..];
    }

    private bool IsHost(string value)
    {
        var pattern = ValuePattern.Parse(value);
        if (pattern.Kind == ValuePatternKind.Presence) return request.Host.Length > 0;
        return pattern.Matches(request.Host, ignoreCase: true) || (Port(pattern.Text) < 0 && Port(request.Host) is >= 0 and var at && pattern.Matches(request.Host[..at], ignoreCase: true));
    }

    /// <summary>Where the port of a host begins; -1 for none. The colons of <c>[::1]</c> are none.</summary>
    private static int Port(string host) => host.LastIndexOf(':') is >= 0 and var colon && colon > host.LastIndexOf(']') ? colon : -1;

    private bool IsRequestPrincipal(string value)
    {
        if (request.ClaimValues("iss") is not [var issuer, ..] || request.ClaimValues("sub") is not [var subject, ..]) return false;
        return ValuePattern.Parse(value) is var pattern && (pattern.Kind == ValuePatternKind.Presence
            ? issuer.Length > 0 && subject.Length > 0
            : pattern.Matches($"{issuer}/{subject}"));
    }

    private static bool AnyOf(ImmutableArray<string> values, string value) => values.Any(candidate => ValuePattern.Parse(value).Matches(candidate));

    private static bool IsWithin(string? address, string block)
    {
        int slash = block.IndexOf('/');
        if (!IPAddress.TryParse(address, out var actual) || !IPAddress.TryParse(slash < 0 ? block : block[..slash], out var expected)) return false;
        if (actual.IsIPv4MappedToIPv6) actual = actual.MapToIPv4();
        if (actual.AddressFamily != expected.AddressFamily) return false;
        byte[] left = actual.GetAddressBytes(), right = expected.GetAddressBytes();
        int bits = slash < 0 ? left.Length * 8 : int.Parse(block.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        for (int i = 0; i < left.Length && bits > 0; i++, bits -= 8)
        {
            int mask = bits >= 8 ? 0xff : 0xff << (8 - bits) & 0xff;
            if (((left[i] ^ right[i]) & mask) != 0) return false;
        }

        return true;
    }
}
