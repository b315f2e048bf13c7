using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Filters;
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
/// <para>It knows clients and servers as streams only; no version of HTTP is mentioned here.</para>
/// <para>Owned by one reactor, reused from exchange to exchange; allocates nothing in steady state.</para>
/// </remarks>
internal sealed class Forwarder : IInterimReceiver
{
    private readonly ProxyWorker _worker;
    private readonly ExchangeDeadlines _deadlines;
    private readonly UpstreamCall _call;
    private readonly Upload _upload;
    private readonly Answer _answer;
    private DownstreamConnection _connection = null!;
    private DownstreamStream _downstream = null!;
    private ContentSource _requestContent = null!;
    private ContentSource _responseContent = null!;
    private Stage _stage;

    public Forwarder(ProxyWorker worker)
    {
        _worker = worker;
        _deadlines = new ExchangeDeadlines(worker.Reactor);
        _call = new UpstreamCall(worker);
        _upload = new Upload(worker.Reactor.Buffers);
        _answer = new Answer(worker);
        Exchange = new HttpExchange { ReactorIndex = worker.Index, Shard = worker.Shard, Interims = this };
    }

    private enum Stage : byte
    {
        Idle,

        /// <summary>A filter waits; the request has gone nowhere yet.</summary>
        Deciding,

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

    private HttpConnectionProfile Profile => Exchange.Profile;

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
        _requestContent = downstream.Content;
        Exchange.Attach(connection, connection.ProfileForRequest(), signal, downstream.Content);
        _answer.Begin(Exchange, Profile, downstream);
        _call.Begin(Exchange, signal);
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
                Stage.Deciding => Resume(),
                Stage.Choosing => Try(),
                Stage.Queued => Follow(),
                Stage.Relaying => Relay(),
                Stage.Replying => SendReply(),
                _ => false,
            };
            if (_stage == Stage.Done) return true;
            if (hasMoved) continue;
            if (_answer.IsHeldUp) _deadlines.StartFlush(Profile.FlushMilliseconds);
            else _deadlines.ClearFlush();
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
        _call.End();
        Exchange.End();
        _answer.End();
        _requestContent = _responseContent = null!;
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
        Exchange.IsUpgrade = RequestUpgrade.IsAskedFor(request);
        if (request.ExpectsContinue && !Profile.Manager.Proxy100Continue)
        {
            _downstream.SendContinue();
            request.Headers.Remove(KnownHeader.Expect);
        }

        Act(RequestDecision.Of(Exchange, _connection));
    }

    /// <summary>Asks the filter that waits whether it still does. Deadlines and a client that goes away do not wait for it.</summary>
    private bool Resume()
    {
        RequestDecision decision = RequestDecision.Resume(Exchange, _connection);
        if (decision.IsPending) return false;
        _deadlines.Touch();
        Act(decision);
        return true;
    }

    private void Act(RequestDecision decision)
    {
        if (decision.IsPending) _stage = Stage.Deciding;
        else if (decision.Forward is { } forward) ForwardTo(forward);
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
        if (Exchange.IsUpgrade && !RequestUpgrade.IsAllowed(request, action, Profile.Manager))
        {
            _worker.Shard.Increment(Profile.Stats.RequestWebSocketOnOtherRoute);
            Fail(Failure.Request(FailureCause.UpgradeRefused));
            return;
        }

        if (!_call.TryRoute(action))
        {
            _worker.Shard.Increment(Profile.Stats.NoCluster);
            Reply(LocalReplies.ClusterNotFound(action.ClusterNotFoundStatus));
            return;
        }

        _worker.Shard.Increment(Profile.Stats.RoutedTotal);
        if (action.HasIdleTimeout) _deadlines.SetIdle(RouteTimeouts.Milliseconds(action.IdleTimeout));
        if (action.HasMaxStreamDuration) _deadlines.SetDuration(RouteTimeouts.Milliseconds(action.MaxStreamDuration));
        if (_call.Timeouts.Grpc > 0) _deadlines.SetDuration(_call.Timeouts.Grpc);
        if (!request.HasBody) _deadlines.SetRoute(_call.Timeouts.Route);
        if (request.HasBody)
        {
            if (_call.MayRetry) _upload.Keep(Profile.Listener.BufferLimitBytes);
            _requestContent = Exchange.RequestContent;
            foreach (HttpFilter filter in Profile.RequestContentFilters) _requestContent = filter.WrapRequest(Exchange, _requestContent);
        }

        _stage = Stage.Choosing;
    }

    private bool Try()
    {
        _call.Start();
        _deadlines.SetAttempt(_call.Timeouts.Attempt);
        _stage = Stage.Queued;
        return true;
    }

    /// <summary>Looks what the pool has said.</summary>
    private bool Follow()
    {
        switch (_call.State)
        {
            case AttemptState.Ready:
                SendRequestHead();
                return true;
            case AttemptState.Failed:
                _call.NoteFailure();
                AttemptFailed(_call.Failure);
                return true;
            default:
                return false;
        }
    }

    private void SendRequestHead()
    {
        SendOutcome outcome = _call.SendHead(addsHeaders: !Profile.Router.SuppressEnvoyHeaders);
        if (outcome != SendOutcome.Sent)
        {
            EndAttempt(succeeded: false);
            if (outcome == SendOutcome.TooLarge) Fail(Failure.Request(FailureCause.HeadTooLarge));
            else Reply(LocalReplies.BadRewrite);
            return;
        }

        _upload.Restart(Exchange.Request.HasBody);
        if (_upload.IsComplete) Exchange.Record.UpstreamRequestEndedAt = Exchange.Record.UpstreamStartedAt;
        _stage = Stage.Relaying;
    }

    /// <summary>Moves what can be moved in both directions.</summary>
    /// <returns>True when the stage has changed.</returns>
    private bool Relay()
    {
        if (!_upload.IsComplete) AdvanceUpload();
        if (_stage == Stage.Relaying && !_answer.IsStarted) AwaitResponse();
        if (_stage == Stage.Relaying && _answer.IsStarted && !_answer.IsComplete) Download();
        if (_stage != Stage.Relaying) return true;
        _call.Stream?.Sink.Flush();
        if (Exchange.IsTunnel && _answer.IsComplete) EndTunnel();
        return _stage != Stage.Relaying || Flush();
    }

    private void AdvanceUpload()
    {
        long before = _upload.Received;
        UploadStatus status = _upload.Advance(_requestContent, _call.Stream!.Sink);
        ExchangeRecord record = Exchange.Record;
        record.BytesReceived = _upload.Received;
        if (_upload.Received > before) _deadlines.Touch();
        if (status == UploadStatus.Broken)
        {
            OnRequestBroken(_requestContent.Failure);
            return;
        }

        if (status == UploadStatus.EndHeld) _deadlines.StartHalfClose(Profile.DelayedCloseMilliseconds);
        if (status != UploadStatus.Complete) return;
        record.UpstreamRequestEndedAt = _worker.Reactor.NowMicroseconds;
        if (record.RequestEndedAt >= 0) return;
        record.RequestEndedAt = record.UpstreamRequestEndedAt;
        _deadlines.SetRequest(0);
        _deadlines.SetRoute(_call.Timeouts.Route);
    }

    private void OnRequestBroken(FailureCause cause)
    {
        if (cause is FailureCause.PeerClosed or FailureCause.StreamReset)
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
        UpstreamStream stream = _call.Stream!;
        // The request leaves before its response is asked for.
        stream.Sink.Flush();
        switch (stream.ReadHead(Exchange.Response))
        {
            case HeadStatus.Wait:
                return;
            case HeadStatus.Failed:
                AttemptFailed(Failure.Upstream(FailurePhase.ResponseHead, stream.Failure));
                return;
        }

        _deadlines.Touch();
        if (!RequestUpgrade.IsSwitch(Exchange)) AcceptResponse();
        else if (RequestUpgrade.IsGranted(Exchange)) AcceptUpgrade();
        else AttemptFailed(Failure.Upstream(FailurePhase.ResponseHead, FailureCause.UpgradeRefused));
    }

    /// <summary>
    /// Interim responses are passed on as they come (RFC 9110 section 15.2), but for a 100 to an expectation that was answered here. Envoy passes none on without
    /// <c>proxy_100_continue</c>.
    /// </summary>
    void IInterimReceiver.OnInterim()
    {
        if (_stage != Stage.Relaying || _answer.IsStarted) return;
        _deadlines.Touch();
        if (Exchange.Response.Status == 100 && !Profile.Manager.Proxy100Continue) return;
        // HTTP/1.0 has none.
        if (Exchange.Request.Protocol != HttpProtocol.Http10) _downstream.SendInterim(Exchange.Response);
    }

    /// <summary>The server switches protocols, or has made the tunnel: from here on bytes flow both ways until each side has ended, and only silence limits them.</summary>
    private void AcceptUpgrade()
    {
        AcceptResponse();
        if (_stage != Stage.Relaying) return;
        Exchange.IsTunnel = true;
        ExchangeTally.BeginTunnel(_worker, Profile);
        _downstream.StartTunnel();
        _call.Stream!.StartTunnel();
        _upload.StartTunnel(holdsEnd: Profile.DelayedCloseMilliseconds > 0 && RequestUpgrade.MayEndBeforeAnswer(Exchange));
        _deadlines.OnAnswer();
        // What the client sent ahead of the answer is here already, and nothing else may ever wake us for it.
        AdvanceUpload();
    }

    /// <summary>The server has ended its direction; the tunnel is over when the client has too, or when the server takes no more.</summary>
    private void EndTunnel()
    {
        if (_call.Stream is not { } stream) return;
        _upload.ReleaseEnd();
        if (!_upload.IsComplete) AdvanceUpload();
        if (_stage != Stage.Relaying) return;
        if (stream.Sink.HasFailed || (_upload.IsComplete && !stream.Sink.IsBlocked)) EndAttempt(succeeded: true);
    }

    /// <summary>A response head has come: it is sent on, unless the request is tried again because of it.</summary>
    private void AcceptResponse()
    {
        HttpResponseHead response = Exchange.Response;
        ExchangeRecord record = Exchange.Record;
        record.ResponseStartedAt = _worker.Reactor.NowMicroseconds;
        record.LastAttempt.Status = response.Status;
        if (_call.Covers(response) && TryRetry()) return;
        _call.CountRetried();
        record.ResponseDetails = "via_upstream";
        _deadlines.SetAttempt(0);
        if (!Profile.Router.SuppressEnvoyHeaders && record.RequestEndedAt >= 0)
        {
            HeaderNumbers.Set(response.Headers, KnownHeader.XEnvoyUpstreamServiceTime, Math.Max(0, record.ResponseStartedAt - record.RequestEndedAt) / 1000);
        }

        _responseContent = _call.Stream!.Content;
        if (!StartAnswer())
        {
            Cut(Failure.Upstream(FailurePhase.ResponseBody, FailureCause.HeadTooLarge));
            return;
        }

        if (!response.HasBody) return;
        foreach (HttpFilter filter in Profile.ResponseContentFilters) _responseContent = filter.WrapResponse(Exchange, _responseContent);
    }

    private void Download()
    {
        AnswerStatus status = _answer.Relay(_responseContent, out bool hasMoved);
        if (hasMoved)
        {
            _deadlines.Touch();
            _deadlines.ClearFlush();
        }

        if (status == AnswerStatus.Wait) return;
        ExchangeRecord record = Exchange.Record;
        if (status == AnswerStatus.Broken)
        {
            Failure failure = Failure.Upstream(FailurePhase.ResponseBody, _responseContent.Failure);
            record.LastAttempt.Failure = failure;
            _worker.Shard.Increment(Profile.Stats.ResetAfterResponseStarted);
            Cut(failure);
            return;
        }

        record.ResponseEndedAt = _worker.Reactor.NowMicroseconds;
        GrpcContent.NoteStatus(Exchange);
        if (Exchange.IsTunnel) return;
        _deadlines.OnAnswer();
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

    private bool StartAnswer() => _answer.TryStart(_call.Weighted, _call.Attempts, _upload.IsRequestComplete || Exchange.IsRequestTaken);

    /// <summary>Sends what was gathered for the client, and ends the exchange when that was all.</summary>
    private bool Flush()
    {
        bool isSent = _answer.Flush();
        if (_downstream.Sink.HasFailed) Abandon();
        else if (isSent && (!Exchange.IsTunnel || _call.Stream is null)) Finish();
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
        ExchangeTally.CountReset(_worker, _call.Cluster!, failure);
        if (!_answer.IsStarted && _call.Covers(outcome.Retry) && TryRetry()) return;
        EndAttempt(succeeded: false);
        if (_call.IsExhausted)
        {
            Exchange.Record.Flags |= ResponseFlags.UpstreamRetryLimitExceeded;
            _worker.Shard.Increment(_call.Stats.RetryLimitExceeded);
        }

        Fail(failure);
    }

    /// <summary>Ends this attempt and sets up the next one, if the request is whole and the budget allows it.</summary>
    private bool TryRetry()
    {
        if (!_upload.IsWhole || !_call.TryRetry(_upload.IsComplete, out long pause)) return false;
        Exchange.Response.Reset();
        _deadlines.SetAttempt(0);
        _deadlines.SetBackOff(pause);
        _stage = Stage.BackingOff;
        return true;
    }

    private void EndAttempt(bool succeeded) => _call.EndAttempt(succeeded, _upload.IsComplete);

    private void OnDeadline(DeadlineKind kind)
    {
        HttpConnectionManagerStats stats = Profile.Stats;
        switch (kind)
        {
            case DeadlineKind.BackOff:
                _deadlines.ClearBackOff();
                if (_stage == Stage.BackingOff) _stage = Stage.Choosing;
                return;
            case DeadlineKind.HalfClose:
                _deadlines.ClearHalfClose();
                _upload.ReleaseEnd();
                return;
            case DeadlineKind.Attempt:
                _deadlines.SetAttempt(0);
                // What was sent on cannot be taken back: then only the route's time counts.
                if (_answer.IsStarted) return;
                _worker.Shard.Increment(_call.Stats.RequestPerTryTimeout);
                AttemptFailed(Failure.Upstream(FailurePhase.ResponseHead, FailureCause.AttemptTimeout));
                return;
            case DeadlineKind.Route:
                _call.CountTimeout();
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
            case DeadlineKind.Flush:
                _downstream.OnFlushTimeout();
                goto default;
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
        if (_call.Stream is not null) _worker.Shard.Increment(_call.Stats.RequestSentReset);
        else if (_call.State == AttemptState.Queued) _worker.Shard.Increment(_call.Stats.RequestCancelled);
        Cut(Failure.Downstream(FailurePhase.ResponseBody, _downstream.GoneCause));
    }

    /// <summary>The failure is answered, as the map says.</summary>
    private void Fail(Failure failure)
    {
        FailureOutcome outcome = FailureMap.Of(failure);
        Exchange.Record.Failure = failure;
        if (outcome.Status == 0) Cut(failure);
        else Reply(LocalReplies.Of(outcome, _call.WasRetried, Exchange.Record.UpstreamTransportFailureReason));
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
