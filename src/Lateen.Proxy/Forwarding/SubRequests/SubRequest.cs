using System.Diagnostics;
using Lateen.Http;
using Lateen.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;

namespace Lateen.Proxy.Forwarding.SubRequests;

/// <summary>How far a request of our own is.</summary>
internal enum SubRequestState : byte
{
    Idle,
    Running,

    /// <summary>The answer is whole: <see cref="SubRequest.Response"/>, <see cref="SubRequest.Body"/>, <see cref="SubRequest.Trailers"/>.</summary>
    Complete,

    /// <summary>There is none: <see cref="SubRequest.Failure"/> says why.</summary>
    Failed,
}

/// <summary>
/// One request that a filter makes itself while its exchange waits, to a cluster, over the connections that all requests share: a question to an
/// authorization service. One attempt, bounded in time and in the size of its answer, which is held until it is whole.
/// </summary>
/// <remarks>
/// Owned by one exchange's reactor, reused from exchange to exchange; in steady state it allocates nothing. It moves by itself when its
/// connection has news, and wakes its owner once, when it is over.
/// </remarks>
internal sealed class SubRequest : WakeSignal
{
    /// <summary>Octets of answers kept between two uses.</summary>
    private const int RetainedOctets = 8 * 1024;

    private readonly ProxyWorker _worker;
    private readonly Attempt _attempt;
    private readonly Retries _noRetries = new();
    private readonly HttpExchange _exchange;
    private readonly ReactorTimer _timer;
    private ClusterSnapshot _cluster = null!;
    private WakeSignal? _owner;
    private ReadOnlyMemory<byte> _content;
    private byte[] _body = [];
    private int _bodyLength;
    private int _maxBodyOctets;
    private bool _isHeadSent;
    private bool _isContentSent;
    private bool _hasHead;
    private bool _isAdvancing;
    private bool _isWoken;
    private bool _isStarting;

    public SubRequest(ProxyWorker worker)
    {
        _worker = worker;
        _attempt = new Attempt(worker);
        _exchange = new HttpExchange { ReactorIndex = worker.Index, Shard = worker.Shard };
        _timer = new ReactorTimer(worker.Reactor, static state => ((SubRequest)state!).TimeOut(), this);
    }

    public SubRequestState State { get; private set; }

    /// <summary>Filled by the owner between <see cref="Prepare"/> and <see cref="Start"/>: method, authority, path, fields. Its framing is set here.</summary>
    public HttpRequestHead Request => _exchange.Request;

    public HttpResponseHead Response => _exchange.Response;

    public ReadOnlySpan<byte> Body => _body.AsSpan(0, _bodyLength);

    /// <summary>Null when there were none.</summary>
    public HeaderBlock? Trailers => _exchange.ResponseTrailers;

    public Failure Failure { get; private set; }

    /// <summary>An empty head to be filled.</summary>
    public HttpRequestHead Prepare()
    {
        Debug.Assert(State != SubRequestState.Running, "one request at a time");
        Release();
        return Request;
    }

    /// <summary>Sends the request. It may be over when this returns, if no connection can be had; the owner is not woken for that.</summary>
    /// <param name="cluster">Of the exchange's configuration.</param>
    /// <param name="content">Not changed until the request is over. May be empty.</param>
    /// <param name="timeoutMilliseconds">From now to the end of the answer; more than 0.</param>
    /// <param name="maxBodyOctets">A longer answer is a failure.</param>
    /// <param name="owner">Woken when it is over.</param>
    public void Start(ClusterSnapshot cluster, ReadOnlyMemory<byte> content, long timeoutMilliseconds, int maxBodyOctets, WakeSignal owner)
    {
        Debug.Assert(State == SubRequestState.Idle, "it was not prepared");
        _cluster = cluster;
        _content = content;
        _maxBodyOctets = maxBodyOctets;
        _owner = owner;
        _isContentSent = content.IsEmpty;
        Request.SetBody(content.IsEmpty ? BodyFraming.None : BodyFraming.Length, content.Length);
        State = SubRequestState.Running;
        _timer.Arm(timeoutMilliseconds);
        _noRetries.Begin(null, Request);
        _exchange.IsInternal = true;
        _exchange.Record.StartedAt = _worker.Reactor.NowMicroseconds;
        _isStarting = true;
        _attempt.Begin(cluster, Request, isTunnelEnd: false, overrides: null, _noRetries, this);
        _exchange.Record.AddAttempt(_attempt.Endpoint?.State);
        Wake();
        _isStarting = false;
    }

    /// <summary>Ends the request wherever it is, and forgets its answer.</summary>
    public void Cancel()
    {
        if (State == SubRequestState.Running)
        {
            _worker.Shard.Increment(_attempt.Stream is null ? _worker.StatsOf(_cluster).RequestCancelled : _worker.StatsOf(_cluster).RequestSentReset);
            EndAttempt(succeeded: false);
        }

        Release();
    }

    /// <summary>The connection, the pool or nobody in particular has news.</summary>
    public override void Wake()
    {
        _isWoken = true;
        if (_isAdvancing) return;
        _isAdvancing = true;
        while (_isWoken && State == SubRequestState.Running)
        {
            _isWoken = false;
            Advance();
        }

        _isWoken = false;
        _isAdvancing = false;
    }

    private void Advance()
    {
        if (_attempt.State == AttemptState.Failed)
        {
            Fail(_attempt.Failure);
            return;
        }

        if (_attempt.State != AttemptState.Ready) return;
        UpstreamStream stream = _attempt.Stream!;
        if (!_isHeadSent)
        {
            _isHeadSent = true;
            if (!stream.TrySendHead(_exchange))
            {
                Fail(Failure.Upstream(FailurePhase.RequestBody, FailureCause.HeadTooLarge));
                return;
            }
        }

        if (!_isContentSent) SendContent(stream.Sink);
        stream.Sink.Flush();
        if (_hasHead || ReadHead(stream)) ReadContent(stream.Content);
    }

    private void SendContent(ContentSink sink)
    {
        if (sink.IsBlocked) sink.Flush();
        // A server that takes no more may have answered already.
        if (sink.IsBlocked || sink.HasFailed) return;
        _content = _content[sink.Send(_content.Span)..];
        if (!_content.IsEmpty) return;
        _isContentSent = true;
        sink.End(null);
    }

    /// <returns>True when the final head is there.</returns>
    private bool ReadHead(UpstreamStream stream)
    {
        switch (stream.ReadHead(Response))
        {
            case HeadStatus.Wait:
                return false;
            case HeadStatus.Failed:
                Fail(Failure.Upstream(FailurePhase.ResponseHead, stream.Failure));
                return false;
        }

        _exchange.Record.LastAttempt.Status = Response.Status;
        if (Response.Status != 101) return _hasHead = true;
        Fail(Failure.Upstream(FailurePhase.ResponseHead, FailureCause.UpgradeRefused));
        return false;
    }

    private void ReadContent(ContentSource content)
    {
        while (true)
        {
            switch (content.Peek(out ReadOnlySpan<byte> payload))
            {
                case ContentStatus.Payload:
                    if (payload.Length > _maxBodyOctets - _bodyLength)
                    {
                        Fail(Failure.Upstream(FailurePhase.ResponseBody, FailureCause.BodyTooLarge));
                        return;
                    }

                    if (payload.Length > _body.Length - _bodyLength)
                        Array.Resize(ref _body, Math.Max(Math.Max(1024, _body.Length * 2), _bodyLength + payload.Length));
                    payload.CopyTo(_body.AsSpan(_bodyLength));
                    _bodyLength += payload.Length;
                    content.Take(payload.Length);
                    continue;
                case ContentStatus.Wait:
                    return;
                case ContentStatus.End:
                    if (content.Trailers is { } trailers) _exchange.KeepTrailers(trailers);
                    _exchange.Record.ResponseEndedAt = _worker.Reactor.NowMicroseconds;
                    EndAttempt(succeeded: Response.Status < 500);
                    Conclude(SubRequestState.Complete);
                    return;
                default:
                    Fail(Failure.Upstream(FailurePhase.ResponseBody, content.Failure));
                    return;
            }
        }
    }

    private void TimeOut()
    {
        if (State != SubRequestState.Running) return;
        _worker.Shard.Increment(_worker.StatsOf(_cluster).RequestTimeout);
        Fail(Failure.Upstream(FailurePhase.ResponseHead, FailureCause.RouteTimeout));
    }

    private void Fail(Failure failure)
    {
        Failure = failure;
        ExchangeTally.CountReset(_worker, _cluster, failure);
        EndAttempt(succeeded: false);
        Conclude(SubRequestState.Failed);
    }

    private void EndAttempt(bool succeeded)
    {
        _timer.Cancel();
        if (_attempt.End(succeeded, _isContentSent)) ExchangeTally.EndAttempt(_worker, _exchange, _cluster);
        _attempt.Forget();
    }

    private void Conclude(SubRequestState state)
    {
        State = state;
        WakeSignal? owner = _owner;
        _owner = null;
        if (!_isStarting && owner is not null) _worker.WakeLater(owner);
    }

    private void Release()
    {
        State = SubRequestState.Idle;
        _owner = null;
        _content = default;
        _cluster = null!;
        _bodyLength = 0;
        if (_body.Length > RetainedOctets) _body = [];
        _isHeadSent = _isContentSent = _hasHead = false;
        Failure = default;
        Request.Reset();
        _exchange.End();
    }
}
