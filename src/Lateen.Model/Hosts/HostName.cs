namespace Lateen.Model;

/// <summary>Istio's rules for host names in configuration: short names, wildcards, and which of two patterns is the more specific.</summary>
/// <remarks>Comparison is ordinal; readers lower host names once, so nothing here does.</remarks>
public static class HostName
{
    /// <summary>
    /// Makes a short name whole: without a dot, a wildcard or a colon it becomes <c>host.namespace.svc.clusterDomain</c>, in the namespace
    /// of the rule that names it (not of the service that it means). Anything else stays.
    /// </summary>
    public static string Resolve(string host, string ruleNamespace, string clusterDomain)
    {
        ArgumentNullException.ThrowIfNull(host);
        var isWhole = host.Length == 0 || host.AsSpan().IndexOfAny('.', '*', ':') >= 0;
        return isWhole ? host : OfService(host, ruleNamespace, clusterDomain);
    }

    /// <summary>The host name of a core Service.</summary>
    public static string OfService(string name, string serviceNamespace, string clusterDomain) =>
        $"{name}.{serviceNamespace}.svc.{clusterDomain}";

    public static bool IsWildcard(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.Length > 0 && host[0] == '*';
    }

    /// <summary>
    /// True when every name that <paramref name="host"/> can mean is one that <paramref name="pattern"/> means: <c>*</c> contains all,
    /// <c>*.foo.com</c> contains <c>a.foo.com</c>, <c>a.b.foo.com</c> and <c>*.b.foo.com</c> but not <c>foo.com</c>.
    /// </summary>
    public static bool Contains(string pattern, string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        if (!IsWildcard(pattern)) return pattern == host;
        var suffix = pattern.AsSpan(1);
        if (!IsWildcard(host)) return host.AsSpan().EndsWith(suffix, StringComparison.Ordinal);
        return host.AsSpan(1).EndsWith(suffix, StringComparison.Ordinal);
    }

    /// <summary>True when some name is meant by both.</summary>
    public static bool Overlaps(string left, string right) => Contains(left, right) || Contains(right, left);

    /// <summary>Orders patterns from most to least specific: exact names before wildcards, longer wildcards before shorter; equals by
    /// ordinal, so that the order is total.</summary>
    public static int CompareSpecificity(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var byKind = IsWildcard(left).CompareTo(IsWildcard(right));
        if (byKind != 0) return byKind;
        if (IsWildcard(left) && left.Length != right.Length) return right.Length - left.Length;
        return string.CompareOrdinal(left, right);
    }

    /// <summary>The most specific of <paramref name="patterns"/> that contains <paramref name="host"/>: the exact name, else the longest
    /// wildcard; null when none does.</summary>
    public static string? MostSpecific(string host, IEnumerable<string> patterns)
    {
        ArgumentNullException.ThrowIfNull(patterns);
        string? best = null;
        foreach (var pattern in patterns)
            if (Contains(pattern, host) && (best is null || CompareSpecificity(pattern, best) < 0)) best = pattern;
        return best;
    }
}
