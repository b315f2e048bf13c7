using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Grpc.Core;

namespace Lateen.Xds.Server;

/// <summary>
/// The aggregated discovery service, both variants, for any gRPC server to host: each stream becomes an <see cref="IXdsStream"/> that
/// the <see cref="IXdsStreamHost"/> gives views to.
/// </summary>
/// <remarks>Thread-safe; one instance serves all streams. The host must allow requests as large as a proxy's list of subscriptions.</remarks>
/// <param name="identityOf">
/// Where callers must prove who they are: the identity that the transport proved, or null, and then the call is UNAUTHENTICATED before a message is read.
/// Without it nobody is asked.
/// </param>
public sealed class AggregatedDiscovery(IXdsStreamHost host, Func<ServerCallContext, string?>? identityOf = null)
    : AggregatedDiscoveryService.AggregatedDiscoveryServiceBase
{
    /// <summary>Over all instances: one host may serve streams of several ports.</summary>
    private static long _streams;

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
        string? identity = identityOf?.Invoke(context);
        if (identityOf is not null && identity is null) throw new RpcException(new Status(StatusCode.Unauthenticated, "a client certificate is needed"));
        // The client learns that it is connected although there may be nothing to tell it.
        await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
        var stream = new XdsServerStream<TRequest, TResponse>(Interlocked.Increment(ref _streams), variant, session, host, context, identity);
        await stream.RunAsync(requests, responses).ConfigureAwait(false);
    }
}
