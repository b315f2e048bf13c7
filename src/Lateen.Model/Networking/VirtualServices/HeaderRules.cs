using Lateen.Model.Reading;

namespace Lateen.Model.Networking.VirtualServices;

/// <summary>Header names: RFC 9110 tokens, no pseudo-headers, and Host only where it means a host rewrite (set or add on the request).</summary>
internal static class HeaderRules
{
    private const string ClaimPrefix = "@request.auth.claims";

    public static void Check(ObjectReader at, HeaderOperations operations, bool isRequest)
    {
        foreach (var (field, names) in new[]
        {
            ("set", operations.Set.Select(entry => entry.Key)),
            ("add", operations.Add.Select(entry => entry.Key)),
        })
            foreach (var name in names)
                if (Complaint(name, authorityAllowed: isRequest) is { } complaint)
                    at.ReportKey(DiagnosticCodes.InvalidHeader, field, name, complaint, "RFC 9110 section 5.1");
        for (var i = 0; i < operations.Remove.Length; i++)
            if (IsAuthority(operations.Remove[i]))
                at.ReportItem(
                    DiagnosticCodes.InvalidHeader, "remove", i, $"'{operations.Remove[i]}' may not be removed", "every request has one");
            else if (Complaint(operations.Remove[i], authorityAllowed: false) is { } complaint)
                at.ReportItem(DiagnosticCodes.InvalidHeader, "remove", i, complaint, "RFC 9110 section 5.1");
    }

    public static bool SetsAuthority(HeaderOperations? operations) =>
        operations is not null && (operations.Set.Any(entry => IsAuthority(entry.Key)) || operations.Add.Any(entry => IsAuthority(entry.Key)));

    /// <summary>Names in a match: also claims of a validated token, which only gateways can match.</summary>
    public static void CheckMatches(ObjectReader at, string field, StringMap<StringMatch> matches)
    {
        foreach (var (name, match) in matches)
        {
            if (name.StartsWith(ClaimPrefix, StringComparison.Ordinal))
            {
                var rest = name.AsSpan(ClaimPrefix.Length);
                var isClaim = rest.Length > 1 && (rest[0] == '.' || (rest[0] == '[' && rest[^1] == ']'));
                if (!isClaim)
                    at.ReportKey(
                        DiagnosticCodes.InvalidHeader, field, name, $"'{name}' names no claim",
                        $"{ClaimPrefix}.name or {ClaimPrefix}[name]");
                else
                    at.ReportKey(
                        DiagnosticCodes.NotInEffect, field, name, "claims cannot be matched yet: this release leaves the whole match out");
                continue;
            }

            if (name.Length == 0 || !IsToken(name.StartsWith(':') ? name.AsSpan(1) : name))
                at.ReportKey(DiagnosticCodes.InvalidHeader, field, name, $"'{name}' is not a header name", "RFC 9110 section 5.1");
            if (match.Kind != StringMatchKind.Present && match.Value.Length == 0)
                at.ReportKey(
                    DiagnosticCodes.EmptyMatch, field, name, "an empty value matches nothing", "leave the value out to match presence");
        }
    }

    /// <summary>RFC 9110 section 5.6.2.</summary>
    public static bool IsToken(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty) return false;
        foreach (var letter in name)
            if (!char.IsAsciiLetterOrDigit(letter) && !"!#$%&'*+-.^_`|~".Contains(letter)) return false;
        return true;
    }

    private static string? Complaint(string name, bool authorityAllowed)
    {
        if (IsAuthority(name)) return authorityAllowed ? null : $"'{name}' may only be set on requests";
        if (name.StartsWith(':')) return $"the pseudo-header '{name}' may not be changed";
        return IsToken(name) ? null : $"'{name}' is not a header name";
    }

    private static bool IsAuthority(string name) =>
        name.Equals("host", StringComparison.OrdinalIgnoreCase) || name == ":authority";
}
