using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters.Rbac;

/// <summary>What denied requests are answered, and what the access log is told of them.</summary>
internal static class RbacReplies
{
    private static readonly byte[] Body = "RBAC: access denied"u8.ToArray();

    /// <summary>A shadow verdict could not be left for the filters behind.</summary>
    public static LocalReply NoRoom { get; } = new() { Status = 403, Body = Body, Details = "rbac_metadata_overflow" };

    /// <summary>The answer where a policy denies; null: because none allows.</summary>
    /// <param name="policy">The policy's name.</param>
    /// <param name="place">Where it is written, as <see cref="PlaceText"/> puts it; empty: nobody said.</param>
    public static LocalReply Denied(string? policy, string place) => new() { Status = 403, Body = Body, Details = DetailsOf(policy, place) };

    /// <summary>Envoy's words to the last <c>]</c>, then the place in braces, which Envoy does not know.</summary>
    private static string DetailsOf(string? policy, string place)
    {
        string details = $"rbac_access_denied_matched_policy[{PlaceText.OneWord(policy ?? RbacRuleSet.NoPolicy)}]";
        return place.Length == 0 ? details : $"{details}{{{place}}}";
    }
}
