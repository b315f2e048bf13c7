using System.Threading.Channels;
using Envoy.Service.Discovery.V3;
using Google.Protobuf;
using Grpc.Core;

namespace Lateen.Xds.Client;

/// <summary>
/// Keeps a consumer's configuration equal to what a management server says, over one aggregated discovery stream, for as long as
/// <see cref="RunAsync"/> runs. It reconnects for ever, with growing, jittered delays, and resumes with the versions that are held, so
/// that a restarted server sends only what differs.
/// </summary>
/// <remarks>
/// Subscriptions may be changed from any thread, before and while it runs. Everything else happens on one task: responses are handed
/// over one by one, the next is not read before the consumer has answered, so a slow consumer holds the server back by flow control.
/// What is applied but not yet in force holds up its own acknowledgement and nothing else.
/// </remarks>
public sealed class XdsClient
{
    private readonly XdsClientOptions _options;
    private readonly IXdsConsumer _consumer;
    private readonly IXdsTransport _transport;

    // Unbounded by type, bounded by use: wishes come from resources that were received, a few per cluster or listener.
    private readonly Channel<Wish> _wishes = Channel.CreateUnbounded<Wish>(new UnboundedChannelOptions { SingleReader = true });

    // One wait for the next wish, kept from stream to stream: a wait per stream would leave the old ones behind.
    private Task<bool>? _wishing;

    /// <summary>A client over the runtime's HTTP/2.</summary>
    public XdsClient(XdsClientOptions options, IXdsConsumer consumer)
        : this(options, consumer, new GrpcNetTransport())
    {
    }

    /// <summary>A client over a transport of the caller's.</summary>
    public XdsClient(XdsClientOptions options, IXdsConsumer consumer, IXdsTransport transport)
    {
        ArgumentOutOfRangeException.ThrowIfZero(options.Servers.Count);
        _options = options;
        _consumer = consumer;
        _transport = transport;
    }

    private enum WishKind
    {
        All,
        Add,
        Drop,
    }

    /// <summary>Asks for every resource of a type: listeners and clusters.</summary>
    public void SubscribeAll(string typeUrl) => _wishes.Writer.TryWrite(new Wish(WishKind.All, typeUrl, string.Empty));

    /// <summary>Asks for one resource by name. Asking twice is asking once.</summary>
    public void Subscribe(string typeUrl, string name) => _wishes.Writer.TryWrite(new Wish(WishKind.Add, typeUrl, name));

    /// <summary>Gives a resource up: no more news of it will come, except what is already under way.</summary>
    public void Unsubscribe(string typeUrl, string name) => _wishes.Writer.TryWrite(new Wish(WishKind.Drop, typeUrl, name));

    /// <summary>Runs until cancelled; it does not fail for anything a server or the network does. One run per client.</summary>
    public Task RunAsync(CancellationToken cancellationToken) => _options.Variant == XdsVariant.Delta
        ? RunAsync(new DeltaClientSession(_options.Node), static (client, call) => client.DeltaAggregatedResources(call), cancellationToken)
        : RunAsync(new SotwClientSession(_options.Node), static (client, call) => client.StreamAggregatedResources(call), cancellationToken);

    private async Task RunAsync<TRequest, TResponse>(
        ClientSession<TRequest, TResponse> session,
        Func<AggregatedDiscoveryService.AggregatedDiscoveryServiceClient, CallOptions, AsyncDuplexStreamingCall<TRequest, TResponse>> open,
        CancellationToken cancellationToken)
        where TRequest : class, IMessage
        where TResponse : class, IMessage
    {
        int failures = 0;
        var waits = new AcknowledgementWaits();
        for (int attempt = 0; !cancellationToken.IsCancellationRequested; attempt++)
        {
            bool wasConnected = false;
            string reason;
            using (IXdsChannel channel = _transport.Open(_options, _options.Servers[attempt % _options.Servers.Count]))
            {
                var service = new AggregatedDiscoveryService.AggregatedDiscoveryServiceClient(channel.Calls);
                using AsyncDuplexStreamingCall<TRequest, TResponse> call = open(service, CallOptions(cancellationToken));
                waits.Settle();
                session.OnConnected();
                waits.Forget();
                var stream = new Stream<TRequest, TResponse>(this, session, call, waits);
                reason = await stream.RunAsync(cancellationToken).ConfigureAwait(false);
                wasConnected = stream.WasConnected;
                session.OnDisconnected();
            }

            if (cancellationToken.IsCancellationRequested)
            {
                return;
            }

            failures = wasConnected ? 0 : failures;
            TimeSpan delay = _options.ReconnectDelay.Next(failures++, _options.Random);
            _consumer.OnConnection(false, $"{reason}; next attempt in {delay.TotalSeconds:0.0} s");
            await Task.Delay(delay, _options.TimeProvider, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private CallOptions CallOptions(CancellationToken cancellationToken)
    {
        var metadata = new Metadata();
        foreach ((string key, string value) in _options.Metadata)
        {
            metadata.Add(key, value);
        }

        return new CallOptions(metadata, cancellationToken: cancellationToken);
    }

    private readonly record struct Wish(WishKind Kind, string TypeUrl, string Name);

    /// <summary>One stream, from its opening to its end.</summary>
    private sealed class Stream<TRequest, TResponse>(
        XdsClient client,
        ClientSession<TRequest, TResponse> session,
        AsyncDuplexStreamingCall<TRequest, TResponse> call,
        AcknowledgementWaits waits)
        where TRequest : class, IMessage
        where TResponse : class, IMessage
    {
        private Task<bool>? _reading;
        private Task<IReadOnlyList<XdsRejection>?>? _applying;
        private bool _isConsumerAsked;
        private Task<Metadata>? _opening;

        /// <summary>The server answered at all: the next failure starts a new row.</summary>
        public bool WasConnected { get; private set; }

        /// <returns>Why the stream ended.</returns>
        public async Task<string> RunAsync(CancellationToken cancellationToken)
        {
            try
            {
                _opening = call.ResponseHeadersAsync;
                while (await StepAsync(cancellationToken).ConfigureAwait(false))
                {
                    var pending = new List<Task>(4);
                    pending.AddRange(waits.Tasks);
                    AddIfAny(pending, _opening);
                    AddIfAny(pending, _applying);
                    AddIfAny(pending, _applying is null ? _reading : null);
                    AddIfAny(pending, client._wishing ??= client._wishes.Reader.WaitToReadAsync(CancellationToken.None).AsTask());
                    await Task.WhenAny(pending).ConfigureAwait(false);
                }

                return "the server ended the stream";
            }
            catch (RpcException fault)
            {
                return $"{fault.StatusCode}: {fault.Status.Detail}";
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return "stopped";
            }
            catch (Exception fault)
            {
                // The edge of the connection: a write on a stream that has just ended, or a fault of the consumer. Either costs one stream.
                return $"{fault.GetType().Name}: {fault.Message}";
            }
            finally
            {
                await SettleAsync().ConfigureAwait(false);
            }
        }

        private static void AddIfAny(List<Task> tasks, Task? task)
        {
            if (task is not null)
            {
                tasks.Add(task);
            }
        }

        /// <summary>Does all that can be done without waiting. False when the stream has ended.</summary>
        private async Task<bool> StepAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                if (_opening is { IsCompleted: true })
                {
                    await _opening.ConfigureAwait(false);
                    _opening = null;
                    SetConnected();
                }

                if (_applying is { IsCompleted: true })
                {
                    Answer(await _applying.ConfigureAwait(false));
                    _applying = null;
                }

                waits.Settle();

                // Order matters: wishes that the consumer made while it applied an update must leave before the answer to it.
                TakeWishes();
                while (session.TryTakeRequest(out TRequest? request))
                {
                    await call.RequestStream.WriteAsync(request, cancellationToken).ConfigureAwait(false);
                }

                if (_applying is not null)
                {
                    return true;
                }

                _reading ??= call.ResponseStream.MoveNext(cancellationToken);
                if (!_reading.IsCompleted)
                {
                    return true;
                }

                bool hasMore = await _reading.ConfigureAwait(false);
                _reading = null;
                if (!hasMore)
                {
                    return false;
                }

                SetConnected();
                XdsUpdate update = session.Receive(call.ResponseStream.Current);
                _isConsumerAsked = !update.IsEmpty || update.IsFirst;
                _applying = _isConsumerAsked
                    ? client._consumer.ApplyAsync(update, cancellationToken).AsTask()
                    : Task.FromResult<IReadOnlyList<XdsRejection>?>(null);
            }
        }

        private void Answer(IReadOnlyList<XdsRejection>? rejections)
        {
            bool mayWait = _isConsumerAsked && rejections is not { Count: > 0 };
            Task<bool> inForce = mayWait ? client._consumer.WhenInForceAsync().AsTask() : Task.FromResult(true);
            OwedAnswer owed = session.Answer(rejections, inForce.IsCompleted);
            if (!owed.IsDue)
            {
                waits.Add(inForce, owed);
            }
        }

        private void SetConnected()
        {
            if (!WasConnected)
            {
                WasConnected = true;
                client._consumer.OnConnection(true, "connected");
            }
        }

        private void TakeWishes()
        {
            while (client._wishes.Reader.TryRead(out Wish wish))
            {
                switch (wish.Kind)
                {
                    case WishKind.All:
                        session.SubscribeAll(wish.TypeUrl);
                        break;
                    case WishKind.Add:
                        session.Subscribe(wish.TypeUrl, wish.Name);
                        break;
                    case WishKind.Drop:
                        session.Unsubscribe(wish.TypeUrl, wish.Name);
                        break;
                }
            }

            if (client._wishing is { IsCompleted: true })
            {
                client._wishing = null;
            }
        }

        /// <summary>The consumer's verdict outlives the stream; the other waits end with the call.</summary>
        private async Task SettleAsync()
        {
            if (_applying is not null)
            {
                Answer(await VerdictAsync(_applying).ConfigureAwait(false));
            }

            Observe(_opening);
            Observe(_reading);
        }

        /// <summary>A consumer that failed or was stopped has accepted nothing.</summary>
        private async Task<IReadOnlyList<XdsRejection>?> VerdictAsync(Task<IReadOnlyList<XdsRejection>?> applying)
        {
            try
            {
                return await applying.ConfigureAwait(false);
            }
            catch (Exception fault)
            {
                return [.. session.NamesInHand.Select(name => new XdsRejection(name, fault.Message))];
            }
        }

        private static void Observe(Task? task) =>
            task?.ContinueWith(static ended => _ = ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }
}
