namespace Lateen.Model.Security;

/// <summary>How a <see cref="ValuePattern"/> compares.</summary>
public enum ValuePatternKind
{
    Exact = 0,
    Prefix = 1,
    Suffix = 2,

    /// <summary>Any value that is not empty.</summary>
    Presence = 3,
}

/// <summary>Istio's pattern of a value in a policy: <c>*</c> any value, <c>text*</c>, <c>*text</c>, else exactly the text. A star elsewhere is a star.</summary>
public readonly record struct ValuePattern(ValuePatternKind Kind, string Text)
{
    /// <summary>Any value that is not empty.</summary>
    public static readonly ValuePattern Any = new(ValuePatternKind.Presence, "");

    public static ValuePattern Parse(string written)
    {
        ArgumentNullException.ThrowIfNull(written);
        if (written == "*") return Any;
        if (written.StartsWith('*')) return new ValuePattern(ValuePatternKind.Suffix, written[1..]);
        return written.EndsWith('*') ? new ValuePattern(ValuePatternKind.Prefix, written[..^1]) : new ValuePattern(ValuePatternKind.Exact, written);
    }

    public bool Matches(string value, bool ignoreCase = false)
    {
        ArgumentNullException.ThrowIfNull(value);
        var comparison = ignoreCase ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        return Kind switch
        {
            ValuePatternKind.Exact => value.Equals(Text, comparison),
            ValuePatternKind.Prefix => value.StartsWith(Text, comparison),
            ValuePatternKind.Suffix => value.EndsWith(Text, comparison),
            _ => value.Length > 0,
        };
    }

    public override string ToString() => Kind switch
    {
        ValuePatternKind.Exact => Text,
        ValuePatternKind.Prefix => $"{Text}*",
        ValuePatternKind.Suffix => $"*{Text}",
        _ => "*",
    };
}
