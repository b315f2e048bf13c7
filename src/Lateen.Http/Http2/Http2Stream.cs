namespace Lateen.Http;

/// <summary>
/// One request and its response on a <see cref="Http2Connection"/>: identity, state and windows. The object is reused: it belongs to the session
/// from the event or call that opened it until <see cref="Http2Connection.Release"/>, and must be forgotten then.
/// </summary>
/// <remarks>Owner thread only.</remarks>
public sealed class Http2Stream
{
    internal int SendWindow;
    internal int ReceiveWindow;

    /// <summary>Octets that were delivered and that the session has not consumed.</summary>
    internal int Held;

    /// <summary>Octets that were consumed and for which no WINDOW_UPDATE was sent.</summary>
    internal int Credit;

    /// <summary>Declared Content-Length of what the peer sends, or -1.</summary>
    internal long ExpectedOctets;
    internal long OpenedAt;
    internal bool HasFinalHead;
    internal bool IsHeadSent;
    internal bool IsReleased;
    internal bool IsBlocked;
    internal Http2Stream? NextBlocked;
    internal Http2Stream? PreviousBlocked;
    private HeaderBlock? _trailers;

    internal Http2Stream()
    {
    }

    /// <summary>The stream identifier, 1 to 2^31-1; odd, since nobody pushes.</summary>
    public int Id { get; internal set; }

    /// <summary>The session's own object for this stream.</summary>
    public object? User { get; set; }

    /// <summary>Server: the request's head, as the session supplied it.</summary>
    public HttpRequestHead? Request { get; internal set; }

    /// <summary>Client: where the response's head is read into, as the session supplied it.</summary>
    public HttpResponseHead? Response { get; internal set; }

    /// <summary>The request's method; HEAD and CONNECT change what a response means.</summary>
    public RequestMethod Method { get; internal set; }

    /// <summary>The trailers that were received, without those that RFC 9110 section 6.5.1 forbids. Empty when there were none.</summary>
    public HeaderBlock Trailers => _trailers ??= new HeaderBlock();

    /// <summary>The peer has sent all of its message.</summary>
    public bool IsRemoteEnded { get; internal set; }

    /// <summary>We have sent all of ours.</summary>
    public bool IsLocalEnded { get; internal set; }

    /// <summary>Nothing more comes and nothing more can be sent: both messages are complete, or the stream was reset.</summary>
    public bool IsClosed { get; internal set; }

    /// <summary>Content octets that were received, padding not counted.</summary>
    public long ContentReceived { get; internal set; }

    /// <summary>Why what the peer sent is malformed; none, if it is not.</summary>
    public HttpRejection Rejection { get; internal set; }

    public override string ToString() =>
        $"stream {Id} {(IsClosed ? "closed" : IsRemoteEnded ? "half-closed (remote)" : IsLocalEnded ? "half-closed (local)" : "open")}";

    internal void Open(int id, int sendWindow, int receiveWindow, long now)
    {
        Id = id;
        SendWindow = sendWindow;
        ReceiveWindow = receiveWindow;
        OpenedAt = now;
        ExpectedOctets = -1;
        IsReleased = false;
    }

    internal void Recycle()
    {
        Id = 0;
        User = null;
        Request = null;
        Response = null;
        Method = RequestMethod.Other;
        _trailers?.Reset();
        IsRemoteEnded = false;
        IsLocalEnded = false;
        IsClosed = false;
        ContentReceived = 0;
        Rejection = default;
        Held = 0;
        Credit = 0;
        HasFinalHead = false;
        IsHeadSent = false;
        IsReleased = true;
    }
}

/// <summary>
/// Stream objects that wait for their next use, shared by the connections of one thread. What is above the bound is left to the collector.
/// </summary>
/// <param name="maxRetained">Streams kept. Count. A stream is about 200 octets, and a kilobyte more once it had trailers.</param>
public sealed class Http2StreamPool(int maxRetained = 1024)
{
    private readonly Stack<Http2Stream> _free = new();

    /// <summary>Streams that wait.</summary>
    public int Retained => _free.Count;

    internal Http2Stream Rent() => _free.TryPop(out Http2Stream? stream) ? stream : new Http2Stream();

    internal void Return(Http2Stream stream)
    {
        stream.Recycle();
        if (_free.Count < maxRetained) _free.Push(stream);
    }
}
