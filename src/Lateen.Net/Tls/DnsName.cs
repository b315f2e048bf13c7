namespace Lateen.Net.Tls;

/// <summary>Matches host names against the DNS names of certificates.</summary>
public static class DnsName
{
    /// <summary>
    /// Whether a certificate's <paramref name="pattern"/> covers <paramref name="name"/>: equal but for case, or <c>*.</c> and the rest of the
    /// name after its first label (RFC 9525 6.3). A wildcard covers one label, never none, never two; part of a label is no wildcard.
    /// </summary>
    public static bool Matches(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        // A closing dot says that the name is complete, which in a certificate all are.
        if (name.Length > 1 && name[^1] == '.')
            name = name[..^1];
        if (pattern.Length > 1 && pattern[^1] == '.')
            pattern = pattern[..^1];
        if (name.IsEmpty || pattern.IsEmpty)
            return false;
        if (!pattern.StartsWith("*."))
            return pattern.Equals(name, StringComparison.OrdinalIgnoreCase);
        var dot = name.IndexOf('.');
        var rest = pattern[1..];
        // "*" over a whole top-level domain is nobody's to have.
        return dot > 0 && rest[1..].Contains('.') && rest.Equals(name[dot..], StringComparison.OrdinalIgnoreCase);
    }
}
