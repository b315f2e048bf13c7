using System.Net;
using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding.Http1;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Forwarding.Pools;

/// <summary>What <see cref="UpstreamPool.Acquire"/> did.</summary>
internal enum PoolAnswer : byte
{
    /// <summary>An idle connection is the caller's.</summary>
    Ready,

    /// <summary>The caller waits in the queue and will be told.</summary>
    Queued,

    /// <summary>The cluster's budget is used up.</summary>
    Overflow,
}

/// <summary>
/// The connections of one reactor to one endpoint, and who waits for one. The connection that became idle last is used first, so that the
/// ones that are not needed grow old and close.
/// </summary>
/// <remarks>
/// Owner thread only. As many connects are under way as there are waiters, within the cluster's budget; a connection that becomes free
/// goes to the first waiter whichever connect was meant for it. When a connect fails, the waiters that no remaining connect would serve
/// fail with it, the oldest first. Every reactor may open at least one connection per endpoint whatever the budget says, as in Envoy:
/// otherwise a busy endpoint could starve a new one for ever.
/// </remarks>
internal sealed class UpstreamPool
{
    private readonly ProxyWorker _worker;
    private readonly EndpointState _endpoint;
    private readonly EndpointSlot _slot;
    private readonly EndPoint _address;
    private readonly ClusterState _clusterState;
    private readonly ClusterStats _stats;
    private readonly WaiterQueue _waiters = new();
    private readonly ReactorTimer _idleTimer;
    private ClusterSnapshot _cluster;
    private ConnectOptions _connectOptions;
    private UpstreamHttp1Settings _settings;
    private Http1UpstreamConnection? _newestIdle;
    private Http1UpstreamConnection? _oldestIdle;
    private int _connections;
    private int _connecting;
    private bool _isDraining;

    public UpstreamPool(ProxyWorker worker, ClusterSnapshot cluster, EndpointState endpoint)
    {
        _worker = worker;
        _endpoint = endpoint;
        _slot = endpoint.SlotOf(worker.Index);
        _address = TransportAddress.Of(endpoint.Address);
        _cluster = cluster;
        _clusterState = cluster.State;
        _stats = worker.StatsOf(cluster);
        _settings = UpstreamHttp1Settings.Of(cluster);
        _connectOptions = _settings.ConnectOptions;
        _idleTimer = new ReactorTimer(worker.Reactor, static state => ((UpstreamPool)state!).CloseOldIdle(), this);
    }

    /// <summary>The pool of an endpoint on this reactor, made when it is first needed.</summary>
    public static UpstreamPool Of(ProxyWorker worker, ClusterSnapshot cluster, EndpointState endpoint)
    {
        EndpointSlot slot = endpoint.SlotOf(worker.Index);
        if (slot.Pool is UpstreamPool made) return made;
        var pool = new UpstreamPool(worker, cluster, endpoint);
        slot.Pool = pool;
        worker.Adopt(pool);
        return pool;
    }

    /// <summary>Connections that are established, idle or not.</summary>
    public int Connections => _connections;

    /// <summary>Gives an idle connection, or puts the waiter into the queue.</summary>
    /// <param name="waiter">Told when a connection is there, if none is now.</param>
    /// <param name="signal">What the connection wakes from now on.</param>
    /// <param name="cluster">The configuration under which the request runs; new connections are made by it.</param>
    /// <param name="connection">Set when the answer is <see cref="PoolAnswer.Ready"/>.</param>
    public PoolAnswer Acquire(IPoolWaiter waiter, WakeSignal signal, ClusterSnapshot cluster, out Http1UpstreamConnection? connection)
    {
        if (!ReferenceEquals(cluster, _cluster)) Adopt(cluster);
        while ((connection = _newestIdle) is not null)
        {
            Unlink(connection);
            if (!connection.IsUsable || IsTooOld(connection))
            {
                connection.Close(wasActive: false);
                continue;
            }

            connection.Begin(signal, _settings.Parser, _settings.Limits);
            return PoolAnswer.Ready;
        }

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

    /// <summary>The waiter no longer wants a connection. The connect that was begun for it goes on: somebody will need it.</summary>
    public void Leave(IPoolWaiter waiter)
    {
        _waiters.Remove(waiter);
        LeaveBudget();
    }

    /// <summary>Takes a connection back whose exchange ended well.</summary>
    public void Return(Http1UpstreamConnection connection)
    {
        if (_isDraining || _endpoint.IsRetired || IsTooOld(connection) || IsUsedUp(connection))
        {
            connection.Close(wasActive: false);
            return;
        }

        GiveAway(connection);
    }

    /// <summary>An idle connection heard from its peer: it is of no use any more.</summary>
    public void CloseIdle(Http1UpstreamConnection connection)
    {
        Unlink(connection);
        connection.Close(wasActive: false);
    }

    /// <summary>A connection is closed; whoever waits may open another one.</summary>
    public void OnClosed(Http1UpstreamConnection connection, bool byPeer, bool wasActive)
    {
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
        else if (_isDraining || _endpoint.IsRetired) ForgetIfEmpty();
    }

    /// <summary>The endpoint is gone from the configuration, or the proxy is ending: idle connections close now, busy ones after their exchange.</summary>
    public void Drain()
    {
        _isDraining = true;
        while (_oldestIdle is { } connection) CloseIdle(connection);
        _idleTimer.Cancel();
        ForgetIfEmpty();
    }

    private void ForgetIfEmpty()
    {
        if (_connections > 0 || _connecting > 0 || !ReferenceEquals(_slot.Pool, this)) return;
        _slot.Pool = null;
        _worker.Forget(this);
    }

    private void Adopt(ClusterSnapshot cluster)
    {
        _cluster = cluster;
        _settings = UpstreamHttp1Settings.Of(cluster);
        _connectOptions = _settings.ConnectOptions;
    }

    private void ConnectForWaiters()
    {
        while (_connecting < _waiters.Count)
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
        _worker.Shard.Increment(_stats.ConnectionHttp1Total);
        _worker.Shard.Increment(_stats.ConnectionActive);
        ConnectResult result = await TransportConnector.ConnectAsync(_worker.Reactor, _address, _connectOptions);
        _connecting--;
        if (!result.IsConnected)
        {
            OnConnectFailed(result);
            return;
        }

        _connections++;
        _worker.Shard.Record(_stats.ConnectTime, _worker.Reactor.NowMilliseconds - startedAt);
        var connection = new Http1UpstreamConnection(this, result.Connection, _worker.NextConnectionId());
        if (_isDraining && _waiters.Count == 0) connection.Close(wasActive: false);
        else GiveAway(connection);
    }

    private void OnConnectFailed(ConnectResult result)
    {
        bool isTimeout = result.Error == TransportError.TimedOut;
        _slot.ConnectFailures++;
        _slot.ActiveConnections--;
        _clusterState.Release(BudgetKind.Connections, _worker.Index);
        var shard = _worker.Shard;
        shard.Decrement(_stats.ConnectionActive);
        shard.Increment(_stats.ConnectionDestroy);
        shard.Increment(_stats.ConnectionDestroyLocal);
        shard.Increment(_stats.ConnectFail);
        if (isTimeout) shard.Increment(_stats.ConnectTimeout);
        var failure = Failure.Upstream(FailurePhase.Connect, isTimeout ? FailureCause.ConnectTimeout : FailureCause.ConnectFailed);
        string reason = ConnectFailureText.Of(result.Error);
        while (_waiters.Count > _connecting && _waiters.Take() is { } waiter)
        {
            LeaveBudget();
            shard.Increment(_stats.RequestPendingFailureEject);
            waiter.OnNoStream(failure, reason);
        }
    }

    private void GiveAway(Http1UpstreamConnection connection)
    {
        if (_waiters.Take() is { } waiter)
        {
            LeaveBudget();
            connection.Begin(waiter.Signal, _settings.Parser, _settings.Limits);
            waiter.OnStream(connection);
            return;
        }

        connection.IsIdle = true;
        connection.IdleSince = _worker.Reactor.NowMilliseconds;
        connection.Older = _newestIdle;
        connection.Newer = null;
        if (_newestIdle is null) _oldestIdle = connection;
        else _newestIdle.Newer = connection;
        _newestIdle = connection;
        if (!_idleTimer.IsArmed && _settings.IdleMilliseconds > 0) _idleTimer.Arm(_settings.IdleMilliseconds);
    }

    private void Unlink(Http1UpstreamConnection connection)
    {
        if (connection.Older is null) _oldestIdle = connection.Newer;
        else connection.Older.Newer = connection.Newer;
        if (connection.Newer is null) _newestIdle = connection.Older;
        else connection.Newer.Older = connection.Older;
        connection.Older = connection.Newer = null;
        connection.IsIdle = false;
    }

    private void CloseOldIdle()
    {
        long now = _worker.Reactor.NowMilliseconds;
        while (_oldestIdle is { } oldest)
        {
            long remaining = oldest.IdleSince + _settings.IdleMilliseconds - now;
            if (remaining > 0)
            {
                _idleTimer.Arm(remaining);
                return;
            }

            _worker.Shard.Increment(_stats.ConnectionIdleTimeout);
            CloseIdle(oldest);
        }
    }

    private bool IsTooOld(Http1UpstreamConnection connection)
    {
        if (_settings.MaxDurationMilliseconds == 0 || _worker.Reactor.NowMilliseconds - connection.OpenedAt < _settings.MaxDurationMilliseconds) return false;
        _worker.Shard.Increment(_stats.ConnectionMaxDurationReached);
        return true;
    }

    private bool IsUsedUp(Http1UpstreamConnection connection)
    {
        if (_settings.MaxRequests == 0 || connection.Requests < _settings.MaxRequests) return false;
        _worker.Shard.Increment(_stats.ConnectionMaxRequests);
        return true;
    }

    private void LeaveBudget()
    {
        _clusterState.Release(BudgetKind.PendingRequests, _worker.Index);
        _worker.Shard.Decrement(_stats.RequestPendingActive);
    }
}
