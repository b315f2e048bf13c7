using Lateen.Proxy.Clusters;
using Lateen.Proxy.Statistics;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Proxy.Forwarding;

/// <content>What happens when something does not: retries, deadlines, answers of our own, and the end without an answer.</content>
internal sealed partial class Forwarder
{
    /// <summary>One attempt came to nothing: try again, or answer.</summary>
    private void AttemptFailed(Failure failure)
    {
        FailureOutcome outcome = FailureMap.Of(failure);
        Exchange.Record.LastAttempt.Failure = failure;
        ExchangeTally.CountReset(_worker, _cluster!, failure);
        if (!_isResponseStarted && _retries.Covers(outcome.Retry, wasRequestSent: _attempt.Stream is not null) && TryRetry()) return;
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
                if (_isResponseStarted) return;
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
        if (_isResponseStarted || _stage == Stage.Replying) Cut(new Failure(side, FailurePhase.ResponseBody, cause));
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
        _replyBody = LocalReplies.Write(reply, Exchange);
        _stage = Stage.Replying;
    }
}
