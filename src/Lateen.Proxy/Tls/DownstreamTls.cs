using Lateen.Net;

namespace Lateen.Proxy.Tls;

/// <summary>How the connections of a filter chain are decrypted: a compiled <c>DownstreamTlsContext</c>, its secrets as they are now.</summary>
/// <remarks>Shared by all reactors. A replaced secret concerns connections that are made after it.</remarks>
public abstract class DownstreamTls
{
    /// <summary>
    /// False while a secret that it names has not come: connections are refused then, as Envoy does
    /// (<c>listener.*.downstream_context_secrets_not_ready</c>).
    /// </summary>
    public abstract bool IsReady { get; }

    /// <summary>Shakes hands as the server. On the connection's reactor; a failure closes the plain connection, after the peer was told why.</summary>
    /// <param name="plain">The client's connection, nothing read from it yet.</param>
    /// <param name="timeoutMilliseconds">0: the limit for those who set none, 15 s.</param>
    public abstract ValueTask<TlsOutcome> AcceptAsync(TransportConnection plain, long timeoutMilliseconds);
}
