using System.Net;
using System.Runtime.CompilerServices;
using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Upstreams;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Statistics;

namespace Lateen.Proxy.Tcp;

/// <summary>
/// The search for an upstream connection of one client: draw the cluster, choose an endpoint, connect, and try another one when that fails.
/// It holds the cluster's budget until <see cref="Close"/>.
/// </summary>
/// <remarks>One reactor. May run before it is known whether the connection will be wanted: <see cref="Close"/> takes it back at any time.</remarks>
internal sealed class UpstreamDial(ProxyWorker worker, TcpProfile profile)
{
    /// <summary>Octets; a banner. What follows stays in the connection.</summary>
    private const int MaxReadAheadOctets = 1024;

    private byte[] _readAhead = [];
    private EndpointState?[] _tried = [];
    private WakeSignal? _waiter;
    private ClusterStats? _stats;
    private EndpointSlot? _slot;
    private long _connectedAtMilliseconds;
    private bool _isClosed;

    /// <summary>It has ended one way or the other.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Null while it runs, and when no endpoint could be reached.</summary>
    public TransportConnection? Connection { get; private set; }

    /// <summary>Numbers the connection in this process; -1: there is none.</summary>
    public long ConnectionId { get; private set; } = -1;

    public ClusterSnapshot? Cluster { get; private set; }

    /// <summary>The endpoint tried last.</summary>
    public EndpointSnapshot? Endpoint { get; private set; }

    /// <summary>Why there is no connection, as logs flag it.</summary>
    public ResponseFlags Flags { get; private set; }

    /// <summary>What the transport said of the last failure.</summary>
    public string FailureReason { get; private set; } = string.Empty;

    /// <summary>Endpoints tried.</summary>
    public int Attempts { get; private set; }

    /// <summary>Reactor time in microseconds; -1: it never came to that.</summary>
    public long BeganAt { get; private set; } = -1;

    /// <inheritdoc cref="BeganAt"/>
    public long ConnectedAt { get; private set; } = -1;

    /// <summary>Starts to dial; <paramref name="waiter"/> is woken when it is done.</summary>
    public void Begin(WakeSignal waiter, EndPoint client, EndPoint destination)
    {
        _waiter = waiter;
        BeganAt = worker.Reactor.NowMicroseconds;
        worker.Reactor.Spawn(static call => call.Dial.RunAsync(call.Client, call.Destination), (Dial: this, Client: client, Destination: destination));
    }

    /// <summary>What the server said before it was known who would read it; empty: nothing was taken.</summary>
    public ReadOnlySpan<byte> ReadAhead => _readAhead;

    /// <summary>Takes what the server has said. For connections whose bytes cannot be looked at where they are.</summary>
    /// <returns>False when it has said nothing.</returns>
    public bool TryReadAhead()
    {
        if (_readAhead.Length > 0) return true;
        Span<byte> bytes = stackalloc byte[MaxReadAheadOctets];
        IoResult result = Connection!.Read(bytes);
        if (!result.IsOk || result.Bytes == 0) return false;
        _readAhead = bytes[..result.Bytes].ToArray();
        return true;
    }

    /// <summary>Somebody else waits from now on.</summary>
    public void HandTo(WakeSignal waiter) => _waiter = waiter;

    /// <summary>Gives back what it holds: the connection is closed, or will be as soon as it is there. Once.</summary>
    public void Close()
    {
        if (_isClosed) return;
        _isClosed = true;
        _waiter = null;
        if (Connection is { } connection) Release(connection);
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private async ValueTask RunAsync(EndPoint client, EndPoint destination)
    {
        Cluster = worker.Snapshots.Current.FindCluster(profile.ChooseCluster(worker.Random));
        if (Cluster is null) Fail(ResponseFlags.NoClusterFound);
        else await ConnectAsync(Cluster, worker.StatsOf(Cluster), client, destination);
        IsDone = true;
        if (_isClosed && Connection is { } unwanted) Release(unwanted);
        _waiter?.Wake();
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private async ValueTask ConnectAsync(ClusterSnapshot cluster, ClusterStats stats, EndPoint client, EndPoint destination)
    {
        _stats = stats;
        if (!cluster.State.TryAcquire(BudgetKind.PendingRequests, cluster.Limits, worker.Index))
        {
            worker.Shard.Increment(stats.RequestPendingOverflow);
            Fail(ResponseFlags.UpstreamOverflow);
            return;
        }

        try
        {
            uint max = profile.Proxy.MaxConnectAttempts;
            while (!_isClosed)
            {
                if (cluster.LoadBalancer.Choose(worker.Index, worker.Random, _tried) is not { } endpoint)
                {
                    worker.Shard.Increment(stats.ConnectionNoneHealthy);
                    Fail(ResponseFlags.NoHealthyUpstream);
                    return;
                }

                if (!cluster.State.TryAcquire(BudgetKind.Connections, cluster.Limits, worker.Index))
                {
                    worker.Shard.Increment(stats.ConnectionOverflow);
                    Fail(ResponseFlags.UpstreamOverflow);
                    return;
                }

                if (await TryConnectAsync(cluster, endpoint, stats, client, destination)) return;
                if (Attempts < max)
                {
                    _tried = [.. _tried, endpoint.State];
                    continue;
                }

                worker.Shard.Increment(stats.ConnectAttemptsExceeded);
                Fail(max > 1 ? ResponseFlags.UpstreamConnectionFailure | ResponseFlags.UpstreamRetryLimitExceeded : ResponseFlags.UpstreamConnectionFailure);
                return;
            }
        }
        finally
        {
            cluster.State.Release(BudgetKind.PendingRequests, worker.Index);
        }
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder<>))]
    private async ValueTask<bool> TryConnectAsync(
        ClusterSnapshot cluster, EndpointSnapshot endpoint, ClusterStats stats, EndPoint client, EndPoint destination)
    {
        Attempts++;
        Endpoint = endpoint;
        _slot = endpoint.State.SlotOf(worker.Index);
        _slot.Connections++;
        _slot.ActiveConnections++;
        _slot.RequestStarted();
        StatShard shard = worker.Shard;
        shard.Increment(stats.ConnectionTotal);
        shard.Increment(stats.ConnectionActive);
        long startedAt = worker.Reactor.NowMilliseconds;
        UpstreamConnectResult result = await UpstreamConnector.ConnectAsync(worker.Reactor, cluster, endpoint, client, destination);
        if (result.IsConnected)
        {
            _connectedAtMilliseconds = worker.Reactor.NowMilliseconds;
            ConnectedAt = worker.Reactor.NowMicroseconds;
            Connection = result.Connection;
            ConnectionId = worker.NextConnectionId();
            shard.Record(stats.ConnectTime, _connectedAtMilliseconds - startedAt);
            shard.Increment(stats.RequestTotal);
            shard.Increment(stats.RequestActive);
            return true;
        }

        _slot.ConnectFailures++;
        _slot.ActiveConnections--;
        _slot.RequestEnded(succeeded: false);
        cluster.State.Release(BudgetKind.Connections, worker.Index);
        shard.Decrement(stats.ConnectionActive);
        shard.Increment(stats.ConnectionDestroy);
        shard.Increment(stats.ConnectionDestroyLocal);
        shard.Increment(stats.ConnectFail);
        if (result.IsTimeout) shard.Increment(stats.ConnectTimeout);
        FailureReason = result.Reason;
        return false;
    }

    private void Fail(ResponseFlags flags) => Flags = flags;

    private void Release(TransportConnection connection)
    {
        bool isByPeer = connection.IsPeerClosed;
        connection.Observer = null;
        connection.Dispose();
        _slot!.ActiveConnections--;
        _slot.RequestEnded(succeeded: true);
        Cluster!.State.Release(BudgetKind.Connections, worker.Index);
        StatShard shard = worker.Shard;
        ClusterStats stats = _stats!;
        shard.Decrement(stats.RequestActive);
        shard.Decrement(stats.ConnectionActive);
        shard.Increment(stats.ConnectionDestroy);
        shard.Increment(isByPeer ? stats.ConnectionDestroyRemote : stats.ConnectionDestroyLocal);
        shard.Record(stats.ConnectionLength, worker.Reactor.NowMilliseconds - _connectedAtMilliseconds);
    }
}
