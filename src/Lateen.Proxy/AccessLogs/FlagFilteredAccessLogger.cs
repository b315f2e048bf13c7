using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.AccessLogs;

/// <summary>An access log that takes only what ended in one of some ways (<c>response_flag_filter</c>).</summary>
/// <param name="Inner">What writes.</param>
/// <param name="Flags">At least one of these has to be set.</param>
internal sealed record FlagFilteredAccessLogger(AccessLogger Inner, ResponseFlags Flags) : AccessLogger(Inner.Name, Inner.TypeUrl)
{
    public override void Write(HttpExchange exchange)
    {
        if ((((IAccessLogRecord)exchange).Flags & Flags) != 0) Inner.Write(exchange);
    }

    public override void Write(IAccessLogRecord record, int reactorIndex)
    {
        if ((record.Flags & Flags) != 0) Inner.Write(record, reactorIndex);
    }
}
