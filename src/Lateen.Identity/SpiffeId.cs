using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Lateen.Identity;

/// <summary>
/// Who a workload is: <c>spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT</c>, the form of Istio. Any other path is no identity of a mesh and is
/// refused. Immutable; two ids are equal when their URIs have the same octets (SPIFFE-ID, section 2: nothing is decoded, nothing folded).
/// </summary>
public sealed record SpiffeId
{
    /// <summary>The longest URI. Octets (SPIFFE-ID, section 2.3). Hit: the text is no identity.</summary>
    public const int MaxLength = 2048;

    /// <summary>The longest namespace and service account: the longest name of a Kubernetes object. Octets.</summary>
    public const int MaxSegmentLength = 253;

    private const string Scheme = "spiffe://";

    private static readonly SearchValues<char> Allowed = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

    private SpiffeId(TrustDomain trustDomain, string @namespace, string serviceAccount)
    {
        TrustDomain = trustDomain;
        Namespace = @namespace;
        ServiceAccount = serviceAccount;
        Uri = $"{Scheme}{trustDomain.Name}/ns/{@namespace}/sa/{serviceAccount}";
    }

    public TrustDomain TrustDomain { get; }

    public string Namespace { get; }

    public string ServiceAccount { get; }

    /// <summary>The whole identity as certificates carry it.</summary>
    public string Uri { get; }

    /// <returns>False with the reason in words when a part cannot stand in an identity.</returns>
    public static bool TryCreate(
        TrustDomain trustDomain, string? @namespace, string? serviceAccount, [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? reason)
    {
        ArgumentNullException.ThrowIfNull(trustDomain);
        id = null;
        reason = Fault(@namespace, "namespace") ?? Fault(serviceAccount, "service account");
        if (reason is not null) return false;
        id = new SpiffeId(trustDomain, @namespace!, serviceAccount!);
        return true;
    }

    /// <exception cref="FormatException">A part cannot stand in an identity. For parts that a program has checked before.</exception>
    public static SpiffeId Create(TrustDomain trustDomain, string @namespace, string serviceAccount) =>
        TryCreate(trustDomain, @namespace, serviceAccount, out var id, out string? reason) ? id : throw new FormatException(reason);

    /// <returns>False with the reason in words when the text is no identity of this form.</returns>
    public static bool TryParse(string? text, [NotNullWhen(true)] out SpiffeId? id, [NotNullWhen(false)] out string? reason)
    {
        id = null;
        if (text is null || text.Length > MaxLength)
        {
            reason = text is null ? "there is no identity" : $"the identity has {text.Length} characters; {MaxLength} is the most";
            return false;
        }

        if (!text.StartsWith(Scheme, StringComparison.Ordinal))
        {
            reason = $"an identity begins with {Scheme}";
            return false;
        }

        string[] parts = text[Scheme.Length..].Split('/');
        if (parts is not [var domain, "ns", var @namespace, "sa", var serviceAccount])
        {
            reason = "an identity of the mesh is spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE-ACCOUNT";
            return false;
        }

        return TrustDomain.TryParse(domain, out var trustDomain, out reason) && TryCreate(trustDomain, @namespace, serviceAccount, out id, out reason);
    }

    /// <exception cref="FormatException">The text is no identity. For texts that a program has checked before.</exception>
    public static SpiffeId Parse(string text) => TryParse(text, out var id, out string? reason) ? id : throw new FormatException(reason);

    private static string? Fault(string? segment, string what) => segment switch
    {
        null or "" => $"the {what} is empty",
        { Length: > MaxSegmentLength } => $"the {what} has {segment.Length} characters; {MaxSegmentLength} is the most",
        "." or ".." => $"the {what} may not be '{segment}'",
        _ when segment.AsSpan().ContainsAnyExcept(Allowed) => $"the {what} has a character other than letters, digits, '.', '-' and '_'",
        _ => null,
    };

    public bool Equals(SpiffeId? other) => other is not null && Uri == other.Uri;

    public override int GetHashCode() => Uri.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Uri;
}
