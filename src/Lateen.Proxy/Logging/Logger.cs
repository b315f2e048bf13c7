using System.Runtime.CompilerServices;

namespace Lateen.Proxy.Logging;

/// <summary>One component's way to write log lines. Get it from <see cref="ProxyLog.For"/> once and keep it.</summary>
/// <remarks>Any thread. A line below the component's level costs one read and a compare: the parts of the interpolated string are not
/// even evaluated. Write <c>log.Warning($"no route for {host}")</c>; a message says what happened and, from Warning on, what to do next.
/// </remarks>
public sealed class Logger
{
    private readonly ProxyLog _log;
    private volatile LogLevel _level;

    internal Logger(ProxyLog log, string component, LogLevel level)
    {
        _log = log;
        Component = component;
        _level = level;
    }

    /// <summary>The name in the line and in <c>/logging</c>.</summary>
    public string Component { get; }

    /// <summary>Lines below it are not written. May change at any time.</summary>
    public LogLevel Level
    {
        get => _level;
        internal set => _level = value;
    }

    public bool IsEnabled(LogLevel level) => level >= _level;

    public void Trace([InterpolatedStringHandlerArgument("")] ref TraceMessage message) => Write(LogLevel.Trace, ref message.Text);

    public void Debug([InterpolatedStringHandlerArgument("")] ref DebugMessage message) => Write(LogLevel.Debug, ref message.Text);

    public void Info([InterpolatedStringHandlerArgument("")] ref InfoMessage message) => Write(LogLevel.Info, ref message.Text);

    public void Warning([InterpolatedStringHandlerArgument("")] ref WarningMessage message) => Write(LogLevel.Warning, ref message.Text);

    public void Error([InterpolatedStringHandlerArgument("")] ref ErrorMessage message) => Write(LogLevel.Error, ref message.Text);

    public void Critical([InterpolatedStringHandlerArgument("")] ref CriticalMessage message) => Write(LogLevel.Critical, ref message.Text);

    private void Write(LogLevel level, ref LogText text)
    {
        if (text.IsEnabled) _log.Write(level, Component, text.Finish());
    }
}
