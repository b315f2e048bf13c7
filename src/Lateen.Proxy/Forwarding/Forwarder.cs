using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding.Http1;
using Lateen.Proxy.Forwarding.Pools;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// Takes one exchange from its request's head to its last byte: filters, route, cluster, endpoint, connection, both contents, retries, and
/// an answer of our own when there is no other. Whoever owns it calls <see cref="Advance"/> whenever its signal wakes, until it is done.
/// </summary>
/// <remarks>
/// <para>A state machine over synchronous steps: each call moves as many bytes as can be moved and returns. There is one wait for
/// everything (both peers, the pool, all deadlines), so request and response flow at the same time without a second task.</para>
/// <para>It knows clients and servers as streams only; HTTP/1.1 is not mentioned here, save for the pool that hands the streams out.</para>
/// <para>Owned by one reactor, reused from exchange to exchange; allocates nothing in steady state.</para>
/// </remarks>
internal sealed class Forwarder : IPoolWaiter
{
    /// <summary>Of the redirect to a normalised path, as Envoy answers.</summary>
    private const int PathRedirectStatus = 307;

    private readonly ProxyWorker _worker;
    private readonly ExchangeDeadlines _deadlines;
    private readonly ReplayBuffer _replay;
    private readonly Retries _retries = new();
    private DownstreamConnection _connection = null!;
    private DownstreamStream _downstream = null!;
    private WakeSignal _signal = null!;
    private Stage _stage;
    private ForwardAction? _action;
    private WeightedClusterEntry? _weighted;
    private ClusterSnapshot? _cluster;
    private EndpointSnapshot? _endpoint;
    private UpstreamPool? _pool;
    private UpstreamStream? _stream;
    private ReadOnlyMemory<byte> _replyBody;
    private Failure? _poolFailure;
    private string _poolFailureReason = string.Empty;
    private RouteTimeouts _timeouts;
    private int _replayed;
    private bool _isRequestShaped;
    private bool _isRequestComplete;
    private bool _isUploadComplete;
    private bool _isResponseStarted;
    private bool _isResponseComplete;
    private bool _holdsRetry;
    private bool _isAttemptOpen;

    public Forwarder(ProxyWorker worker)
    {
        _worker = worker;
        _deadlines = new ExchangeDeadlines(worker.Reactor);
        _replay = new ReplayBuffer(worker.Reactor.Buffers);
        Exchange = new HttpExchange { ReactorIndex = worker.Index, Shard = worker.Shard };
    }

    private enum Stage : byte
    {
        Idle,

        /// <summary>An endpoint is to be chosen for the next attempt.</summary>
        Choosing,

        /// <summary>The pool will say.</summary>
        Queued,

        /// <summary>A pause before the next attempt.</summary>
        BackingOff,

        /// <summary>Request and response flow.</summary>
        Relaying,

        /// <summary>Our own answer flows.</summary>
        Replying,

        Done,
    }

    public HttpExchange Exchange { get; }

    IPoolWaiter? IPoolWaiter.NextWaiter { get; set; }

    IPoolWaiter? IPoolWaiter.PreviousWaiter { get; set; }

    WakeSignal IPoolWaiter.Signal => _signal;

    /// <summary>The request was received whole.</summary>
    public bool IsRequestComplete => _isRequestComplete;

    /// <summary>Takes up a request whose head is in <see cref="Exchange"/>, refused ones too.</summary>
    /// <param name="connection">Where it came from.</param>
    /// <param name="downstream">What its content comes from and its response goes to.</param>
    /// <param name="signal">What is woken when there is something to do.</param>
    /// <param name="startedAt">When its first byte came, in reactor microseconds.</param>
    /// <param name="isHeadLate">The head did not come in time: the request is not whole and is refused.</param>
    public void Begin(DownstreamConnection connection, DownstreamStream downstream, WakeSignal signal, long startedAt, bool isHeadLate)
    {
        Debug.Assert(_stage is Stage.Idle, "the last exchange has not ended");
        _connection = connection;
        _downstream = downstream;
        _signal = signal;
        _isRequestShaped = _isUploadComplete = _isResponseStarted = _isResponseComplete = _holdsRetry = _isAttemptOpen = false;
        _replayed = 0;
        HttpConnectionProfile profile = connection.Profile;
        _deadlines.Begin(signal);
        _deadlines.SetIdle(profile.StreamIdleMilliseconds);
        _deadlines.SetDuration(profile.MaxStreamMilliseconds);
        ExchangeTally.Begin(Exchange, connection, startedAt);
        HttpRequestHead request = Exchange.Request;
        _isRequestComplete = !request.HasBody;
        if (_isRequestComplete) Exchange.Record.RequestEndedAt = startedAt;
        else if (profile.RequestMilliseconds > 0) _deadlines.SetRequest(profile.RequestMilliseconds);
        if (isHeadLate) Fail(Failure.Request(FailureCause.HeadTimeout));
        else if (request.Rejection.Code != HttpRejectionCode.None) Reply(LocalReplies.Of(request.Rejection));
        else Decide();
    }

    /// <summary>Does what can be done now.</summary>
    /// <returns>True when the exchange has ended: then call <see cref="End"/>.</returns>
    public bool Advance()
    {
        DeadlineKind passed = _deadlines.Passed();
        if (passed != DeadlineKind.None) OnDeadline(passed);
        if (_stage != Stage.Done && (_downstream.IsPeerGone || _downstream.Sink.HasFailed)) Abandon();
        while (true)
        {
            bool hasMoved = _stage switch
            {
                Stage.Choosing => Choose(),
                Stage.Queued => TakePoolAnswer(),
                Stage.Relaying => Relay(),
                Stage.Replying => SendReply(),
                _ => false,
            };
            if (_stage == Stage.Done) return true;
            if (hasMoved) continue;
            _deadlines.Rearm();
            return false;
        }
    }

    /// <summary>Forgets the exchange.</summary>
    public void End()
    {
        Debug.Assert(_stage is Stage.Done, "an exchange ends when it is done");
        _stage = Stage.Idle;
        _deadlines.End();
        _replay.Release();
        Exchange.End();
        _action = null;
        _weighted = null;
        _cluster = null;
        _endpoint = null;
        _pool = null;
        _replyBody = default;
    }

    /// <summary>The connection's method was broken by a defect: gives back what others lent.</summary>
    public void Break()
    {
        if (_stage is Stage.Idle or Stage.Done) return;
        EndAttempt(succeeded: false);
        _stage = Stage.Done;
    }

    void IPoolWaiter.OnStream(UpstreamStream stream)
    {
        _stream = stream;
        _worker.WakeLater(_signal);
    }

    void IPoolWaiter.OnNoStream(Failure failure, string reason)
    {
        _poolFailure = failure;
        _poolFailureReason = reason;
        _worker.WakeLater(_signal);
    }

    /// <summary>From a request's head to what shall become of it.</summary>
    private void Decide()
    {
        HttpRequestHead request = Exchange.Request;
        Exchange.IsGrpc = GrpcContent.IsGrpc(request.Headers);
        if (request.Method == RequestMethod.Connect || !RequestUpgrade.TryDrop(request))
        {
            Fail(Failure.Request(FailureCause.UpgradeRefused));
            return;
        }

        if (request.ExpectsContinue && !_connection.Profile.Manager.Proxy100Continue)
        {
            _downstream.SendContinue();
            request.Headers.Remove(KnownHeader.Expect);
        }

        RequestHeaderPolicy.Apply(Exchange, _connection);
        if (request.WantsPathRedirect)
        {
            Reply(LocalReplies.Redirect(PathRedirectStatus));
            LocalReplies.SetPathLocation(request, Exchange.Response.Headers);
            return;
        }

        Exchange.Snapshot = _worker.Snapshots.Current;
        Exchange.Route = Exchange.Snapshot.RoutesOf(Exchange.ConnectionManager)?.Match(request, _worker.Random);
        Exchange.Record.RouteName = Exchange.Route?.Name ?? string.Empty;
        foreach (HttpFilter filter in _connection.Profile.RequestFilters)
        {
            FilterVerdict verdict = filter.OnRequest(Exchange);
            if (verdict.Kind == FilterVerdictKind.Continue) continue;
            if (verdict.Kind == FilterVerdictKind.Respond) Reply(verdict.Reply!);
            else Cut(new Failure(FailureSide.Policy, FailurePhase.ResponseBody, FailureCause.Denied));
            return;
        }

        Route();
    }

    /// <summary>What the router filter does: answers, or finds the cluster.</summary>
    private void Route()
    {
        HttpConnectionManagerStats stats = _connection.Profile.Stats;
        switch (Exchange.Route?.Action)
        {
            case null:
                _worker.Shard.Increment(stats.NoRoute);
                Fail(Failure.Config(FailureCause.NoRoute));
                return;
            case DirectResponseAction direct:
                _worker.Shard.Increment(stats.DirectResponse);
                Reply(LocalReplies.Of(direct));
                return;
            case RedirectAction redirect:
                _worker.Shard.Increment(stats.Redirect);
                Reply(LocalReplies.Redirect(redirect.Status));
                redirect.SetLocation(Exchange.Request, Exchange.Response.Headers);
                return;
            case ForwardAction forward:
                _action = forward;
                ForwardTo(forward);
                return;
            default:
                throw new UnreachableException("a route action that the router does not know");
        }
    }

    private void ForwardTo(ForwardAction action)
    {
        ClusterReference? reference = action.ChooseCluster(Exchange.Request, Exchange.Snapshot, _worker.Random, out _weighted);
        ClusterSnapshot? cluster = reference is null ? null : Exchange.Snapshot.FindCluster(reference);
        if (cluster is null)
        {
            _worker.Shard.Increment(_connection.Profile.Stats.NoCluster);
            Reply(LocalReplies.ClusterNotFound(action.ClusterNotFoundStatus));
            return;
        }

        _cluster = cluster;
        Exchange.Record.Cluster = cluster;
        Exchange.Record.WeightedCluster = _weighted;
        _worker.Shard.Increment(_connection.Profile.Stats.RoutedTotal);
        HttpRequestHead request = Exchange.Request;
        _timeouts = RouteTimeouts.Take(request, action);
        if (action.HasIdleTimeout) _deadlines.SetIdle(RouteTimeouts.Milliseconds(action.IdleTimeout));
        if (action.HasMaxStreamDuration) _deadlines.SetDuration(RouteTimeouts.Milliseconds(action.MaxStreamDuration));
        if (_isRequestComplete) _deadlines.SetRoute(_timeouts.Route);
        _retries.Begin(action.RetryPolicy, request);
        if (request.HasBody && _retries.IsActive) _replay.Begin();
        _stage = Stage.Choosing;
    }

    private bool Choose()
    {
        ClusterSnapshot cluster = _cluster!;
        EndpointSnapshot? endpoint = _retries.Avoided.IsEmpty
            ? cluster.LoadBalancer.Choose(_worker.Index, _worker.Random)
            : cluster.LoadBalancer.Choose(_worker.Index, _worker.Random, _retries.Avoided, _retries.Policy!.HostSelectionAttempts);
        _endpoint = endpoint;
        Exchange.Record.Endpoint = endpoint;
        Exchange.Record.AddAttempt(endpoint?.State);
        if (endpoint is null)
        {
            _worker.Shard.Increment(_worker.StatsOf(cluster).ConnectionNoneHealthy);
            AttemptFailed(Failure.Upstream(FailurePhase.Connect, FailureCause.NoEndpoint));
            return true;
        }

        if (!cluster.State.TryAcquire(BudgetKind.Requests, cluster.Limits, _worker.Index))
        {
            _worker.Shard.Increment(_worker.StatsOf(cluster).RequestPendingOverflow);
            AttemptFailed(Failure.Upstream(FailurePhase.Connect, FailureCause.Overflow));
            return true;
        }

        BeginAttempt(cluster, endpoint);
        switch (_pool!.Acquire(this, _signal, cluster, out Http1UpstreamConnection? connection))
        {
            case PoolAnswer.Ready:
                _stream = connection;
                StartStream();
                return true;
            case PoolAnswer.Queued:
                _stage = Stage.Queued;
                return false;
            default:
                AttemptFailed(Failure.Upstream(FailurePhase.Connect, FailureCause.Overflow));
                return true;
        }
    }

    private void BeginAttempt(ClusterSnapshot cluster, EndpointSnapshot endpoint)
    {
        _isAttemptOpen = true;
        _retries.Tried(endpoint.State);
        endpoint.State.SlotOf(_worker.Index).RequestStarted();
        ClusterStats stats = _worker.StatsOf(cluster);
        _worker.Shard.Increment(stats.RequestTotal);
        _worker.Shard.Increment(stats.RequestActive);
        _pool = UpstreamPool.Of(_worker, cluster, endpoint.State);
        _deadlines.SetAttempt(_timeouts.Attempt);
    }

    private bool TakePoolAnswer()
    {
        if (_stream is not null)
        {
            StartStream();
            return true;
        }

        if (_poolFailure is not { } failure) return false;
        _poolFailure = null;
        Exchange.Record.UpstreamTransportFailureReason = _poolFailureReason;
        AttemptFailed(failure);
        return true;
    }

    /// <summary>A connection is ours: the request's head goes out.</summary>
    private void StartStream()
    {
        UpstreamStream stream = _stream!;
        ExchangeRecord record = Exchange.Record;
        record.UpstreamConnectionId = stream.ConnectionId;
        record.UpstreamLocalAddress = stream.LocalAddress;
        record.LastAttempt.IsConnectionReused = stream.IsConnectionReused;
        _stage = Stage.Relaying;
        if (!ShapeRequest())
        {
            EndAttempt(succeeded: false);
            Reply(LocalReplies.BadRewrite);
            return;
        }

        if (!stream.TrySendHead(Exchange.Request))
        {
            EndAttempt(succeeded: false);
            Fail(Failure.Request(FailureCause.HeadTooLarge));
            return;
        }

        _isUploadComplete = !Exchange.Request.HasBody;
        _replayed = 0;
        record.UpstreamStartedAt = _worker.Reactor.NowMicroseconds;
        if (_isUploadComplete) record.UpstreamRequestEndedAt = record.UpstreamStartedAt;
    }

    /// <summary>The request as this endpoint shall see it. What depends on the route is done once, what depends on the attempt each time.</summary>
    private bool ShapeRequest()
    {
        HttpRequestHead request = Exchange.Request;
        RouteEntry route = Exchange.Route!;
        bool keepsOriginals = !_connection.Profile.Router.SuppressEnvoyHeaders;
        if (!_isRequestShaped)
        {
            _isRequestShaped = true;
            if (keepsOriginals) _timeouts.Announce(request);
            HeaderMutations rules = route.RequestHeadersFor(_weighted);
            if (!rules.IsEmpty) rules.Apply(request.Headers, Exchange);
            if (!_action!.TryRewrite(request, _weighted, keepsOriginals)) return false;
        }

        if (_action!.IsHostFromEndpoint) _action.UseEndpointHost(request, _endpoint!, keepsOriginals);
        if (route.VirtualHost.IncludeAttemptCountInRequest) HeaderNumbers.Set(request.Headers, KnownHeader.XEnvoyAttemptCount, _retries.Made + 1);
        return true;
    }

    /// <summary>Moves what can be moved in both directions.</summary>
    /// <returns>True when the stage has changed.</returns>
    private bool Relay()
    {
        if (!_isUploadComplete) Upload();
        if (_stage == Stage.Relaying && !_isResponseStarted) AwaitResponse();
        if (_stage == Stage.Relaying && _isResponseStarted && !_isResponseComplete) Download();
        if (_stage != Stage.Relaying) return true;
        _stream?.Sink.Flush();
        _downstream.Sink.Flush();
        if (_downstream.Sink.HasFailed)
        {
            Abandon();
            return true;
        }

        if (!_isResponseComplete || _downstream.Sink.IsBlocked) return false;
        Finish();
        return true;
    }

    private void Upload()
    {
        ContentSink sink = _stream!.Sink;
        if (sink.IsBlocked) sink.Flush();
        // A server that no longer takes the request may have answered it already: the response tells, or its absence does.
        if (sink.IsBlocked || sink.HasFailed) return;
        if (!Replay(sink)) return;
        ContentSource content = _downstream.Content;
        while (true)
        {
            ContentStatus status = _isRequestComplete ? ContentStatus.End : content.Peek(out ReadOnlySpan<byte> payload);
            switch (status)
            {
                case ContentStatus.Payload:
                    content.Peek(out payload);
                    int sent = sink.Send(payload);
                    _replay.Add(payload[..sent]);
                    _replayed = _replay.Kept.Length;
                    content.Take(sent);
                    Exchange.Record.BytesReceived += sent;
                    _deadlines.Touch();
                    if (sent < payload.Length) return;
                    continue;
                case ContentStatus.Wait:
                    return;
                case ContentStatus.End:
                    sink.End(_connection.Profile.Manager.Http1.EnableTrailers ? content.Trailers : null);
                    OnUploaded();
                    return;
                default:
                    OnRequestBroken(content.Failure);
                    return;
            }
        }
    }

    /// <summary>Sends again what an earlier attempt was sent.</summary>
    /// <returns>False when there is more to send.</returns>
    private bool Replay(ContentSink sink)
    {
        ReadOnlySpan<byte> again = _replay.Kept[_replayed..];
        if (again.IsEmpty) return true;
        int sent = sink.Send(again);
        _replayed += sent;
        return sent == again.Length;
    }

    private void OnUploaded()
    {
        _isUploadComplete = true;
        long now = _worker.Reactor.NowMicroseconds;
        Exchange.Record.UpstreamRequestEndedAt = now;
        OnRequestComplete(now);
    }

    private void OnRequestComplete(long now)
    {
        if (_isRequestComplete) return;
        _isRequestComplete = true;
        Exchange.Record.RequestEndedAt = now;
        _deadlines.SetRequest(0);
        _deadlines.SetRoute(_timeouts.Route);
    }

    private void OnRequestBroken(FailureCause cause)
    {
        if (cause == FailureCause.PeerClosed)
        {
            Abandon();
            return;
        }

        EndAttempt(succeeded: false);
        if (_isResponseStarted) Cut(Failure.Downstream(FailurePhase.ResponseBody, cause));
        else Fail(Failure.Downstream(FailurePhase.RequestBody, cause));
    }

    private void AwaitResponse()
    {
        UpstreamStream stream = _stream!;
        // Nothing was sent yet on the first pass, so the request leaves before its response is asked for.
        stream.Sink.Flush();
        while (true)
        {
            switch (stream.ReadHead(Exchange.Response))
            {
                case HeadStatus.Wait:
                    return;
                case HeadStatus.Failed:
                    AttemptFailed(Failure.Upstream(FailurePhase.ResponseHead, stream.Failure));
                    return;
            }

            _deadlines.Touch();
            if (!Exchange.Response.IsInterim) break;
            if (_connection.Profile.Manager.Proxy100Continue && Exchange.Response.Status == 100) _downstream.SendInterim(Exchange.Response);
        }

        if (Exchange.Response.Status == 101) AttemptFailed(Failure.Upstream(FailurePhase.ResponseHead, FailureCause.UpgradeRefused));
        else AcceptResponse();
    }

    /// <summary>A response head has come: it is sent on, unless the request is tried again because of it.</summary>
    private void AcceptResponse()
    {
        HttpResponseHead response = Exchange.Response;
        ExchangeRecord record = Exchange.Record;
        record.ResponseStartedAt = _worker.Reactor.NowMicroseconds;
        record.LastAttempt.Status = response.Status;
        if (_retries.Covers(response) && TryRetry(succeeded: false)) return;
        if (_retries.Made > 0) _worker.Shard.Increment(_worker.StatsOf(_cluster!).RetrySuccess);
        if (_retries.IsExhausted && response.Status >= 500) record.Flags |= ResponseFlags.UpstreamRetryLimitExceeded;
        record.ResponseDetails = "via_upstream";
        _deadlines.SetAttempt(0);
        if (!_connection.Profile.Router.SuppressEnvoyHeaders && record.RequestEndedAt >= 0)
        {
            long milliseconds = Math.Max(0, record.ResponseStartedAt - record.RequestEndedAt) / 1000;
            HeaderNumbers.Set(response.Headers, KnownHeader.XEnvoyUpstreamServiceTime, milliseconds);
        }

        if (!SendResponseHead()) Cut(Failure.Upstream(FailurePhase.ResponseBody, FailureCause.HeadTooLarge));
    }

    /// <summary>Rules of the route, the connection manager's headers, the filters; then the head is on its way.</summary>
    private bool SendResponseHead()
    {
        HttpResponseHead response = Exchange.Response;
        if (Exchange.Route is { } route)
        {
            HeaderMutations rules = route.ResponseHeadersFor(_weighted);
            if (!rules.IsEmpty) rules.Apply(response.Headers, Exchange);
            if (route.VirtualHost.IncludeAttemptCountInResponse && _retries.Made + 1 is var count && _cluster is not null)
            {
                HeaderNumbers.Set(response.Headers, KnownHeader.XEnvoyAttemptCount, count);
            }
        }

        foreach (HttpFilter filter in _connection.Profile.ResponseFilters)
        {
            if (filter.OnResponse(Exchange).Kind != FilterVerdictKind.Continue) return false;
        }

        ResponseHeaderPolicy.Apply(Exchange, _connection.Profile, _worker);
        if (_downstream.TrySendHead(Exchange, _isRequestComplete) is not { } hasContent) return false;
        _isResponseStarted = true;
        Exchange.Record.ResponseStatus = response.Status;
        if (!hasContent) _replyBody = default;
        return true;
    }

    private void Download()
    {
        ContentSource content = _stream!.Content;
        ContentSink sink = _downstream.Sink;
        if (sink.IsBlocked) sink.Flush();
        while (!sink.IsBlocked && !sink.HasFailed)
        {
            switch (content.Peek(out ReadOnlySpan<byte> payload))
            {
                case ContentStatus.Payload:
                    int sent = sink.Send(payload);
                    content.Take(sent);
                    Exchange.Record.BytesSent += sent;
                    _deadlines.Touch();
                    continue;
                case ContentStatus.Wait:
                    return;
                case ContentStatus.End:
                    OnDownloaded(content.Trailers);
                    return;
                default:
                    Failure failure = Failure.Upstream(FailurePhase.ResponseBody, content.Failure);
                    Exchange.Record.LastAttempt.Failure = failure;
                    EndAttempt(succeeded: false);
                    Cut(failure);
                    return;
            }
        }
    }

    private void OnDownloaded(HeaderBlock? trailers)
    {
        Exchange.ResponseTrailers = trailers;
        Exchange.Record.ResponseEndedAt = _worker.Reactor.NowMicroseconds;
        GrpcContent.NoteStatus(Exchange, trailers);
        _downstream.Sink.End(_connection.Profile.Manager.Http1.EnableTrailers ? trailers : null);
        _isResponseComplete = true;
        EndAttempt(succeeded: Exchange.Response.Status < 500);
    }

    /// <summary>One attempt came to nothing: try again, or answer.</summary>
    private void AttemptFailed(Failure failure)
    {
        FailureOutcome outcome = FailureMap.Of(failure);
        Exchange.Record.LastAttempt.Failure = failure;
        bool wasSent = _stream is not null;
        if (_stream is { HasResponseBegun: false, IsConnectionReused: false } || _stream is null) ExchangeTally.CountReset(_worker, _cluster!, failure);
        if (!_isResponseStarted && _retries.Covers(outcome.Retry, wasSent) && TryRetry(succeeded: false)) return;
        EndAttempt(succeeded: false);
        if (_retries.IsExhausted)
        {
            Exchange.Record.Flags |= ResponseFlags.UpstreamRetryLimitExceeded;
            _worker.Shard.Increment(_worker.StatsOf(_cluster!).RetryLimitExceeded);
        }

        Fail(failure);
    }

    /// <summary>Ends this attempt and sets up the next one, if the request is whole and the budget allows it.</summary>
    private bool TryRetry(bool succeeded)
    {
        bool isWhole = !Exchange.Request.HasBody || Exchange.Record.BytesReceived == 0 || _replay.IsComplete;
        if (!isWhole) return false;
        ClusterStats stats = _worker.StatsOf(_cluster!);
        ReleaseRetry();
        if (!_cluster!.State.TryAcquire(BudgetKind.Retries, _cluster.Limits, _worker.Index))
        {
            _worker.Shard.Increment(stats.RetryOverflow);
            return false;
        }

        _holdsRetry = true;
        EndAttempt(succeeded, keepsRetry: true);
        _worker.Shard.Increment(stats.Retry);
        _worker.Shard.Increment(stats.RetryBackoffExponential);
        Exchange.Response.Reset();
        _deadlines.SetAttempt(0);
        _deadlines.SetBackOff(_retries.Take(_worker.Random));
        _stage = Stage.BackingOff;
        return true;
    }

    /// <summary>Gives everything back that the attempt held: its place in the queue, its stream, its share of the budgets.</summary>
    private void EndAttempt(bool succeeded, bool keepsRetry = false)
    {
        if (!keepsRetry) ReleaseRetry();
        if (!_isAttemptOpen) return;
        _isAttemptOpen = false;
        if (_stream is { } stream)
        {
            _stream = null;
            stream.Release(_isUploadComplete);
        }
        else if (_stage == Stage.Queued && _poolFailure is null && Exchange.Record.LastAttempt.Failure is null)
        {
            _pool!.Leave(this);
        }

        _poolFailure = null;
        _endpoint!.State.SlotOf(_worker.Index).RequestEnded(succeeded);
        _cluster!.State.Release(BudgetKind.Requests, _worker.Index);
        ExchangeTally.EndAttempt(_worker, Exchange, _cluster);
    }

    private void ReleaseRetry()
    {
        if (!_holdsRetry) return;
        _holdsRetry = false;
        _cluster!.State.Release(BudgetKind.Retries, _worker.Index);
    }

    private void OnDeadline(DeadlineKind kind)
    {
        switch (kind)
        {
            case DeadlineKind.BackOff:
                _deadlines.ClearBackOff();
                if (_stage == Stage.BackingOff) _stage = Stage.Choosing;
                return;
            case DeadlineKind.Attempt when _isResponseStarted:
                _deadlines.SetAttempt(0);
                return;
            case DeadlineKind.Attempt:
                _deadlines.SetAttempt(0);
                _worker.Shard.Increment(_worker.StatsOf(_cluster!).RequestPerTryTimeout);
                LeaveQueue();
                AttemptFailed(Failure.Upstream(FailurePhase.ResponseHead, FailureCause.AttemptTimeout));
                return;
            case DeadlineKind.Route:
                if (_endpoint is not null) _endpoint.State.SlotOf(_worker.Index).Timeouts++;
                _worker.Shard.Increment(_worker.StatsOf(_cluster!).RequestTimeout);
                TimeOut(FailureSide.Upstream, FailureCause.RouteTimeout);
                return;
            case DeadlineKind.Request:
                _worker.Shard.Increment(_connection.Profile.Stats.RequestTimeout);
                TimeOut(FailureSide.Downstream, FailureCause.RequestTimeout);
                return;
            case DeadlineKind.Duration:
                _worker.Shard.Increment(_connection.Profile.Stats.RequestMaxDurationReached);
                TimeOut(FailureSide.Local, FailureCause.DurationReached);
                return;
            default:
                _worker.Shard.Increment(_connection.Profile.Stats.RequestIdleTimeout);
                TimeOut(FailureSide.Local, FailureCause.IdleTimeout);
                return;
        }
    }

    private void TimeOut(FailureSide side, FailureCause cause)
    {
        if (_stage == Stage.Done) return;
        LeaveQueue();
        EndAttempt(succeeded: false);
        if (_isResponseStarted) Cut(new Failure(side, FailurePhase.ResponseBody, cause));
        else Fail(new Failure(side, _isRequestComplete ? FailurePhase.ResponseHead : FailurePhase.RequestBody, cause));
    }

    private void LeaveQueue()
    {
        if (_stage != Stage.Queued || _stream is not null || _poolFailure is not null) return;
        _pool!.Leave(this);
        _stage = Stage.Choosing;
    }

    /// <summary>The client went away.</summary>
    private void Abandon()
    {
        LeaveQueue();
        EndAttempt(succeeded: false);
        Cut(Failure.Downstream(FailurePhase.ResponseBody, FailureCause.PeerClosed));
    }

    /// <summary>The failure is answered, as the map says.</summary>
    private void Fail(Failure failure)
    {
        FailureOutcome outcome = FailureMap.Of(failure);
        Exchange.Record.Failure = failure;
        if (outcome.Status == 0) Cut(failure);
        else Reply(LocalReplies.Of(outcome, _retries.Made > 0, Exchange.Record.UpstreamTransportFailureReason));
    }

    /// <summary>The exchange ends here and now; what the client has of a response it must not take for a whole one.</summary>
    private void Cut(Failure failure)
    {
        FailureOutcome outcome = FailureMap.Of(failure);
        ExchangeRecord record = Exchange.Record;
        record.Failure = failure;
        record.Flags |= outcome.Flag;
        record.ResponseDetails = outcome.Details;
        EndAttempt(succeeded: false);
        _downstream.Reset();
        Finish();
    }

    private void Reply(LocalReply reply)
    {
        _replyBody = LocalReplies.Write(reply, Exchange);
        _stage = Stage.Replying;
    }

    private bool SendReply()
    {
        if (!_isResponseStarted && !SendResponseHead())
        {
            Cut(new Failure(FailureSide.Local, FailurePhase.ResponseBody, FailureCause.Defect));
            return true;
        }

        ContentSink sink = _downstream.Sink;
        if (sink.IsBlocked) sink.Flush();
        if (!_replyBody.IsEmpty)
        {
            int sent = sink.Send(_replyBody.Span);
            Exchange.Record.BytesSent += sent;
            _replyBody = _replyBody[sent..];
        }

        if (_replyBody.IsEmpty && !_isResponseComplete)
        {
            _isResponseComplete = true;
            sink.End(null);
        }

        sink.Flush();
        if (sink.HasFailed)
        {
            Abandon();
            return true;
        }

        if (!_isResponseComplete || sink.IsBlocked) return false;
        Finish();
        return true;
    }

    private void Finish()
    {
        _stage = Stage.Done;
        ExchangeTally.Finish(_worker, Exchange, _connection.Profile);
    }
}
