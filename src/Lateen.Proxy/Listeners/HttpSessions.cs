using Lateen.Net;

namespace Lateen.Proxy.Listeners;

/// <summary>Serves a connection as HTTP, in the version that the chain asks for or that the client speaks.</summary>
internal static class HttpSessions
{
    /// <summary>The whole life of the connection.</summary>
    /// <param name="worker">The connection's reactor at work.</param>
    /// <param name="connection">Nothing of it is read yet; encrypted ones have shaken hands.</param>
    /// <param name="profile">Of the chain that was chosen for it.</param>
    public static ValueTask Serve(ProxyWorker worker, TransportConnection connection, HttpConnectionProfile profile) =>
        new Http1Session(worker, connection, profile).RunAsync();
}
