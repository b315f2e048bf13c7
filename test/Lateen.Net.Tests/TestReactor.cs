using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Lateen.Net.Tests;

/// <summary>A running reactor whose unhandled exceptions and leaked buffers fail the test, unless the test takes them.</summary>
internal sealed class TestReactor : IAsyncDisposable
{
    /// <summary>How long a test waits for an event before it says that the event did not come.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<Exception> _unhandled = new();
    private readonly ConcurrentQueue<string> _leaks = new();
    private readonly SemaphoreSlim _unhandledArrived = new(0);

    internal TestReactor(TimeProvider? time = null, long maxBufferBytes = 64 * 1024 * 1024)
    {
        Reactor = new Reactor(new ReactorOptions
        {
            TimeProvider = time ?? TimeProvider.System,
            MaxBufferBytes = maxBufferBytes,
            UnhandledException = (exception, connection) =>
            {
                LastBroken = connection;
                _unhandled.Enqueue(exception);
                _unhandledArrived.Release();
            },
            BufferLeaked = _leaks.Enqueue,
        });
        Reactor.Start();
    }

    internal Reactor Reactor { get; }

    internal TransportConnection? LastBroken { get; private set; }

    internal IReadOnlyCollection<string> Leaks => _leaks;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>
    /// Bytes that the reactor's thread has allocated so far. Asking costs it nothing: a task that it completed would go on in the thread pool, and whoever
    /// hands work to the pool pays for its queues and for the threads that it starts, some KiB at a time when the machine is busy.
    /// </summary>
    internal long AllocatedBytes()
    {
        using var answered = new ManualResetEventSlim();
        var answer = new StrongBox<long>();
        Assert.True(Reactor.Post(static state =>
        {
            var (box, signal) = ((StrongBox<long>, ManualResetEventSlim))state!;
            box.Value = GC.GetAllocatedBytesForCurrentThread();
            signal.Set();
        }, (answer, answered)));
        answered.Wait(Cancellation);
        return answer.Value;
    }

    /// <summary>Listens on a free loopback port.</summary>
    internal TransportListener Listen(
        Func<TransportConnection, ValueTask> handler, ListenerOptions? options = null, EndPoint? endPoint = null, Action<TransportListener>? configure = null, bool start = true)
    {
        var result = TransportListener.Bind(Reactor, endPoint ?? new IPEndPoint(IPAddress.Loopback, 0), options ?? ListenerOptions.Default, handler);
        Assert.True(result.IsBound, $"bind failed: {result.Error}");
        configure?.Invoke(result.Value);
        if (start)
            result.Value.Start();
        return result.Value;
    }

    /// <summary>A client socket and the reactor's side of the same connection. The reactor's side stays open until the test ends it.</summary>
    internal async Task<(Socket Client, TransportConnection Server)> ConnectPair(int clientReceiveBufferBytes = 0)
    {
        var accepted = new TaskCompletionSource<TransportConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = Listen(async connection =>
        {
            accepted.SetResult(connection);
            var closed = new TaskCompletionSource();
            await HoldOpen(connection, closed);
        });
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (clientReceiveBufferBytes > 0)
            client.ReceiveBufferSize = clientReceiveBufferBytes;
        await client.ConnectAsync(listener.LocalEndPoint, Cancellation);
        var server = await accepted.Task.WaitAsync(Patience, Cancellation);
        listener.Close();
        return (client, server);
    }

    /// <summary>The next unhandled exception, which this takes: it does not fail the test any more.</summary>
    internal async Task<Exception> NextUnhandled()
    {
        Assert.True(await _unhandledArrived.WaitAsync(Patience, Cancellation), "no unhandled exception was reported");
        Assert.True(_unhandled.TryDequeue(out var exception));
        return exception;
    }

    /// <summary>What was reported until now is what the test expected.</summary>
    internal void ForgetUnhandled() => _unhandled.Clear();

    internal Task Run(Func<ValueTask> body) => Reactor.InvokeAsync(body).WaitAsync(Patience, Cancellation);

    internal Task<T> Run<T>(Func<ValueTask<T>> body) => Reactor.InvokeAsync(body).WaitAsync(Patience, Cancellation);

    internal Task<T> Run<T>(Func<T> body) => Reactor.InvokeAsync(body).WaitAsync(Patience, Cancellation);

    internal Task Run(Action body) => Reactor.InvokeAsync(body).WaitAsync(Patience, Cancellation);

    public async ValueTask DisposeAsync()
    {
        await Reactor.StopAsync(TimeSpan.Zero).WaitAsync(Patience, CancellationToken.None);
        _unhandledArrived.Dispose();
        Assert.Empty(_unhandled);
    }

    private static async ValueTask HoldOpen(TransportConnection connection, TaskCompletionSource closed)
    {
        // Completed by nobody: the pair's owner disposes the connection, and the method goes with the test.
        await closed.Task;
        GC.KeepAlive(connection);
    }
}
