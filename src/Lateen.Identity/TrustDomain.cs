using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Lateen.Identity;

/// <summary>
/// The name of a body of workloads that share roots of trust: <c>cluster.local</c>. Lower-case letters, digits, dots, dashes and underscores, 255 octets
/// at most (SPIFFE-ID, section 2.1). Immutable; compared by octets.
/// </summary>
public sealed record TrustDomain
{
    /// <summary>The longest name. Octets. Hit: the text is no trust domain.</summary>
    public const int MaxLength = 255;

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789.-_");

    private TrustDomain(string name) => Name = name;

    /// <summary>The one that a mesh has when nobody names another, as in Istio.</summary>
    public static TrustDomain Default { get; } = new("cluster.local");

    public string Name { get; }

    /// <returns>False with the reason in words when the text is no trust domain.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out TrustDomain? domain, [NotNullWhen(false)] out string? reason)
    {
        domain = null;
        reason = text switch
        {
            null or "" => "the trust domain is empty",
            { Length: > MaxLength } => $"the trust domain has {text.Length} characters; {MaxLength} is the most",
            _ when text.AsSpan().ContainsAnyExcept(Allowed) => "a trust domain has lower-case letters, digits, '.', '-' and '_' only",
            _ => null,
        };
        if (reason is not null) return false;
        domain = new TrustDomain(text!);
        return true;
    }

    /// <exception cref="FormatException">The text is no trust domain. For names that a program has checked before.</exception>
    public static TrustDomain Parse(string text) => TryParse(text, out var domain, out string? reason) ? domain : throw new FormatException(reason);

    public override string ToString() => Name;
}
