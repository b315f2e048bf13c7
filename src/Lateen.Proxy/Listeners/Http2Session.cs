using System.Diagnostics;
using System.Runtime.CompilerServices;
using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Http2;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// A client's HTTP/2 connection from accept to close: hands bytes to the protocol's state machine, gives each stream a forwarder, and sees
/// to it that the connection comes to a good end.
/// </summary>
/// <remarks>
/// One reactor. Events of the state machine only note what happened; streams with news run after it has returned, one after the other, and what
/// all of them send leaves at the end of the turn. Between streams the session holds a transport, a timer and the state machine, and no buffer.
/// </remarks>
internal sealed class Http2Session : IDownstreamSession, ITransportObserver, IHttp2ServerSession
{
    /// <summary>
    /// Exchanges that may begin in one turn of the reactor; those left begin in the next, after the other connections had theirs. Count.
    /// A client that opens streams by the hundred, to break them off or not, costs the others that much of a wait.
    /// </summary>
    private const int MaxBeginsPerTurn = 32;

    private readonly ProxyWorker _worker;
    private readonly DownstreamConnection _connection;
    private readonly TransportConnection _transport;
    private readonly WaitableSignal _signal = new();
    private readonly ReactorTimer _timer;
    private readonly Http2Link _link;
    private readonly Http2Counters _counters = new();
    private readonly Http2Tally _tally;
    private readonly Http2ServerConnection _http2;
    private Http2DownstreamStream? _firstOpen;
    private Http2DownstreamStream? _firstQueued;
    private Http2DownstreamStream? _lastQueued;
    private int _open;
    private int _begun;
    private long _begunIn;
    private uint _requests;
    private long _idleSince;
    private long _drainEndsAt;
    private long _armedFor;
    private readonly bool _isCounted;
    private bool _isBusy;
    private bool _isWakePosted;
    private bool _hasEnded;
    private Drain _drain;

    /// <param name="connection">The client.</param>
    /// <param name="isCounted">It was counted among the connections when it came.</param>
    public Http2Session(DownstreamConnection connection, bool isCounted)
    {
        ProxyWorker worker = connection.Worker;
        HttpConnectionProfile profile = connection.Profile;
        TransportConnection transport = connection.Transport;
        _worker = worker;
        _transport = transport;
        _connection = connection;
        _isCounted = isCounted;
        _timer = new ReactorTimer(worker.Reactor, static state => ((Http2Session)state!)._signal.Wake(), this);
        _link = new Http2Link(transport, profile.Listener.BufferLimitBytes);
        _tally = new Http2Tally(_counters, worker.Shard, profile.Http2Stats);
        _http2 = new Http2ServerConnection(profile.Http2, profile.RequestOptions, this, _link, worker.Http2Streams, _counters);
    }

    private enum Drain : byte
    {
        None,

        /// <summary>It was asked for.</summary>
        Wanted,

        /// <summary>The client was told that the connection will end; streams that it opened meanwhile are still served.</summary>
        Announced,

        /// <summary>The client was told which stream is the last.</summary>
        Final,
    }

    public ListenerScope Scope => _connection.Profile.Scope;

    /// <summary>Octets that wait to leave.</summary>
    public int PendingOctets => _link.PendingOctets;

    /// <summary>The client takes less than it is sent; what can be left out is.</summary>
    public bool IsFull => _link.IsFull;

    private HttpConnectionProfile Profile => _connection.Profile;

    /// <summary>The whole life of the connection.</summary>
    /// <param name="seen">Holds what was read of the connection while its protocol was found out, and is given back; null: nothing was.</param>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    public async ValueTask RunAsync(Http1DownstreamStream? seen)
    {
        Open();
        try
        {
            _http2.Start(_worker.Reactor.NowMilliseconds);
            _link.RequestFlush();
            if (seen is not null)
            {
                Receive(seen.Buffer.Unread);
                seen.Detach();
                _worker.ReturnStream(seen);
            }

            while (Step()) await _signal.WaitAsync();
            AbandonStreams();
            while (!RunQueued()) await _signal.WaitAsync();
            Debug.Assert(_open == 0, "an abandoned stream ends");
            _link.Flush();
            if (IsLingering()) while (Linger()) await _signal.WaitAsync();
        }
        finally
        {
            Close();
        }
    }

    public void BeginDrain()
    {
        if (_drain == Drain.None) _drain = Drain.Wanted;
        _signal.Wake();
    }

    /// <summary>A stream has news: it runs now, or when what runs now is done.</summary>
    public void OnNews(Http2DownstreamStream stream)
    {
        Queue(stream);
        if (_isBusy) return;
        RunQueued();
        _link.RequestFlush();
        // The last stream of a connection that drains lets it end; streams that wait for windows set a time.
        if ((_open == 0 && _drain != Drain.None) || _http2.WantsCheck) _signal.Wake();
    }

    /// <summary>Ends a stream before its messages are complete.</summary>
    public void Reset(Http2Stream stream, Http2ErrorCode error)
    {
        if (stream.IsClosed) return;
        _worker.Shard.Increment(Profile.Stats.RequestSentReset);
        _http2.Reset(stream, error);
        _link.RequestFlush();
    }

    /// <summary>The client has taken nothing of a stream's content for too long.</summary>
    public void CountFlushTimeout() => _worker.Shard.Increment(Profile.Http2Stats.FlushTimeout);

    void ITransportObserver.OnReady(TransportConnection connection) => _signal.Wake();

    HttpRequestHead IHttp2ServerSession.OnStreamOpened(Http2Stream stream)
    {
        Http2DownstreamStream opened = _worker.RentHttp2Stream();
        opened.Attach(this, _link, _http2, stream, _worker.Reactor.NowMicroseconds);
        stream.User = opened;
        opened.NextOpen = _firstOpen;
        opened.PreviousOpen = null;
        if (_firstOpen is not null) _firstOpen.PreviousOpen = opened;
        _firstOpen = opened;
        _open++;
        _requests++;
        return opened.Exchange.Request;
    }

    void IHttp2ServerSession.OnRequest(Http2Stream stream, bool endStream)
    {
        Http2DownstreamStream of = Of(stream);
        of.OnRequest(endStream);
        Queue(of);
    }

    void IHttp2Session.OnData(Http2Stream stream, ReadOnlySpan<byte> payload, bool endStream)
    {
        Http2DownstreamStream of = Of(stream);
        of.OnData(payload, endStream);
        Queue(of);
    }

    void IHttp2Session.OnTrailers(Http2Stream stream)
    {
        Http2DownstreamStream of = Of(stream);
        of.OnTrailers();
        Queue(of);
    }

    void IHttp2Session.OnReset(Http2Stream stream, Http2ErrorCode error, Http2ResetOrigin origin)
    {
        Http2DownstreamStream of = Of(stream);
        of.OnReset(origin switch
        {
            Http2ResetOrigin.StreamError => FailureCause.Malformed,
            Http2ResetOrigin.Connection => _http2.Failure.IsOfPeer ? FailureCause.ConnectionBroken : FailureCause.PeerClosed,
            _ => FailureCause.StreamReset,
        });
        Queue(of);
    }

    void IHttp2Session.OnWindow(Http2Stream stream)
    {
        Http2DownstreamStream of = Of(stream);
        of.OnWindow();
        Queue(of);
    }

    void IHttp2Session.OnSettings()
    {
    }

    void IHttp2Session.OnGoAway(Http2ErrorCode error)
    {
        // The client opens no more streams; those that are open go on, and the connection ends after them.
        if (_drain == Drain.None) _drain = Drain.Wanted;
    }

    private static Http2DownstreamStream Of(Http2Stream stream) => (Http2DownstreamStream)stream.User!;

    private void Open()
    {
        _transport.Observer = this;
        _worker.Enter(this);
        _idleSince = _worker.Reactor.NowMilliseconds;
        StatShard shard = _worker.Shard;
        HttpConnectionManagerStats stats = Profile.Stats;
        if (!_isCounted)
        {
            shard.Increment(Profile.ListenerStats.ConnectionTotal);
            shard.Increment(Profile.ListenerStats.ConnectionActive);
            shard.Increment(stats.ConnectionTotal);
            shard.Increment(stats.ConnectionActive);
        }

        shard.Increment(stats.ConnectionHttp2Total);
        shard.Increment(stats.ConnectionHttp2Active);
    }

    /// <summary>Does what can be done now.</summary>
    /// <returns>False when the connection has come to its end.</returns>
    private bool Step()
    {
        if (_transport.IsClosed) return false;
        RunQueued();
        while (!_hasEnded && _firstQueued is null)
        {
            IoStatus status = _link.Read(out ReadOnlySpan<byte> bytes);
            if (status == IoStatus.WouldBlock) break;
            if (status != IoStatus.Ok) EndTransport();
            else Receive(bytes);
        }

        _link.EndRead();
        long now = _worker.Reactor.NowMilliseconds;
        if (!_hasEnded && now >= _http2.NextDeadline) Guarded(static (session, at) => session._http2.CheckTime(at), now);
        if (_http2.HasEnded && !_hasEnded)
        {
            _hasEnded = true;
            if (_http2.Failure.Violation == Http2Violation.HeadTimeout) _worker.Shard.Increment(Profile.Stats.RequestHeaderTimeout);
        }

        if (!_hasEnded) CheckAge(now);
        if (!_hasEnded) CheckDrain(now);
        _tally.Fold(now);
        _link.FlushAndResume();
        if (_hasEnded || _link.HasFailed) return false;
        Rearm(now);
        return true;
    }

    private void Receive(ReadOnlySpan<byte> bytes)
    {
        _isBusy = true;
        _http2.Receive(bytes, _worker.Reactor.NowMilliseconds);
        _isBusy = false;
        if (_http2.HasEnded) _hasEnded = true;
        RunQueued();
        _link.RequestFlush();
    }

    private void Guarded(Action<Http2Session, long> work, long argument)
    {
        _isBusy = true;
        work(this, argument);
        _isBusy = false;
        RunQueued();
    }

    /// <summary>The client is gone.</summary>
    private void EndTransport()
    {
        _hasEnded = true;
        Guarded(static (session, _) => session._http2.TransportClosed(), 0);
    }

    private void Queue(Http2DownstreamStream stream)
    {
        if (stream.IsQueued) return;
        stream.IsQueued = true;
        stream.NextQueued = null;
        if (_lastQueued is null) _firstQueued = stream;
        else _lastQueued.NextQueued = stream;
        _lastQueued = stream;
    }

    /// <summary>Runs the streams that have news, those included that get some meanwhile.</summary>
    /// <returns>False when some are left for the next turn, which wakes the session.</returns>
    private bool RunQueued()
    {
        _isBusy = true;
        while (_firstQueued is { } stream && (stream.HasBegun || MayBegin()))
        {
            _firstQueued = stream.NextQueued;
            if (_firstQueued is null) _lastQueued = null;
            stream.IsQueued = false;
            stream.NextQueued = null;
            Run(stream);
        }

        _isBusy = false;
        if (_firstQueued is null) return true;
        if (_isWakePosted) return false;
        _isWakePosted = true;
        _worker.Reactor.Post(static state => ((Http2Session)state!).OnNextTurn(), this);
        return false;
    }

    private void OnNextTurn()
    {
        _isWakePosted = false;
        _signal.Wake();
    }

    private bool MayBegin()
    {
        long turn = _worker.Reactor.Turn;
        if (_begunIn != turn)
        {
            _begunIn = turn;
            _begun = 0;
        }

        return ++_begun <= MaxBeginsPerTurn;
    }

    private void Run(Http2DownstreamStream stream)
    {
        if (!stream.HasBegun)
        {
            // Data may only follow a head; a stream that was broken off before it had one leaves no trace but the counters.
            if (!stream.HasHead)
            {
                if (stream.IsPeerGone) Release(stream);
                return;
            }

            stream.HasBegun = true;
            stream.Forwarder.Begin(_connection, stream, stream.Signal, stream.OpenedAt, isHeadLate: false);
        }

        if (!stream.Forwarder.Advance()) return;
        stream.Forwarder.End();
        Release(stream);
    }

    private void Release(Http2DownstreamStream stream)
    {
        Http2Stream of = stream.Stream;
        // A response that is complete before its request ends the stream all the same (RFC 9113 section 8.1).
        _http2.Release(of);
        if (stream.PreviousOpen is null) _firstOpen = stream.NextOpen;
        else stream.PreviousOpen.NextOpen = stream.NextOpen;
        if (stream.NextOpen is not null) stream.NextOpen.PreviousOpen = stream.PreviousOpen;
        stream.NextOpen = stream.PreviousOpen = null;
        stream.Detach();
        _worker.ReturnHttp2Stream(stream);
        if (--_open > 0) return;
        _idleSince = _worker.Reactor.NowMilliseconds;
        if (!_hasEnded) Rearm(_idleSince);
    }

    private void CheckAge(long now)
    {
        if (_drain != Drain.None) return;
        HttpConnectionManagerStats stats = Profile.Stats;
        if (_open == 0 && Profile.IdleMilliseconds > 0 && now - _idleSince >= Profile.IdleMilliseconds)
        {
            _worker.Shard.Increment(stats.ConnectionIdleTimeout);
            _drain = Drain.Wanted;
        }
        else if (Profile.MaxConnectionMilliseconds > 0 && now - _connection.OpenedAt >= Profile.MaxConnectionMilliseconds)
        {
            _worker.Shard.Increment(stats.ConnectionMaxDurationReached);
            _drain = Drain.Wanted;
        }
        else if (Profile.Manager.Limits.MaxRequestsPerConnection is > 0 and var most && _requests >= most)
        {
            _worker.Shard.Increment(stats.ConnectionMaxRequestsReached);
            _drain = Drain.Wanted;
        }
        else if (Scope.IsDraining || _worker.IsDraining)
        {
            _drain = Drain.Wanted;
        }
    }

    /// <summary>
    /// First the notice that nobody should open a stream any more, then, when those on their way had the time to arrive, the word which
    /// one is the last (RFC 9113 section 6.8). An idle connection is told both at once.
    /// </summary>
    private void CheckDrain(long now)
    {
        if (_drain == Drain.Wanted)
        {
            _worker.Shard.Increment(Profile.Stats.ConnectionDrainClose);
            _http2.BeginDrain();
            _drainEndsAt = now + (long)Profile.Manager.Timeouts.Drain.TotalMilliseconds;
            _drain = Drain.Announced;
        }

        if (_drain == Drain.Announced && (_open == 0 || now >= _drainEndsAt))
        {
            _http2.FinishDrain();
            _drain = Drain.Final;
        }

        if (_drain == Drain.Final && _open == 0) _hasEnded = true;
    }

    private void Rearm(long now)
    {
        long next = _http2.NextDeadline;
        if (_drain == Drain.Announced) next = Math.Min(next, _drainEndsAt);
        if (_drain == Drain.None && _open == 0 && Profile.IdleMilliseconds > 0) next = Math.Min(next, _idleSince + Profile.IdleMilliseconds);
        if (_drain == Drain.None && Profile.MaxConnectionMilliseconds > 0) next = Math.Min(next, _connection.OpenedAt + Profile.MaxConnectionMilliseconds);
        // One that fires too early sets itself again, which is rarer than a connection that is idle for a moment.
        if (next == long.MaxValue || (_timer.IsArmed && _armedFor <= next)) return;
        _armedFor = next;
        _timer.Arm(Math.Max(1, next - now));
    }

    /// <summary>Streams that are still open when the connection ends hear of it.</summary>
    private void AbandonStreams()
    {
        if (_open == 0) return;
        Profile.Stats.CountCutConnection(_worker.Shard, _transport.IsPeerClosed);
        for (Http2DownstreamStream? stream = _firstOpen; stream is not null; stream = stream.NextOpen)
        {
            if (!stream.IsPeerGone) stream.OnReset(FailureCause.PeerClosed);
            Queue(stream);
        }
    }

    /// <summary>What is still unread would turn our close into a reset, which may overtake the last frames.</summary>
    private bool IsLingering()
    {
        if (_transport.IsClosed || _transport.IsPeerClosed || _link.HasFailed || Profile.DelayedCloseMilliseconds == 0) return false;
        // Whoever floods us is not given the time to go on with it.
        if (_http2.Failure.IsFlood) return false;
        if (_link.PendingOctets == 0) _transport.ShutdownWrite();
        _idleSince = _worker.Reactor.NowMilliseconds;
        _timer.Arm(Profile.DelayedCloseMilliseconds);
        return true;
    }

    private bool Linger()
    {
        if (_worker.Reactor.NowMilliseconds - _idleSince >= Profile.DelayedCloseMilliseconds)
        {
            _worker.Shard.Increment(Profile.Stats.ConnectionDelayedCloseTimeout);
            return false;
        }

        bool wasPending = _link.PendingOctets > 0;
        _link.Flush();
        if (wasPending && _link.PendingOctets == 0) _transport.ShutdownWrite();
        while (true)
        {
            IoStatus status = _link.Read(out _);
            if (status == IoStatus.Ok) continue;
            _link.EndRead();
            return status == IoStatus.WouldBlock && !_link.HasFailed;
        }
    }

    private void Close()
    {
        bool isByPeer = _transport.IsPeerClosed;
        // Only a defect leaves streams behind.
        while (_firstOpen is { } stream)
        {
            stream.Forwarder.Break();
            stream.OnReset(FailureCause.PeerClosed);
            _firstOpen = stream.NextOpen;
            _open--;
        }

        _transport.Observer = null;
        _timer.Cancel();
        _worker.Leave(this);
        _tally.FoldAll();
        _link.Release();
        StatShard shard = _worker.Shard;
        HttpConnectionManagerStats stats = Profile.Stats;
        shard.Decrement(Profile.ListenerStats.ConnectionActive);
        shard.Increment(Profile.ListenerStats.ConnectionDestroy);
        shard.Record(Profile.ListenerStats.ConnectionLength, _worker.Reactor.NowMilliseconds - _connection.OpenedAt);
        shard.Decrement(stats.ConnectionActive);
        shard.Decrement(stats.ConnectionHttp2Active);
        shard.Increment(stats.ConnectionDestroy);
        shard.Increment(isByPeer ? stats.ConnectionDestroyRemote : stats.ConnectionDestroyLocal);
        if (_http2.Failure.IsOfPeer) shard.Increment(stats.ConnectionProtocolError);
        shard.Record(stats.ConnectionLength, _worker.Reactor.NowMilliseconds - _connection.OpenedAt);
        shard.Add(stats.ConnectionReceivedBytes, _transport.BytesRead);
        shard.Add(stats.ConnectionSentBytes, _transport.BytesWritten);
        _transport.Dispose();
    }
}
