namespace Lateen.Proxy.Logging;

/// <summary>How much a line matters. Normal life is Debug; "we could not serve you" is Warning; Error means that an operator must act.
/// The names are those that Envoy's <c>/logging</c> takes.</summary>
public enum LogLevel
{
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Critical,

    /// <summary>Only as a setting: nothing is written.</summary>
    Off,
}

/// <summary>The names of the levels in lines and in commands.</summary>
public static class LogLevelNames
{
    private static readonly string[] Names = ["trace", "debug", "info", "warning", "error", "critical", "off"];

    /// <summary>The level's name.</summary>
    public static string Of(LogLevel level) => Names[(int)level];

    /// <summary>Reads a name; <c>warn</c> is accepted beside <c>warning</c>.</summary>
    public static bool TryParse(string? name, out LogLevel level)
    {
        if (string.Equals(name, "warn", StringComparison.Ordinal)) name = "warning";
        var index = Array.IndexOf(Names, name);
        level = (LogLevel)Math.Max(0, index);
        return index >= 0;
    }
}
