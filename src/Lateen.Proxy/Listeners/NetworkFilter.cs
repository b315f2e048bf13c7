using Lateen.Net;
using Lateen.Proxy.Configuration;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// A network filter that has a say in whether a connection is served, and hears of its end. Bytes do not pass it.
/// </summary>
/// <remarks>Shared by all reactors; called on the connection's own.</remarks>
/// <param name="Name">The instance's name in the configuration.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
internal abstract record NetworkFilter(string Name, string TypeUrl) : CompiledExtension(Name, TypeUrl)
{
    /// <summary>A connection has come.</summary>
    /// <returns>Null: it may go on. Otherwise it is closed after that many milliseconds, and <see cref="OnEnd"/> is not called.</returns>
    public virtual long? OnBegin(ProxyWorker worker) => null;

    /// <summary>
    /// The connection is ready to be served: its handshake is over, its peer known, none of its bytes passed on. A filter that refuses it says why
    /// in the record.
    /// </summary>
    /// <returns>Null: it may go on. Otherwise it is closed after that many milliseconds.</returns>
    public virtual long? OnEstablished(ProxyWorker worker, ConnectionRecord record) => null;

    /// <summary>
    /// Asked behind <see cref="OnEstablished"/>: a filter that has to find something out first says what. The filters behind it are not asked before it is.
    /// </summary>
    /// <returns>Null: it has nothing to ask, and the connection may go on.</returns>
    public virtual ConnectionQuestion? Ask(ProxyWorker worker, ConnectionRecord record) => null;

    /// <summary>
    /// Whether an upstream may be bothered for a plain connection on which nobody has spoken yet. A filter that may refuse the connection answers
    /// here as it would later, and counts nothing.
    /// </summary>
    public virtual bool MayDialAhead(TransportConnection connection) => true;

    /// <summary>A connection that <see cref="OnBegin"/> let pass has ended.</summary>
    public virtual void OnEnd(ProxyWorker worker)
    {
    }
}
