using System.Net.Sockets;
using System.Threading.Channels;

namespace Lateen.Net.Tests;

public sealed class TransportObserverTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Observer_hears_of_bytes_and_of_the_peer_s_end()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        var observer = new Recorder();
        await test.Run(() => { server.Observer = observer; });
        await client.SendText("x");
        await observer.Until(connection => connection.CanRead);
        Assert.Equal(1, (await test.Run(() => server.Read(new byte[8]))).Bytes);
        Assert.False(await test.Run(() => server.CanRead));
        client.Shutdown(SocketShutdown.Send);
        await observer.Until(connection => connection.IsPeerClosed);
    }

    [Fact]
    public async Task Observer_hears_on_a_later_turn_that_this_side_closed()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        var observer = new Recorder();
        Assert.Equal(0, await test.Run(() =>
        {
            server.Observer = observer;
            server.Abort();
            return observer.Calls;
        }));
        await observer.Until(connection => connection.IsClosed);
    }

    [Fact]
    public async Task Observer_that_was_taken_off_hears_nothing_more()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        var observer = new Recorder();
        await test.Run(() =>
        {
            server.Observer = observer;
            server.Abort();
            server.Observer = null;
        });
        await test.Run(() => { });
        await test.Run(() => { });
        Assert.Equal(0, observer.Calls);
    }

    [Fact]
    public async Task Observer_is_called_again_when_a_turn_s_share_of_reading_is_used_up()
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        const int Total = 8 * 1024 * 1024;
        var reader = new Drain(Total);
        await test.Run(() => { server.Observer = reader; });
        var sending = client.SendAsync(new byte[Total], Cancellation);
        await reader.Finished.WaitAsync(TestReactor.Patience, Cancellation);
        await sending;
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Exception_of_an_observer_costs_that_connection(bool byOwnClose)
    {
        await using var test = new TestReactor();
        var (client, server) = await test.ConnectPair();
        using var _ = client;
        await test.Run(() =>
        {
            server.Observer = new Faulty();
            if (byOwnClose)
                server.Dispose();
        });
        if (!byOwnClose)
            await client.SendText("x");
        Assert.Equal("bug in an observer", (await test.NextUnhandled()).Message);
        Assert.Same(server, test.LastBroken);
        Assert.True(server.IsClosed);
        // Closing told the faulty observer again, which is one more report at most.
        await test.Run(() => { server.Observer = null; });
        await test.Run(() => { });
        test.ForgetUnhandled();
    }

    [Fact]
    public async Task Ticker_ticks_until_it_is_disposed()
    {
        await using var test = new TestReactor();
        var ticks = 0;
        var third = new TaskCompletionSource();
        var ticker = await test.Run(() => new ReactorTicker(test.Reactor, TimeSpan.FromMilliseconds(1), _ =>
        {
            if (++ticks == 3)
                third.SetResult();
        }, null));
        await third.Task.WaitAsync(TestReactor.Patience, Cancellation);
        var seen = await test.Run(() =>
        {
            ticker.Dispose();
            ticker.Dispose();
            return ticks;
        });
        await test.Run(() => { });
        Assert.Equal(seen, ticks);
    }

    private sealed class Recorder : ITransportObserver
    {
        private readonly Channel<TransportConnection> _calls = Channel.CreateUnbounded<TransportConnection>();

        internal int Calls { get; private set; }

        public void OnReady(TransportConnection connection)
        {
            Calls++;
            _calls.Writer.TryWrite(connection);
        }

        internal async Task Until(Func<TransportConnection, bool> condition)
        {
            while (!condition(await _calls.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(TestReactor.Patience)))
            {
            }
        }
    }

    private sealed class Drain(int total) : ITransportObserver
    {
        private readonly TaskCompletionSource _finished = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly byte[] _buffer = new byte[64 * 1024];

        internal Task Finished => _finished.Task;

        public void OnReady(TransportConnection connection)
        {
            while (connection.Read(_buffer).IsOk)
            {
            }

            if (connection.BytesRead == total)
                _finished.TrySetResult();
        }
    }

    private sealed class Faulty : ITransportObserver
    {
        public void OnReady(TransportConnection connection) => throw new InvalidOperationException("bug in an observer");
    }
}
