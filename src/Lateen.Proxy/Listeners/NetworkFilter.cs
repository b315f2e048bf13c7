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

    /// <summary>A connection that <see cref="OnBegin"/> let pass has ended.</summary>
    public virtual void OnEnd(ProxyWorker worker)
    {
    }
}
