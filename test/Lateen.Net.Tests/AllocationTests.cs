using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Lateen.Net.Tests;

/// <summary>What the reactor allocates in steady state: nothing. Counted on its own thread over thousands of operations.</summary>
public sealed class AllocationTests
{
    private static readonly Action<object?> Count = static state => ((Tally)state!).Value++;

    [Fact]
    public async Task Ping_pong_between_two_connections_allocates_nothing_per_round()
    {
        SkipInDebug();
        await using var test = new TestReactor();
        var listener = test.Listen(PooledEcho);
        var allocated = await test.Run(async () =>
        {
            var result = await TransportConnector.ConnectAsync(test.Reactor, listener.LocalEndPoint, ConnectOptions.Default);
            using var connection = result.Connection!;
            await PingPong(connection, 500);
            var before = GC.GetAllocatedBytesForCurrentThread();
            await PingPong(connection, 5_000);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        });
        AssertNothingPerRound(allocated, 5_000);
    }

    [Fact]
    public async Task Arming_cancelling_and_firing_timers_allocates_nothing()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var test = new TestReactor(time);
        var tally = new Tally();
        var timers = await test.Run(() => Enumerable.Range(0, 64).Select(_ => new ReactorTimer(test.Reactor, Count, tally)).ToArray());
        Assert.Equal(0, await test.Run(() =>
        {
            CycleTimers(timers);
            var before = GC.GetAllocatedBytesForCurrentThread();
            CycleTimers(timers);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }));
    }

    [Fact]
    public async Task Posting_a_cached_delegate_allocates_nothing_on_either_side()
    {
        await using var test = new TestReactor();
        var tally = new Tally();
        // Both halves of the queue grow to their size while the reactor is held.
        for (var i = 0; i < 2; i++)
        {
            using var hold = new ManualResetEventSlim();
            test.Reactor.Post(_ => hold.Wait(TestContext.Current.CancellationToken), null);
            for (var j = 0; j < 4; j++)
                PostMany(test.Reactor, tally);
            hold.Set();
            await test.Run(() => { });
        }

        var reactorBefore = test.AllocatedBytes();
        // Measured on a thread of our own: the test's continuation may move between pool threads.
        var posted = RunOnThread(() => PostMany(test.Reactor, tally));
        var onReactor = test.AllocatedBytes() - reactorBefore;
        Assert.Equal(0, posted);
        Assert.Equal(0, onReactor);
    }

    [Fact]
    public async Task Renting_and_returning_buffers_allocates_nothing_once_the_slab_is_there()
    {
        await using var test = new TestReactor();
        Assert.Equal(0, await test.Run(() =>
        {
            RentMany(test.Reactor);
            var before = GC.GetAllocatedBytesForCurrentThread();
            RentMany(test.Reactor);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }));
    }

    /// <summary>
    /// The smallest object has 24 octets, so one per round shows as many times that. The runtime itself may allocate once, 32 octets as seen,
    /// when code that it has optimised meanwhile runs for the first time.
    /// </summary>
    internal static void AssertNothingPerRound(long allocatedBytes, int rounds) => Assert.InRange(allocatedBytes, 0, rounds / 10);

    /// <summary>In a Debug build the compiler makes state machines classes, so that each async call allocates one.</summary>
    internal static void SkipInDebug()
    {
        var debuggable = typeof(AllocationTests).Assembly.GetCustomAttribute<DebuggableAttribute>();
        Assert.SkipWhen(debuggable?.IsJITOptimizerDisabled == true, "A Debug build's async methods allocate; a Release build's must not.");
    }

    private static void RentMany(Reactor reactor)
    {
        for (var i = 0; i < 1000; i++)
        {
            var small = reactor.Buffers.Rent(BufferSize.Small);
            var medium = reactor.Buffers.Rent(BufferSize.Medium);
            medium.Dispose();
            small.Dispose();
        }
    }

    private static void PostMany(Reactor reactor, Tally tally)
    {
        for (var i = 0; i < 200; i++)
            reactor.Post(Count, tally);
    }

    private static void CycleTimers(ReactorTimer[] timers)
    {
        foreach (var timer in timers)
            timer.Arm(5_000);
        foreach (var timer in timers)
            timer.Arm(30_000);
        foreach (var timer in timers)
            timer.Arm(100);
        foreach (var timer in timers)
            timer.Cancel();
    }

    private static long RunOnThread(Action work)
    {
        var allocated = 0L;
        var thread = new Thread(() =>
        {
            // The least of several rounds: the first contention of a lock makes its wait event, once.
            allocated = long.MaxValue;
            for (var round = 0; round < 5; round++)
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                work();
                allocated = Math.Min(allocated, GC.GetAllocatedBytesForCurrentThread() - before);
            }
        });
        thread.Start();
        thread.Join();
        return allocated;
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask PingPong(TransportConnection connection, int rounds)
    {
        for (var i = 0; i < rounds; i++)
        {
            await Send(connection);
            var buffer = connection.Reactor.Buffers.Rent(BufferSize.Small);
            var read = await connection.ReadSome(buffer.Memory);
            if (read.Bytes != 4)
                throw new IOException($"expected 4 bytes, got {read}");
            buffer.Dispose();
        }
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask Send(TransportConnection connection)
    {
        while (connection.Write("pi"u8, "ng"u8).Status == IoStatus.WouldBlock)
            await connection.WritableAsync();
    }

    [AsyncMethodBuilder(typeof(ReactorTaskMethodBuilder))]
    private static async ValueTask PooledEcho(TransportConnection connection)
    {
        while (await connection.ReadableAsync())
        {
            var buffer = connection.Reactor.Buffers.Rent(BufferSize.Small);
            var read = connection.Read(buffer.Span);
            if (read.IsOk)
                connection.Write(buffer.Span[..read.Bytes]);
            buffer.Dispose();
            if (read.Status is IoStatus.EndOfStream or IoStatus.Failed)
                return;
        }
    }

    private sealed class Tally
    {
        internal int Value { get; set; }
    }
}
