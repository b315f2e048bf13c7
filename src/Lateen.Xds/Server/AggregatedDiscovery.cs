using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Grpc.Core;

namespace Lateen.Xds.Server;

/// <summary>
/// The aggregated discovery service, both variants, for any gRPC server to host: each stream becomes an <see cref="IXdsStream"/> that
/// the <see cref="IXdsStreamHost"/> gives views to.
/// </summary>
/// <remarks>Thread-safe; one instance serves all streams. The host must allow requests as large as a proxy's list of subscriptions.</remarks>
/// <param name="host">Gives the streams their views.</param>
/// <param name="proof">
/// Where callers must prove who they are. Who has proved nothing is UNAUTHENTICATED before a message is read. A stream ends, UNAVAILABLE, when the certificate
/// ends that it began with: a proxy keeps what it has and comes back on a new connection with its renewed one. Without it nobody is asked.
/// </param>
/// <param name="time">By which certificates end.</param>
public sealed class AggregatedDiscovery(IXdsStreamHost host, IPeerProof? proof = null, TimeProvider? time = null)
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
        var peer = proof?.Prove(context);
        if (proof is not null && peer is null)
        {
            proof.Retire(context);
            throw new RpcException(new Status(StatusCode.Unauthenticated, "a client certificate is needed"));
        }

        // The client learns that it is connected although there may be nothing to tell it.
        await context.WriteResponseHeadersAsync([]).ConfigureAwait(false);
        var stream = new XdsServerStream<TRequest, TResponse>(Interlocked.Increment(ref _streams), variant, session, host, context, peer?.Identity);
        await using var expiry = peer is null ? null : new PeerExpiry(peer.Until, time ?? TimeProvider.System, () =>
        {
            // Order matters: a proxy that sees its stream end comes back at once, and must not find the old connection open for it.
            proof!.Retire(context);
            stream.Close($"the certificate of {peer.Identity} that it began with has ended");
        });
        await stream.RunAsync(requests, responses).ConfigureAwait(false);
    }
}
