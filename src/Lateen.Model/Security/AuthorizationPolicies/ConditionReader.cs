using System.Collections.Immutable;
using Lateen.Model.Networking.VirtualServices;
using Lateen.Model.Reading;
using static Lateen.Model.Reading.ShapeField;

namespace Lateen.Model.Security.AuthorizationPolicies;

/// <summary>Reads one condition of <c>when</c>: a key, and the values that it may or must not have.</summary>
internal static class ConditionReader
{
    public static readonly MessageShape Shape = new("Condition", InEffect("key"), InEffect("values"), InEffect("notValues"));

    private static readonly ImmutableArray<(string Key, PolicyAttribute Attribute)> PlainKeys =
    [
        ("source.ip", PolicyAttribute.SourceIp), ("remote.ip", PolicyAttribute.RemoteIp), ("source.namespace", PolicyAttribute.Namespace),
        ("source.serviceAccount", PolicyAttribute.ServiceAccount), ("source.principal", PolicyAttribute.Principal),
        ("source.trustDomain", PolicyAttribute.TrustDomain), ("request.auth.principal", PolicyAttribute.RequestPrincipal),
        ("request.auth.audiences", PolicyAttribute.Audience), ("request.auth.presenter", PolicyAttribute.Presenter),
        ("destination.ip", PolicyAttribute.DestinationIp), ("destination.port", PolicyAttribute.DestinationPort),
        ("connection.sni", PolicyAttribute.ServerName),
    ];

    /// <summary>The keys that are words alone; others name a header, a claim or another filter's metadata.</summary>
    internal static IEnumerable<string> KnownKeys => PlainKeys.Select(static known => known.Key);

    private const string HeaderKey = "request.headers";
    private const string ClaimKey = "request.auth.claims";
    private const string FilterPrefix = "experimental.envoy.filters.";

    /// <summary>Istio once knew these; a policy is already chosen by its namespace and selector.</summary>
    private static readonly ImmutableArray<string> RemovedKeys = ["destination.name", "destination.namespace", "destination.user", "destination.labels"];

    public static AttributeCondition? Read(ObjectReader at, AuthorizationAction action)
    {
        string? key = at.RequiredString("key");
        if (!at.Has("values") && !at.Has("notValues"))
            at.ReportHere(DiagnosticCodes.EmptyRule, "a condition needs values or notValues", "values: [\"*\"] asks that there is one");
        if (key is null || Parse(key) is not { } parsed)
        {
            // Read all the same, so that what is wrong with them is said too.
            at.Strings("values");
            at.Strings("notValues");
            if (key is not null) ReportKey(at, key);
            return null;
        }

        if (action == AuthorizationAction.Custom && parsed.Attribute.IsAuthenticated()) AuthorizationPolicyRules.NotWithCustom(at, "key", key);
        if (parsed.Attribute == PolicyAttribute.Header && !IsHeaderName(parsed.Path[0]))
            at.Report(DiagnosticCodes.InvalidHeader, "key", $"'{parsed.Path[0]}' is not a header name", "RFC 9110 section 5.1, or :method, :scheme, :authority, :path");
        return AttributeFields.Read(at, parsed.Attribute, parsed.Path, "values", "notValues");
    }

    /// <summary>Proxies refuse a whole listener over a pseudo-header that there is not (RFC 9113 section 8.3.1).</summary>
    private static bool IsHeaderName(string name) => name is ":method" or ":scheme" or ":authority" or ":path" || HeaderRules.IsToken(name);

    private static void ReportKey(ObjectReader at, string key)
    {
        bool isRemoved = RemovedKeys.Any(removed => key == removed || key.StartsWith($"{removed}[", StringComparison.Ordinal));
        at.Report(
            DiagnosticCodes.InvalidCondition, "key", isRemoved ? $"'{key}' is not served any more" : $"'{key}' is not a condition key",
            isRemoved ? "the policy's namespace and selector choose the destination"
                : DidYouMean.Hint(key, PlainKeys.Select(known => known.Key))
                    ?? "source.ip, source.principal, request.headers[name], request.auth.claims[name], destination.port ...");
    }

    private static (PolicyAttribute Attribute, ImmutableArray<string> Path)? Parse(string key)
    {
        foreach (var (plain, attribute) in PlainKeys)
            if (key == plain) return (attribute, []);
        if (Steps(key, HeaderKey) is [var name]) return (PolicyAttribute.Header, [name.ToLowerInvariant()]);
        if (Steps(key, ClaimKey) is { Length: > 0 } claim) return (PolicyAttribute.Claim, claim);
        if (!key.StartsWith(FilterPrefix, StringComparison.Ordinal)) return null;
        int bracket = key.IndexOf('[');
        // experimental.envoy.filters.a.b[c]: the filter's name is what stands between the prefix's "experimental." and the bracket.
        return bracket > FilterPrefix.Length && Steps(key, key[..bracket]) is { Length: > 0 } steps
            ? (PolicyAttribute.FilterMetadata, [key["experimental.".Length..bracket], .. steps])
            : null;
    }

    /// <summary>What stands in the brackets behind a word: <c>word[a][b]</c>; empty when the key is not of this form.</summary>
    private static ImmutableArray<string> Steps(string key, string word)
    {
        if (!key.StartsWith(word, StringComparison.Ordinal)) return [];
        var steps = ImmutableArray.CreateBuilder<string>();
        var rest = key.AsSpan(word.Length);
        while (!rest.IsEmpty)
        {
            int end = rest.IndexOf(']');
            if (rest[0] != '[' || end < 2) return [];
            steps.Add(rest[1..end].ToString());
            rest = rest[(end + 1)..];
        }

        return steps.ToImmutable();
    }
}
