using System.Threading.Channels;
using Envoy.Config.Core.V3;
using Google.Protobuf;
using Grpc.Core;

namespace Lateen.Xds.Server;

/// <summary>
/// Drives one session from one duplex call with two loops: one reads requests into the session, the other writes what the session has
/// to say and tells the host. They share the session under a lock that is never held across an await.
/// </summary>
internal sealed class XdsServerStream<TRequest, TResponse>(
    long id,
    XdsVariant variant,
    ServerSession<TRequest, TResponse> session,
    IXdsStreamHost host,
    ServerCallContext context,
    string? peerIdentity) : IXdsStream
    where TRequest : class, IMessage
    where TResponse : class, IMessage
{
    private readonly Lock _gate = new();

    // Capacity 1: it says "look again", and saying so twice is saying it once.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private IResourceView? _pendingView;
    private XdsStreamStatus _status = XdsStreamStatus.None;
    private string? _end;
    private StatusCode _endCode = StatusCode.OK;

    public long Id => id;

    public Node Node => session.Node ?? throw new InvalidOperationException("The stream has not opened.");

    public string Peer => context.Peer;

    public string? PeerIdentity => peerIdentity;

    public XdsVariant Variant => variant;

    public XdsStreamStatus Status => Volatile.Read(ref _status);

    public bool Asks(string typeUrl, string name)
    {
        lock (_gate) return session.Asks(typeUrl, name);
    }

    public void Push(IResourceView view)
    {
        lock (_gate)
        {
            _pendingView = view;
        }

        _wake.Writer.TryWrite(true);
    }

    public void Close(string reason) => End(reason, StatusCode.Unavailable);

    public void Deny(string reason) => End(reason, StatusCode.PermissionDenied);

    public async Task RunAsync(IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        // Nobody writes yet who could be woken by an end: it ends the wait for the first request itself.
        using (var opening = CancellationTokenSource.CreateLinkedTokenSource(ending.Token))
        {
            Task first = ReadOneAsync(requests, opening.Token);
            if (await Task.WhenAny(first, _ended.Task).ConfigureAwait(false) != first) await opening.CancelAsync().ConfigureAwait(false);
            await first.ConfigureAwait(false);
        }

        if (Volatile.Read(ref _end) is not null)
        {
            ThrowIfOurs();
            return;
        }

        host.OnOpened(this);
        Task reading = ReadAllAsync(requests, ending.Token);
        try
        {
            await WriteAllAsync(responses, ending.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException or InvalidOperationException or RpcException)
        {
            // The proxy went away while we wrote: normal life.
            End("the proxy closed the stream");
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(false);
            host.OnClosed(this, _end ?? "ended");
        }

        ThrowIfOurs();
    }

    private async Task ReadAllAsync(IAsyncStreamReader<TRequest> requests, CancellationToken cancellationToken)
    {
        while (await ReadOneAsync(requests, cancellationToken).ConfigureAwait(false))
        {
            _wake.Writer.TryWrite(true);
        }
    }

    private async Task<bool> ReadOneAsync(IAsyncStreamReader<TRequest> requests, CancellationToken cancellationToken)
    {
        try
        {
            if (!await requests.MoveNext(cancellationToken).ConfigureAwait(false))
            {
                End("the proxy closed the stream");
                return false;
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or IOException or InvalidOperationException or RpcException)
        {
            End("the connection to the proxy is lost");
            return false;
        }

        string? error;
        lock (_gate)
        {
            error = session.Receive(requests.Current);
        }

        if (error is not null)
        {
            End(error, StatusCode.InvalidArgument);
        }

        return error is null;
    }

    private async Task WriteAllAsync(IServerStreamWriter<TResponse> responses, CancellationToken cancellationToken)
    {
        while (Volatile.Read(ref _end) is null)
        {
            TResponse? response = Next(out bool isNews);
            if (isNews)
            {
                host.OnStatus(this, Status);
            }

            if (response is not null)
            {
                await responses.WriteAsync(response, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await _wake.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
        }
    }

    private TResponse? Next(out bool isNews)
    {
        lock (_gate)
        {
            if (_pendingView is not null)
            {
                session.SetView(_pendingView);
                _pendingView = null;
            }

            session.TryTakeResponse(out TResponse? response);
            XdsStreamStatus status = session.Status;
            isNews = status.WantedRevision != _status.WantedRevision || !status.Types.AsSpan().SequenceEqual(_status.Types.AsSpan());
            if (isNews)
            {
                Volatile.Write(ref _status, status);
            }

            return response;
        }
    }

    /// <param name="reason">Why; the first reason stays.</param>
    /// <param name="code">What the proxy is told; OK when it is it that left.</param>
    private void End(string reason, StatusCode code = StatusCode.OK)
    {
        lock (_gate)
        {
            if (_end is null)
            {
                _endCode = code;
                Volatile.Write(ref _end, reason);
            }
        }

        _wake.Writer.TryWrite(true);
        _ended.TrySetResult();
    }

    private void ThrowIfOurs()
    {
        if (_endCode != StatusCode.OK)
        {
            throw new RpcException(new Status(_endCode, _endCode == StatusCode.PermissionDenied ? "not allowed" : _end!));
        }
    }
}
