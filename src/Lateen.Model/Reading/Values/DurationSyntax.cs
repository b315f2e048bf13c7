using System.Buffers;
using System.Globalization;

namespace Lateen.Model.Reading.Values;

/// <summary>Durations as Istio writes them: a signed sequence of numbers with units, <c>1h30m</c>, <c>1.5s</c>, <c>250ms</c>, or <c>0</c>.</summary>
internal static class DurationSyntax
{
    private static readonly SearchValues<char> NumberLetters = SearchValues.Create("0123456789.");

    /// <summary>Null when the text is no duration or does not fit.</summary>
    public static TimeSpan? Parse(string text)
    {
        var rest = text.AsSpan();
        var isNegative = rest.StartsWith("-");
        if (isNegative || rest.StartsWith("+")) rest = rest[1..];
        if (rest is "0") return TimeSpan.Zero;
        if (rest.IsEmpty) return null;
        decimal ticks = 0;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(NumberLetters);
            if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return null;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(NumberLetters);
            var unit = letters < 0 ? rest : rest[..letters];
            rest = rest[unit.Length..];
            decimal? ticksPerUnit = unit switch
            {
                "ns" => 0.01m,
                "us" or "µs" or "μs" => 10m,
                "ms" => TimeSpan.TicksPerMillisecond,
                "s" => TimeSpan.TicksPerSecond,
                "m" => TimeSpan.TicksPerMinute,
                "h" => TimeSpan.TicksPerHour,
                _ => null,
            };
            if (ticksPerUnit is not { } scale || number > long.MaxValue / scale) return null;
            ticks += number * scale;
        }

        return ticks > long.MaxValue ? null : TimeSpan.FromTicks((long)(isNegative ? -ticks : ticks));
    }

    /// <summary>What Istio holds against a duration; null: nothing.</summary>
    public static string? Complaint(TimeSpan duration, bool zeroAllowed, bool wholeSeconds)
    {
        if (duration == TimeSpan.Zero && zeroAllowed) return null;
        if (duration < TimeSpan.FromMilliseconds(1)) return zeroAllowed ? "must be 0 or at least 1ms" : "must be at least 1ms";
        if (duration.Ticks % TimeSpan.TicksPerMillisecond != 0) return "must be in whole milliseconds";
        return wholeSeconds && duration.Ticks % TimeSpan.TicksPerSecond != 0 ? "must be in whole seconds" : null;
    }
}
