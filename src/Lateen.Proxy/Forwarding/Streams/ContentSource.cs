using Lateen.Http;

namespace Lateen.Proxy.Forwarding.Streams;

/// <summary>What <see cref="ContentSource.Peek"/> found.</summary>
internal enum ContentStatus : byte
{
    /// <summary>Bytes are there.</summary>
    Payload,

    /// <summary>Nothing now; the exchange is woken when there may be more.</summary>
    Wait,

    /// <summary>The message ended as its framing says; trailers are complete.</summary>
    End,

    /// <summary>It will never end well: <see cref="ContentSource.Failure"/> says why.</summary>
    Failed,
}

/// <summary>The content of one message as it arrives, whatever its framing and protocol.</summary>
internal abstract class ContentSource
{
    /// <summary>Shows the next bytes without taking them. Reads from the peer when nothing is at hand.</summary>
    /// <param name="payload">Valid until the next call on this object.</param>
    public abstract ContentStatus Peek(out ReadOnlySpan<byte> payload);

    /// <summary>Takes bytes that were shown. What is not taken is shown again: that is the back-pressure.</summary>
    public abstract void Take(int count);

    /// <summary>Complete once <see cref="Peek"/> said <see cref="ContentStatus.End"/>; null when the framing has no trailers.</summary>
    public abstract HeaderBlock? Trailers { get; }

    /// <summary>What went wrong, after <see cref="ContentStatus.Failed"/>.</summary>
    public abstract FailureCause Failure { get; }
}
