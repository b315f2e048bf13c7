using Lateen.Net;
using Lateen.Proxy.Clusters;

namespace Lateen.Proxy.Tls;

/// <summary>How connections to a cluster's endpoints are encrypted: a compiled <c>UpstreamTlsContext</c>, its secrets as they are now.</summary>
/// <remarks>Shared by all reactors. A replaced secret concerns connections that are made after it.</remarks>
public abstract class UpstreamTls
{
    /// <summary>False while a secret that it names has not come: connecting fails at once then.</summary>
    public abstract bool IsReady { get; }

    /// <summary>
    /// The server name comes from the request (<c>auto_sni</c>): a connection may carry requests of the host it was made for, and no other.
    /// </summary>
    public abstract bool UsesRequestHost { get; }

    /// <summary>Shakes hands as the client. On the connection's reactor; a failure closes the plain connection, after the peer was told why.</summary>
    /// <param name="plain">The connection to the endpoint, nothing sent on it but a PROXY header.</param>
    /// <param name="endpoint">Whom it leads to: the name for SNI and verification where the configuration leaves it to the endpoint.</param>
    /// <param name="greeting">What the traffic adds.</param>
    /// <param name="timeoutMilliseconds">What is left of the cluster's connect timeout; above 0.</param>
    public abstract ValueTask<TlsOutcome> ConnectAsync(TransportConnection plain, EndpointSnapshot endpoint, UpstreamGreeting greeting, long timeoutMilliseconds);
}
