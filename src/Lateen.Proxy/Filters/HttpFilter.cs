using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding;

namespace Lateen.Proxy.Filters;

/// <summary>At which moments of an exchange a filter wants to be called. The engine calls it at no other, so what a filter does not ask for costs nothing.</summary>
[Flags]
public enum FilterStages
{
    None = 0,

    /// <summary>The request's head is complete and canonical, its route is chosen.</summary>
    Request = 1 << 0,

    /// <summary>A response head is about to be sent, the server's or one of ours.</summary>
    Response = 1 << 1,

    /// <summary>The exchange has ended, however it did.</summary>
    Complete = 1 << 2,
}

/// <summary>
/// One HTTP filter as the configuration compiled it. Filters run in the order of the configuration for requests and in reverse for
/// responses. A filter reads and changes heads and returns a verdict; it never writes to a socket.
/// </summary>
/// <remarks>
/// Immutable and shared by all exchanges on all reactors; what one exchange needs to remember goes into <see cref="HttpExchange.FilterState{TState}"/>.
/// Calls come on the exchange's reactor, must not block, and allocate nothing on the common path.
/// </remarks>
/// <param name="Name">The instance's name in the configuration; routes override a filter's configuration by it.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
public abstract record HttpFilter(string Name, string TypeUrl) : CompiledExtension(Name, TypeUrl)
{
    /// <summary>Which of the methods below are overridden.</summary>
    public abstract FilterStages Stages { get; }

    /// <summary>Looks at a request, and may change its head, before it is sent anywhere.</summary>
    /// <param name="exchange">The exchange; <see cref="HttpExchange.Route"/> may be null, the router will answer 404 then.</param>
    public virtual FilterVerdict OnRequest(HttpExchange exchange) => FilterVerdict.Continue;

    /// <summary>Looks at a response's head, and may change it, before it is sent.</summary>
    public virtual FilterVerdict OnResponse(HttpExchange exchange) => FilterVerdict.Continue;

    /// <summary>The last call: all bytes are sent, or the exchange was cut. The record is final.</summary>
    public virtual void OnComplete(HttpExchange exchange)
    {
    }
}
