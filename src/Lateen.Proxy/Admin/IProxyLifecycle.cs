using System.Net;

namespace Lateen.Proxy.Admin;

/// <summary>Where the proxy stands in its life, as <c>/ready</c> and <c>/server_info</c> say it.</summary>
public enum ServerState
{
    /// <summary>It serves: 200.</summary>
    Live,

    /// <summary>It serves what it has and takes leave of its clients: 503.</summary>
    Draining,

    /// <summary>It waits for its first clusters: 503.</summary>
    PreInitializing,

    /// <summary>It waits for its first listeners: 503.</summary>
    Initializing,
}

/// <summary>What the admin pages may ask of the running proxy, and tell it to do.</summary>
/// <remarks>Implemented by the composition root. Called on the admin server's threads; commands are taken and return at once.</remarks>
public interface IProxyLifecycle
{
    ServerState State { get; }

    /// <summary>Every address that a listener is bound to now, with the listener's name; the port is the real one.</summary>
    IReadOnlyList<(string Listener, EndPoint Address)> BoundAddresses { get; }

    /// <summary>Requests in flight and connections open go on; no new connection is taken.</summary>
    /// <param name="graceful">Clients are first told to leave (<c>connection: close</c>), and the sockets close after the drain time.</param>
    /// <param name="inboundOnly">Only listeners whose direction is inbound.</param>
    void DrainListeners(bool graceful, bool inboundOnly);

    /// <summary>Makes health checks of this proxy fail, or pass again.</summary>
    void SetHealthChecksFailing(bool failing);

    /// <summary>Ends the process in good order.</summary>
    void Quit();
}
