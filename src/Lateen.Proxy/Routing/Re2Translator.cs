using System.Globalization;
using System.Text;

namespace Lateen.Proxy.Routing;

/// <summary>
/// Rewrites a regular expression from RE2's syntax, in which Envoy and Istio configuration is written, to the equal one in .NET's.
/// What RE2 does not have (look-around, back references, atomic groups) is refused, as RE2 refuses it; what it has and .NET lacks is
/// spelled out (<c>\d</c> is ASCII in RE2, <c>[[:alpha:]]</c>, <c>\Q..\E</c>, <c>(?P&lt;name&gt;</c>, <c>\x{1F}</c>).
/// </summary>
/// <remarks>
/// Pure. Syntax: github.com/google/re2/wiki/Syntax. Code points above U+FFFF in a class are refused: .NET matches UTF-16 units.
/// </remarks>
internal ref struct Re2Translator
{
    private readonly ReadOnlySpan<char> _pattern;
    private readonly StringBuilder _output;
    private int _at;
    private bool _isMultiline;
    private string? _error;

    private Re2Translator(ReadOnlySpan<char> pattern)
    {
        _pattern = pattern;
        _output = new StringBuilder(pattern.Length + 16);
    }

    /// <summary>The .NET form, or null and why not.</summary>
    public static string? TryTranslate(string pattern, out string error)
    {
        var translator = new Re2Translator(pattern);
        translator.Run();
        error = translator._error ?? string.Empty;
        return translator._error is null ? translator._output.ToString() : null;
    }

    private void Run()
    {
        while (_error is null && _at < _pattern.Length)
        {
            var c = _pattern[_at];
            switch (c)
            {
                case '\\': Escape(inClass: false); break;
                case '[': Class(); break;
                case '(' when Peek(1) == '?': GroupOptions(); break;
                // In RE2 it is the end of the text; in .NET also the place before a final newline.
                case '$' when !_isMultiline: Take(1, @"\z"); break;
                default: Take(1, null); break;
            }
        }
    }

    private readonly char Peek(int offset) => _at + offset < _pattern.Length ? _pattern[_at + offset] : '\0';

    private void Take(int count, string? replacement)
    {
        if (replacement is null) _output.Append(_pattern.Slice(_at, count));
        else _output.Append(replacement);
        _at += count;
    }

    private void Fail(string reason) => _error ??= $"{reason} at position {_at + 1}";

    private void GroupOptions()
    {
        var rest = _pattern[(_at + 2)..];
        if (rest.StartsWith("P<")) Take(4, "(?<");
        else if (rest.StartsWith("=") || rest.StartsWith("!") || rest.StartsWith("<=") || rest.StartsWith("<!")) Fail("look-around is not part of RE2");
        else if (rest.StartsWith(">")) Fail("atomic groups are not part of RE2");
        else if (rest.StartsWith("<") || rest.StartsWith(":")) Take(3, null);
        else Flags();
    }

    private void Flags()
    {
        var isOn = true;
        for (var i = _at + 2; i < _pattern.Length; i++)
        {
            switch (_pattern[i])
            {
                case 'i' or 's': break;
                case 'm': _isMultiline |= isOn; break;
                case '-': isOn = false; break;
                case ')' or ':': Take(i + 1 - _at, null); return;
                default: Fail($"the flag '{_pattern[i]}' is not supported"); return;
            }
        }

        Fail("a group is not closed");
    }

    private void Class()
    {
        var start = _at;
        Take(1, null);
        if (Peek(0) == '^') Take(1, null);
        // A bracket that comes first is a literal.
        if (Peek(0) == ']') Take(1, @"\]");
        while (_error is null)
        {
            if (_at >= _pattern.Length)
            {
                _at = start;
                Fail("a character class is not closed");
                return;
            }

            switch (_pattern[_at])
            {
                case ']': Take(1, null); return;
                case '\\': Escape(inClass: true); break;
                case '[' when Peek(1) == ':': PosixClass(); break;
                // .NET would take "-[" for a class subtraction.
                case '[': Take(1, @"\["); break;
                default: Take(1, null); break;
            }
        }
    }

    private void PosixClass()
    {
        var end = _pattern[_at..].IndexOf(":]");
        var name = end < 0 ? default : _pattern.Slice(_at + 2, end - 2);
        string? ranges = name switch
        {
            "alnum" => "0-9A-Za-z",
            "alpha" => "A-Za-z",
            "ascii" => @"\x00-\x7F",
            "blank" => @"\t ",
            "cntrl" => @"\x00-\x1F\x7F",
            "digit" => "0-9",
            "graph" => "!-~",
            "lower" => "a-z",
            "print" => " -~",
            "punct" => @"!-/:-@\[-`{-~",
            "space" => @"\t\n\v\f\r ",
            "upper" => "A-Z",
            "word" => "0-9A-Za-z_",
            "xdigit" => "0-9A-Fa-f",
            _ => null,
        };
        if (ranges is null) Fail("an unknown [:class:]");
        else Take(end + 2, ranges);
    }

    private void Escape(bool inClass)
    {
        var c = Peek(1);
        switch (c)
        {
            case '\0': Fail("the expression ends in a backslash"); break;
            case 'd': Take(2, inClass ? "0-9" : "[0-9]"); break;
            case 'w': Take(2, inClass ? "0-9A-Za-z_" : "[0-9A-Za-z_]"); break;
            case 's': Take(2, inClass ? @"\t\n\f\r " : @"[\t\n\f\r ]"); break;
            case 'D': Take(2, inClass ? @"\x00-/:-\uFFFF" : "[^0-9]"); break;
            case 'W': Take(2, inClass ? @"\x00-/:-@\[-\^`{-\uFFFF" : "[^0-9A-Za-z_]"); break;
            case 'S': Take(2, inClass ? @"\x00-\x08\x0B\x0E-\x1F!-\uFFFF" : @"[^\t\n\f\r ]"); break;
            case 'p' or 'P': UnicodeClass(); break;
            case 'x': Hex(); break;
            case 'Q' when !inClass: Quoted(); break;
            case >= '1' and <= '9': Fail("back references are not part of RE2"); break;
            case 'A' or 'z' or 'b' or 'B' when !inClass: Take(2, null); break;
            case '0' or 'a' or 'f' or 't' or 'n' or 'r' or 'v': Take(2, null); break;
            default:
                if (char.IsAsciiLetterOrDigit(c)) Fail($@"the escape \{c} is not part of RE2");
                else Take(2, null);
                break;
        }
    }

    private void UnicodeClass()
    {
        if (Peek(2) == '{') Take(2, null);
        else if (char.IsAsciiLetter(Peek(2))) Take(3, $@"\{Peek(1)}{{{Peek(2)}}}");
        else Fail(@"\p needs a class name");
    }

    private void Hex()
    {
        if (Peek(2) != '{')
        {
            Take(2, null);
            return;
        }

        var close = _pattern[_at..].IndexOf('}');
        if (close < 4 || !int.TryParse(_pattern.Slice(_at + 3, close - 3), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code)
            || code is < 0 or > 0xFFFF)
        {
            Fail(@"\x{...} needs a hexadecimal code point up to FFFF");
            return;
        }

        Take(close + 1, $@"\u{code:X4}");
    }

    private void Quoted()
    {
        var text = _pattern[(_at + 2)..];
        var end = text.IndexOf(@"\E");
        var literal = end < 0 ? text : text[..end];
        foreach (var c in literal)
        {
            if (!char.IsLetterOrDigit(c)) _output.Append('\\');
            _output.Append(c);
        }

        _at += 2 + literal.Length + (end < 0 ? 0 : 2);
    }
}
