using System.Net.Sockets;
using System.Text;

namespace Lateen.Net.Tests;

public sealed class SocketConnectionTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bytes_of_both_directions_arrive_and_are_counted()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        await client.SendText("ping");
        await test.Run(async () =>
        {
            var buffer = new byte[16];
            var read = await server.ReadSome(buffer);
            Assert.Equal(IoResult.Ok(4), read);
            Assert.Equal("ping", Encoding.ASCII.GetString(buffer, 0, read.Bytes));
            Assert.Equal(IoResult.Ok(6), server.Write("po"u8, "ng"u8, "!!"u8));
            Assert.Equal(IoResult.Ok(2), server.Write("a"u8, "b"u8));
            Assert.Equal(4, server.BytesRead);
            Assert.Equal(8, server.BytesWritten);
        });
        Assert.Equal("pong!!ab", await client.ReceiveText(8));
    }

    [Fact]
    public async Task Short_read_means_wait_without_a_second_system_call()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        await client.SendText("abc");
        await test.Run(async () =>
        {
            var buffer = new byte[16];
            Assert.Equal(3, (await server.ReadSome(buffer)).Bytes);
            var reads = test.Reactor.Counters.Snapshot().Reads;
            Assert.Equal(IoStatus.WouldBlock, server.Read(buffer).Status);
            Assert.Equal(reads, test.Reactor.Counters.Snapshot().Reads);
        });
    }

    [Fact]
    public async Task Half_closed_peer_is_read_to_its_end_and_still_gets_the_answer()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        await client.SendText("last words");
        client.Shutdown(SocketShutdown.Send);
        await test.Run(async () =>
        {
            var buffer = new byte[64];
            Assert.Equal(10, (await server.ReadSome(buffer)).Bytes);
            Assert.Equal(IoStatus.EndOfStream, (await server.ReadSome(buffer)).Status);
            Assert.True(server.IsPeerClosed);
            await server.WriteAll("answer"u8.ToArray());
            server.Dispose();
        });
        Assert.Equal("answer", await client.ReceiveText(16));
    }

    [Fact]
    public async Task Write_side_that_is_shut_down_ends_the_peer_s_stream_and_reading_goes_on()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        await test.Run(() => server.ShutdownWrite());
        Assert.Equal("", await client.ReceiveText(1));
        await client.SendText("x");
        Assert.Equal(1, (await test.Run(() => server.ReadSome(new byte[4]))).Bytes);
    }

    [Fact]
    public async Task Reset_by_the_peer_while_idle_is_seen_at_once_and_reads_as_failure()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        var noticed = new TaskCompletionSource();
        Assert.True(await test.Run(() => server.WatchIdle(static state => ((TaskCompletionSource)state!).SetResult(), noticed)));
        client.Reset();
        await noticed.Task.WaitAsync(TestReactor.Patience, Cancellation);
        await test.Run(() =>
        {
            Assert.True(server.IsPeerClosed);
            var read = server.Read(new byte[4]);
            Assert.Equal(IoStatus.Failed, read.Status);
            Assert.Equal(TransportError.ConnectionReset, read.Error);
        });
    }

    [Fact]
    public async Task Idle_watch_is_refused_when_something_arrived_already()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        client.Dispose();
        await test.Run(async () =>
        {
            Assert.True(await server.ReadableAsync());
            Assert.False(server.WatchIdle(static _ => Assert.Fail("no callback"), null));
            Assert.False(server.WatchPeerClosed(static _ => Assert.Fail("no callback"), null));
        });
    }

    [Fact]
    public async Task Watch_for_the_peer_s_end_ignores_bytes_and_fires_on_fin()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        var noticed = new TaskCompletionSource();
        Assert.True(await test.Run(() => server.WatchPeerClosed(_ => noticed.SetResult(), null)));
        await client.SendText("pipelined");
        await test.Run(async () => { Assert.True(await server.ReadableAsync()); });
        Assert.False(noticed.Task.IsCompleted);
        client.Shutdown(SocketShutdown.Send);
        await noticed.Task.WaitAsync(TestReactor.Patience, Cancellation);
    }

    [Fact]
    public async Task Slow_reader_stops_the_writer_until_there_is_room_again()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair(clientReceiveBufferBytes: 8 * 1024);
        using var _ = client;
        const int Total = 16 * 1024 * 1024;
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writer = test.Run(async () =>
        {
            var chunk = new byte[64 * 1024];
            for (var written = 0; written < Total;)
            {
                var result = server.Write(chunk.AsSpan(0, Math.Min(chunk.Length, Total - written)));
                written += result.Bytes;
                if (result.Status == IoStatus.WouldBlock)
                {
                    blocked.TrySetResult();
                    Assert.True(await server.WritableAsync());
                }
                else
                {
                    Assert.True(result.IsOk);
                }
            }

            server.ShutdownWrite();
        });
        await blocked.Task.WaitAsync(TestReactor.Patience, Cancellation);
        Assert.False(writer.IsCompleted);
        var received = 0L;
        var buffer = new byte[256 * 1024];
        for (int count; (count = await client.ReceiveAsync(buffer, Cancellation)) > 0;)
            received += count;
        await writer;
        Assert.Equal(Total, received);
    }

    [Fact]
    public async Task Abort_sends_a_reset_and_ends_waits_with_false_on_a_later_turn()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        var resumedInsideAbort = false;
        var waiting = test.Run(async () =>
        {
            var isInside = false;
            test.Reactor.Post(_ =>
            {
                isInside = true;
                server.Abort();
                isInside = false;
            }, null);
            var result = await server.ReadableAsync();
            resumedInsideAbort = isInside;
            return result;
        });
        Assert.False(await waiting);
        Assert.False(resumedInsideAbort);
        Assert.Equal(SocketError.ConnectionReset, (await Assert.ThrowsAsync<SocketException>(() => client.ReceiveText(1))).SocketErrorCode);
        await test.Run(() =>
        {
            Assert.Equal(TransportError.ClosedLocally, server.Read(new byte[1]).Error);
            Assert.Equal(TransportError.ClosedLocally, server.Write(new byte[1]).Error);
            server.Dispose();
        });
    }

    [Fact]
    public async Task Interrupted_wait_ends_with_false_and_the_connection_lives_on()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        await test.Run(async () =>
        {
            test.Reactor.Post(_ => server.InterruptReadable(), null);
            Assert.False(await server.ReadableAsync());
            server.InterruptReadable();
            await server.WriteAll("408"u8.ToArray());
        });
        Assert.Equal("408", await client.ReceiveText(3));
        await client.SendText("x");
        Assert.True(await test.Run(() => server.ReadableAsync()));
    }

    [Fact]
    public async Task Second_wait_of_the_same_direction_is_refused()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        var refused = await test.Run(async () =>
        {
            var first = server.ReadableAsync().AsTask();
            var second = await Record.ExceptionAsync(async () => await server.ReadableAsync());
            server.InterruptReadable();
            Assert.False(await first);
            return second;
        });
        Assert.IsType<InvalidOperationException>(refused);
    }

    [Fact]
    public async Task Wait_that_is_awaited_twice_fails_loudly()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        await test.Run(async () =>
        {
            test.Reactor.Post(_ => server.InterruptReadable(), null);
            var wait = server.ReadableAsync();
            Assert.False(await wait);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await wait);
        });
    }

    /// <summary>
    /// Two connections become readable in one batch; the first one's turn closes the second and opens a new connection, which gets the
    /// same descriptor number. The second's event must reach nobody, least of all the newcomer.
    /// </summary>
    [Fact]
    public async Task Event_for_a_descriptor_that_was_closed_and_reused_in_the_same_batch_reaches_nobody()
    {
        await using var test = new TestReactor();
        var (clientA, serverA) = await test.ConnectPair();
        var (clientB, serverB) = await test.ConnectPair();
        var upstream = test.Listen(WireExtensions.Echo);
        using var _ = clientA;
        using var __ = clientB;
        var newcomerWoke = false;
        var armed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var turn = test.Run(async () =>
        {
            // Whoever is resumed first closes the other and takes its descriptor.
            var first = Survive(serverA, serverB);
            var second = Survive(serverB, serverA);
            armed.SetResult();
            var (winnerA, winnerB) = (await first, await second);
            Assert.True(winnerA ^ winnerB, "exactly one of the two was resumed by its event");
        });
        await armed.Task.WaitAsync(TestReactor.Patience, Cancellation);
        // The reactor is held while both clients send, so that one epoll_wait brings both events.
        using var hold = new ManualResetEventSlim();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        test.Reactor.Post(_ =>
        {
            held.SetResult();
            hold.Wait(Cancellation);
        }, null);
        await held.Task.WaitAsync(TestReactor.Patience, Cancellation);
        await clientA.SendText("a");
        await clientB.SendText("b");
        hold.Set();
        await turn;
        Assert.True(test.Reactor.Counters.Snapshot().StaleEvents >= 1);
        Assert.False(newcomerWoke);

        async ValueTask<bool> Survive(TransportConnection mine, TransportConnection other)
        {
            if (!await mine.ReadableAsync())
                return false;
            other.Abort();
            var newcomer = await TransportConnector.ConnectAsync(test.Reactor, upstream.LocalEndPoint, ConnectOptions.Default, Cancellation);
            Assert.True(newcomer.IsConnected);
            newcomer.Connection.WatchIdle(_ => newcomerWoke = true, null);
            return true;
        }
    }

    [Fact]
    public async Task Peer_that_sends_without_end_leaves_turns_for_the_others()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        client.SendBufferSize = 4 * 1024 * 1024;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var flood = Task.Run(async () =>
        {
            var bytes = new byte[1024 * 1024];
            try
            {
                while (true)
                    await client.SendAsync(bytes, stop.Token);
            }
            catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The end of the flood, by the test or by the reset.
            }
        }, Cancellation);
        var (most, turns) = await test.Run(async () =>
        {
            var buffer = new byte[4096];
            long most = 0, inTurn = 0, turns = 0, turn = -1;
            while (server.BytesRead < 32 * 1024 * 1024)
            {
                var result = server.Read(buffer);
                if (result.Status == IoStatus.WouldBlock)
                {
                    await server.ReadableAsync();
                    continue;
                }

                if (turn != test.Reactor.Turn)
                {
                    turn = test.Reactor.Turn;
                    inTurn = 0;
                    turns++;
                }

                inTurn += result.Bytes;
                most = Math.Max(most, inTurn);
            }

            server.Abort();
            return (most, turns);
        });
        // The read that meets the end of the budget is not cut short.
        Assert.InRange(most, 1, (256 + 4) * 1024);
        Assert.InRange(turns, 128, long.MaxValue);
        await stop.CancelAsync();
        await flood;
    }

    [Fact]
    public async Task Addresses_of_both_sides_are_told()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        Assert.Equal(client.LocalEndPoint, await test.Run(() => server.RemoteEndPoint));
        Assert.Equal(client.RemoteEndPoint, await test.Run(() => server.LocalEndPoint));
        Assert.Null(await test.Run(() => server.GetOriginalDestination()));
    }

    [Fact]
    public async Task Thousand_idle_connections_cost_under_a_kibibyte_of_ours_each()
    {
        await using var test = new TestReactor();
        const int Count = 1000;
        var open = 0;
        // A connection is accepted some turns after the client believes in it.
        var allOpen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = test.Listen(async connection =>
        {
            if (++open == Count) allOpen.SetResult();
            await connection.ReadableAsync();
        });
        var before = test.AllocatedBytes();
        var clients = new List<Socket>();
        for (var i = 0; i < Count; i++)
        {
            var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
            clients.Add(client);
            await client.ConnectAsync(listener.LocalEndPoint, Cancellation);
        }

        await allOpen.Task.WaitAsync(TestReactor.Patience, Cancellation);
        var allocated = test.AllocatedBytes() - before;
        Assert.InRange(allocated / Count, 1, 1024);
        Assert.Equal(0, await test.Run(() => test.Reactor.Buffers.RentedBytes));
        clients.ForEach(client => client.Dispose());
    }
}
