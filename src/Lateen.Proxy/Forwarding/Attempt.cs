using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Filters.MutualTls;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Statistics;
using Lateen.Proxy.Tls;

namespace Lateen.Proxy.Forwarding;

/// <summary>Where an attempt stands.</summary>
internal enum AttemptState : byte
{
    /// <summary>None is under way.</summary>
    None,

    /// <summary>In the pool's queue.</summary>
    Queued,

    /// <summary>It has a stream.</summary>
    Ready,

    /// <summary>It will not get a stream: <see cref="Attempt.Failure"/> says why.</summary>
    Failed,
}

/// <summary>
/// One attempt to have a request served by an endpoint, and everything that it holds meanwhile: a share of the cluster's budget, a place in
/// the pool's queue, a stream. <see cref="End"/> gives all of it back, whatever it is at that moment.
/// </summary>
/// <remarks>Owned by one reactor, reused from attempt to attempt.</remarks>
internal sealed class Attempt(ProxyWorker worker) : IPoolWaiter
{
    private WakeSignal _signal = null!;
    private ClusterSnapshot _cluster = null!;
    private UpstreamPool? _pool;
    private bool _holdsRequest;

    public AttemptState State { get; private set; }

    /// <summary>The endpoint of this attempt, or of the last one.</summary>
    public EndpointSnapshot? Endpoint { get; private set; }

    /// <summary>Set when <see cref="State"/> is <see cref="AttemptState.Ready"/>.</summary>
    public UpstreamStream? Stream { get; private set; }

    /// <summary>Set when <see cref="State"/> is <see cref="AttemptState.Failed"/>.</summary>
    public Failure Failure { get; private set; }

    /// <summary>What the transport said of the failure; may be empty.</summary>
    public string FailureReason { get; private set; } = string.Empty;

    IPoolWaiter? IPoolWaiter.NextWaiter { get; set; }

    IPoolWaiter? IPoolWaiter.PreviousWaiter { get; set; }

    WakeSignal IPoolWaiter.Signal => _signal;

    /// <summary>Chooses an endpoint and asks its pool for a stream.</summary>
    /// <param name="cluster">Where the route leads.</param>
    /// <param name="request">Its protocol is the endpoint's too, where the cluster says so.</param>
    /// <param name="isTunnelEnd">The request is a CONNECT that is terminated here: the endpoint gets its payload as it is.</param>
    /// <param name="overrides">What TLS handshakes offer instead of what the cluster says.</param>
    /// <param name="retries">Knows which endpoints were tried.</param>
    /// <param name="signal">Woken when <see cref="State"/> changes.</param>
    public void Begin(ClusterSnapshot cluster, HttpRequestHead request, bool isTunnelEnd, AlpnOverrides? overrides, Retries retries, WakeSignal signal)
    {
        _cluster = cluster;
        _signal = signal;
        FailureReason = string.Empty;
        ReadOnlySpan<EndpointState?> avoided = retries.Avoided;
        Endpoint = avoided.IsEmpty
            ? cluster.LoadBalancer.Choose(worker.Index, worker.Random)
            : cluster.LoadBalancer.Choose(worker.Index, worker.Random, avoided, retries.Policy!.HostSelectionAttempts);
        if (Endpoint is not { } endpoint)
        {
            worker.Shard.Increment(worker.StatsOf(cluster).ConnectionNoneHealthy);
            Fail(FailureCause.NoEndpoint);
            return;
        }

        if (!cluster.State.TryAcquire(BudgetKind.Requests, cluster.Limits, worker.Index))
        {
            worker.Shard.Increment(worker.StatsOf(cluster).RequestPendingOverflow);
            Fail(FailureCause.Overflow);
            return;
        }

        _holdsRequest = true;
        retries.Tried(endpoint.State);
        endpoint.State.SlotOf(worker.Index).RequestStarted();
        ClusterStats stats = worker.StatsOf(cluster);
        worker.Shard.Increment(stats.RequestTotal);
        worker.Shard.Increment(stats.RequestActive);
        UpstreamProtocol protocol = isTunnelEnd ? UpstreamProtocol.Tcp : ProtocolFor(cluster, request);
        UpstreamTls? tls = cluster.TlsTo(endpoint);
        _pool = UpstreamPool.Of(
            worker, cluster, endpoint, protocol, tls is { UsesRequestHost: true } ? request.Host : default,
            tls is not null && cluster.AllowsAlpnOverride ? overrides?.For(protocol) : null);
        switch (_pool.Acquire(this, signal, cluster, endpoint, out UpstreamStream? stream))
        {
            case PoolAnswer.Ready:
                Stream = stream;
                State = AttemptState.Ready;
                return;
            case PoolAnswer.Queued:
                State = AttemptState.Queued;
                return;
            default:
                Fail(FailureCause.Overflow);
                return;
        }
    }

    /// <summary>Ends the attempt, however far it got.</summary>
    /// <param name="succeeded">The server answered below 500.</param>
    /// <param name="isRequestComplete">The whole request was handed to the stream.</param>
    /// <returns>False when there was no attempt at an endpoint to end.</returns>
    public bool End(bool succeeded, bool isRequestComplete)
    {
        AttemptState state = State;
        State = AttemptState.None;
        if (state == AttemptState.Queued) _pool!.Leave(this);
        if (Stream is { } stream)
        {
            Stream = null;
            stream.Release(isRequestComplete);
        }

        if (!_holdsRequest) return false;
        _holdsRequest = false;
        Endpoint!.State.SlotOf(worker.Index).RequestEnded(succeeded);
        _cluster.State.Release(BudgetKind.Requests, worker.Index);
        worker.Shard.Decrement(worker.StatsOf(_cluster).RequestActive);
        return true;
    }

    /// <summary>Forgets what the last exchange left.</summary>
    public void Forget()
    {
        Endpoint = null;
        _pool = null;
    }

    void IPoolWaiter.OnStream(UpstreamStream stream)
    {
        Stream = stream;
        State = AttemptState.Ready;
        worker.WakeLater(_signal);
    }

    void IPoolWaiter.OnNoStream(Failure failure, string reason)
    {
        Failure = failure;
        FailureReason = reason;
        State = AttemptState.Failed;
        worker.WakeLater(_signal);
    }

    private static UpstreamProtocol ProtocolFor(ClusterSnapshot cluster, HttpRequestHead request) =>
        cluster.UpstreamProtocol != UpstreamProtocol.UseDownstream ? cluster.UpstreamProtocol
        : request.Protocol == HttpProtocol.Http2 ? UpstreamProtocol.Http2 : UpstreamProtocol.Http1;

    private void Fail(FailureCause cause)
    {
        Failure = Failure.Upstream(FailurePhase.Connect, cause);
        State = AttemptState.Failed;
    }
}
