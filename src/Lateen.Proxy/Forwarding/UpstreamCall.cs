using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Forwarding;

/// <summary>What came of sending a request's head.</summary>
internal enum SendOutcome : byte
{
    Sent,

    /// <summary>The route's rewrite makes no valid request of this one.</summary>
    BadRewrite,

    /// <summary>The head is larger than can be sent.</summary>
    TooLarge,
}

/// <summary>
/// The upstream half of an exchange: the cluster that the route led to, one attempt after the other at its endpoints, and whether there may
/// be another.
/// </summary>
/// <remarks>Owned by one reactor, reused from exchange to exchange.</remarks>
internal sealed class UpstreamCall(ProxyWorker worker)
{
    private readonly Retries _retries = new();
    private readonly Attempt _attempt = new(worker);
    private HttpExchange _exchange = null!;
    private WakeSignal _signal = null!;
    private WeightedClusterEntry? _weighted;
    private bool _isShaped;
    private bool _holdsRetry;

    /// <summary>Null until a route led somewhere.</summary>
    public ClusterSnapshot? Cluster { get; private set; }

    /// <summary>What was drawn among weighted clusters; its header rules apply.</summary>
    public WeightedClusterEntry? Weighted => _weighted;

    public ForwardAction? Action { get; private set; }

    public RouteTimeouts Timeouts { get; private set; }

    /// <summary>Where the current attempt stands.</summary>
    public AttemptState State => _attempt.State;

    /// <summary>Set while an attempt has a stream.</summary>
    public UpstreamStream? Stream => _attempt.Stream;

    /// <summary>Why the current attempt failed.</summary>
    public Failure Failure => _attempt.Failure;

    /// <summary>Attempts made so far; 0 when no route led anywhere.</summary>
    public int Attempts => Cluster is null ? 0 : _retries.Made + 1;

    /// <summary>There was a retry.</summary>
    public bool WasRetried => Cluster is not null && _retries.Made > 0;

    /// <summary>There was a policy and its attempts are used up.</summary>
    public bool IsExhausted => _retries.IsExhausted;

    /// <summary>Another attempt may follow: what was sent is worth keeping.</summary>
    public bool MayRetry => _retries.IsActive;

    /// <summary>The counters of the cluster.</summary>
    public ClusterStats Stats => worker.StatsOf(Cluster!);

    public void Begin(HttpExchange exchange, WakeSignal signal)
    {
        _exchange = exchange;
        _signal = signal;
        _isShaped = _holdsRetry = false;
    }

    /// <summary>Finds the cluster.</summary>
    /// <returns>False: there is none by that name.</returns>
    public bool TryRoute(ForwardAction action)
    {
        HttpRequestHead request = _exchange.Request;
        ClusterReference? reference = action.ChooseCluster(request, _exchange.Snapshot, worker.Random, out _weighted);
        Cluster = reference is null ? null : _exchange.Snapshot.FindCluster(reference);
        if (Cluster is null) return false;
        Action = action;
        _exchange.Record.Cluster = Cluster;
        _exchange.Record.WeightedCluster = _weighted;
        Timeouts = RouteTimeouts.Take(request, action);
        _retries.Begin(action.RetryPolicy, request);
        return true;
    }

    /// <summary>Begins an attempt; <see cref="State"/> says how far it is.</summary>
    public void Start()
    {
        bool isTunnelEnd = RequestUpgrade.IsConnect(_exchange.Request) && Action!.TerminatesConnect;
        _attempt.Begin(Cluster!, _exchange.Request, isTunnelEnd, _exchange.AlpnOverrides, _retries, _signal);
        _exchange.Record.Endpoint = _attempt.Endpoint;
        _exchange.Record.AddAttempt(_attempt.Endpoint?.State);
    }

    /// <summary>The attempt failed without a stream: notes what the transport said.</summary>
    public void NoteFailure()
    {
        if (_attempt.FailureReason.Length > 0) _exchange.Record.UpstreamTransportFailureReason = _attempt.FailureReason;
    }

    /// <summary>A stream is ours: the request's head goes out.</summary>
    /// <param name="addsHeaders">The router's own headers are added.</param>
    public SendOutcome SendHead(bool addsHeaders)
    {
        UpstreamStream stream = _attempt.Stream!;
        ExchangeRecord record = _exchange.Record;
        record.UpstreamConnectionId = stream.ConnectionId;
        record.UpstreamLocalAddress = stream.LocalAddress;
        record.UpstreamProtocol = stream.Protocol;
        record.UpstreamTls = stream.Tls;
        record.LastAttempt.IsConnectionReused = stream.IsConnectionReused;
        if (!ShapeRequest(addsHeaders)) return SendOutcome.BadRewrite;
        if (!stream.TrySendHead(_exchange)) return SendOutcome.TooLarge;
        record.UpstreamStartedAt = worker.Reactor.NowMicroseconds;
        return SendOutcome.Sent;
    }

    /// <summary>The policy names this failure of an attempt.</summary>
    public bool Covers(RetryClass retryClass) => _retries.Covers(retryClass, wasRequestSent: _attempt.Stream is not null);

    /// <summary>The policy names this response.</summary>
    public bool Covers(HttpResponseHead response) => _retries.Covers(response);

    /// <summary>Ends this attempt and makes room for the next one, if the cluster's budget allows it.</summary>
    /// <param name="isRequestComplete">The whole request was handed over.</param>
    /// <param name="pause">Milliseconds until it may begin.</param>
    public bool TryRetry(bool isRequestComplete, out long pause)
    {
        ClusterStats stats = Stats;
        pause = 0;
        // The budget counts retries under way; ours ends here if this attempt was one.
        ReleaseRetry();
        if (!Cluster!.State.TryAcquire(BudgetKind.Retries, Cluster.Limits, worker.Index))
        {
            worker.Shard.Increment(stats.RetryOverflow);
            return false;
        }

        EndAttempt(succeeded: false, isRequestComplete);
        _holdsRetry = true;
        worker.Shard.Increment(stats.Retry);
        worker.Shard.Increment(stats.RetryBackoffExponential);
        pause = _retries.Take(worker.Random);
        return true;
    }

    /// <summary>A response came after retries; perhaps one that would have been tried again had there been attempts left.</summary>
    public void CountRetried()
    {
        if (_retries.Made > 0) ExchangeTally.CountRetried(worker, _exchange, _retries.IsExhausted);
    }

    /// <summary>The route's time is up: the endpoint is charged with it.</summary>
    public void CountTimeout()
    {
        if (_attempt.Endpoint is { } endpoint) endpoint.State.SlotOf(worker.Index).Timeouts++;
        worker.Shard.Increment(Stats.RequestTimeout);
    }

    /// <summary>Gives back everything that the attempt held.</summary>
    public void EndAttempt(bool succeeded, bool isRequestComplete)
    {
        ReleaseRetry();
        if (_attempt.End(succeeded, isRequestComplete)) ExchangeTally.EndAttempt(worker, _exchange, Cluster!);
    }

    /// <summary>Forgets the exchange.</summary>
    public void End()
    {
        _attempt.Forget();
        Cluster = null;
        Action = null;
        _weighted = null;
    }

    /// <summary>The request as this endpoint shall see it. What depends on the route is done once, what depends on the attempt each time.</summary>
    private bool ShapeRequest(bool addsHeaders)
    {
        HttpRequestHead request = _exchange.Request;
        RouteEntry route = _exchange.Route!;
        if (!_isShaped)
        {
            _isShaped = true;
            if (addsHeaders) Timeouts.Announce(request);
            HeaderMutations rules = route.RequestHeadersFor(_weighted);
            if (!rules.IsEmpty) rules.Apply(request.Headers, _exchange);
            if (!Action!.TryRewrite(request, _weighted, addsHeaders)) return false;
        }

        if (Action!.IsHostFromEndpoint) Action.UseEndpointHost(request, _attempt.Endpoint!, addsHeaders);
        if (RequestUpgrade.IsConnect(request)) RequestAuthority.RestorePort(request);
        if (route.VirtualHost.IncludeAttemptCountInRequest) HeaderNumbers.Set(request.Headers, KnownHeader.XEnvoyAttemptCount, _retries.Made + 1);
        return true;
    }

    private void ReleaseRetry()
    {
        if (!_holdsRetry) return;
        _holdsRetry = false;
        Cluster!.State.Release(BudgetKind.Retries, worker.Index);
    }
}
