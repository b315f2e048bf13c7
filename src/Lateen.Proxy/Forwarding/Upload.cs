using Lateen.Net;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Forwarding;

/// <summary>How a request's content fares.</summary>
internal enum UploadStatus : byte
{
    /// <summary>More has to come, or the server has to take more.</summary>
    Wait,

    /// <summary>All of it was handed over.</summary>
    Complete,

    /// <summary>All of it was handed over but for the word that this was all, which waits for <see cref="Upload.ReleaseEnd"/>.</summary>
    EndHeld,

    /// <summary>The client broke off or broke the protocol.</summary>
    Broken,
}

/// <summary>A request's content on its way to the server of the current attempt. Keeps what was sent if it may have to be sent again.</summary>
internal sealed class Upload(BufferPool pool)
{
    private readonly ReplayBuffer _replay = new(pool);
    private int _replayed;
    private bool _holdsEnd;

    /// <summary>The client has sent all of the request.</summary>
    public bool IsRequestComplete { get; private set; }

    /// <summary>The current attempt was handed all of the request.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Octets of content that came from the client.</summary>
    public long Received { get; private set; }

    /// <summary>The request can be sent once more from its beginning.</summary>
    public bool IsWhole => Received == 0 || _replay.IsComplete;

    /// <summary>A new request.</summary>
    public void Begin(bool hasBody)
    {
        IsRequestComplete = IsComplete = !hasBody;
        Received = 0;
        _replayed = 0;
        _holdsEnd = false;
    }

    /// <summary>From now on what is sent is kept, within the bound.</summary>
    /// <param name="most">Octets that the configuration allows to be kept.</param>
    public void Keep(uint most) => _replay.Begin(most);

    /// <summary>A new attempt starts from the first byte.</summary>
    public void Restart(bool hasBody)
    {
        IsComplete = !hasBody;
        _replayed = 0;
    }

    /// <summary>What comes from now on is not the request's content but the other protocol's; it cannot be sent twice.</summary>
    /// <param name="holdsEnd">That the client has ended is not told before <see cref="ReleaseEnd"/>.</param>
    public void StartTunnel(bool holdsEnd)
    {
        _replay.Release();
        IsRequestComplete = IsComplete = false;
        _holdsEnd = holdsEnd;
    }

    /// <summary>The server may hear that the client has ended.</summary>
    public void ReleaseEnd() => _holdsEnd = false;

    public void End() => _replay.Release();

    /// <summary>Moves what can be moved.</summary>
    /// <param name="source">The client.</param>
    /// <param name="sink">The server.</param>
    public UploadStatus Advance(ContentSource source, ContentSink sink)
    {
        if (sink.IsBlocked) sink.Flush();
        // A server that no longer takes the request may have answered it already: the response tells, or its absence does.
        if (sink.IsBlocked || sink.HasFailed || !Replay(sink)) return UploadStatus.Wait;
        while (true)
        {
            switch (IsRequestComplete ? ContentStatus.End : source.Peek(out _))
            {
                case ContentStatus.Payload:
                    source.Peek(out ReadOnlySpan<byte> payload);
                    int sent = sink.Send(payload);
                    _replay.Add(payload[..sent]);
                    _replayed = _replay.Kept.Length;
                    source.Take(sent);
                    Received += sent;
                    if (sent < payload.Length) return UploadStatus.Wait;
                    continue;
                case ContentStatus.Wait:
                    return UploadStatus.Wait;
                case ContentStatus.End when _holdsEnd:
                    return UploadStatus.EndHeld;
                case ContentStatus.End:
                    sink.End(source.Trailers);
                    IsRequestComplete = IsComplete = true;
                    return UploadStatus.Complete;
                default:
                    return UploadStatus.Broken;
            }
        }
    }

    /// <summary>Sends again what an earlier attempt was sent.</summary>
    /// <returns>False when there is more of it.</returns>
    private bool Replay(ContentSink sink)
    {
        ReadOnlySpan<byte> again = _replay.Kept[_replayed..];
        if (again.IsEmpty) return true;
        int sent = sink.Send(again);
        _replayed += sent;
        return sent == again.Length;
    }
}
