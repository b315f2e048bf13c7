using System.Net;
using Lateen.Http;
using Lateen.Net.Tls;

namespace Lateen.Proxy.Forwarding.Streams;

/// <summary>What <see cref="UpstreamStream.ReadHead"/> found.</summary>
internal enum HeadStatus : byte
{
    /// <summary>Not all of it is there; the exchange is woken when there is more.</summary>
    Wait,

    /// <summary>The head is complete, content may follow.</summary>
    Complete,

    /// <summary>There will be none: <see cref="UpstreamStream.Failure"/> says why.</summary>
    Failed,
}

/// <summary>
/// One attempt at an endpoint: a request on its way out and the response to it, whatever the protocol. For HTTP/1.1 it is the whole
/// connection for the length of one exchange.
/// </summary>
internal abstract class UpstreamStream
{
    /// <summary>
    /// Interim responses before the final one. Count. Hit: the response is malformed. Each is a sign of life to idle timeouts; a server that says every ten seconds that
    /// it is at work may do so for a quarter of an hour.
    /// </summary>
    protected const int MaxInterims = 100;

    /// <summary>Numbers the connection in this process.</summary>
    public abstract long ConnectionId { get; }

    public abstract EndPoint LocalAddress { get; }

    /// <summary>What the connection's TLS handshake agreed on; null on a plain connection.</summary>
    public abstract TlsSession? Tls { get; }

    /// <summary>What the connection speaks; null: the bytes of a tunnel from its first octet on.</summary>
    public abstract HttpProtocol? Protocol { get; }

    /// <summary>The connection served another request before this one, so the peer may have closed it in the meantime.</summary>
    public abstract bool IsConnectionReused { get; }

    /// <summary>Anything of a response has come.</summary>
    public abstract bool HasResponseBegun { get; }

    /// <summary>Why there is no response, after <see cref="HeadStatus.Failed"/>.</summary>
    public abstract FailureCause Failure { get; }

    /// <summary>The response's content, once its head is complete.</summary>
    public abstract ContentSource Content { get; }

    /// <summary>Where the request's content goes, once its head was sent.</summary>
    public abstract ContentSink Sink { get; }

    /// <summary>Gathers the request's head for the next flush of <see cref="Sink"/>, with the switch that it asks for, if it does.</summary>
    /// <returns>False when the head is larger than can be sent.</returns>
    public abstract bool TrySendHead(HttpExchange exchange);

    /// <summary>Reads the response's head into <paramref name="head"/>. Of interim ones before it the exchange's <see cref="HttpExchange.Interims"/> is told.</summary>
    public abstract HeadStatus ReadHead(HttpResponseHead head);

    /// <summary>A 101, or a 2xx to CONNECT, was read and is accepted: content and sink are the other protocol's bytes from now on.</summary>
    public abstract void StartTunnel();

    /// <summary>
    /// The exchange is through with this stream. The connection serves again if both messages are complete and both sides agree;
    /// otherwise it is closed, which is how HTTP/1.1 cancels.
    /// </summary>
    /// <param name="isRequestComplete">The whole request was handed over.</param>
    public abstract void Release(bool isRequestComplete);
}
