using Lateen.Http;

namespace Lateen.Proxy.Forwarding.Streams;

/// <summary>Where the content of one message goes, whatever its framing and protocol.</summary>
internal abstract class ContentSink
{
    /// <summary>True while the peer does not take what it was sent: nothing more is accepted until the exchange is woken.</summary>
    public abstract bool IsBlocked { get; }

    /// <summary>True when the peer can no longer be written to.</summary>
    public abstract bool HasFailed { get; }

    /// <summary>Accepts bytes, either sent or gathered for the next <see cref="Flush"/>.</summary>
    /// <returns>How many were accepted; fewer than given means <see cref="IsBlocked"/> or <see cref="HasFailed"/>.</returns>
    public abstract int Send(ReadOnlySpan<byte> payload);

    /// <summary>The message is complete; of a tunnel, this direction.</summary>
    /// <param name="trailers">Sent where the framing has a place for them.</param>
    public abstract void End(HeaderBlock? trailers);

    /// <summary>Hands over what was gathered.</summary>
    public abstract void Flush();
}
