namespace Lateen.Model.Networking;

/// <summary>How a <see cref="StringMatch"/> compares.</summary>
public enum StringMatchKind
{
    /// <summary>Nothing was written but the key: it must be there, with any value. Only header and query matches may say this.</summary>
    Present = 0,
    Exact = 1,

    /// <summary>A raw string prefix: <c>/foo</c> matches <c>/foobar</c>, unlike the path-segment prefixes of the Gateway API.</summary>
    Prefix = 2,

    /// <summary>RE2 syntax, and the whole value must match. The expression was compiled at validation, so it runs.</summary>
    Regex = 3,
}

/// <summary>Istio's <c>StringMatch</c>: exact, prefix or regex.</summary>
public readonly record struct StringMatch(StringMatchKind Kind, string Value)
{
    public static StringMatch Exact(string value) => new(StringMatchKind.Exact, value);

    public static StringMatch Prefix(string value) => new(StringMatchKind.Prefix, value);

    public static StringMatch Regex(string value) => new(StringMatchKind.Regex, value);

    public static readonly StringMatch Present = new(StringMatchKind.Present, "");

    /// <summary>True when any value matches: presence, or the regex <c>*</c> that Istio takes for it.</summary>
    public bool IsPresence => Kind == StringMatchKind.Present || (Kind == StringMatchKind.Regex && Value == "*");

    public override string ToString() => Kind == StringMatchKind.Present ? "present" : $"{Kind.ToString().ToLowerInvariant()}:{Value}";
}
