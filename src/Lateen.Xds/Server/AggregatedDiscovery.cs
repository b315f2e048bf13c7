using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Grpc.Core;

namespace Lateen.Xds.Server;

/// <summary>
/// The aggregated discovery service, both variants, for any gRPC server to host: each stream becomes an <see cref="IXdsStream"/> that
/// the <see cref="IXdsStreamHost"/> gives views to.
/// </summary>
/// <remarks>Thread-safe; one instance serves all streams. The host must allow requests as large as a proxy's list of subscriptions.</remarks>
public sealed class AggregatedDiscovery(IXdsStreamHost host) : AggregatedDiscoveryService.AggregatedDiscoveryServiceBase
{
    private long _streams;

    public override Task DeltaAggregatedResources(
        IAsyncStreamReader<DeltaDiscoveryRequest> requestStream,
        IServerStreamWriter<DeltaDiscoveryResponse> responseStream,
        ServerCallContext context) =>
        RunAsync(new DeltaServerSession(), XdsVariant.Delta, requestStream, responseStream, context);

    public override Task StreamAggregatedResources(
        IAsyncStreamReader<DiscoveryRequest> requestStream,
        IServerStreamWriter<DiscoveryResponse> responseStream,
        ServerCallContext context) =>
        RunAsync(new SotwServerSession(), XdsVariant.StateOfTheWorld, requestStream, responseStream, context);

    private async Task RunAsync<TRequest, TResponse>(
        ServerSession<TRequest, TResponse> session,
        XdsVariant variant,
        IAsyncStreamReader<TRequest> requests,
        IServerStreamWriter<TResponse> responses,
        ServerCallContext context)
        where TRequest : class, IMessage
        where TResponse : class, IMessage
    {
        // The client learns that it is connected although there may be nothing to tell it.
        await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
        var stream = new XdsServerStream<TRequest, TResponse>(Interlocked.Increment(ref _streams), variant, session, host, context);
        await stream.RunAsync(requests, responses).ConfigureAwait(false);
    }
}
