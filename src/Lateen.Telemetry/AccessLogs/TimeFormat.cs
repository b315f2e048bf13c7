using System.Diagnostics;
using System.Text;

namespace Lateen.Telemetry.AccessLogs;

/// <summary>A strftime format, compiled: the conversions that Envoy's users write, and Envoy's own for parts of a second (<c>%3f</c>,
/// <c>%6f</c>, <c>%9f</c>, <c>%E3S</c>) and for seconds since 1970 (<c>%s</c>, <c>%3s</c>). Names of days and months are English.
/// </summary>
internal sealed class TimeFormat
{
    /// <summary>The longest text of one format. Octets. Formats that could be longer are refused.</summary>
    public const int MaxLength = 1024;

    // The longest one: seconds since 1970 in nanoseconds, %9s.
    private const int MaxConversionLength = 20;

    private static readonly byte[][] Months = Names(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December");

    private static readonly byte[][] Days = Names("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday");

    private readonly (char Conversion, int Width, byte[] Literal)[] _parts;
    private readonly TimeZoneInfo _zone;

    private TimeFormat((char, int, byte[])[] parts, TimeZoneInfo zone)
    {
        _parts = parts;
        _zone = zone;
    }

    /// <summary>Envoy's default, <c>2026-01-31T23:59:59.123Z</c>.</summary>
    public static TimeFormat Default(TimeZoneInfo zone)
    {
        return TryParse("%Y-%m-%dT%H:%M:%E3SZ", zone, out var format, out _) ? format! : throw new UnreachableException();
    }

    /// <summary>Compiles a format.</summary>
    /// <param name="format">The text between the brackets of the operator.</param>
    /// <param name="zone">UTC, or the local zone for <c>START_TIME_LOCAL</c>.</param>
    /// <param name="compiled">Null when it was refused.</param>
    /// <param name="error">Which conversion is not known.</param>
    public static bool TryParse(string format, TimeZoneInfo zone, out TimeFormat? compiled, out string error)
    {
        compiled = null;
        error = "";
        var parts = new List<(char, int, byte[])>();
        var literal = new StringBuilder();
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                literal.Append(format[i]);
                continue;
            }
            var begin = i++;
            if (i < format.Length && format[i] == 'E')
                i++;
            var width = 0;
            if (i < format.Length && char.IsAsciiDigit(format[i]))
                width = format[i++] - '0';
            var conversion = i < format.Length ? format[i] : '\0';
            switch (conversion)
            {
                case '%': literal.Append('%'); continue;
                case 'n': literal.Append('\n'); continue;
                case 't': literal.Append('\t'); continue;
                default: break;
            }
            if (!IsKnown(format, begin, conversion, width))
            {
                error = $"time conversion '{format[begin..Math.Min(i + 1, format.Length)]}' is not supported";
                return false;
            }
            if (literal.Length > 0)
                parts.Add(('\0', 0, Encoding.UTF8.GetBytes(literal.ToString())));
            literal.Clear();
            parts.Add((conversion, width, []));
        }
        if (literal.Length > 0)
            parts.Add(('\0', 0, Encoding.UTF8.GetBytes(literal.ToString())));
        if (parts.Sum(static part => part.Item3.Length + (part.Item1 == '\0' ? 0 : MaxConversionLength)) > MaxLength)
        {
            error = $"the time format is too long (the text may take {MaxLength} octets)";
            return false;
        }
        compiled = new TimeFormat([.. parts], zone);
        return true;
    }

    /// <summary>Writes a moment.</summary>
    /// <param name="microseconds">Since 1970, UTC.</param>
    /// <param name="destination">At least <see cref="MaxLength"/> octets.</param>
    /// <returns>Octets written.</returns>
    public int Write(long microseconds, Span<byte> destination)
    {
        var utc = DateTime.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
        var offset = _zone.GetUtcOffset(utc);
        var time = utc + offset;
        var line = new LogLine(destination);
        foreach (var (conversion, width, literal) in _parts)
        {
            switch (conversion)
            {
                case '\0': line.Append(literal); break;
                case 'Y': Pad(ref line, time.Year, 4); break;
                case 'y': Pad(ref line, time.Year % 100, 2); break;
                case 'm': Pad(ref line, time.Month, 2); break;
                case 'd': Pad(ref line, time.Day, 2); break;
                case 'e': Blank(ref line, time.Day); break;
                case 'j': Pad(ref line, time.DayOfYear, 3); break;
                case 'H': Pad(ref line, time.Hour, 2); break;
                case 'I': Pad(ref line, ((time.Hour + 11) % 12) + 1, 2); break;
                case 'p': line.Append(time.Hour < 12 ? "AM"u8 : "PM"u8); break;
                case 'M': Pad(ref line, time.Minute, 2); break;
                case 'S': Seconds(ref line, time, width); break;
                case 'f': Fraction(ref line, time, width == 0 ? 9 : width); break;
                case 's': Epoch(ref line, microseconds, width); break;
                case 'a': line.Append(Days[(int)time.DayOfWeek].AsSpan(0, 3)); break;
                case 'A': line.Append(Days[(int)time.DayOfWeek]); break;
                case 'u': line.Append((long)(time.DayOfWeek == DayOfWeek.Sunday ? 7 : (int)time.DayOfWeek)); break;
                case 'w': line.Append((long)time.DayOfWeek); break;
                case 'b' or 'h': line.Append(Months[time.Month - 1].AsSpan(0, 3)); break;
                case 'B': line.Append(Months[time.Month - 1]); break;
                case 'F': Date(ref line, time); break;
                case 'D': Joined(ref line, time.Month, time.Day, time.Year % 100, (byte)'/'); break;
                case 'T': Joined(ref line, time.Hour, time.Minute, time.Second, (byte)':'); break;
                case 'R': Pad(ref line, time.Hour, 2); line.Append((byte)':'); Pad(ref line, time.Minute, 2); break;
                case 'z': Offset(ref line, offset); break;
                case 'Z': line.Append(_zone == TimeZoneInfo.Utc ? "UTC"u8 : default); break;
                default: break;
            }
        }
        return line.Written;
    }

    private static bool IsKnown(string format, int begin, char conversion, int width)
    {
        var isExtended = begin + 1 < format.Length && format[begin + 1] == 'E';
        return conversion switch
        {
            'f' or 's' => !isExtended,
            'S' => isExtended == width > 0,
            'Y' => width is 0 or 4 && isExtended == width > 0,
            _ => !isExtended && width == 0 && conversion != '\0' && "ymdejHIpMaAuwbhBFDTRzZ".Contains(conversion, StringComparison.Ordinal),
        };
    }

    private static void Pad(ref LogLine line, int value, int width)
    {
        for (var unit = width switch { 4 => 1000, 3 => 100, _ => 10 }; unit > 0; unit /= 10)
            line.Append((byte)('0' + (value / unit % 10)));
    }

    private static void Blank(ref LogLine line, int value)
    {
        if (value < 10)
            line.Append((byte)' ');
        line.Append((long)value);
    }

    private static void Seconds(ref LogLine line, DateTime time, int width)
    {
        Pad(ref line, time.Second, 2);
        if (width == 0)
            return;
        line.Append((byte)'.');
        Fraction(ref line, time, width);
    }

    private static void Fraction(ref LogLine line, DateTime time, int digits)
    {
        var rest = time.Ticks % TimeSpan.TicksPerSecond * 100;
        for (var unit = 100_000_000L; digits > 0; digits--, unit /= 10)
            line.Append((byte)('0' + (rest / unit % 10)));
    }

    private static void Epoch(ref LogLine line, long microseconds, int digits)
    {
        var scaled = microseconds;
        for (var i = digits; i < 6; i++)
            scaled /= 10;
        line.Append(scaled);
        for (var i = 6; i < digits; i++)
            line.Append((byte)'0');
    }

    private static void Date(ref LogLine line, DateTime time)
    {
        Pad(ref line, time.Year, 4);
        line.Append((byte)'-');
        Pad(ref line, time.Month, 2);
        line.Append((byte)'-');
        Pad(ref line, time.Day, 2);
    }

    private static void Joined(ref LogLine line, int first, int second, int third, byte separator)
    {
        Pad(ref line, first, 2);
        line.Append(separator);
        Pad(ref line, second, 2);
        line.Append(separator);
        Pad(ref line, third, 2);
    }

    private static void Offset(ref LogLine line, TimeSpan offset)
    {
        line.Append(offset < TimeSpan.Zero ? (byte)'-' : (byte)'+');
        Pad(ref line, Math.Abs(offset.Hours), 2);
        Pad(ref line, Math.Abs(offset.Minutes), 2);
    }

    private static byte[][] Names(params string[] names)
    {
        return Array.ConvertAll(names, Encoding.ASCII.GetBytes);
    }
}
