using System.Collections.Immutable;

namespace Lateen.Model.Security;

/// <summary>
/// The mesh's trust domain and its aliases. An identity of one of them in a policy means the same workload in each of them, and so does
/// <c>cluster.local</c>, which stands for the mesh's own whatever it is called.
/// </summary>
public sealed class TrustDomains
{
    /// <summary>What every mesh may call itself.</summary>
    private const string Local = "cluster.local";

    private readonly ImmutableArray<string> _names;

    public TrustDomains(MeshConfig mesh)
    {
        ArgumentNullException.ThrowIfNull(mesh);
        _names = [.. mesh.TrustDomainAliases.Prepend(mesh.TrustDomain).Distinct(StringComparer.Ordinal)];
    }

    /// <summary>
    /// The values of <c>principals</c> that one stands for: for each name of the mesh, when it begins with one of them; else itself alone. A value may be
    /// a pattern; <c>*</c> and a pattern that leaves the trust domain open mean every trust domain already.
    /// </summary>
    public ImmutableArray<string> ExpandPrincipal(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        string scheme = value.StartsWith(SpiffeScheme, StringComparison.Ordinal) ? SpiffeScheme : "";
        string identity = value[scheme.Length..];
        int slash = identity.IndexOf('/');
        if (slash <= 0) return [value];
        string domain = identity[..slash];
        if (domain == "*") return [value];
        string rest = identity[slash..];
        if (domain.StartsWith('*'))
        {
            // A pattern of trust domains that means one of ours means the others too.
            return _names.Any(name => IsSuffix(domain, name))
                ? [value, .. _names.Where(name => !IsSuffix(domain, name)).Select(name => $"{scheme}{name}{rest}")]
                : [value];
        }

        return IsOurs(domain) ? [.. _names.Select(name => $"{scheme}{name}{rest}")] : [value];
    }

    /// <summary>The values of <c>trustDomains</c> that one stands for.</summary>
    public ImmutableArray<string> Expand(string value) => IsOurs(value) ? _names : [value];

    private bool IsOurs(string domain) => domain == Local || _names.Contains(domain);

    private static bool IsSuffix(string pattern, string name) => name.EndsWith(pattern[1..], StringComparison.Ordinal);

    /// <summary>How every SPIFFE id begins; policies leave it out.</summary>
    public const string SpiffeScheme = "spiffe://";
}
