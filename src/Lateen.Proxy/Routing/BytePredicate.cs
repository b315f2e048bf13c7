using System.Text;

namespace Lateen.Proxy.Routing;

/// <summary>
/// A test of a text in bytes: Envoy's <c>StringMatcher</c> and the older single-field matchers. Case is ignored for ASCII letters only, as
/// everything that routing compares is ASCII on the wire.
/// </summary>
/// <remarks>Immutable. Allocates nothing when it runs, but see <see cref="SafeRegex"/>.</remarks>
internal abstract class BytePredicate
{
    public abstract bool IsMatch(ReadOnlySpan<byte> text);

    public static BytePredicate Exact(string text, bool ignoreCase) =>
        ignoreCase ? new ExactIgnoringCase(Encoding.UTF8.GetBytes(text)) : new ExactText(Encoding.UTF8.GetBytes(text));

    public static BytePredicate Prefix(string text, bool ignoreCase) => new PrefixText(Encoding.UTF8.GetBytes(text), ignoreCase);

    public static BytePredicate Suffix(string text, bool ignoreCase) => new SuffixText(Encoding.UTF8.GetBytes(text), ignoreCase);

    public static BytePredicate Contains(string text, bool ignoreCase) =>
        ignoreCase ? new ContainsIgnoringCase(Encoding.UTF8.GetBytes(text)) : new ContainsText(Encoding.UTF8.GetBytes(text));

    public static BytePredicate Matches(SafeRegex regex) => new RegexText(regex);

    private sealed class ExactText(byte[] expected) : BytePredicate
    {
        public override bool IsMatch(ReadOnlySpan<byte> text) => text.SequenceEqual(expected);
    }

    private sealed class ExactIgnoringCase(byte[] expected) : BytePredicate
    {
        public override bool IsMatch(ReadOnlySpan<byte> text) => Ascii.EqualsIgnoreCase(text, expected);
    }

    private sealed class PrefixText(byte[] expected, bool ignoreCase) : BytePredicate
    {
        public override bool IsMatch(ReadOnlySpan<byte> text) =>
            ignoreCase ? text.Length >= expected.Length && Ascii.EqualsIgnoreCase(text[..expected.Length], expected) : text.StartsWith(expected);
    }

    private sealed class SuffixText(byte[] expected, bool ignoreCase) : BytePredicate
    {
        public override bool IsMatch(ReadOnlySpan<byte> text) =>
            ignoreCase ? text.Length >= expected.Length && Ascii.EqualsIgnoreCase(text[^expected.Length..], expected) : text.EndsWith(expected);
    }

    private sealed class ContainsText(byte[] expected) : BytePredicate
    {
        public override bool IsMatch(ReadOnlySpan<byte> text) => text.IndexOf(expected) >= 0;
    }

    private sealed class ContainsIgnoringCase(byte[] expected) : BytePredicate
    {
        public override bool IsMatch(ReadOnlySpan<byte> text)
        {
            for (var start = 0; start + expected.Length <= text.Length; start++)
            {
                if (Ascii.EqualsIgnoreCase(text.Slice(start, expected.Length), expected)) return true;
            }

            return false;
        }
    }

    private sealed class RegexText(SafeRegex regex) : BytePredicate
    {
        public override bool IsMatch(ReadOnlySpan<byte> text) => regex.IsMatch(text);
    }
}
