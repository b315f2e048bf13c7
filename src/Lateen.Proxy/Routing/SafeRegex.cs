using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;

namespace Lateen.Proxy.Routing;

/// <summary>
/// A regular expression with RE2's syntax and promise: time linear in the input, whatever the input. It matches the whole input, which are
/// bytes of UTF-8 (an invalid sequence counts as U+FFFD, as RE2 has it).
/// </summary>
/// <remarks>
/// Immutable and safe from any thread. Most expressions in real configuration are a literal with <c>.*</c> at one end or both; these are
/// recognised when compiled and matched as bytes. The rest runs on the framework's non-backtracking engine over characters decoded on
/// the stack (inputs above <see cref="StackChars"/> use a pooled array). That engine keeps one scratch object per expression: two
/// reactors that run one expression at the same instant make a second one, which is the only allocation here.
/// </remarks>
internal sealed class SafeRegex
{
    /// <summary>Longest expression accepted. Characters; Istio allows 1,024 of them, a hand-written Envoy file may want more.</summary>
    internal const int MaxPatternLength = 8192;

    private const int StackChars = 512;

    private static readonly SearchValues<char> Special = SearchValues.Create(@"\.+*?()|[]{}^$");

    private readonly LiteralForm _form;
    private readonly byte[] _literal;
    private readonly Regex? _regex;

    private SafeRegex(string pattern, LiteralForm form, byte[] literal, Regex? regex)
    {
        Pattern = pattern;
        _form = form;
        _literal = literal;
        _regex = regex;
    }

    private enum LiteralForm
    {
        None,
        Exact,
        Prefix,
        Suffix,
        Contains,
    }

    /// <summary>As configured.</summary>
    public string Pattern { get; }

    public static SafeRegex? TryCreate(string pattern, out string error)
    {
        error = string.Empty;
        if (pattern.Length == 0) error = "the expression is empty";
        else if (pattern.Length > MaxPatternLength) error = $"the expression has more than {MaxPatternLength} characters";
        if (error.Length > 0) return null;

        if (TryReadLiteral(pattern, out var form, out var literal)) return new SafeRegex(pattern, form, Encoding.UTF8.GetBytes(literal), null);
        return TryCompile(pattern, wholeInput: true, out error) is { } regex ? new SafeRegex(pattern, LiteralForm.None, [], regex) : null;
    }

    /// <summary>The expression for the framework's linear engine, anchored at both ends or free to match anywhere.</summary>
    public static Regex? TryCompile(string pattern, bool wholeInput, out string error)
    {
        var translated = Re2Translator.TryTranslate(pattern, out error);
        if (translated is null) return null;
        try
        {
            return new Regex(wholeInput ? $@"\A(?:{translated})\z" : translated, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        }
        catch (ArgumentException refusal)
        {
            error = refusal.Message;
        }
        catch (NotSupportedException refusal)
        {
            error = refusal.Message;
        }

        return null;
    }

    public bool IsMatch(ReadOnlySpan<byte> input) => _form switch
    {
        LiteralForm.Exact => input.SequenceEqual(_literal),
        // "." stops at a newline.
        LiteralForm.Prefix => input.StartsWith(_literal) && !input[_literal.Length..].Contains((byte)'\n'),
        LiteralForm.Suffix => input.EndsWith(_literal) && !input[..^_literal.Length].Contains((byte)'\n'),
        LiteralForm.Contains => input.IndexOf(_literal) >= 0 && !input.Contains((byte)'\n'),
        _ => MatchDecoded(_regex!, input),
    };

    private static bool MatchDecoded(Regex regex, ReadOnlySpan<byte> input)
    {
        if (input.Length <= StackChars)
        {
            Span<char> chars = stackalloc char[StackChars];
            return regex.IsMatch(chars[..Encoding.UTF8.GetChars(input, chars)]);
        }

        // A UTF-8 sequence never decodes to more characters than it has bytes.
        var rented = ArrayPool<char>.Shared.Rent(input.Length);
        var isMatch = regex.IsMatch(rented.AsSpan(0, Encoding.UTF8.GetChars(input, rented)));
        ArrayPool<char>.Shared.Return(rented);
        return isMatch;
    }

    private static bool TryReadLiteral(string pattern, out LiteralForm form, out string literal)
    {
        var body = pattern.AsSpan();
        var isOpenStart = body.StartsWith(".*");
        if (isOpenStart) body = body[2..];
        var isOpenEnd = body.EndsWith(".*") && !body.EndsWith(@"\.*");
        if (isOpenEnd) body = body[..^2];

        form = (isOpenStart, isOpenEnd) switch
        {
            (true, true) => LiteralForm.Contains,
            (true, false) => LiteralForm.Suffix,
            (false, true) => LiteralForm.Prefix,
            _ => LiteralForm.Exact,
        };
        var text = new StringBuilder(body.Length);
        for (var i = 0; i < body.Length; i++)
        {
            var c = body[i];
            // An escaped special character is itself: "/v1\.0/.*" is a prefix as much as "/v1/.*".
            if (c == '\\' && i + 1 < body.Length && !char.IsAsciiLetterOrDigit(body[i + 1])) c = body[++i];
            else if (Special.Contains(c)) break;
            text.Append(c);
            if (i == body.Length - 1)
            {
                literal = text.ToString();
                return !literal.Contains('\n');
            }
        }

        literal = string.Empty;
        return body.IsEmpty;
    }
}
