using Lateen.Http;

namespace Lateen.Proxy.Forwarding.Streams;

/// <summary>
/// One request as it comes from a client and the response on its way back, whatever the protocol. Forwarding knows a client only as this.
/// </summary>
internal abstract class DownstreamStream
{
    /// <summary>The client went away, or can no longer be written to: nobody waits for the response.</summary>
    public abstract bool IsPeerGone { get; }

    /// <summary>How it went away.</summary>
    public virtual FailureCause GoneCause => FailureCause.PeerClosed;

    /// <summary>The request's content.</summary>
    public abstract ContentSource Content { get; }

    /// <summary>Where the response's content goes, once its head was sent.</summary>
    public abstract ContentSink Sink { get; }

    /// <summary>Gathers the response's head for the next flush of <see cref="Sink"/>.</summary>
    /// <param name="exchange">Request and response.</param>
    /// <param name="isRequestComplete">False: the client may still be sending content that nobody will read.</param>
    /// <returns>Whether content may follow, and must, if the response has any; null when the head is larger than can be sent.</returns>
    public abstract bool? TrySendHead(HttpExchange exchange, bool isRequestComplete);

    /// <summary>
    /// Sends an interim response (1xx other than 101), at the next flush of <see cref="Sink"/> at the latest. It is left out when the client has not taken what it was
    /// sent before.
    /// </summary>
    public abstract void SendInterim(HttpResponseHead head);

    /// <summary>Tells the client to go on (100), at once.</summary>
    public abstract void SendContinue();

    /// <summary>A 101 was sent: content and sink are the other protocol's bytes from now on.</summary>
    public abstract void StartTunnel();

    /// <summary>The client has taken nothing of what waits for it for too long; a <see cref="Reset"/> follows.</summary>
    public virtual void OnFlushTimeout()
    {
    }

    /// <summary>The response cannot be completed: the client must not take what it has for a whole one.</summary>
    public abstract void Reset();
}
