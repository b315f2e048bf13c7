using System.CommandLine;
using System.Globalization;

namespace Lateen.Cli.Verbs;

/// <summary>Durations on command lines: a number and a unit, <c>90s</c>, <c>30m</c>, <c>24h</c>, <c>7d</c>.</summary>
internal static class Durations
{
    /// <summary>An option whose description says what holds without it: help would write a default in .NET's own way.</summary>
    public static Option<TimeSpan?> Option(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "DURATION",
        CustomParser = static result =>
        {
            if (TryRead(result.Tokens[^1].Value, out var duration)) return duration;
            result.AddError($"'{result.Tokens[^1].Value}' is not a duration; write 90s, 30m, 24h or 7d");
            return default;
        },
    };

    private static bool TryRead(string text, out TimeSpan duration)
    {
        duration = default;
        double unit = text is [.., var letter] ? letter switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 } : 0;
        if (unit == 0 || !double.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number) || !(number * unit <= 1e9)) return false;
        duration = TimeSpan.FromSeconds(number * unit);
        return true;
    }
}
