using Lateen.Http;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Forwarding.Streams;

namespace Lateen.Proxy.Filters.Grpc;

/// <summary>
/// <c>envoy.filters.http.grpc_stats</c>: counts the messages of gRPC calls, for <c>cluster.*.grpc.*</c> and for Istio's
/// <c>istio_request_messages_total</c> and <c>istio_response_messages_total</c>.
/// </summary>
/// <param name="Name">The instance's name in the configuration.</param>
/// <param name="TypeUrl">Type URL of the typed configuration.</param>
public sealed record GrpcStatsFilter(string Name, string TypeUrl) : HttpFilter(Name, TypeUrl)
{
    public override FilterStages Stages => FilterStages.RequestContent | FilterStages.ResponseContent | FilterStages.Complete;

    internal override ContentSource WrapRequest(HttpExchange exchange, ContentSource content) =>
        exchange.IsGrpc ? exchange.FilterState<Call>(this).Request.Begin(content, exchange.Record) : content;

    internal override ContentSource WrapResponse(HttpExchange exchange, ContentSource content) =>
        exchange.IsGrpc ? exchange.FilterState<Call>(this).Response.Begin(content, exchange.Record) : content;

    public override void OnComplete(HttpExchange exchange)
    {
        if (!exchange.IsGrpc) return;
        var call = exchange.FilterState<Call>(this);
        call.Request.End();
        call.Response.End();
        if (exchange.Record.Cluster?.State.Statistics is not Statistics.ClusterStats stats) return;
        exchange.Shard.Increment(stats.GrpcTotal);
        exchange.Shard.Increment(exchange.Record.GrpcStatus == 0 ? stats.GrpcSuccess : stats.GrpcFailure);
        exchange.Shard.Add(stats.GrpcRequestMessages, exchange.Record.RequestMessages);
        exchange.Shard.Add(stats.GrpcResponseMessages, exchange.Record.ResponseMessages);
    }

    private sealed class Call
    {
        public Meter Request { get; } = new(isRequest: true);

        public Meter Response { get; } = new(isRequest: false);
    }

    /// <summary>Content as it is, counted as it is taken.</summary>
    private sealed class Meter(bool isRequest) : ContentSource
    {
        private ContentSource? _content;
        private ExchangeRecord? _record;
        private GrpcMessageCount _count;

        public override HeaderBlock? Trailers => _content!.Trailers;

        public override FailureCause Failure => _content!.Failure;

        public Meter Begin(ContentSource content, ExchangeRecord record)
        {
            _content = content;
            _record = record;
            _count = default;
            return this;
        }

        public void End()
        {
            _content = null;
            _record = null;
        }

        public override ContentStatus Peek(out ReadOnlySpan<byte> payload) => _content!.Peek(out payload);

        public override void Take(int count)
        {
            _content!.Peek(out var payload);
            _count.Add(payload[..count]);
            if (isRequest) _record!.RequestMessages = _count.Messages;
            else _record!.ResponseMessages = _count.Messages;
            _content.Take(count);
        }
    }
}
