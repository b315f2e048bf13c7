using Lateen.Http;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Forwarding.Streams;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Routing;

namespace Lateen.Proxy.Forwarding;

/// <summary>How a response fares on its way to the client.</summary>
internal enum AnswerStatus : byte
{
    /// <summary>More has to come, or the client has to take more.</summary>
    Wait,

    /// <summary>All of it was handed over.</summary>
    Complete,

    /// <summary>The server broke off: <see cref="ContentSource.Failure"/> of its content says how.</summary>
    Broken,
}

/// <summary>The response of an exchange on its way to the client: the server's, or one of our own.</summary>
/// <remarks>Owned by one reactor, reused from exchange to exchange.</remarks>
internal sealed class Answer(ProxyWorker worker)
{
    private HttpExchange _exchange = null!;
    private HttpConnectionProfile _profile = null!;
    private DownstreamStream _downstream = null!;
    private ReadOnlyMemory<byte> _ownContent;

    /// <summary>The head is on its way: there will be no other.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>Head and content were accepted, if not yet sent.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>There is more to send, and the client does not take it.</summary>
    public bool IsHeldUp { get; private set; }

    public void Begin(HttpExchange exchange, HttpConnectionProfile profile, DownstreamStream downstream)
    {
        _exchange = exchange;
        _profile = profile;
        _downstream = downstream;
        IsStarted = IsComplete = IsHeldUp = false;
    }

    public void End() => _ownContent = default;

    /// <summary>Makes one of our own replies the response.</summary>
    public void Compose(LocalReply reply) => _ownContent = LocalReplies.Write(reply, _exchange);

    /// <summary>Rules of the route, the filters, the connection manager's headers; then the head is on its way.</summary>
    /// <param name="weighted">The cluster that was drawn for the request, whose rules apply.</param>
    /// <param name="attempts">Attempts made at a server; 0 when none was.</param>
    /// <param name="isRequestComplete">All of the request has come.</param>
    /// <returns>False: a filter refuses the response, or its head is larger than can be sent.</returns>
    public bool TryStart(WeightedClusterEntry? weighted, int attempts, bool isRequestComplete)
    {
        HttpResponseHead response = _exchange.Response;
        if (_exchange.Route is { } route)
        {
            HeaderMutations rules = route.ResponseHeadersFor(weighted);
            if (!rules.IsEmpty) rules.Apply(response.Headers, _exchange);
            if (attempts > 0 && route.VirtualHost.IncludeAttemptCountInResponse)
            {
                HeaderNumbers.Set(response.Headers, KnownHeader.XEnvoyAttemptCount, attempts);
            }
        }

        foreach (HttpFilter filter in _profile.ResponseFilters)
        {
            if (filter.OnResponse(_exchange).Kind != FilterVerdictKind.Continue) return false;
        }

        ResponseHeaderPolicy.Apply(_exchange, _profile, worker);
        if (_downstream.TrySendHead(_exchange, isRequestComplete) is not { } hasContent) return false;
        IsStarted = true;
        _exchange.Record.ResponseStatus = response.Status;
        if (!hasContent) _ownContent = default;
        return true;
    }

    /// <summary>Moves what can be moved of the server's content.</summary>
    /// <param name="content">The server's.</param>
    /// <param name="hasMoved">Anything moved.</param>
    public AnswerStatus Relay(ContentSource content, out bool hasMoved)
    {
        hasMoved = false;
        IsHeldUp = false;
        ContentSink sink = _downstream.Sink;
        if (sink.IsBlocked) sink.Flush();
        while (!sink.IsBlocked && !sink.HasFailed)
        {
            switch (content.Peek(out ReadOnlySpan<byte> payload))
            {
                case ContentStatus.Payload:
                    int sent = sink.Send(payload);
                    content.Take(sent);
                    _exchange.Record.BytesSent += sent;
                    hasMoved |= sent > 0;
                    continue;
                case ContentStatus.Wait:
                    return AnswerStatus.Wait;
                case ContentStatus.End:
                    if (content.Trailers is { } trailers) _exchange.KeepTrailers(trailers);
                    sink.End(content.Trailers);
                    IsComplete = true;
                    return AnswerStatus.Complete;
                default:
                    return AnswerStatus.Broken;
            }
        }

        IsHeldUp = sink.IsBlocked;
        return AnswerStatus.Wait;
    }

    /// <summary>Moves what can be moved of our own content.</summary>
    public void SendOwn()
    {
        ContentSink sink = _downstream.Sink;
        if (sink.IsBlocked) sink.Flush();
        if (!_ownContent.IsEmpty)
        {
            int sent = sink.Send(_ownContent.Span);
            _exchange.Record.BytesSent += sent;
            _ownContent = _ownContent[sent..];
        }

        IsHeldUp = !_ownContent.IsEmpty;
        if (IsHeldUp || IsComplete) return;
        IsComplete = true;
        sink.End(null);
    }

    /// <summary>Sends what was gathered.</summary>
    /// <returns>True when nothing of the response is left to send.</returns>
    public bool Flush()
    {
        ContentSink sink = _downstream.Sink;
        sink.Flush();
        // A sink that has nothing gathered forgets that it was blocked; what the server has for it waits all the same.
        if (IsComplete || sink.IsBlocked) IsHeldUp = sink.IsBlocked;
        return IsComplete && !sink.IsBlocked;
    }
}
