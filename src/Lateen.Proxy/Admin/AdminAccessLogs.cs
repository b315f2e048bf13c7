using System.Collections.Immutable;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Admin;

/// <summary>The access logs of the admin pages (<c>admin.access_log</c>).</summary>
/// <remarks>Any thread. Admin requests run on no reactor: they share one buffer of the logs, one after the other.</remarks>
/// <param name="logs">As compiled.</param>
/// <param name="bufferIndex">Whose buffer of the logs is ours: an index that no reactor has.</param>
public sealed class AdminAccessLogs(ImmutableArray<CompiledExtension> logs, int bufferIndex)
{
    private readonly Lock _lock = new();
    private readonly ImmutableArray<AccessLogger> _logs = [.. logs.OfType<AccessLogger>()];

    internal void Write(IAccessLogRecord record)
    {
        lock (_lock)
        {
            foreach (var log in _logs) log.Write(record, bufferIndex);
        }
    }
}
