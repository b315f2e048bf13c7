using System.Globalization;

namespace Lateen.Yaml;

/// <summary>The core schema's resolution of plain scalars and its number forms (YAML 1.2.2 section 10.3.2).</summary>
internal static class YamlNumber
{
    public static YamlScalarType Resolve(string text)
    {
        if (text.Length == 0)
        {
            return YamlScalarType.Null;
        }

        switch (text)
        {
            case "~" or "null" or "Null" or "NULL":
                return YamlScalarType.Null;
            case "true" or "True" or "TRUE" or "false" or "False" or "FALSE":
                return YamlScalarType.Boolean;
            case ".nan" or ".NaN" or ".NAN":
                return YamlScalarType.Float;
            default:
                return ResolveNumber(text);
        }
    }

    public static bool TryParseInt64(string text, out long value)
    {
        if (Radix(text) != 10)
        {
            bool fits = TryParseUInt64(text, out ulong unsigned) && unsigned <= long.MaxValue;
            value = fits ? (long)unsigned : 0;
            return fits;
        }

        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    public static bool TryParseUInt64(string text, out ulong value)
    {
        switch (Radix(text))
        {
            case 16:
                return ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
            case 8:
                return TryParseOctal(text.AsSpan(2), out value);
            default:
                return ulong.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        }
    }

    public static bool TryParseDouble(string text, out double value)
    {
        ReadOnlySpan<char> body = text.AsSpan().TrimStart("+-");
        if (body is ".inf" or ".Inf" or ".INF")
        {
            value = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        if (body is ".nan" or ".NaN" or ".NAN")
        {
            value = double.NaN;
            return true;
        }

        if (Radix(text) != 10)
        {
            bool parsed = TryParseUInt64(text, out ulong unsigned);
            value = unsigned;
            return parsed;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    public static string Format(double value)
    {
        if (double.IsNaN(value))
        {
            return ".nan";
        }

        return double.IsInfinity(value) ? (value > 0 ? ".inf" : "-.inf") : value.ToString("R", CultureInfo.InvariantCulture);
    }

    private static int Radix(string text)
    {
        if (text.Length > 2 && text[0] == '0')
        {
            return text[1] switch { 'x' => 16, 'o' => 8, _ => 10 };
        }

        return 10;
    }

    private static bool TryParseOctal(ReadOnlySpan<char> digits, out ulong value)
    {
        value = 0;
        foreach (char digit in digits)
        {
            if (value > ulong.MaxValue >> 3)
            {
                return false;
            }

            value = (value << 3) | (uint)(digit - '0');
        }

        return true;
    }

    private static YamlScalarType ResolveNumber(string text)
    {
        int radix = Radix(text);
        if (radix != 10)
        {
            ReadOnlySpan<char> digits = text.AsSpan(2);
            bool all = radix == 16 ? !digits.ContainsAnyExcept(HexDigits) : !digits.ContainsAnyExceptInRange('0', '7');
            return all ? YamlScalarType.Integer : YamlScalarType.String;
        }

        int at = text[0] is '+' or '-' ? 1 : 0;
        if (text.AsSpan(at) is ".inf" or ".Inf" or ".INF")
        {
            return YamlScalarType.Float;
        }

        int whole = SkipDigits(text, ref at);
        if (at == text.Length)
        {
            return whole > 0 ? YamlScalarType.Integer : YamlScalarType.String;
        }

        int fraction = 0;
        if (text[at] == '.')
        {
            at++;
            fraction = SkipDigits(text, ref at);
        }

        if (whole + fraction == 0)
        {
            return YamlScalarType.String;
        }

        if (at < text.Length && (text[at] is 'e' or 'E'))
        {
            at++;
            if (at < text.Length && (text[at] is '+' or '-'))
            {
                at++;
            }

            if (SkipDigits(text, ref at) == 0)
            {
                return YamlScalarType.String;
            }
        }

        return at == text.Length ? YamlScalarType.Float : YamlScalarType.String;
    }

    private static readonly System.Buffers.SearchValues<char> HexDigits = System.Buffers.SearchValues.Create("0123456789abcdefABCDEF");

    private static int SkipDigits(string text, ref int at)
    {
        int start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
        {
            at++;
        }

        return at - start;
    }
}
