namespace Lateen.Telemetry.AccessLogs;

/// <summary>What a format is compiled against: facts that hold for the life of the process.</summary>
public sealed record AccessLogContext
{
    /// <summary>What <c>%HOSTNAME%</c> prints.</summary>
    public string HostName { get; init; } = "";

    /// <summary>What <c>%ENVIRONMENT(X)%</c> prints; null for a variable that is not set.</summary>
    public Func<string, string?> Environment { get; init; } = static _ => null;

    /// <summary>The engine's id for a well-known header name in lower case, or -1, so that a lookup at run time compares no names.
    /// </summary>
    public Func<string, int> ResolveHeader { get; init; } = static _ => -1;

    /// <summary>The clock behind <c>%EMIT_TIME%</c>, and the time zone of <c>%START_TIME_LOCAL%</c>.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
