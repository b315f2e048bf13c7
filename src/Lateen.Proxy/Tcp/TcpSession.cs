using System.Runtime.CompilerServices;
using Lateen.Net;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Tcp;

/// <summary>A client's connection that is passed on as bytes: find an upstream, relay to the end, write it down.</summary>
/// <remarks>
/// One reactor. At rest it holds the two transports, its record, a relay and a timer, and no buffer. A draining proxy lets it live: there is
/// no good moment to end a protocol that is not understood; the end of the drain cuts it.
/// </remarks>
internal sealed class TcpSession : IDownstreamSession
{
    private readonly ProxyWorker _worker;
    private readonly TransportConnection _transport;
    private readonly TcpProfile _profile;
    private readonly ConnectionRecord _record;
    private readonly WaitableSignal _signal = new();
    private UpstreamDial? _dial;
    private Relay? _relay;
    private IstioTcpSeries? _series;
    private long _talliedReceived;
    private long _talliedSent;

    /// <param name="worker">The reactor at work.</param>
    /// <param name="transport">The client's connection, decrypted if that was asked for.</param>
    /// <param name="profile">The options of its chain.</param>
    /// <param name="record">What is known of it so far.</param>
    /// <param name="dial">An upstream connection that was begun before it was sure that this is its session; null: none was.</param>
    public TcpSession(ProxyWorker worker, TransportConnection transport, TcpProfile profile, ConnectionRecord record, UpstreamDial? dial)
    {
        _worker = worker;
        _transport = transport;
        _profile = profile;
        _record = record;
        _dial = dial;
    }

    public ListenerScope Scope => _profile.Scope;

    public void BeginDrain()
    {
    }

    /// <summary>The whole life of the connection.</summary>
    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    public async ValueTask RunAsync()
    {
        _worker.Enter(this);
        _worker.Shard.Increment(_profile.Stats.ConnectionTotal);
        _worker.Shard.Increment(_profile.ListenerStats.ConnectionTotal);
        _worker.Shard.Increment(_profile.ListenerStats.ConnectionActive);
        try
        {
            UpstreamDial dial = Dial();
            // Who has ended its half may want the answer all the same; who has reset the connection wants nothing more.
            _transport.WatchPeerClosed(static state => ((WakeSignal)state!).Wake(), _signal);
            while (!dial.IsDone && !_transport.HasFailed) await _signal.WaitAsync();
            _transport.Unwatch();
            Note(dial);
            if (dial.Connection is { } upstream) await RelayAsync(upstream);
        }
        finally
        {
            Close();
        }
    }

    /// <summary>Adds what moved since the last call to the counters.</summary>
    public void Tally()
    {
        if (_relay is not { } relay) return;
        long received = relay.BytesFromDownstream - _talliedReceived;
        long sent = relay.BytesFromUpstream - _talliedSent;
        if ((received | sent) == 0) return;
        _talliedReceived += received;
        _talliedSent += sent;
        StatShard shard = _worker.Shard;
        shard.Add(_profile.Stats.ReceivedBytes, received);
        shard.Add(_profile.Stats.SentBytes, sent);
        ClusterStats cluster = _worker.StatsOf(_record.Cluster!);
        shard.Add(cluster.SentBytes, received);
        shard.Add(cluster.ReceivedBytes, sent);
        if (_series is not { } series) return;
        shard.Add(series.ReceivedBytes, received);
        shard.Add(series.SentBytes, sent);
    }

    private UpstreamDial Dial()
    {
        if (_dial is { } begun)
        {
            begun.HandTo(_signal);
            return begun;
        }

        _dial = new UpstreamDial(_worker, _profile);
        _dial.Begin(_signal, _transport.RemoteEndPoint, _transport.LocalEndPoint);
        return _dial;
    }

    private void Note(UpstreamDial dial)
    {
        _record.Cluster = dial.Cluster;
        _record.Endpoint = dial.Endpoint;
        _record.Attempts = dial.Attempts;
        _record.UpstreamFailureReason = dial.FailureReason;
        _record.Flags |= dial.IsDone ? dial.Flags : ResponseFlags.DownstreamConnectionTermination;
        _record.ConnectBeganAt = dial.BeganAt;
        _record.ConnectedAt = dial.ConnectedAt;
        _record.UpstreamConnectionId = dial.ConnectionId;
        _record.UpstreamLocal = dial.Connection?.LocalEndPoint;
        _record.UpstreamTls = (dial.Connection as Lateen.Net.Tls.TlsConnection)?.Session;
        if (dial is { IsDone: true, Cluster: null }) _worker.Shard.Increment(_profile.Stats.NoRoute);
        if (_profile.Metrics is not { } metrics) return;
        _series = metrics.SeriesOf(_worker, _profile.Listener, _record);
        _worker.Shard.Increment(_series.ConnectionsOpened);
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private async ValueTask RelayAsync(TransportConnection upstream)
    {
        _relay = new Relay(_transport, upstream, RemainingLimits());
        _relay.PreloadFromUpstream(_dial!.ReadAhead);
        RelayEnding ending = await _relay.RunAsync();
        switch (ending)
        {
            case RelayEnding.DownstreamFailed:
                _record.Flags |= ResponseFlags.DownstreamConnectionTermination;
                break;
            case RelayEnding.UpstreamFailed:
                _record.Flags |= ResponseFlags.UpstreamConnectionTermination;
                break;
            case RelayEnding.IdleTimeout:
                _worker.Shard.Increment(_profile.Stats.IdleTimeout);
                _record.TerminationDetails = "tcp_session_idle_timeout";
                break;
            case RelayEnding.DurationReached:
                _worker.Shard.Increment(_profile.Stats.MaxDuration);
                _record.Flags |= ResponseFlags.DurationTimeout;
                _record.TerminationDetails = "max_connection_duration_reached";
                break;
        }
    }

    /// <summary>The life of the connection counts from its beginning, not from the relay's.</summary>
    private RelayLimits RemainingLimits()
    {
        RelayLimits limits = _profile.Limits;
        if (limits.Duration == 0) return limits;
        long lived = (_worker.Reactor.NowMicroseconds - _record.OpenedAt) / 1000;
        return limits with { Duration = Math.Max(limits.Duration - lived, 1) };
    }

    private void Close()
    {
        Tally();
        _worker.Leave(this);
        _record.EndedAt = _worker.Reactor.NowMicroseconds;
        if (_relay is { } relay)
        {
            _record.BytesReceived = relay.BytesFromDownstream;
            _record.BytesSent = relay.BytesFromUpstream;
            _record.FirstFromUpstreamAt = relay.FirstFromUpstreamAt;
        }

        _worker.Shard.Decrement(_profile.ListenerStats.ConnectionActive);
        _worker.Shard.Increment(_profile.ListenerStats.ConnectionDestroy);
        _worker.Shard.Record(_profile.ListenerStats.ConnectionLength, (_record.EndedAt - _record.OpenedAt) / 1000);
        if (_series is { } series) _worker.Shard.Increment(series.ConnectionsClosed);
        foreach (AccessLogger log in _profile.AccessLogs) log.Write(_record, _worker.Index);
        _dial?.Close();
        _transport.Dispose();
    }
}
