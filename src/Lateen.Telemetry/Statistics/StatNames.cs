namespace Lateen.Telemetry.Statistics;

/// <summary>The two spellings of a name: what may stand in a dotted stat name, and what Prometheus accepts as a metric name.</summary>
public static class StatNames
{
    /// <summary>Envoy's rule for names that come from configuration: a colon, with the slashes that may follow it, and NUL become an
    /// underscore.</summary>
    public static string Sanitize(string name)
    {
        return name.AsSpan().IndexOfAny(':', '\0') < 0
            ? name
            : name.Replace("://", "_", StringComparison.Ordinal).Replace(":/", "_", StringComparison.Ordinal).Replace(':', '_').Replace('\0', '_');
    }

    /// <summary>Every character outside <c>[a-zA-Z0-9_]</c> becomes an underscore. (A colon is legal in Prometheus but reserved for
    /// recording rules.)</summary>
    public static string ToFamily(string name)
    {
        foreach (var c in name)
        {
            if (!IsFamilyCharacter(c))
                return string.Create(name.Length, name, static (span, source) =>
                {
                    for (var i = 0; i < span.Length; i++)
                        span[i] = IsFamilyCharacter(source[i]) ? source[i] : '_';
                });
        }
        return name;
    }

    private static bool IsFamilyCharacter(char c)
    {
        return char.IsAsciiLetterOrDigit(c) || c == '_';
    }
}
