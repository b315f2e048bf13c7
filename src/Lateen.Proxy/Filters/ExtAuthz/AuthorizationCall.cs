using System.Diagnostics;
using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.SubRequests;

namespace Lateen.Proxy.Filters.ExtAuthz;

/// <summary>What one exchange has asked and been answered: content gathered, question sent, answer applied. Reused from exchange to exchange.</summary>
internal sealed class AuthorizationCall
{
    /// <summary>A longer answer of a service is an error. Octets.</summary>
    public const int MaxAnswerOctets = 256 * 1024;

    private readonly ContentGatherer _content = new();
    private readonly AuthorizationAnswer _answer = new();
    private SubRequest? _question;
    private ExtAuthzFilter _filter = null!;
    private HttpExchange _exchange = null!;
    private ExtAuthzRoute? _route;
    private Step _step;

    private enum Step : byte
    {
        Idle,
        Gathering,
        Asking,
        Decided,
    }

    public FilterVerdict Begin(HttpExchange exchange, ExtAuthzFilter filter, ExtAuthzRoute? route)
    {
        Debug.Assert(_step == Step.Idle, "the last exchange has not ended");
        _exchange = exchange;
        _filter = filter;
        _route = route;
        _question ??= new SubRequest(exchange.Connection.Worker);
        if (RequestUpgrade.IsConnect(exchange.Request) && !filter.Service.CanJudgeConnect) return Close();
        if (MaxContentOctets == 0 || !exchange.Request.HasBody || exchange.IsUpgrade) return Ask();
        _step = Step.Gathering;
        _content.Begin(exchange.RequestContent);
        exchange.RequestContent = _content;
        return Advance();
    }

    /// <summary>Looks how far it is.</summary>
    public FilterVerdict Advance() => _step switch
    {
        Step.Gathering => Gather(),
        Step.Asking => Judge(),
        _ => throw new UnreachableException("a call that waits gathers or asks"),
    };

    /// <summary>What a yes wants the client to be told.</summary>
    public void ApplyToResponse(HeaderBlock headers)
    {
        foreach (FieldChange one in _answer.ResponseChanges) one.Apply(headers);
    }

    /// <summary>The exchange has ended, also in the midst of the question.</summary>
    public void End()
    {
        if (_step == Step.Idle) return;
        _step = Step.Idle;
        _question!.Cancel();
        _content.End();
        _answer.Clear();
        _exchange = null!;
        _filter = null!;
        _route = null;
    }

    private int MaxContentOctets => _route?.MaxContentOctets ?? _filter.MaxContentOctets;

    private bool AllowsPartialContent => _route?.MaxContentOctets is null ? _filter.AllowsPartialContent : _route.AllowsPartialContent;

    private FilterVerdict Gather()
    {
        switch (_content.Gather(MaxContentOctets, AllowsPartialContent))
        {
            case GatherStatus.Wait:
                return FilterVerdict.Wait;
            case GatherStatus.Complete:
                _exchange.IsRequestTaken = !_content.IsPartial;
                return Ask();
            case GatherStatus.TooLarge:
                return Refuse(FailureCause.BodyTooLarge);
            default:
                return Refuse(_content.Failure);
        }
    }

    private FilterVerdict Refuse(FailureCause cause)
    {
        _step = Step.Decided;
        var failure = Failure.Downstream(FailurePhase.RequestBody, cause);
        FailureOutcome outcome = FailureMap.Of(failure);
        _exchange.Record.Failure = failure;
        return outcome.Status == 0 ? FilterVerdict.Reset : FilterVerdict.Respond(LocalReplies.Of(outcome, wasRetried: false, string.Empty));
    }

    private FilterVerdict Ask()
    {
        AuthorizationService service = _filter.Service;
        _step = Step.Asking;
        if (_exchange.Snapshot.FindCluster(service.Cluster) is not { } cluster) return FailOpenOrClosed();
        ReadOnlyMemory<byte> content = service.Ask(_exchange, _route, _question!, MaxContentOctets > 0 ? new GatheredContent(_content.Gathered, _content.IsPartial) : null);
        _question!.Start(cluster, content, service.TimeoutMilliseconds, MaxAnswerOctets, _exchange.Signal);
        return Judge();
    }

    private FilterVerdict Judge()
    {
        switch (_question!.State)
        {
            case SubRequestState.Running:
                return FilterVerdict.Wait;
            case SubRequestState.Complete:
                AuthorizationVerdict verdict = _filter.Service.Read(_exchange, _question, _answer);
                _question.Cancel();
                return verdict switch
                {
                    AuthorizationVerdict.Allowed => Allow(),
                    AuthorizationVerdict.Denied => Deny(),
                    _ => FailOpenOrClosed(),
                };
            default:
                return FailOpenOrClosed();
        }
    }

    private FilterVerdict Allow()
    {
        _step = Step.Decided;
        HttpRequestHead request = _exchange.Request;
        foreach (FieldChange one in _answer.RequestChanges) one.Apply(request.Headers);
        if (_answer.Target is { } target && !RequestUpgrade.IsConnect(request)) request.SetPathAndQuery(target);
        if (_filter.ClearsRouteCache && (_answer.RequestChanges.Count > 0 || _answer.Target is not null)) _exchange.IsRouteStale = true;
        KeepMetadata();
        _exchange.Shard.Increment(_filter.Stats!.Ok);
        return FilterVerdict.Continue;
    }

    private FilterVerdict Deny()
    {
        _step = Step.Decided;
        _answer.ResponseChanges.Clear();
        KeepMetadata();
        _exchange.Shard.Increment(_filter.Stats!.Denied);
        return FilterVerdict.Respond(_answer.Refusal!);
    }

    /// <summary>Nobody says yes or no: closed, unless the configuration wants it open.</summary>
    private FilterVerdict FailOpenOrClosed()
    {
        _step = Step.Decided;
        _answer.Clear();
        if (!_filter.AllowsOnFailure) return Close();
        _exchange.Shard.Increment(_filter.Stats!.Error);
        _exchange.Shard.Increment(_filter.Stats.FailureModeAllowed);
        if (_filter.TellsOfFailure) _exchange.Request.Headers.Set(ExtAuthzFilter.FailureModeAllowed, "true"u8);
        return FilterVerdict.Continue;
    }

    private FilterVerdict Close()
    {
        _step = Step.Decided;
        _exchange.Shard.Increment(_filter.Stats!.Error);
        return FilterVerdict.Respond(_filter.ErrorReply);
    }

    private void KeepMetadata()
    {
        if (_answer.Metadata is { } metadata) MetadataMessages.Read(metadata, _exchange.Metadata.Open(ExtAuthzFilter.MetadataNamespace));
    }
}
