using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Lateen.Proxy.Tests.Harness;

/// <summary>A gRPC service whose messages are plain bytes: all four kinds of calls, without a generated line.</summary>
internal sealed class BytesService
{
    public const string Name = "test.Bytes";

    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create(static bytes => bytes, static bytes => bytes);

    public static Method<byte[], byte[]> Unary { get; } = Of(MethodType.Unary, "Unary");

    public static Method<byte[], byte[]> Collect { get; } = Of(MethodType.ClientStreaming, "Collect");

    public static Method<byte[], byte[]> Repeat { get; } = Of(MethodType.ServerStreaming, "Repeat");

    public static Method<byte[], byte[]> Echo { get; } = Of(MethodType.DuplexStreaming, "Echo");

    /// <summary>Told when a call that waits for ever was cancelled.</summary>
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Told when a call that waits for ever has come.</summary>
    public TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The deadline that the last unary call had.</summary>
    public DateTime Deadline { get; private set; }

    /// <summary>Calls that are still to fail with UNAVAILABLE.</summary>
    public int Failures;

    public void AddTo(IServiceCollection services)
    {
        services.AddGrpc(static options => options.MaxReceiveMessageSize = null);
        services.AddSingleton(this);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<BytesService>, Methods>());
    }

    public static void MapIn(WebApplication application) => application.MapGrpcService<BytesService>();

    /// <summary>Gives the message back; a message that begins with a digit is a status to fail with, <c>w</c> waits for ever.</summary>
    private async Task<byte[]> UnaryAsync(byte[] request, ServerCallContext context)
    {
        Deadline = context.Deadline;
        if (Interlocked.Decrement(ref Failures) >= 0) throw new RpcException(new Status(StatusCode.Unavailable, "not yet"));
        context.ResponseTrailers.Add("x-own", "trailer");
        if (request is [>= (byte)'0' and <= (byte)'9', ..]) throw new RpcException(new Status((StatusCode)(request[0] - '0'), "as asked: 100% ü"));
        if (request is not [(byte)'w', ..]) return request;
        Waiting.TrySetResult();
        try
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken); // No clock: a call that never answers, until its caller gives up.
        }
        finally
        {
            Cancelled.TrySetResult();
        }

        return request;
    }

    private static async Task<byte[]> CollectAsync(IAsyncStreamReader<byte[]> requests, ServerCallContext context)
    {
        var all = new List<byte>();
        await foreach (var request in requests.ReadAllAsync(context.CancellationToken)) all.AddRange(request);
        return [.. all];
    }

    private static async Task RepeatAsync(byte[] request, IServerStreamWriter<byte[]> responses, ServerCallContext context)
    {
        for (var i = 0; i < 10; i++) await responses.WriteAsync([(byte)i, .. request]);
    }

    private static async Task EchoAsync(IAsyncStreamReader<byte[]> requests, IServerStreamWriter<byte[]> responses, ServerCallContext context)
    {
        await foreach (var request in requests.ReadAllAsync(context.CancellationToken)) await responses.WriteAsync(request);
    }

    private static Method<byte[], byte[]> Of(MethodType type, string name) => new(type, Name, name, Bytes, Bytes);

    private sealed class Methods : IServiceMethodProvider<BytesService>
    {
        public void OnServiceMethodDiscovery(ServiceMethodProviderContext<BytesService> context)
        {
            context.AddUnaryMethod(Unary, [], static (service, request, call) => service.UnaryAsync(request, call));
            context.AddClientStreamingMethod(Collect, [], static (_, requests, call) => CollectAsync(requests, call));
            context.AddServerStreamingMethod(Repeat, [], static (_, request, responses, call) => RepeatAsync(request, responses, call));
            context.AddDuplexStreamingMethod(Echo, [], static (_, requests, responses, call) => EchoAsync(requests, responses, call));
        }
    }
}
