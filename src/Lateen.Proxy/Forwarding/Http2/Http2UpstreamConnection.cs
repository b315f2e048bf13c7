using Lateen.Http;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Forwarding.Http2;

/// <summary>A connection to an endpoint that speaks HTTP/2: many exchanges at a time.</summary>
/// <remarks>
/// Owner thread only. Events of the state machine only note what happened; the exchanges concerned are woken after it has returned. What all
/// streams send in a turn leaves together at its end.
/// </remarks>
internal sealed class Http2UpstreamConnection : UpstreamConnection, ITransportObserver, IHttp2ClientSession
{
    private readonly ProxyWorker _worker;
    private readonly Http2Counters _counters = new();
    private readonly Http2Tally _tally;
    private readonly ReactorTimer _timer;
    private readonly List<Http2UpstreamStream> _awaitSettings = [];
    private Http2UpstreamStream? _firstQueued;
    private Http2UpstreamStream? _lastQueued;
    private bool _isSettled;
    private bool _areSettingsNew;
    private bool _isGoingAway;
    private bool _isRetired;
    private bool _isClosed;

    public Http2UpstreamConnection(UpstreamPool pool, TransportConnection transport, long id, ProxyWorker worker, Http2Stats stats)
        : base(pool, transport, id)
    {
        _worker = worker;
        _tally = new Http2Tally(_counters, worker.Shard, stats);
        _timer = new ReactorTimer(worker.Reactor, static state => ((Http2UpstreamConnection)state!).Advance(), this);
        Link = new Http2Link(transport, pool.Settings.BufferLimit);
        Http2 = new Http2ClientConnection(pool.Settings.Http2, pool.Settings.Limits, this, Link, worker.Http2Streams, _counters)
        {
            // As Envoy's match_upstream; x-forwarded-proto tells the server what the client used.
            Scheme = transport is TlsConnection ? RequestScheme.Https : RequestScheme.Http,
        };
        transport.Observer = this;
        Http2.Start(worker.Reactor.NowMilliseconds);
        Link.RequestFlush();
        Rearm();
    }

    public Http2ClientConnection Http2 { get; }

    public Http2Link Link { get; }

    public override bool IsSettled => _isSettled;

    public override bool IsUsable => !_isClosed && !_isGoingAway && !_isRetired && !Http2.IsDraining && !Transport.IsClosed && !Transport.IsPeerClosed && !Link.HasFailed;

    public override int Capacity
    {
        get
        {
            if (!IsUsable) return 0;
            // Streams that were given out and have not sent their head count as well.
            int free = Http2.FreeStreams - (ActiveStreams - Http2.ActiveStreams);
            return Math.Max(0, _isSettled ? free : Math.Min(free, Pool.StreamsBeforeSettings - ActiveStreams));
        }
    }

    /// <summary>The server takes an extended CONNECT (RFC 8441 section 3).</summary>
    public bool AllowsExtendedConnect => Http2.AllowsExtendedConnect;

    /// <summary>Opens the stream by its request's head.</summary>
    public OpenOutcome TryOpen(Http2UpstreamStream of, HttpExchange exchange, bool endStream, out Http2Stream? stream)
    {
        stream = null;
        if (_isClosed || _isGoingAway || !Http2.CanOpenStream) return OpenOutcome.Refused;
        long deadline = Http2.NextDeadline;
        stream = Http2.OpenStream(exchange.Request, exchange.Response, of, endStream, _worker.Reactor.NowMilliseconds);
        if (stream is null) return OpenOutcome.TooLarge;
        Link.RequestFlush();
        // A PING went first: the server that does not answer it may never say anything that would arm the timer.
        if (Http2.NextDeadline < deadline) Rearm();
        return OpenOutcome.Opened;
    }

    /// <summary>The stream is told when the server's SETTINGS came.</summary>
    public void AwaitSettings(Http2UpstreamStream stream) => _awaitSettings.Add(stream);

    public void ForgetWaiting(Http2UpstreamStream stream) => _awaitSettings.Remove(stream);

    /// <summary>An exchange is through with its stream.</summary>
    /// <param name="of">The stream, which may be used again.</param>
    /// <param name="stream">Null when it was never opened.</param>
    /// <param name="isComplete">Both messages are.</param>
    public void EndStream(Http2UpstreamStream of, Http2Stream? stream, bool isComplete)
    {
        if (stream is not null)
        {
            // One that is not closed is cancelled.
            Http2.Release(stream);
            if (!_isClosed) Link.RequestFlush();
        }

        if (of.IsQueued) Unqueue(of);
        _worker.ReturnHttp2UpstreamStream(of);
        CountEnded();
        if (_isClosed) return;
        if (!IsUsable)
        {
            if (ActiveStreams == 0) CloseNow(wasActive: !isComplete);
        }
        else
        {
            Pool.OnStreamEnded(this);
        }
    }

    public override void Retire()
    {
        _isRetired = true;
        if (ActiveStreams == 0 && !_isClosed) CloseNow(wasActive: false);
    }

    public override void Close()
    {
        if (!_isClosed) EndTransport();
    }

    void ITransportObserver.OnReady(TransportConnection connection) => Advance();

    void IHttp2ClientSession.OnInterimResponse(Http2Stream stream)
    {
        Http2UpstreamStream of = Of(stream);
        of.OnInterim();
        Queue(of);
    }

    void IHttp2ClientSession.OnResponse(Http2Stream stream, bool endStream)
    {
        Http2UpstreamStream of = Of(stream);
        of.OnResponse(endStream);
        Queue(of);
    }

    void IHttp2Session.OnData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream)
    {
        Http2UpstreamStream of = Of(stream);
        of.OnData(payload, endStream);
        Queue(of);
    }

    void IHttp2Session.OnTrailers(Http2Stream stream)
    {
        Http2UpstreamStream of = Of(stream);
        of.OnTrailers();
        Queue(of);
    }

    void IHttp2Session.OnReset(Http2Stream stream, Http2ErrorCode error, Http2ResetOrigin origin)
    {
        Http2UpstreamStream of = Of(stream);
        of.OnReset(origin switch
        {
            Http2ResetOrigin.GoAway => FailureCause.StreamRefused,
            Http2ResetOrigin.StreamError => FailureCause.Malformed,
            Http2ResetOrigin.Connection => Http2.Failure.IsOfPeer ? FailureCause.ConnectionBroken : FailureCause.PeerClosed,
            _ => error == Http2ErrorCode.RefusedStream ? FailureCause.StreamRefused : FailureCause.StreamReset,
        });
        Queue(of);
    }

    void IHttp2Session.OnWindow(Http2Stream stream)
    {
        Http2UpstreamStream of = Of(stream);
        of.OnWindow();
        Queue(of);
    }

    void IHttp2Session.OnSettings() => _areSettingsNew = true;

    void IHttp2Session.OnGoAway(Http2ErrorCode error) => _isGoingAway = true;

    protected override UpstreamStream OpenStream(WakeSignal user)
    {
        Http2UpstreamStream stream = _worker.RentHttp2UpstreamStream();
        stream.Attach(this, user);
        return stream;
    }

    private static Http2UpstreamStream Of(Http2Stream stream) => (Http2UpstreamStream)stream.User!;

    /// <summary>Does what can be done now.</summary>
    private void Advance()
    {
        if (_isClosed) return;
        long now = _worker.Reactor.NowMilliseconds;
        bool hasEnded = false;
        while (!hasEnded)
        {
            IoStatus status = Link.Read(out ReadOnlySpan<byte> bytes);
            if (status == IoStatus.WouldBlock) break;
            if (status == IoStatus.Ok) Http2.Receive(bytes, now);
            hasEnded = status != IoStatus.Ok || Http2.HasEnded;
        }

        Link.EndRead();
        if (!hasEnded && now >= Http2.NextDeadline) Http2.CheckTime(now);
        Link.FlushAndResume();
        if (hasEnded || Http2.HasEnded || Link.HasFailed)
        {
            EndTransport();
            return;
        }

        if (_areSettingsNew) TakeSettings();
        if (_isGoingAway && !_isRetired) Pool.OnUnusable(this);
        WakeQueued();
        if (_isClosed) return;
        Link.RequestFlush();
        _tally.Fold(now);
        Rearm();
    }

    private void Rearm()
    {
        long next = Http2.NextDeadline;
        if (next != long.MaxValue) _timer.Arm(Math.Max(1, next - _worker.Reactor.NowMilliseconds));
    }

    private void TakeSettings()
    {
        bool isFirst = !_isSettled;
        _areSettingsNew = false;
        _isSettled = true;
        foreach (Http2UpstreamStream stream in _awaitSettings)
        {
            stream.OnSettings();
            Queue(stream);
        }

        _awaitSettings.Clear();
        Pool.OnCapacityChanged(this, Http2.FreeStreams + Http2.ActiveStreams, isFirst);
    }

    /// <summary>The transport or the protocol has come to its end under the streams.</summary>
    private void EndTransport()
    {
        bool wasActive = ActiveStreams > 0;
        _isGoingAway = true;
        Http2.TransportClosed();
        foreach (Http2UpstreamStream stream in _awaitSettings)
        {
            stream.OnReset(FailureCause.PeerClosed);
            Queue(stream);
        }

        _awaitSettings.Clear();
        CloseNow(wasActive);
        WakeQueued();
    }

    private void CloseNow(bool wasActive)
    {
        _isClosed = true;
        _timer.Cancel();
        _tally.FoldAll();
        Link.Flush();
        Link.Release();
        if (Http2.Failure.IsOfPeer) Pool.CountProtocolError();
        CloseTransport(wasActive);
    }

    private void Queue(Http2UpstreamStream stream)
    {
        if (stream.IsQueued) return;
        stream.IsQueued = true;
        stream.NextQueued = null;
        if (_lastQueued is null) _firstQueued = stream;
        else _lastQueued.NextQueued = stream;
        _lastQueued = stream;
    }

    /// <summary>Takes out a stream that ended while it was in the list.</summary>
    private void Unqueue(Http2UpstreamStream stream)
    {
        Http2UpstreamStream? previous = null;
        for (Http2UpstreamStream? at = _firstQueued; at is not null; previous = at, at = at.NextQueued)
        {
            if (!ReferenceEquals(at, stream)) continue;
            if (previous is null) _firstQueued = stream.NextQueued;
            else previous.NextQueued = stream.NextQueued;
            if (ReferenceEquals(_lastQueued, stream)) _lastQueued = previous;
            break;
        }

        stream.IsQueued = false;
        stream.NextQueued = null;
    }

    private void WakeQueued()
    {
        while (_firstQueued is { } stream)
        {
            _firstQueued = stream.NextQueued;
            if (_firstQueued is null) _lastQueued = null;
            stream.IsQueued = false;
            stream.NextQueued = null;
            stream.Wake();
        }
    }
}
