using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <summary>
/// Takes one exchange from its request's head to its last byte: filters, route, cluster, attempts, both contents, and an answer of our own
/// when there is no other. Whoever owns it calls <see cref="Advance"/> whenever its signal wakes, until it is done.
/// </summary>
/// <remarks>
/// <para>A state machine over synchronous steps: each call moves as many bytes as can be moved and returns. There is one wait for
/// everything (both peers, the pool, all deadlines), so request and response flow at the same time without a second task.</para>
/// <para>It knows clients and servers as streams only; HTTP/1.1 is not mentioned here.</para>
/// <para>Owned by one reactor, reused from exchange to exchange; allocates nothing in steady state.</para>
/// </remarks>
internal sealed class Forwarder
{
    private readonly ProxyWorker _worker;
    private readonly ExchangeDeadlines _deadlines;
    private readonly Retries _retries = new();
    private readonly Attempt _attempt;
    private readonly Upload _upload;
    private readonly Answer _answer;
    private DownstreamConnection _connection = null!;
    private DownstreamStream _downstream = null!;
    private WakeSignal _signal = null!;
    private Stage _stage;
    private ForwardAction? _action;
    private WeightedClusterEntry? _weighted;
    private ClusterSnapshot? _cluster;
    private RouteTimeouts _timeouts;
    private bool _isRequestShaped;
    private bool _holdsRetry;

    public Forwarder(ProxyWorker worker)
    {
        _worker = worker;
        _deadlines = new ExchangeDeadlines(worker.Reactor);
        _attempt = new Attempt(worker);
        _upload = new Upload(worker.Reactor.Buffers);
        _answer = new Answer(worker);
        Exchange = new HttpExchange { ReactorIndex = worker.Index, Shard = worker.Shard };
    }

    private enum Stage : byte
    {
        Idle,

        /// <summary>A new attempt is to be made.</summary>
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

    private HttpConnectionProfile Profile => _connection.Profile;

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
        _isRequestShaped = _holdsRetry = false;
        _answer.Begin(Exchange, Profile, downstream);
        _deadlines.Begin(signal);
        _deadlines.SetIdle(Profile.StreamIdleMilliseconds);
        _deadlines.SetDuration(Profile.MaxStreamMilliseconds);
        ExchangeTally.Begin(Exchange, connection, startedAt);
        HttpRequestHead request = Exchange.Request;
        _upload.Begin(request.HasBody);
        if (!request.HasBody) Exchange.Record.RequestEndedAt = startedAt;
        else _deadlines.SetRequest(Profile.RequestMilliseconds);
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
                Stage.Choosing => Try(),
                Stage.Queued => Follow(),
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
        _upload.End();
        _attempt.Forget();
        Exchange.End();
        _action = null;
        _weighted = null;
        _cluster = null;
        _answer.End();
    }

    /// <summary>The connection ends. An exchange that is under way, because of a defect or a forced end, gives back what others lent.</summary>
    /// <returns>True when an exchange was broken off.</returns>
    public bool Break()
    {
        if (_stage is Stage.Idle) return false;
        if (_stage is not Stage.Done)
        {
            EndAttempt(succeeded: false);
            Exchange.Record.Flags |= ResponseFlags.LocalReset;
            Finish();
        }

        End();
        return true;
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

        if (request.ExpectsContinue && !Profile.Manager.Proxy100Continue)
        {
            _downstream.SendContinue();
            request.Headers.Remove(KnownHeader.Expect);
        }

        RequestDecision decision = RequestDecision.Of(Exchange, _connection);
        if (decision.Forward is { } forward) ForwardTo(forward);
        else if (decision.Failure is { } failure) Fail(failure);
        else Answer(decision);
    }

    private void Answer(RequestDecision decision)
    {
        Reply(decision.Reply!);
        if (decision.Redirect is { } redirect) redirect.SetLocation(Exchange.Request, Exchange.Response.Headers);
        else if (Exchange.Request.WantsPathRedirect) LocalReplies.SetPathLocation(Exchange.Request, Exchange.Response.Headers);
    }

    private void ForwardTo(ForwardAction action)
    {
        HttpRequestHead request = Exchange.Request;
        ClusterReference? reference = action.ChooseCluster(request, Exchange.Snapshot, _worker.Random, out _weighted);
        ClusterSnapshot? cluster = reference is null ? null : Exchange.Snapshot.FindCluster(reference);
        if (cluster is null)
        {
            _worker.Shard.Increment(Profile.Stats.NoCluster);
            Reply(LocalReplies.ClusterNotFound(action.ClusterNotFoundStatus));
            return;
        }

        _action = action;
        _cluster = cluster;
        Exchange.Record.Cluster = cluster;
        Exchange.Record.WeightedCluster = _weighted;
        _worker.Shard.Increment(Profile.Stats.RoutedTotal);
        _timeouts = RouteTimeouts.Take(request, action);
        if (action.HasIdleTimeout) _deadlines.SetIdle(RouteTimeouts.Milliseconds(action.IdleTimeout));
        if (action.HasMaxStreamDuration) _deadlines.SetDuration(RouteTimeouts.Milliseconds(action.MaxStreamDuration));
        if (!request.HasBody) _deadlines.SetRoute(_timeouts.Route);
        _retries.Begin(action.RetryPolicy, request);
        if (request.HasBody && _retries.IsActive) _upload.Keep();
        _stage = Stage.Choosing;
    }

    private bool Try()
    {
        _attempt.Begin(_cluster!, _retries, _signal);
        Exchange.Record.Endpoint = _attempt.Endpoint;
        Exchange.Record.AddAttempt(_attempt.Endpoint?.State);
        _deadlines.SetAttempt(_timeouts.Attempt);
        _stage = Stage.Queued;
        return true;
    }

    /// <summary>Looks what the pool has said.</summary>
    private bool Follow()
    {
        switch (_attempt.State)
        {
            case AttemptState.Ready:
                SendRequestHead();
                return true;
            case AttemptState.Failed:
                if (_attempt.FailureReason.Length > 0) Exchange.Record.UpstreamTransportFailureReason = _attempt.FailureReason;
                AttemptFailed(_attempt.Failure);
                return true;
            default:
                return false;
        }
    }

    /// <summary>A stream is ours: the request's head goes out.</summary>
    private void SendRequestHead()
    {
        UpstreamStream stream = _attempt.Stream!;
        ExchangeRecord record = Exchange.Record;
        record.UpstreamConnectionId = stream.ConnectionId;
        record.UpstreamLocalAddress = stream.LocalAddress;
        record.LastAttempt.IsConnectionReused = stream.IsConnectionReused;
        bool isShaped = ShapeRequest();
        if (!isShaped || !stream.TrySendHead(Exchange.Request))
        {
            EndAttempt(succeeded: false);
            if (isShaped) Fail(Failure.Request(FailureCause.HeadTooLarge));
            else Reply(LocalReplies.BadRewrite);
            return;
        }

        _upload.Restart(Exchange.Request.HasBody);
        record.UpstreamStartedAt = _worker.Reactor.NowMicroseconds;
        if (_upload.IsComplete) record.UpstreamRequestEndedAt = record.UpstreamStartedAt;
        _stage = Stage.Relaying;
    }

    /// <summary>The request as this endpoint shall see it. What depends on the route is done once, what depends on the attempt each time.</summary>
    private bool ShapeRequest()
    {
        HttpRequestHead request = Exchange.Request;
        RouteEntry route = Exchange.Route!;
        bool addsHeaders = !Profile.Router.SuppressEnvoyHeaders;
        if (!_isRequestShaped)
        {
            _isRequestShaped = true;
            if (addsHeaders) _timeouts.Announce(request);
            HeaderMutations rules = route.RequestHeadersFor(_weighted);
            if (!rules.IsEmpty) rules.Apply(request.Headers, Exchange);
            if (!_action!.TryRewrite(request, _weighted, addsHeaders)) return false;
        }

        if (_action!.IsHostFromEndpoint) _action.UseEndpointHost(request, _attempt.Endpoint!, addsHeaders);
        if (route.VirtualHost.IncludeAttemptCountInRequest) HeaderNumbers.Set(request.Headers, KnownHeader.XEnvoyAttemptCount, _retries.Made + 1);
        return true;
    }

    /// <summary>Moves what can be moved in both directions.</summary>
    /// <returns>True when the stage has changed.</returns>
    private bool Relay()
    {
        if (!_upload.IsComplete) AdvanceUpload();
        if (_stage == Stage.Relaying && !_answer.IsStarted) AwaitResponse();
        if (_stage == Stage.Relaying && _answer.IsStarted && !_answer.IsComplete) Download();
        if (_stage != Stage.Relaying) return true;
        _attempt.Stream?.Sink.Flush();
        return Flush();
    }

    private void AdvanceUpload()
    {
        long before = _upload.Received;
        UploadStatus status = _upload.Advance(_downstream.Content, _attempt.Stream!.Sink, Profile.Manager.Http1.EnableTrailers);
        ExchangeRecord record = Exchange.Record;
        record.BytesReceived = _upload.Received;
        if (_upload.Received > before) _deadlines.Touch();
        if (status == UploadStatus.Broken)
        {
            OnRequestBroken(_downstream.Content.Failure);
            return;
        }

        if (status != UploadStatus.Complete) return;
        record.UpstreamRequestEndedAt = _worker.Reactor.NowMicroseconds;
        if (record.RequestEndedAt >= 0) return;
        record.RequestEndedAt = record.UpstreamRequestEndedAt;
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
        if (_answer.IsStarted) Cut(Failure.Downstream(FailurePhase.ResponseBody, cause));
        else Fail(Failure.Downstream(FailurePhase.RequestBody, cause));
    }

    private void AwaitResponse()
    {
        UpstreamStream stream = _attempt.Stream!;
        // The request leaves before its response is asked for.
        stream.Sink.Flush();
        do
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
            if (Exchange.Response.Status == 100 && Profile.Manager.Proxy100Continue) _downstream.SendInterim(Exchange.Response);
        }
        while (Exchange.Response.IsInterim);

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
        if (_retries.Covers(response) && TryRetry()) return;
        if (_retries.Made > 0) ExchangeTally.CountRetried(_worker, Exchange, _retries.IsExhausted);
        record.ResponseDetails = "via_upstream";
        _deadlines.SetAttempt(0);
        if (!Profile.Router.SuppressEnvoyHeaders && record.RequestEndedAt >= 0)
        {
            HeaderNumbers.Set(response.Headers, KnownHeader.XEnvoyUpstreamServiceTime, Math.Max(0, record.ResponseStartedAt - record.RequestEndedAt) / 1000);
        }

        if (!StartAnswer()) Cut(Failure.Upstream(FailurePhase.ResponseBody, FailureCause.HeadTooLarge));
    }

    private void Download()
    {
        ContentSource content = _attempt.Stream!.Content;
        AnswerStatus status = _answer.Relay(content, out bool hasMoved);
        if (hasMoved) _deadlines.Touch();
        if (status == AnswerStatus.Wait) return;
        ExchangeRecord record = Exchange.Record;
        if (status == AnswerStatus.Broken)
        {
            Failure failure = Failure.Upstream(FailurePhase.ResponseBody, content.Failure);
            record.LastAttempt.Failure = failure;
            Cut(failure);
            return;
        }

        record.ResponseEndedAt = _worker.Reactor.NowMicroseconds;
        _deadlines.OnAnswer();
        GrpcContent.NoteStatus(Exchange);
        EndAttempt(succeeded: Exchange.Response.Status < 500);
    }

    private bool SendReply()
    {
        if (!_answer.IsStarted && !StartAnswer())
        {
            Cut(new Failure(FailureSide.Local, FailurePhase.ResponseBody, FailureCause.Defect));
            return true;
        }

        _answer.SendOwn();
        return Flush();
    }

    private bool StartAnswer() => _answer.TryStart(_weighted, _cluster is null ? 0 : _retries.Made + 1, _upload.IsRequestComplete);

    /// <summary>Sends what was gathered for the client, and ends the exchange when that was all.</summary>
    private bool Flush()
    {
        bool isSent = _answer.Flush();
        if (_downstream.Sink.HasFailed) Abandon();
        else if (isSent) Finish();
        return _stage == Stage.Done;
    }

    private void Finish()
    {
        _stage = Stage.Done;
        ExchangeTally.Finish(_worker, Exchange, Profile);
    }

    /// <summary>One attempt came to nothing: try again, or answer.</summary>
    private void AttemptFailed(Failure failure)
    {
        FailureOutcome outcome = FailureMap.Of(failure);
        Exchange.Record.LastAttempt.Failure = failure;
        ExchangeTally.CountReset(_worker, _cluster!, failure);
        if (!_answer.IsStarted && _retries.Covers(outcome.Retry, wasRequestSent: _attempt.Stream is not null) && TryRetry()) return;
        EndAttempt(succeeded: false);
        if (_retries.IsExhausted)
        {
            Exchange.Record.Flags |= ResponseFlags.UpstreamRetryLimitExceeded;
            _worker.Shard.Increment(_worker.StatsOf(_cluster!).RetryLimitExceeded);
        }

        Fail(failure);
    }

    /// <summary>Ends this attempt and sets up the next one, if the request is whole and the budget allows it.</summary>
    private bool TryRetry()
    {
        if (!_upload.IsWhole) return false;
        ClusterStats stats = _worker.StatsOf(_cluster!);
        // The budget counts retries under way; ours ends here if this attempt was one.
        ReleaseRetry();
        if (!_cluster!.State.TryAcquire(BudgetKind.Retries, _cluster.Limits, _worker.Index))
        {
            _worker.Shard.Increment(stats.RetryOverflow);
            return false;
        }

        EndAttempt(succeeded: false);
        _holdsRetry = true;
        _worker.Shard.Increment(stats.Retry);
        _worker.Shard.Increment(stats.RetryBackoffExponential);
        Exchange.Response.Reset();
        _deadlines.SetAttempt(0);
        _deadlines.SetBackOff(_retries.Take(_worker.Random));
        _stage = Stage.BackingOff;
        return true;
    }

    /// <summary>Gives back everything that the attempt held.</summary>
    private void EndAttempt(bool succeeded)
    {
        ReleaseRetry();
        if (_attempt.End(succeeded, _upload.IsComplete)) ExchangeTally.EndAttempt(_worker, Exchange, _cluster!);
    }

    private void ReleaseRetry()
    {
        if (!_holdsRetry) return;
        _holdsRetry = false;
        _cluster!.State.Release(BudgetKind.Retries, _worker.Index);
    }

    private void OnDeadline(DeadlineKind kind)
    {
        HttpConnectionManagerStats stats = Profile.Stats;
        switch (kind)
        {
            case DeadlineKind.BackOff:
                _deadlines.ClearBackOff();
                if (_stage == Stage.BackingOff) _stage = Stage.Choosing;
                return;
            case DeadlineKind.Attempt:
                _deadlines.SetAttempt(0);
                // What was sent on cannot be taken back: then only the route's time counts.
                if (_answer.IsStarted) return;
                _worker.Shard.Increment(_worker.StatsOf(_cluster!).RequestPerTryTimeout);
                AttemptFailed(Failure.Upstream(FailurePhase.ResponseHead, FailureCause.AttemptTimeout));
                return;
            case DeadlineKind.Route:
                if (_attempt.Endpoint is { } endpoint) endpoint.State.SlotOf(_worker.Index).Timeouts++;
                _worker.Shard.Increment(_worker.StatsOf(_cluster!).RequestTimeout);
                TimeOut(FailureSide.Upstream, FailureCause.RouteTimeout);
                return;
            case DeadlineKind.Request:
                _worker.Shard.Increment(stats.RequestTimeout);
                TimeOut(FailureSide.Downstream, FailureCause.RequestTimeout);
                return;
            case DeadlineKind.Duration:
                _worker.Shard.Increment(stats.RequestMaxDurationReached);
                TimeOut(FailureSide.Local, FailureCause.DurationReached);
                return;
            default:
                _worker.Shard.Increment(stats.RequestIdleTimeout);
                TimeOut(FailureSide.Local, FailureCause.IdleTimeout);
                return;
        }
    }

    private void TimeOut(FailureSide side, FailureCause cause)
    {
        EndAttempt(succeeded: false);
        if (_answer.IsStarted || _stage == Stage.Replying) Cut(new Failure(side, FailurePhase.ResponseBody, cause));
        else Fail(new Failure(side, _upload.IsRequestComplete ? FailurePhase.ResponseHead : FailurePhase.RequestBody, cause));
    }

    /// <summary>The client went away.</summary>
    private void Abandon()
    {
        if (_attempt.Stream is not null && _cluster is not null) _worker.Shard.Increment(_worker.StatsOf(_cluster).RequestSentReset);
        else if (_attempt.State == AttemptState.Queued) _worker.Shard.Increment(_worker.StatsOf(_cluster!).RequestCancelled);
        Cut(Failure.Downstream(FailurePhase.ResponseBody, FailureCause.PeerClosed));
    }

    /// <summary>The failure is answered, as the map says.</summary>
    private void Fail(Failure failure)
    {
        FailureOutcome outcome = FailureMap.Of(failure);
        Exchange.Record.Failure = failure;
        if (outcome.Status == 0) Cut(failure);
        else Reply(LocalReplies.Of(outcome, _cluster is not null && _retries.Made > 0, Exchange.Record.UpstreamTransportFailureReason));
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
        _answer.Compose(reply);
        _deadlines.OnAnswer();
        _stage = Stage.Replying;
    }
}
