using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.AccessLogs;

/// <summary>An access log that writes each exchange as one line of a file or a standard stream.</summary>
/// <remarks>Writing is copying into the reactor's own buffer; a line that finds no room is dropped and counted
/// (<c>filesystem.write_dropped</c>).</remarks>
internal sealed record FormatAccessLogger(string Name, string TypeUrl, AccessLogFormat Format, AccessLogFile File) : AccessLogger(Name, TypeUrl)
{
    public override void Write(HttpExchange exchange) => Write(exchange, exchange.ReactorIndex);

    public override void Write(IAccessLogRecord record, int reactorIndex) => File.BufferOf(reactorIndex).TryAppend(Format, record);
}
