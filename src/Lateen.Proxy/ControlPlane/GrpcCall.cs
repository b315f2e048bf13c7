using Grpc.Core;

namespace Lateen.Proxy.ControlPlane;

/// <summary>A duplex-streaming call in the terms of gRPC's interfaces, over a <see cref="GrpcStream"/>. Messages are made and read on the caller's threads.</summary>
internal sealed class GrpcCall<TRequest, TResponse>(GrpcStream stream, Method<TRequest, TResponse> method)
    : IClientStreamWriter<TRequest>, IAsyncStreamReader<TResponse>
    where TRequest : class
    where TResponse : class
{
    private TResponse? _current;

    public WriteOptions? WriteOptions { get; set; }

    public TResponse Current => _current ?? throw new InvalidOperationException("there is no message before MoveNext has answered true");

    public Task WriteAsync(TRequest message) => stream.SendAsync(GrpcMessageReader.Frame(method.RequestMarshaller, message));

    /// <summary>The token ends the wait, and with it the call: half a message could not be followed by another.</summary>
    public async Task WriteAsync(TRequest message, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(static state => ((GrpcStream)state!).Cancel(), stream);
        await WriteAsync(message).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    public Task CompleteAsync()
    {
        stream.CompleteSending();
        return Task.CompletedTask;
    }

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        while (await stream.Messages.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (!stream.Messages.TryRead(out byte[]? message)) continue;
            stream.Take();
            _current = GrpcMessageReader.Parse(method.ResponseMarshaller, message);
            return true;
        }

        return false;
    }
}
