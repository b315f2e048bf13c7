using System.Globalization;
using System.Text;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>Reads a format string: text, <c>%%</c>, and <c>%NAME%</c>, <c>%NAME(argument)%</c>, <c>%NAME(argument):LENGTH%</c>.</summary>
internal static class FormatParser
{
    /// <summary>Compiles a format; on failure the list is what was read before and the error says where it ended.</summary>
    public static AccessLogFormatError? Parse(string format, AccessLogContext context, List<LogOperator> operators)
    {
        var literal = new StringBuilder();
        var at = 0;
        while (at < format.Length)
        {
            if (format[at] != '%')
            {
                literal.Append(format[at++]);
                continue;
            }
            if (at + 1 < format.Length && format[at + 1] == '%')
            {
                literal.Append('%');
                at += 2;
                continue;
            }
            Flush(literal, operators);
            var begin = at++;
            var error = ReadOperator(format, ref at, context, out var compiled);
            if (error is not null)
                return new AccessLogFormatError(error, begin);
            operators.Add(compiled!);
        }
        Flush(literal, operators);
        return null;
    }

    private static void Flush(StringBuilder literal, List<LogOperator> operators)
    {
        if (literal.Length == 0)
            return;
        operators.Add(new LogOperator(LogOperatorKind.Literal) { Literal = Encoding.UTF8.GetBytes(literal.ToString()) });
        literal.Clear();
    }

    private static string? ReadOperator(string format, ref int at, AccessLogContext context, out LogOperator? compiled)
    {
        compiled = null;
        var begin = at;
        while (at < format.Length && (char.IsAsciiLetterUpper(format[at]) || char.IsAsciiDigit(format[at]) || format[at] == '_'))
            at++;
        var name = format[begin..at];
        if (name.Length == 0)
            return "'%' begins no operator; a plain percent sign is written '%%'";

        string? argument = null;
        if (at < format.Length && format[at] == '(')
        {
            var close = format.IndexOf(')', at);
            if (close < 0)
                return $"operator %{name}(...)% has no closing bracket";
            argument = format[(at + 1)..close];
            at = close + 1;
        }

        var maxLength = int.MaxValue;
        if (at < format.Length && format[at] == ':')
        {
            var end = ++at;
            while (end < format.Length && char.IsAsciiDigit(format[end]))
                end++;
            if (!int.TryParse(format.AsSpan(at, end - at), NumberStyles.None, CultureInfo.InvariantCulture, out maxLength))
                return $"operator %{name}% has ':' without a length in octets";
            at = end;
        }
        if (at >= format.Length || format[at] != '%')
            return $"operator %{name} is not closed by '%'";
        at++;

        var error = OperatorTable.Compile(name, argument, context, out compiled);
        if (error is null && maxLength != int.MaxValue)
            compiled = compiled! with { MaxLength = maxLength };
        return error;
    }
}
