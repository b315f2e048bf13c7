namespace Lateen.Model.Reading.Values;

/// <summary>Labels that select workloads.</summary>
internal static class SelectorRules
{
    public static void Check(ObjectReader at, string field, StringMap<string> labels)
    {
        foreach (var (key, value) in labels)
        {
            if (key.Length == 0) at.Report(DiagnosticCodes.InvalidSelector, field, "a label name must not be empty");
            else if (key.Contains('*') || value.Contains('*'))
                at.ReportKey(
                    DiagnosticCodes.InvalidSelector, field, key, $"'{key}: {value}': selectors know no wildcards", "name each value");
            else LabelRules.CheckEntry(at, field, key, value);
        }
    }
}

/// <summary>Kubernetes' syntax of labels.</summary>
internal static class LabelRules
{
    private const int MaxLength = 63;

    public static void Check(ObjectReader at, string field, StringMap<string> labels)
    {
        foreach (var (key, value) in labels) CheckEntry(at, field, key, value);
    }

    public static void CheckEntry(ObjectReader at, string field, string key, string value)
    {
        var slash = key.LastIndexOf('/');
        var name = key.AsSpan(slash + 1);
        if (!IsWord(name) || name.IsEmpty || (slash >= 0 && HostSyntax.Check(key[..slash], HostRule.Name) is not null))
            at.ReportKey(
                DiagnosticCodes.InvalidLabel, field, key, $"'{key}' is not a label name",
                "[prefix/]name of at most 63 letters, digits, '-', '_' and '.'");
        if (!IsWord(value))
            at.ReportKey(
                DiagnosticCodes.InvalidLabel, field, key, $"'{value}' is not a label value",
                "at most 63 letters, digits, '-', '_' and '.'");
    }

    private static bool IsWord(ReadOnlySpan<char> word)
    {
        if (word.IsEmpty) return true;
        if (word.Length > MaxLength || !char.IsAsciiLetterOrDigit(word[0]) || !char.IsAsciiLetterOrDigit(word[^1])) return false;
        foreach (var letter in word)
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('-' or '_' or '.')) return false;
        return true;
    }
}
