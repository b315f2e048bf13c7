using System.Text;
using Lateen.Net;
using Lateen.Net.Tls;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Filters.MutualTls;
using Lateen.Proxy.Forwarding.Http1;
using Lateen.Proxy.Forwarding.Http2;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Forwarding.Tcp;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tls;
using Lateen.Proxy.Upstreams;

namespace Lateen.Proxy.Forwarding.Pools;

/// <summary>What <see cref="UpstreamPool.Acquire"/> did.</summary>
internal enum PoolAnswer : byte
{
    /// <summary>A stream is the caller's.</summary>
    Ready,

    /// <summary>The caller waits in the queue and will be told.</summary>
    Queued,

    /// <summary>The cluster's budget is used up.</summary>
    Overflow,
}

/// <summary>
/// The connections of one reactor to one endpoint in one protocol, and who waits for a stream. The connection that was used last is used
/// first, so that the ones that are not needed grow old and close.
/// </summary>
/// <remarks>
/// <para>Owner thread only. As many connects are under way as the waiters need, within the cluster's budget; a stream that becomes free
/// goes to the first waiter whichever connect was meant for it. When a connect fails, the waiters that no remaining connect would serve
/// fail with it, the oldest first. Every reactor may open at least one connection per endpoint whatever the budget says, as in Envoy:
/// otherwise a busy endpoint could starve a new one for ever.</para>
/// <para>It knows connections by what they can carry: one stream at a time for HTTP/1.1, many for HTTP/2, one in all for a CONNECT tunnel that ends here.</para>
/// </remarks>
internal sealed class UpstreamPool
{
    /// <summary>Hosts of one endpoint with connections of their own. Count. Hit: an idle one's are closed.</summary>
    private const int MaxHosts = 64;

    private const int RecommendedStreams = 100;

    private static readonly AlpnProtocol[] Http1Only = [AlpnProtocol.Http11];
    private static readonly AlpnProtocol[] Http2Only = [AlpnProtocol.Http2];
    private static readonly AlpnProtocol[] Either = [AlpnProtocol.Http2, AlpnProtocol.Http11];

    private readonly ProxyWorker _worker;
    private readonly EndpointSlot _slot;
    private readonly UpstreamProtocol _protocol;
    private readonly byte[] _host;
    private EndpointTransport? _transport;
    private readonly IReadOnlyList<AlpnProtocol>? _offered;
    private readonly UpstreamGreeting _greeting;
    private readonly ClusterState _clusterState;
    private readonly ClusterStats _stats;
    private readonly WaiterQueue _waiters = new();
    private readonly ReactorTimer _idleTimer;
    private ClusterSnapshot _cluster;
    private EndpointSnapshot _endpoint;
    private UpstreamPool? _sibling;
    private UpstreamConnection? _newest;
    private UpstreamConnection? _oldest;
    private int _connections;
    private int _connecting;
    private int _unsettled;
    private bool _isDraining;
    private bool _hasSpokenHttp2;
    private long _learntStreams = int.MaxValue;

    private UpstreamPool(
        ProxyWorker worker, ClusterSnapshot cluster, EndpointSnapshot endpoint, UpstreamProtocol protocol, ReadOnlySpan<byte> host,
        IReadOnlyList<AlpnProtocol>? offered)
    {
        _host = host.ToArray();
        _transport = endpoint.Transport;
        _offered = offered;
        _greeting = new UpstreamGreeting(
            protocol switch
            {
                UpstreamProtocol.Http1 => Http1Only,
                UpstreamProtocol.Http2 => Http2Only,
                UpstreamProtocol.Tcp => null,
                _ => Either,
            },
            host.IsEmpty ? null : Encoding.ASCII.GetString(host),
            offered);
        _worker = worker;
        _endpoint = endpoint;
        _protocol = protocol;
        _slot = endpoint.State.SlotOf(worker.Index);
        _cluster = cluster;
        _clusterState = cluster.State;
        _stats = worker.StatsOf(cluster);
        Settings = UpstreamSettings.Of(cluster);
        _idleTimer = new ReactorTimer(worker.Reactor, static state => ((UpstreamPool)state!).CloseOldIdle(), this);
    }

    /// <summary>The options of the configuration that was used last.</summary>
    public UpstreamSettings Settings { get; private set; }

    public ReactorRandom Random => _worker.Random;

    /// <summary>
    /// Streams that are expected of a connection that is not there yet, or has not said how many it takes. With ALPN it is learnt from the last
    /// connection.
    /// </summary>
    private long StreamsOfNewConnection => _protocol == UpstreamProtocol.Http2 || _hasSpokenHttp2 ? Math.Min(Settings.Http2.MaxConcurrentStreams, _learntStreams) : 1;

    /// <summary>
    /// Streams that a connection may carry before its peer has said how many it takes: what the last one said, and no more than RFC 9113 section
    /// 6.5.2 recommends to take.
    /// </summary>
    public int StreamsBeforeSettings => (int)Math.Min(RecommendedStreams, _learntStreams);

    /// <summary>Nobody uses it or waits for it.</summary>
    private bool IsIdle
    {
        get
        {
            if (_waiters.Count > 0 || _connecting > 0) return false;
            int idle = 0;
            for (UpstreamConnection? connection = _newest; connection is not null; connection = connection.Older)
            {
                if (connection.ActiveStreams == 0) idle++;
            }

            return idle == _connections;
        }
    }

    /// <summary>Connections that are established, idle or not.</summary>
    public int Connections => _connections;

    /// <summary>The connection that the next request gets, if it can carry one; null when there is none. For tests.</summary>
    internal UpstreamConnection? Newest => _newest;

    /// <summary>The pool of an endpoint and a protocol on this reactor, made when it is first needed.</summary>
    /// <param name="worker">The reactor's.</param>
    /// <param name="cluster">The configuration that asks.</param>
    /// <param name="endpoint">Whose connections.</param>
    /// <param name="protocol">In what they speak; not <see cref="UpstreamProtocol.UseDownstream"/>.</param>
    /// <param name="host">The host of the request, where connections serve one host each (<c>auto_sni</c>); else empty.</param>
    /// <param name="offered">What TLS handshakes offer instead of what the cluster says; null: nothing.</param>
    public static UpstreamPool Of(
        ProxyWorker worker, ClusterSnapshot cluster, EndpointSnapshot endpoint, UpstreamProtocol protocol, ReadOnlySpan<byte> host,
        IReadOnlyList<AlpnProtocol>? offered)
    {
        EndpointSlot slot = endpoint.State.SlotOf(worker.Index);
        var first = (UpstreamPool?)slot.Pool;
        UpstreamPool? idle = null;
        int hosts = 0;
        for (UpstreamPool? made = first; made is not null; made = made._sibling)
        {
            // What was connected in another way (in the clear, or for another server name) must not carry what is to go in this one.
            if (!IsSameTransport(made._transport, endpoint.Transport)) continue;
            if (made._protocol == protocol && host.SequenceEqual(made._host) && AlpnOverrides.AreEqual(made._offered, offered)) return made;
            if (made._host.Length == 0) continue;
            hosts++;
            if (made.IsIdle) idle = made;
        }

        // Hosts come from clients: the pool that has been there longest without a request makes room.
        if (hosts >= MaxHosts) idle?.Drain();
        DrainOthers(slot, endpoint.Transport);
        var pool = new UpstreamPool(worker, cluster, endpoint, protocol, host, offered) { _sibling = (UpstreamPool?)slot.Pool };
        slot.Pool = pool;
        worker.Adopt(pool);
        return pool;
    }

    /// <summary>The endpoint is connected to in another way now: connections of the former way end with what they carry.</summary>
    private static void DrainOthers(EndpointSlot slot, EndpointTransport? transport)
    {
        var pool = (UpstreamPool?)slot.Pool;
        while (pool is not null)
        {
            UpstreamPool? next = pool._sibling;
            if (!pool._isDraining && !IsSameTransport(pool._transport, transport)) pool.Drain();
            pool = next;
        }
    }

    private static bool IsSameTransport(EndpointTransport? left, EndpointTransport? right) =>
        ReferenceEquals(left, right) || (left is not null && left.IsInterchangeableWith(right));

    /// <summary>The endpoint is gone from the configuration: drains its pools, whatever their protocol.</summary>
    public static void DrainAll(EndpointSlot slot)
    {
        var pool = (UpstreamPool?)slot.Pool;
        while (pool is not null)
        {
            UpstreamPool? next = pool._sibling;
            pool.Drain();
            pool = next;
        }
    }

    /// <summary>Gives a stream, or puts the waiter into the queue.</summary>
    /// <param name="waiter">Told when a stream is there, if none is now.</param>
    /// <param name="signal">What the stream wakes from now on.</param>
    /// <param name="cluster">The configuration under which the request runs; new connections are made by it.</param>
    /// <param name="endpoint">The pool's endpoint as that configuration has it.</param>
    /// <param name="stream">Set when the answer is <see cref="PoolAnswer.Ready"/>.</param>
    public PoolAnswer Acquire(IPoolWaiter waiter, WakeSignal signal, ClusterSnapshot cluster, EndpointSnapshot endpoint, out UpstreamStream? stream)
    {
        if (!ReferenceEquals(cluster, _cluster)) Adopt(cluster, endpoint);
        while (_newest is { } connection)
        {
            if (!connection.IsUsable || IsTooOld(connection))
            {
                Unlink(connection);
                connection.Retire();
                continue;
            }

            stream = Open(connection, signal);
            return PoolAnswer.Ready;
        }

        stream = null;
        if (!_clusterState.TryAcquire(BudgetKind.PendingRequests, cluster.Limits, _worker.Index))
        {
            _worker.Shard.Increment(_stats.RequestPendingOverflow);
            return PoolAnswer.Overflow;
        }

        _worker.Shard.Increment(_stats.RequestPendingTotal);
        _worker.Shard.Increment(_stats.RequestPendingActive);
        _waiters.Add(waiter);
        ConnectForWaiters();
        return PoolAnswer.Queued;
    }

    /// <summary>The waiter no longer wants a stream. The connect that was begun for it goes on: somebody will need it.</summary>
    public void Leave(IPoolWaiter waiter)
    {
        _waiters.Remove(waiter);
        LeaveBudget();
    }

    /// <summary>A stream ended, and the connection can go on.</summary>
    public void OnStreamEnded(UpstreamConnection connection)
    {
        bool isUsedUp = IsUsedUp(connection);
        if (isUsedUp) _worker.Shard.Increment(_stats.ConnectionMaxRequests);
        if (_isDraining || _endpoint.State.IsRetired || isUsedUp || IsTooOld(connection))
        {
            if (connection.IsListed) Unlink(connection);
            connection.Retire();
            return;
        }

        GiveAway(connection);
    }

    /// <summary>The peer has said how many streams the connection can carry.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="streams">How many.</param>
    /// <param name="isFirst">It had not said so before.</param>
    public void OnCapacityChanged(UpstreamConnection connection, int streams, bool isFirst)
    {
        _learntStreams = Math.Max(1, streams);
        if (isFirst) _unsettled--;
        if (connection.Capacity > 0) GiveAway(connection);
        else if (connection.IsListed) Unlink(connection);
        if (_waiters.Count > 0) ConnectForWaiters();
    }

    /// <summary>The peer broke the protocol.</summary>
    public void CountProtocolError() => _worker.Shard.Increment(_stats.ProtocolError);

    /// <summary>The peer wants no further stream on the connection, or an idle one heard something: it is of no use any more.</summary>
    public void OnUnusable(UpstreamConnection connection)
    {
        if (connection.IsListed) Unlink(connection);
        connection.Retire();
    }

    /// <summary>A connection is closed; whoever waits may open another one.</summary>
    public void OnClosed(UpstreamConnection connection, bool byPeer, bool wasActive)
    {
        if (connection.IsListed) Unlink(connection);
        if (!connection.IsSettled) _unsettled--;
        _connections--;
        _slot.ActiveConnections--;
        _clusterState.Release(BudgetKind.Connections, _worker.Index);
        var shard = _worker.Shard;
        shard.Decrement(_stats.ConnectionActive);
        shard.Increment(_stats.ConnectionDestroy);
        shard.Increment(byPeer ? _stats.ConnectionDestroyRemote : _stats.ConnectionDestroyLocal);
        if (wasActive)
        {
            shard.Increment(_stats.ConnectionDestroyWithActiveRequest);
            shard.Increment(byPeer ? _stats.ConnectionDestroyRemoteWithActiveRequest : _stats.ConnectionDestroyLocalWithActiveRequest);
        }

        shard.Add(_stats.ReceivedBytes, connection.BytesRead);
        shard.Add(_stats.SentBytes, connection.BytesWritten);
        shard.Record(_stats.ConnectionLength, _worker.Reactor.NowMilliseconds - connection.OpenedAt);
        if (_waiters.Count > 0) ConnectForWaiters();
        else if (_isDraining || _endpoint.State.IsRetired) ForgetIfEmpty();
    }

    /// <summary>The endpoint is gone from the configuration, or the proxy is ending: idle connections close now, busy ones after their streams.</summary>
    public void Drain()
    {
        _isDraining = true;
        while (_oldest is { } connection) OnUnusable(connection);
        _idleTimer.Cancel();
        ForgetIfEmpty();
    }

    private void ForgetIfEmpty()
    {
        if (_connections > 0 || _connecting > 0) return;
        _worker.Forget(this);
        if (ReferenceEquals(_slot.Pool, this))
        {
            _slot.Pool = _sibling;
            return;
        }

        for (var pool = (UpstreamPool?)_slot.Pool; pool is not null; pool = pool._sibling)
        {
            if (ReferenceEquals(pool._sibling, this)) pool._sibling = _sibling;
        }
    }

    private void Adopt(ClusterSnapshot cluster, EndpointSnapshot endpoint)
    {
        _cluster = cluster;
        _endpoint = endpoint;
        _transport = endpoint.Transport;
        Settings = UpstreamSettings.Of(cluster);
    }

    private UpstreamStream Open(UpstreamConnection connection, WakeSignal signal)
    {
        UpstreamStream stream = connection.Open(signal);
        if (connection.IsListed && (connection.Capacity == 0 || IsUsedUp(connection))) Unlink(connection);
        return stream;
    }

    private void ConnectForWaiters()
    {
        while ((_connecting + _unsettled) * StreamsOfNewConnection < _waiters.Count)
        {
            if (!_clusterState.TryAcquire(BudgetKind.Connections, _cluster.Limits, _worker.Index))
            {
                _worker.Shard.Increment(_stats.ConnectionOverflow);
                if (_connections + _connecting > 0) return;
                _clusterState.SlotOf(_worker.Index).InUse(BudgetKind.Connections)++;
            }

            _connecting++;
            _worker.Reactor.Spawn(static pool => pool.ConnectAsync(), this);
        }
    }

    private async ValueTask ConnectAsync()
    {
        long startedAt = _worker.Reactor.NowMilliseconds;
        _slot.Connections++;
        _slot.ActiveConnections++;
        _worker.Shard.Increment(_stats.ConnectionTotal);
        if (_protocol == UpstreamProtocol.Http1) _worker.Shard.Increment(_stats.ConnectionHttp1Total);
        _worker.Shard.Increment(_stats.ConnectionActive);
        UpstreamConnectResult result = await UpstreamConnector.ConnectAsync(_worker.Reactor, _cluster, _endpoint, greeting: _greeting);
        _connecting--;
        if (!result.IsConnected)
        {
            OnConnectFailed(result);
            return;
        }

        _connections++;
        _worker.Shard.Record(_stats.ConnectTime, _worker.Reactor.NowMilliseconds - startedAt);
        UpstreamConnection connection = Make(result.Connection);
        if (!connection.IsSettled) _unsettled++;
        if (_isDraining && _waiters.Count == 0) connection.Retire();
        else GiveAway(connection);
    }

    /// <summary>The connection in the pool's protocol, or in the one that the handshake agreed on.</summary>
    private UpstreamConnection Make(TransportConnection transport)
    {
        if (_protocol == UpstreamProtocol.Tcp) return new TcpUpstreamConnection(this, transport, _worker.NextConnectionId());
        bool isHttp2 = _protocol == UpstreamProtocol.Http2
            || (_protocol == UpstreamProtocol.Auto && ReferenceEquals(NegotiatedProtocol.Of(transport), AlpnProtocol.Http2));
        _hasSpokenHttp2 = isHttp2;
        if (isHttp2)
        {
            _worker.Shard.Increment(_stats.ConnectionHttp2Total);
            return new Http2UpstreamConnection(this, transport, _worker.NextConnectionId(), _worker, _stats.Http2);
        }

        if (_protocol != UpstreamProtocol.Http1) _worker.Shard.Increment(_stats.ConnectionHttp1Total);
        return new Http1UpstreamConnection(this, transport, _worker.NextConnectionId());
    }

    private void OnConnectFailed(in UpstreamConnectResult result)
    {
        _slot.ConnectFailures++;
        _slot.ActiveConnections--;
        _clusterState.Release(BudgetKind.Connections, _worker.Index);
        var shard = _worker.Shard;
        shard.Decrement(_stats.ConnectionActive);
        shard.Increment(_stats.ConnectionDestroy);
        shard.Increment(_stats.ConnectionDestroyLocal);
        shard.Increment(_stats.ConnectFail);
        if (result.IsTimeout) shard.Increment(_stats.ConnectTimeout);
        while (_waiters.Count > (_connecting + _unsettled) * StreamsOfNewConnection && _waiters.Take() is { } waiter)
        {
            LeaveBudget();
            shard.Increment(_stats.RequestPendingFailureEject);
            waiter.OnNoStream(result.Failure, result.Reason);
        }
    }

    /// <summary>Gives the connection's streams to those who wait; what is left is for those who come.</summary>
    private void GiveAway(UpstreamConnection connection)
    {
        while (connection.Capacity > 0 && !IsUsedUp(connection) && _waiters.Take() is { } waiter)
        {
            LeaveBudget();
            waiter.OnStream(Open(connection, waiter.Signal));
        }

        if (connection.Capacity == 0 || IsUsedUp(connection)) return;
        bool isIdle = connection.ActiveStreams == 0;
        if (connection.IsListed)
        {
            if (!isIdle) return;
            Unlink(connection);
        }

        Link(connection);
        if (!isIdle) return;
        connection.IdleSince = _worker.Reactor.NowMilliseconds;
        if (!_idleTimer.IsArmed && Settings.IdleMilliseconds > 0) _idleTimer.Arm(Settings.IdleMilliseconds);
    }

    private void Link(UpstreamConnection connection)
    {
        connection.IsListed = true;
        connection.Older = _newest;
        connection.Newer = null;
        if (_newest is null) _oldest = connection;
        else _newest.Newer = connection;
        _newest = connection;
    }

    private void Unlink(UpstreamConnection connection)
    {
        if (connection.Older is null) _oldest = connection.Newer;
        else connection.Older.Newer = connection.Newer;
        if (connection.Newer is null) _newest = connection.Older;
        else connection.Newer.Older = connection.Older;
        connection.Older = connection.Newer = null;
        connection.IsListed = false;
    }

    private void CloseOldIdle()
    {
        long now = _worker.Reactor.NowMilliseconds;
        for (UpstreamConnection? next = _oldest; next is { } connection;)
        {
            next = connection.Newer;
            if (connection.ActiveStreams > 0) continue;
            long remaining = connection.IdleSince + Settings.IdleMilliseconds - now;
            if (remaining > 0)
            {
                _idleTimer.Arm(remaining);
                return;
            }

            _worker.Shard.Increment(_stats.ConnectionIdleTimeout);
            OnUnusable(connection);
        }
    }

    private bool IsTooOld(UpstreamConnection connection)
    {
        if (Settings.MaxDurationMilliseconds == 0 || _worker.Reactor.NowMilliseconds - connection.OpenedAt < Settings.MaxDurationMilliseconds) return false;
        _worker.Shard.Increment(_stats.ConnectionMaxDurationReached);
        return true;
    }

    private bool IsUsedUp(UpstreamConnection connection) => Settings.MaxRequests > 0 && connection.Requests >= Settings.MaxRequests;

    private void LeaveBudget()
    {
        _clusterState.Release(BudgetKind.PendingRequests, _worker.Index);
        _worker.Shard.Decrement(_stats.RequestPendingActive);
    }
}
