using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Telemetry.Statistics;

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

    /// <summary>The request has content and is about to be forwarded.</summary>
    RequestContent = 1 << 3,

    /// <summary>A server's response head was sent, and content follows.</summary>
    ResponseContent = 1 << 4,
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

    /// <summary>
    /// This filter with the counters of one connection manager, where it counts under <c>http.STAT_PREFIX.</c>. Called when a listener is made
    /// ready, once for each chain that has the filter; what it returns takes this one's place there.
    /// </summary>
    /// <param name="statPrefix">The connection manager's.</param>
    /// <param name="registry">Where it counts.</param>
    internal virtual HttpFilter Counting(string statPrefix, StatsRegistry registry) => this;

    /// <summary>Looks at a request, and may change its head, before it is sent anywhere.</summary>
    /// <param name="exchange">The exchange; <see cref="HttpExchange.Route"/> may be null, the router will answer 404 then.</param>
    public virtual FilterVerdict OnRequest(HttpExchange exchange) => FilterVerdict.Continue;

    /// <summary>
    /// Looks again at a request for which this filter said <see cref="FilterVerdict.Wait"/>. Called whenever anything wakes the exchange, so also
    /// when the filter has no news: then it says the same again. Never called after the exchange was cut; <see cref="OnComplete"/> is.
    /// </summary>
    public virtual FilterVerdict OnResume(HttpExchange exchange) => FilterVerdict.Continue;

    /// <summary>Looks at a response's head, and may change it, before it is sent.</summary>
    public virtual FilterVerdict OnResponse(HttpExchange exchange) => FilterVerdict.Continue;

    /// <summary>
    /// Puts itself between the client's content and the server: what it returns is what is sent on. The content still flows, piece by piece
    /// and under back-pressure; a filter that has to see all of it holds it within a bound of its own.
    /// </summary>
    internal virtual ContentSource WrapRequest(HttpExchange exchange, ContentSource content) => content;

    /// <summary>As <see cref="WrapRequest"/>, for the server's content on its way to the client. Not for answers of our own.</summary>
    internal virtual ContentSource WrapResponse(HttpExchange exchange, ContentSource content) => content;

    /// <summary>The last call: all bytes are sent, or the exchange was cut. The record is final.</summary>
    public virtual void OnComplete(HttpExchange exchange)
    {
    }
}
