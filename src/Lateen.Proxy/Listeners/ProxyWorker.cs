using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Http2;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Listeners;

/// <summary>
/// One reactor at work as a proxy: its clock, its random numbers, its counters, its spare exchanges and the sessions that it serves.
/// </summary>
/// <remarks>Everything here belongs to the reactor's thread. Nothing is shared between workers but immutable snapshots.</remarks>
internal sealed class ProxyWorker
{
    /// <summary>Spare streams kept for the next requests. Count; about 8 KiB each. Hit: what a burst needed beyond that goes to the collector.</summary>
    private const int MaxSpareStreams = 1024;

    /// <summary>How long the offset between the wall clock and the reactor's may be trusted. Microseconds.</summary>
    private const long WallOffsetLife = 1_000_000;

    /// <summary>How long a date that was read may be used. Milliseconds.</summary>
    private const long DateLife = 250;

    /// <summary>How often sessions that live long are asked what they moved. Envoy's stats flush. Milliseconds.</summary>
    private const long TallyPeriodMilliseconds = 5_000;

    private readonly int _workerCount;
    private readonly ReactorTimer _tallyTimer;
    private readonly HttpDate _date;
    private readonly Stack<Http1DownstreamStream> _spareStreams = new();
    private readonly Stack<Http2DownstreamStream> _spareHttp2Streams = new();
    private readonly Stack<Http2UpstreamStream> _spareHttp2UpstreamStreams = new();
    private readonly HashSet<IDownstreamSession> _sessions = [];
    private readonly HashSet<UpstreamPool> _pools = [];
    private long _dateReadAt = long.MinValue / 2;
    private long _connectionCount;
    private long _exchangeCount;
    private long _wallOffset;
    private long _wallOffsetReadAt = long.MinValue;

    public ProxyWorker(Reactor reactor, ProxyEngineOptions options, ProxySnapshotSource snapshots, ProxyStatistics statistics)
    {
        Reactor = reactor;
        Snapshots = snapshots;
        Statistics = statistics;
        Shard = statistics.ShardOf(reactor.Index);
        Random = new ReactorRandom((ulong)System.Random.Shared.NextInt64());
        _date = new HttpDate(reactor.TimeProvider);
        _workerCount = options.Concurrency;
        LocalNode = options.Node;
        _tallyTimer = new ReactorTimer(reactor, static state => ((ProxyWorker)state!).TallySessions(), this);
    }

    public Reactor Reactor { get; }

    public int Index => Reactor.Index;

    public ProxySnapshotSource Snapshots { get; }

    public ProxyStatistics Statistics { get; }

    public StatShard Shard { get; }

    public ReactorRandom Random { get; }

    /// <summary>Who this proxy is.</summary>
    public LocalNode LocalNode { get; }

    /// <summary>The date of this second, as a header value. The clock is read four times a second at most.</summary>
    public ReadOnlySpan<byte> DateText
    {
        get
        {
            if (Reactor.NowMilliseconds - _dateReadAt < DateLife) return _date.Cached;
            _dateReadAt = Reactor.NowMilliseconds;
            return _date.Now;
        }
    }

    /// <summary>Connections are being told to end: responses say <c>Connection: close</c>.</summary>
    public bool IsDraining { get; private set; }

    public int SessionCount => _sessions.Count;

    /// <summary>The worker's first act, on its reactor.</summary>
    public void Begin()
    {
        Shard.BindToCurrentThread();
        Reactor.DrainStarted += End;
    }

    /// <summary>Unique in the process without being shared: each worker counts in its own residue class.</summary>
    public long NextConnectionId() => (_connectionCount++ * _workerCount) + Index + 1;

    /// <inheritdoc cref="NextConnectionId"/>
    public long NextExchangeId() => (_exchangeCount++ * _workerCount) + Index + 1;

    /// <summary>The wall clock of this turn, in microseconds since 1970, without asking the system for each request.</summary>
    public long WallMicroseconds()
    {
        long now = Reactor.NowMicroseconds;
        if (_wallOffsetReadAt == long.MinValue || now - _wallOffsetReadAt > WallOffsetLife)
        {
            _wallOffsetReadAt = now;
            _wallOffset = ((Reactor.TimeProvider.GetUtcNow().UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond) - now;
        }

        return now + _wallOffset;
    }

    /// <summary>The counters of a cluster, bound the first time that any worker needs them.</summary>
    public ClusterStats StatsOf(ClusterSnapshot cluster) => ClusterStats.Of(cluster, Statistics.Registry);

    public Http1DownstreamStream RentStream() =>
        _spareStreams.TryPop(out Http1DownstreamStream? stream) ? stream : new Http1DownstreamStream(this);

    public void ReturnStream(Http1DownstreamStream stream)
    {
        if (_spareStreams.Count < MaxSpareStreams) _spareStreams.Push(stream);
    }

    /// <summary>The protocol's part of streams, shared by all HTTP/2 connections of the reactor.</summary>
    public Http2StreamPool Http2Streams { get; } = new(MaxSpareStreams);

    public Http2DownstreamStream RentHttp2Stream() =>
        _spareHttp2Streams.TryPop(out Http2DownstreamStream? stream) ? stream : new Http2DownstreamStream(this);

    public void ReturnHttp2Stream(Http2DownstreamStream stream)
    {
        if (_spareHttp2Streams.Count < MaxSpareStreams) _spareHttp2Streams.Push(stream);
    }

    public Http2UpstreamStream RentHttp2UpstreamStream() =>
        _spareHttp2UpstreamStreams.TryPop(out Http2UpstreamStream? stream) ? stream : new Http2UpstreamStream(this);

    public void ReturnHttp2UpstreamStream(Http2UpstreamStream stream)
    {
        if (_spareHttp2UpstreamStreams.Count < MaxSpareStreams) _spareHttp2UpstreamStreams.Push(stream);
    }

    /// <summary>Wakes somebody on the next turn, so that one exchange's end does not run another's next step on its own stack.</summary>
    public void WakeLater(WakeSignal signal) => Reactor.Post(static state => ((WakeSignal)state!).Wake(), signal);

    public void Enter(IDownstreamSession session)
    {
        _sessions.Add(session);
        if (!_tallyTimer.IsArmed) _tallyTimer.Arm(TallyPeriodMilliseconds);
    }

    public void Leave(IDownstreamSession session) => _sessions.Remove(session);

    /// <summary>From now on connections end after their current exchange; idle ones end at once.</summary>
    public void BeginDrain()
    {
        IsDraining = true;
        foreach (IDownstreamSession session in _sessions.ToArray()) session.BeginDrain();
    }

    /// <summary>A pool was made, and is to be drained with the worker.</summary>
    public void Adopt(UpstreamPool pool) => _pools.Add(pool);

    /// <summary>A pool is empty and its endpoint gone.</summary>
    public void Forget(UpstreamPool pool) => _pools.Remove(pool);

    /// <summary>Ends the connections of a scope: idle ones at once, the others after their exchange.</summary>
    public void EndConnectionsOf(ListenerScope scope)
    {
        foreach (IDownstreamSession session in _sessions.ToArray())
        {
            if (ReferenceEquals(session.Scope, scope)) session.BeginDrain();
        }
    }

    private void TallySessions()
    {
        foreach (IDownstreamSession session in _sessions) session.Tally();
        if (_sessions.Count > 0) _tallyTimer.Arm(TallyPeriodMilliseconds);
    }

    private void End()
    {
        BeginDrain();
        foreach (UpstreamPool pool in _pools.ToArray()) pool.Drain();
    }
}
