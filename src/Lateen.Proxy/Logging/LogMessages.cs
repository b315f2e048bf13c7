using System.Runtime.CompilerServices;

namespace Lateen.Proxy.Logging;

/// <summary>The text of a line while it is put together; empty work when the level is off.</summary>
internal ref struct LogText
{
    private DefaultInterpolatedStringHandler _builder;

    public LogText(int literalLength, int formattedCount, Logger logger, LogLevel level, out bool isEnabled)
    {
        IsEnabled = isEnabled = logger.IsEnabled(level);
        if (isEnabled) _builder = new DefaultInterpolatedStringHandler(literalLength, formattedCount);
    }

    public bool IsEnabled { get; }

    public void AppendLiteral(string text) => _builder.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _builder.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => _builder.AppendFormatted(value, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => _builder.AppendFormatted(value);

    public string Finish() => _builder.ToStringAndClear();
}

/// <summary>Collects an interpolated string for <see cref="Logger.Trace"/>; made by the compiler.</summary>
[InterpolatedStringHandler]
public ref struct TraceMessage
{
    internal LogText Text;

    public TraceMessage(int literalLength, int formattedCount, Logger logger, out bool isEnabled) =>
        Text = new LogText(literalLength, formattedCount, logger, LogLevel.Trace, out isEnabled);

    public void AppendLiteral(string text) => Text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => Text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => Text.AppendFormatted(value, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => Text.AppendFormatted(value);
}

/// <summary>Collects an interpolated string for <see cref="Logger.Debug"/>; made by the compiler.</summary>
[InterpolatedStringHandler]
public ref struct DebugMessage
{
    internal LogText Text;

    public DebugMessage(int literalLength, int formattedCount, Logger logger, out bool isEnabled) =>
        Text = new LogText(literalLength, formattedCount, logger, LogLevel.Debug, out isEnabled);

    public void AppendLiteral(string text) => Text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => Text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => Text.AppendFormatted(value, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => Text.AppendFormatted(value);
}

/// <summary>Collects an interpolated string for <see cref="Logger.Info"/>; made by the compiler.</summary>
[InterpolatedStringHandler]
public ref struct InfoMessage
{
    internal LogText Text;

    public InfoMessage(int literalLength, int formattedCount, Logger logger, out bool isEnabled) =>
        Text = new LogText(literalLength, formattedCount, logger, LogLevel.Info, out isEnabled);

    public void AppendLiteral(string text) => Text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => Text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => Text.AppendFormatted(value, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => Text.AppendFormatted(value);
}

/// <summary>Collects an interpolated string for <see cref="Logger.Warning"/>; made by the compiler.</summary>
[InterpolatedStringHandler]
public ref struct WarningMessage
{
    internal LogText Text;

    public WarningMessage(int literalLength, int formattedCount, Logger logger, out bool isEnabled) =>
        Text = new LogText(literalLength, formattedCount, logger, LogLevel.Warning, out isEnabled);

    public void AppendLiteral(string text) => Text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => Text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => Text.AppendFormatted(value, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => Text.AppendFormatted(value);
}

/// <summary>Collects an interpolated string for <see cref="Logger.Error"/>; made by the compiler.</summary>
[InterpolatedStringHandler]
public ref struct ErrorMessage
{
    internal LogText Text;

    public ErrorMessage(int literalLength, int formattedCount, Logger logger, out bool isEnabled) =>
        Text = new LogText(literalLength, formattedCount, logger, LogLevel.Error, out isEnabled);

    public void AppendLiteral(string text) => Text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => Text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => Text.AppendFormatted(value, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => Text.AppendFormatted(value);
}

/// <summary>Collects an interpolated string for <see cref="Logger.Critical"/>; made by the compiler.</summary>
[InterpolatedStringHandler]
public ref struct CriticalMessage
{
    internal LogText Text;

    public CriticalMessage(int literalLength, int formattedCount, Logger logger, out bool isEnabled) =>
        Text = new LogText(literalLength, formattedCount, logger, LogLevel.Critical, out isEnabled);

    public void AppendLiteral(string text) => Text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => Text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string? format) => Text.AppendFormatted(value, format);

    public void AppendFormatted(ReadOnlySpan<char> value) => Text.AppendFormatted(value);
}
