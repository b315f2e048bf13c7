using System.Diagnostics;

namespace Lateen.Http;

/// <summary>
/// One side of an HTTP/2 connection, RFC 9113, without any IO: bytes from the peer go in by <see cref="Receive"/>, events come out to the session, bytes
/// for the peer go into the session's <see cref="IHttp2Output"/>, which the session flushes once per turn.
/// </summary>
/// <remarks>
/// <para>Owner thread only. In steady state a connection allocates nothing per frame or stream; an idle one holds its compression tables, of
/// what they were filled with, and some hundred octets more.</para>
/// <para>What a peer may do is never an exception. A stream error costs the stream (<see cref="IHttp2Session.OnReset"/>); a connection error ends the
/// connection: a GOAWAY is in the output, <see cref="HasEnded"/> is true, <see cref="Failure"/> says why. The session then flushes, closes the transport
/// and calls <see cref="TransportClosed"/>, which resets the streams that are left.</para>
/// <para>Sends on a stream that is closed do nothing, so a session need not look before each of them.</para>
/// </remarks>
public abstract class Http2Connection
{
    /// <summary>What all streams together have to send within <see cref="Http2Options.StallMilliseconds"/> not to be stalled. Octets.</summary>
    private const int LeastProgress = 4096;

    private readonly Http2Receiver _receiver;
    private BlockedStreams _blocked;
    private long _stallBegan = -1;
    private long _sentBeforeStall;
    private int _connectionSendWindow = 65_535;
    private int _connectionCredit;

    private protected Http2Connection(
        Http2Options options, Http1Limits limits, IHttp2Session session, IHttp2Output output, Http2StreamPool pool, Http2Counters counters)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentNullException.ThrowIfNull(session);
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(pool);
        ArgumentNullException.ThrowIfNull(counters);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.InitialStreamWindow, 65_535, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.InitialConnectionWindow, 65_535, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxConcurrentStreams, 1, nameof(options));
        Options = options;
        Limits = limits;
        Session = session;
        Pool = pool;
        Counters = counters;
        Guard = new Http2FloodGuard(options);
        Liveness = new Http2Liveness(options);
        Frames = new Http2FrameWriter(output, options);
        Encoder = new HpackEncoder(options.HpackTableOctets, options.HuffmanEncode);
        Decoder = new HpackDecoder(4096) { MaxListOctets = Twice(limits.MaxHeadOctets), MaxFields = Twice(limits.MaxFields) };
        Heads = new Http2HeadWriter(Frames, Encoder);
        _receiver = new Http2Receiver(this);
        ConnectionReceiveWindow = 65_535;
    }

    /// <summary>What it counts into; shared with other connections of the thread.</summary>
    public Http2Counters Counters { get; }

    /// <summary>Streams that are not closed.</summary>
    public int ActiveStreams => Table.Count;

    /// <summary>True after a connection error, <see cref="Close"/> or <see cref="TransportClosed"/>: nothing more is read or sent.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Why it ended; none when it did not, or ended well.</summary>
    public Http2Failure Failure { get; private set; }

    /// <summary>One side has said GOAWAY: no new streams.</summary>
    public bool IsDraining => DrainStep != Http2DrainStep.None || IsGoAwayReceived;

    /// <summary>Draining, the last GOAWAY is written where one is due, and no stream is left: close the transport once the output is flushed.</summary>
    public bool IsDrained => Table.Count == 0 && (IsGoAwayReceived || DrainStep == Http2DrainStep.Final);

    /// <summary>When <see cref="CheckTime"/> wants to be called, in the milliseconds of the session's clock; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDeadline
    {
        get
        {
            if (HasEnded) return long.MaxValue;
            long next = Liveness.NextDeadline;
            if (_receiver.UnfinishedSince >= 0 && Options.HeadTimeoutMilliseconds > 0)
                next = Math.Min(next, _receiver.UnfinishedSince + Options.HeadTimeoutMilliseconds);
            if (!IsStalled) return next;
            return Math.Min(next, _stallBegan < 0 ? Now : _stallBegan + Options.StallMilliseconds);
        }
    }

    /// <summary>Sends have left so many streams waiting for a window that <see cref="CheckTime"/> has to watch how long.</summary>
    public bool WantsCheck => _stallBegan < 0 && IsStalled && !HasEnded;

    /// <summary>Bytes of memory that the connection holds for compression, for the accounting of its owner.</summary>
    public int ResidentBytes => Encoder.Table.ResidentBytes + Decoder.Table.ResidentBytes;

    private bool IsStalled => _blocked.Count >= Options.StalledStreams && IsServer;

    private protected Http2HeadWriter Heads { get; }

    internal Http2Options Options { get; }

    internal Http1Limits Limits { get; }

    internal IHttp2Session Session { get; }

    internal Http2StreamPool Pool { get; }

    internal Http2FrameWriter Frames { get; }

    internal HpackEncoder Encoder { get; }

    internal HpackDecoder Decoder { get; }

    internal Http2StreamTable Table { get; } = new();

    internal Http2FloodGuard Guard;

    internal Http2Liveness Liveness;

    internal Http2PeerSettings Peer = new();

    /// <summary>Streams that the client side opened, whichever side we are.</summary>
    internal ClosedStreams Closed;

    internal int ConnectionReceiveWindow { get; set; }

    /// <summary>What a new stream may receive: ours once the peer has acknowledged it (RFC 9113 section 6.5.3).</summary>
    internal int StreamReceiveWindow { get; set; } = 65_535;

    internal Http2DrainStep DrainStep { get; set; }

    internal bool IsGoAwayReceived { get; set; }

    /// <summary>Stream objects that are rented, closed ones included that the session holds.</summary>
    internal int RentedStreams { get; private set; }

    /// <summary>The session's clock at the last call that told it.</summary>
    internal long Now { get; private protected set; }

    internal abstract bool IsServer { get; }

    /// <summary>Writes what a connection begins with: SETTINGS, and the connection's window. A client's preface goes before it.</summary>
    /// <param name="nowMilliseconds">A monotonic clock, the same for all calls.</param>
    public void Start(long nowMilliseconds)
    {
        Now = nowMilliseconds;
        if (!IsServer) Frames.WritePreface();
        Span<(Http2Setting, uint)> settings = stackalloc (Http2Setting, uint)[7];
        int count = 0;
        if (Options.HpackTableOctets != 4096) settings[count++] = (Http2Setting.HeaderTableSize, (uint)Options.HpackTableOctets);
        if (IsServer) settings[count++] = (Http2Setting.MaxConcurrentStreams, (uint)Options.MaxConcurrentStreams);
        else settings[count++] = (Http2Setting.EnablePush, 0);
        if (Options.InitialStreamWindow != 65_535) settings[count++] = (Http2Setting.InitialWindowSize, (uint)Options.InitialStreamWindow);
        settings[count++] = (Http2Setting.MaxHeaderListSize, (uint)Limits.MaxHeadOctets);
        if (IsServer && Options.AllowConnect) settings[count++] = (Http2Setting.EnableConnectProtocol, 1);
        settings[count++] = (Http2Setting.NoRfc7540Priorities, 1);
        Frames.WriteSettings(settings[..count]);
        Liveness.OnStart(nowMilliseconds);
        int grown = Options.InitialConnectionWindow - 65_535;
        if (grown > 0) Frames.WriteWindowUpdate(0, grown);
        ConnectionReceiveWindow = Options.InitialConnectionWindow;
    }

    /// <summary>Takes all of the bytes, unless the connection ends.</summary>
    /// <returns>False when it has ended: see <see cref="Failure"/>, flush, close.</returns>
    public bool Receive(ReadOnlySpan<byte> input, long nowMilliseconds)
    {
        if (HasEnded) return false;
        Now = nowMilliseconds;
        Liveness.OnReceived(nowMilliseconds);
        _receiver.Read(input);
        if (Frames.Overflow != Http2Violation.None) Fail(Frames.Overflow);
        if (!HasEnded) return true;
        ResetAll();
        return false;
    }

    /// <summary>Does what is due by the clock: sends a PING, or ends the connection over one that was not answered.</summary>
    /// <returns>As <see cref="Receive"/>.</returns>
    public bool CheckTime(long nowMilliseconds)
    {
        if (HasEnded) return false;
        Now = nowMilliseconds;
        Http2Violation violation = Liveness.Check(nowMilliseconds, out bool needsPing);
        if (violation == Http2Violation.None) violation = CheckHead(nowMilliseconds);
        if (violation == Http2Violation.None) violation = CheckStall(nowMilliseconds);
        if (Frames.Overflow != Http2Violation.None) violation = Frames.Overflow;
        if (violation != Http2Violation.None)
        {
            Fail(violation);
            ResetAll();
            return false;
        }

        if (needsPing) Frames.WritePing(Liveness.OnPing(nowMilliseconds), isAck: false);
        return true;
    }

    /// <summary>
    /// How much content may be sent on a stream now, in octets; 0 for a closed one. A stream that may send nothing gets
    /// <see cref="IHttp2Session.OnWindow"/> when it may.
    /// </summary>
    public int SendWindow(Http2Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.IsClosed || stream.IsLocalEnded || HasEnded) return 0;
        int window = Math.Min(_connectionSendWindow, stream.SendWindow);
        if (window > 0) return window;
        _blocked.Add(stream);
        return 0;
    }

    /// <summary>Sends content by copying it.</summary>
    /// <param name="payload">May be empty.</param>
    /// <param name="endStream">Our message is complete with it. Holds only if all was accepted.</param>
    /// <returns>How many octets were accepted; fewer than given means that the stream gets <see cref="IHttp2Session.OnWindow"/>, or is closed.</returns>
    public int SendData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        int sent = 0;
        while (sent < payload.Length)
        {
            Span<byte> room = ReserveData(stream, payload.Length - sent);
            if (room.IsEmpty) return sent;
            payload.Slice(sent, room.Length).CopyTo(room);
            sent += room.Length;
            CommitData(stream, room.Length, endStream && sent == payload.Length);
        }

        if (payload.IsEmpty && endStream) EndStream(stream);
        return sent;
    }

    /// <summary>
    /// Room in the output behind a DATA frame's header: content that is read into it is not copied again. Empty when nothing may be sent, as
    /// <see cref="SendWindow"/>. It may be left unused; it is lost with the next call that writes.
    /// </summary>
    /// <param name="wanted">At least 1. Less may come.</param>
    public Span<byte> ReserveData(Http2Stream stream, int wanted)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(wanted);
        int octets = Math.Min(Math.Min(wanted, SendWindow(stream)), Http2FrameWriter.MaxPayloadOctets);
        return octets == 0 ? default : Frames.ReserveData(octets);
    }

    /// <summary>Sends the first octets of the room that <see cref="ReserveData"/> gave.</summary>
    public void CommitData(Http2Stream stream, int octets, bool endStream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        Debug.Assert(stream.IsHeadSent, "content before the head");
        if (stream.IsClosed || stream.IsLocalEnded || HasEnded) return;
        if (octets == 0 && !endStream) return;
        _connectionSendWindow -= octets;
        stream.SendWindow -= octets;
        Frames.CommitData(stream.Id, octets, endStream);
        Guard.OnDataSent(octets, isWindowUsedUp: stream.SendWindow <= 0 || _connectionSendWindow <= 0);
        if (endStream) EndLocal(stream);
    }

    /// <summary>Ends our message without more content.</summary>
    public void EndStream(Http2Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        CommitData(stream, 0, endStream: true);
    }

    /// <summary>Sends trailers and ends our message. Trailers that are larger than the peer takes are left out, and the message ends all the same.</summary>
    public void SendTrailers(Http2Stream stream, HeaderBlock trailers)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentNullException.ThrowIfNull(trailers);
        if (stream.IsClosed || stream.IsLocalEnded || HasEnded) return;
        if (trailers.Count == 0 || !Heads.TryWriteTrailers(stream.Id, trailers)) EndStream(stream);
        else EndLocal(stream);
    }

    /// <summary>Ends a stream before its time. No event follows.</summary>
    public void Reset(Http2Stream stream, Http2ErrorCode error)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.IsClosed || HasEnded) return;
        WriteReset(stream.Id, error);
        CloseStream(stream, byPeer: stream.IsRemoteEnded);
    }

    /// <summary>The session has done with octets that <see cref="IHttp2Session.OnData"/> brought: the peer may send as many again.</summary>
    public void Consume(Http2Stream stream, int octets)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)octets, (uint)stream.Held, nameof(octets));
        stream.Held -= octets;
        Credit(stream, octets);
    }

    /// <summary>
    /// The session has done with the stream and forgets the object. One that is not closed is reset: NO_ERROR when our message is complete and
    /// the peer's is not wanted any more (RFC 9113 section 8.1), else CANCEL.
    /// </summary>
    public void Release(Http2Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        if (stream.IsReleased) throw new InvalidOperationException("a stream is released once");
        if (!stream.IsClosed) Reset(stream, stream.IsLocalEnded && IsServer ? Http2ErrorCode.NoError : Http2ErrorCode.Cancel);
        if (stream.Held > 0) CreditConnection(stream.Held);
        stream.Held = 0;
        stream.IsReleased = true;
        if (!stream.IsClosed) return; // The connection has ended; its end resets and returns what is left.
        Return(stream);
    }

    /// <summary>
    /// Asks the peer to open no more streams, and lets those go on that are open: GOAWAY with the highest identifier and a PING, then, when
    /// the PING comes back or at <see cref="FinishDrain"/>, GOAWAY with the last stream that came (RFC 9113 section 6.8).
    /// </summary>
    public void BeginDrain()
    {
        if (HasEnded || DrainStep != Http2DrainStep.None) return;
        if (!IsServer)
        {
            // A client announces nothing: it just opens no more. The server has no streams that could be under way.
            DrainStep = Http2DrainStep.Final;
            return;
        }

        DrainStep = Http2DrainStep.Announced;
        WriteGoAway(int.MaxValue, Http2ErrorCode.NoError);
        Frames.WritePing(Http2Receiver.DrainPing, isAck: false);
    }

    /// <summary>The second step of <see cref="BeginDrain"/>, for a session whose time is up. New streams are ignored from now on.</summary>
    public void FinishDrain()
    {
        if (HasEnded || DrainStep == Http2DrainStep.Final) return;
        DrainStep = Http2DrainStep.Final;
        if (IsServer) WriteGoAway(Closed.LastId, Http2ErrorCode.NoError);
    }

    /// <summary>Ends the connection at once: GOAWAY, and <see cref="IHttp2Session.OnReset"/> for each stream.</summary>
    public void Close(Http2ErrorCode error)
    {
        if (HasEnded) return;
        WriteGoAway(IsServer ? Closed.LastId : 0, error);
        HasEnded = true;
        ResetAll();
    }

    /// <summary>The transport is gone, or is about to be: each stream that is left gets its <see cref="IHttp2Session.OnReset"/>.</summary>
    public void TransportClosed()
    {
        HasEnded = true;
        ResetAll();
    }

    /// <summary>A connection error, RFC 9113 section 5.4.1.</summary>
    internal void Fail(Http2Violation violation)
    {
        if (HasEnded) return;
        Counters.Count(violation);
        Failure = new Http2Failure(violation);
        WriteGoAway(IsServer ? Closed.LastId : 0, Failure.ErrorCode);
        HasEnded = true;
    }

    /// <summary>A stream error, section 5.4.2, of an open stream: it is reset, and the session told.</summary>
    internal void FailStream(Http2Stream stream, Http2Violation violation)
    {
        Counters.Count(violation);
        Http2ErrorCode error = new Http2Failure(violation).ErrorCode;
        WriteReset(stream.Id, error);
        CloseStream(stream, byPeer: stream.IsRemoteEnded);
        Provoked();
        Session.OnReset(stream, error, Http2ResetOrigin.StreamError);
    }

    /// <summary>A malformed message, section 8.1.1.</summary>
    internal void FailMessage(Http2Stream stream, HttpRejectionCode code)
    {
        stream.Rejection = new HttpRejection(code, ofResponse: !IsServer);
        Counters.MessagingErrors++;
        if (Options.InvalidMessages == Http2InvalidMessageAction.CloseConnection) Fail(Http2Violation.MessageMalformed);
        else FailStream(stream, Http2Violation.StreamMessageMalformed);
    }

    /// <summary>A field section was refused: whether for its size, and whether that was once too often.</summary>
    internal void NoteOverflow(HttpRejectionCode code)
    {
        if (code is not (HttpRejectionCode.FieldsTooLarge or HttpRejectionCode.TooManyFields)) return;
        Counters.HeaderOverflows++;
        Http2Violation flood = Guard.OnHeaderOverflow(Now);
        if (flood != Http2Violation.None) Fail(flood);
    }

    /// <summary>A field block did not come whole in time; the connection ends after this.</summary>
    internal virtual void OnHeadTimeout(int streamId)
    {
    }

    /// <summary>A field block on an idle stream that the peer may open, or not.</summary>
    internal abstract void OnNewStreamBlock(int streamId, bool endStream, ReadOnlySpan<byte> block);

    /// <summary>A field block that holds a head of a response.</summary>
    internal abstract void OnResponseBlock(Http2Stream stream, bool endStream, ReadOnlySpan<byte> block);

    /// <summary>What follows from the peer's SETTINGS besides windows and tables.</summary>
    internal void OnPeerSettings() => Heads.MaxListOctets = Peer.MaxHeaderListSize;

    /// <summary>A reset was sent that the peer brought about.</summary>
    internal void Provoked()
    {
        Http2Violation flood = Guard.OnProvokedReset();
        if (flood != Http2Violation.None) Fail(flood);
    }

    internal Http2Stream OpenStream(int id)
    {
        Http2Stream stream = Pool.Rent();
        RentedStreams++;
        stream.Open(id, Peer.InitialWindowSize, StreamReceiveWindow, Now);
        Table.Add(stream);
        Closed.Open(id);
        Guard.StreamsOpened++;
        return stream;
    }

    /// <summary>Takes a stream out of the table; its object stays with the session.</summary>
    internal void CloseStream(Http2Stream stream, bool byPeer)
    {
        stream.IsClosed = true;
        StopWaiting(stream);
        _receiver.OnClosed(stream);
        Table.Remove(stream);
        Closed.Close(stream.Id, byPeer);
        Guard.OnClosed();
    }

    internal void EndRemote(Http2Stream stream)
    {
        stream.IsRemoteEnded = true;
        if (stream.IsLocalEnded) CloseStream(stream, byPeer: true);
    }

    private protected void EndLocal(Http2Stream stream)
    {
        stream.IsLocalEnded = true;
        StopWaiting(stream);
        if (stream.IsRemoteEnded) CloseStream(stream, byPeer: true);
    }

    internal void WriteReset(int streamId, Http2ErrorCode error)
    {
        Counters.ResetsSent++;
        Frames.WriteReset(streamId, error);
    }

    /// <summary>The peer may send so many octets more, on the stream and on the connection.</summary>
    internal void Credit(Http2Stream stream, int octets)
    {
        CreditConnection(octets);
        if (stream.IsClosed || stream.IsRemoteEnded) return;
        stream.Credit += octets;
        if (stream.Credit < Options.InitialStreamWindow / 2 || HasEnded) return;
        Frames.WriteWindowUpdate(stream.Id, stream.Credit);
        stream.ReceiveWindow += stream.Credit;
        stream.Credit = 0;
    }

    /// <summary>Gathered until half a window is worth a frame, so that a frame of 13 octets is not sent for each frame of content.</summary>
    internal void CreditConnection(int octets)
    {
        _connectionCredit += octets;
        if (_connectionCredit < Options.InitialConnectionWindow / 2 || HasEnded) return;
        Frames.WriteWindowUpdate(0, _connectionCredit);
        ConnectionReceiveWindow += _connectionCredit;
        _connectionCredit = 0;
    }

    /// <summary>A WINDOW_UPDATE of the connection.</summary>
    internal Http2Violation GrowConnectionWindow(int increment)
    {
        if (_connectionSendWindow > int.MaxValue - increment) return Http2Violation.WindowOverflow;
        _connectionSendWindow += increment;
        UnblockAll();
        return Http2Violation.None;
    }

    /// <summary>A WINDOW_UPDATE of a stream.</summary>
    internal Http2Violation GrowStreamWindow(Http2Stream stream, int increment)
    {
        if (stream.SendWindow > int.MaxValue - increment) return Http2Violation.StreamWindowOverflow;
        stream.SendWindow += increment;
        Unblock(stream);
        return Http2Violation.None;
    }

    /// <summary>SETTINGS_INITIAL_WINDOW_SIZE changed: all open streams' windows do, and may become negative (section 6.9.2).</summary>
    internal Http2Violation MoveStreamWindows(int delta)
    {
        foreach (Http2Stream? stream in Table.Slots)
        {
            if (stream is null) continue;
            if (delta > 0 && stream.SendWindow > int.MaxValue - delta) return Http2Violation.SettingsWindowTooLarge;
            stream.SendWindow += delta;
        }

        return Http2Violation.None;
    }

    /// <summary>Tells the streams that wait and may send now. One round: those that may not go to the end of the line.</summary>
    internal void UnblockAll()
    {
        for (int left = _blocked.Count; left > 0 && _connectionSendWindow > 0 && !HasEnded && _blocked.First is { } stream; left--)
        {
            if (stream.SendWindow > 0)
            {
                Unblock(stream);
                continue;
            }

            _blocked.Remove(stream);
            _blocked.Add(stream);
        }
    }

    internal void MoveReceiveWindows(int delta)
    {
        foreach (Http2Stream? stream in Table.Slots)
            if (stream is not null) stream.ReceiveWindow += delta;
    }

    private static int Twice(int limit) => (int)Math.Min(2L * limit, int.MaxValue);

    private void Unblock(Http2Stream stream)
    {
        if (!stream.IsBlocked || stream.SendWindow <= 0 || _connectionSendWindow <= 0) return;
        StopWaiting(stream);
        Session.OnWindow(stream);
    }

    private void StopWaiting(Http2Stream stream)
    {
        _blocked.Remove(stream);
        if (_blocked.Count < Options.StalledStreams) _stallBegan = -1;
    }

    private Http2Violation CheckHead(long now)
    {
        if (_receiver.UnfinishedSince < 0 || Options.HeadTimeoutMilliseconds == 0 || now - _receiver.UnfinishedSince < Options.HeadTimeoutMilliseconds)
            return Http2Violation.None;
        if (_receiver.UnfinishedBlock != 0) OnHeadTimeout(_receiver.UnfinishedBlock);
        return Http2Violation.HeadTimeout;
    }

    private Http2Violation CheckStall(long now)
    {
        if (!IsStalled) return Http2Violation.None;
        if (_stallBegan >= 0)
        {
            if (now - _stallBegan < Options.StallMilliseconds) return Http2Violation.None;
            if (Guard.OctetsSent - _sentBeforeStall < LeastProgress) return Http2Violation.SlowReaderFlood;
        }

        _stallBegan = now;
        _sentBeforeStall = Guard.OctetsSent;
        return Http2Violation.None;
    }

    private void WriteGoAway(int lastStreamId, Http2ErrorCode error)
    {
        Counters.GoAwaysSent++;
        Frames.WriteGoAway(lastStreamId, error);
    }

    private void ResetAll()
    {
        _receiver.Stop();
        int slot = 0;
        while (Table.FindAbove(0, ref slot) is { } stream)
        {
            CloseStream(stream, byPeer: false);
            if (stream.IsReleased) Return(stream);
            else Session.OnReset(stream, Failure.Violation == Http2Violation.None ? Http2ErrorCode.Cancel : Failure.ErrorCode, Http2ResetOrigin.Connection);
        }
    }

    private void Return(Http2Stream stream)
    {
        RentedStreams--;
        Pool.Return(stream);
    }
}

/// <summary>How far a drain has come.</summary>
internal enum Http2DrainStep : byte
{
    None,
    Announced,
    Final,
}
