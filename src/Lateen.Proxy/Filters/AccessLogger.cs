using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Filters;

/// <summary>Something that writes down finished exchanges: one configured access log.</summary>
/// <remarks>Shared by all reactors; <see cref="Write(HttpExchange)"/> is called on the exchange's own, after its last byte, and must neither block nor throw.</remarks>
/// <param name="Name">The instance's name in the configuration.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
public abstract record AccessLogger(string Name, string TypeUrl) : CompiledExtension(Name, TypeUrl)
{
    /// <summary>Writes one exchange down, if the log's filter lets it pass. The exchange is reused afterwards: nothing of it may be kept.</summary>
    public abstract void Write(HttpExchange exchange);

    /// <summary>Writes a connection down that was no HTTP exchange. As for an exchange, nothing of the record may be kept.</summary>
    /// <param name="record">What is known of it.</param>
    /// <param name="reactorIndex">The calling reactor.</param>
    public abstract void Write(IAccessLogRecord record, int reactorIndex);
}
