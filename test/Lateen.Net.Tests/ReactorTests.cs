using System.Net.Sockets;

namespace Lateen.Net.Tests;

public sealed class ReactorTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Work_posted_by_one_thread_runs_in_its_order()
    {
        await using var test = new TestReactor();
        var seen = new List<int>();
        for (var i = 0; i < 10_000; i++)
            Assert.True(test.Reactor.Post(state => seen.Add((int)state!), i));
        await test.Run(() => { });
        Assert.Equal(Enumerable.Range(0, 10_000), seen);
    }

    [Fact]
    public async Task Work_that_posts_itself_again_does_not_keep_others_from_running()
    {
        await using var test = new TestReactor();
        var isEnough = false;
        var again = new Action<object?>[1];
        again[0] = _ =>
        {
            if (!isEnough)
                test.Reactor.Post(again[0], null);
        };
        test.Reactor.Post(again[0], null);
        await test.Run(() => { isEnough = true; });
        Assert.True(test.Reactor.Counters.Snapshot().PostedWork >= 2);
    }

    [Fact]
    public async Task Posts_from_many_threads_all_run_on_the_reactor()
    {
        await using var test = new TestReactor();
        var count = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(
            () =>
            {
                for (var i = 0; i < 5_000; i++)
                    test.Reactor.Post(_ => count += Reactor.Current == test.Reactor ? 1 : 0, null);
            },
            Cancellation)));
        await test.Run(() => { });
        Assert.Equal(40_000, count);
    }

    [Fact]
    public async Task Invoked_body_returns_its_result_or_throws_its_exception_to_the_caller()
    {
        await using var test = new TestReactor();
        Assert.Same(test.Reactor, await test.Reactor.InvokeAsync(() => Reactor.Current));
        await Assert.ThrowsAsync<FormatException>(() => test.Reactor.InvokeAsync(() => int.Parse("x")));
        Assert.Null(Reactor.Current);
    }

    [Fact]
    public async Task Await_of_a_foreign_task_comes_back_to_the_reactor_in_plain_async_methods()
    {
        await using var test = new TestReactor();
        var foreign = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var call = test.Run(async () =>
        {
            await foreign.Task;
            return Reactor.Current;
        });
        foreign.SetResult();
        Assert.Same(test.Reactor, await call);
    }

    [Fact]
    public async Task Exception_of_posted_work_is_counted_and_reported_and_the_loop_goes_on()
    {
        await using var test = new TestReactor();
        test.Reactor.Post(_ => throw new InvalidOperationException("bug in posted work"), null);
        Assert.Equal("bug in posted work", (await test.NextUnhandled()).Message);
        Assert.Equal(1, await test.Run(() => test.Reactor.Counters.Snapshot().UnhandledExceptions));
    }

    [Fact]
    public async Task Exception_of_a_connection_costs_that_connection_only()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(async connection =>
        {
            var buffer = new byte[16];
            while ((await connection.ReadSome(buffer)) is { IsOk: true } read)
            {
                if (buffer[0] == (byte)'!')
                    throw new InvalidOperationException("bug in a connection");
                await connection.WriteAll(buffer.AsMemory(0, read.Bytes));
            }
        });
        using var healthy = new Socket(SocketType.Stream, ProtocolType.Tcp);
        using var broken = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await healthy.ConnectAsync(listener.LocalEndPoint, Cancellation);
        await broken.ConnectAsync(listener.LocalEndPoint, Cancellation);

        await broken.SendText("!");
        Assert.Equal("bug in a connection", (await test.NextUnhandled()).Message);
        Assert.True(test.LastBroken!.IsClosed);
        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(() => broken.ReceiveText(1))).SocketErrorCode);

        await healthy.SendText("still here");
        Assert.Equal("still here", await healthy.ReceiveText(10));
        Assert.Equal(1, await test.Run(() => test.Reactor.Counters.Snapshot().OpenConnections));
    }

    [Fact]
    public async Task Stop_lets_live_connections_finish_within_the_drain()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(WireExtensions.Echo);
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint, Cancellation);
        await client.SendText("a");
        Assert.Equal("a", await client.ReceiveText(1));

        var stopped = test.Reactor.StopAsync(TimeSpan.FromHours(1));
        Assert.True(await test.Run(() => test.Reactor.IsDraining));
        await client.SendText("b");
        Assert.Equal("b", await client.ReceiveText(1));
        using var late = new Socket(SocketType.Stream, ProtocolType.Tcp);
        Assert.Equal(
            SocketError.ConnectionRefused,
            (await Assert.ThrowsAsync<SocketException>(() => late.ConnectAsync(listener.LocalEndPoint, Cancellation).AsTask())).SocketErrorCode);

        client.Shutdown(SocketShutdown.Send);
        await stopped.WaitAsync(TestReactor.Patience, Cancellation);
        Assert.False(test.Reactor.Post(static _ => { }, null));
    }

    [Fact]
    public async Task Stop_aborts_what_is_still_open_when_the_drain_is_over_and_lets_its_method_end()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var test = new TestReactor(time);
        var ended = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        var listener = test.Listen(async connection =>
        {
            started.SetResult();
            using var buffer = test.Reactor.Buffers.Rent(BufferSize.Small);
            Assert.False(await connection.ReadableAsync());
            ended.SetResult();
        });
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndPoint, Cancellation);
        await started.Task.WaitAsync(TestReactor.Patience, Cancellation);

        var stopped = test.Reactor.StopAsync(TimeSpan.FromSeconds(10));
        await test.Run(() => { });
        time.Advance(TimeSpan.FromSeconds(9));
        await test.Run(() => { });
        Assert.False(stopped.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        await stopped.WaitAsync(TestReactor.Patience, Cancellation);
        Assert.True(ended.Task.IsCompleted);
        Assert.Empty(test.Leaks);
    }

    [Fact]
    public async Task Second_stop_shortens_the_drain()
    {
        await using var test = new TestReactor();
        var (client, _) = await test.ConnectPair();
        using (client)
        {
            var stopped = test.Reactor.StopAsync(TimeSpan.FromHours(1));
            await test.Run(() => { });
            Assert.False(stopped.IsCompleted);
            await test.Reactor.StopAsync(TimeSpan.Zero).WaitAsync(TestReactor.Patience, Cancellation);
            Assert.True(stopped.IsCompleted);
        }
    }

    [Fact]
    public async Task Draining_is_told_on_the_reactor_so_that_idle_connections_can_be_closed()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using (client)
        {
            await test.Run(() =>
            {
                test.Reactor.DrainStarted += server.Dispose;
            });
            await test.Reactor.StopAsync(TimeSpan.FromHours(1)).WaitAsync(TestReactor.Patience, Cancellation);
            Assert.Equal("", await client.ReceiveText(1));
        }
    }

    [Fact]
    public async Task Reactor_that_never_started_stops_at_once()
    {
        var reactor = new Reactor();
        await reactor.StopAsync(TimeSpan.FromHours(1)).WaitAsync(TestReactor.Patience, Cancellation);
        Assert.Throws<InvalidOperationException>(reactor.Start);
        await Assert.ThrowsAsync<InvalidOperationException>(() => reactor.InvokeAsync(() => 1));
    }
}
