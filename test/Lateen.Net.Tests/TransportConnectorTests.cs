using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Net.Tests;

public sealed class TransportConnectorTests
{
    [Fact]
    public async Task Port_where_nobody_listens_is_refused_as_a_value()
    {
        await using var test = new TestReactor();
        using var placeholder = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        placeholder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var result = await test.Run(() => TransportConnector.ConnectAsync(test.Reactor, placeholder.LocalEndPoint!, ConnectOptions.Default));
        Assert.False(result.IsConnected);
        Assert.Equal(TransportError.ConnectionRefused, result.Error);
        Assert.Equal(1, test.Reactor.Counters.Snapshot().ConnectFailures);
        Assert.Equal(0, test.Reactor.Counters.Snapshot().OpenConnections);
    }

    [Fact]
    public async Task Unix_path_without_a_socket_is_refused_as_a_value()
    {
        await using var test = new TestReactor();
        var missing = new UnixSocketEndPoint($"/tmp/lateen-missing-{Guid.NewGuid():N}");
        var result = await test.Run(() => TransportConnector.ConnectAsync(test.Reactor, missing, ConnectOptions.Default));
        Assert.Equal(TransportError.ConnectionRefused, result.Error);
    }

    [Fact]
    public async Task Peer_that_does_not_answer_ends_in_a_timeout()
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        using var silent = FullBacklog(out var fillers);
        var connect = test.Run(() => TransportConnector.ConnectAsync(
            test.Reactor, silent.LocalEndPoint!, new ConnectOptions { Timeout = TimeSpan.FromSeconds(3) }));
        await test.Run(() => { });
        time.Advance(TimeSpan.FromSeconds(2));
        await test.Run(() => { });
        Assert.False(connect.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TransportError.TimedOut, (await connect).Error);
        Assert.Equal(0, test.Reactor.Counters.Snapshot().OpenConnections);
        fillers.ForEach(filler => filler.Dispose());
    }

    [Fact]
    public async Task Canceled_connect_says_that_this_side_gave_up()
    {
        await using var test = new TestReactor();
        using var silent = FullBacklog(out var fillers);
        using var source = new CancellationTokenSource();
        var connect = test.Run(() => TransportConnector.ConnectAsync(test.Reactor, silent.LocalEndPoint!, ConnectOptions.Default, source.Token));
        await source.CancelAsync();
        Assert.Equal(TransportError.ClosedLocally, (await connect).Error);
        fillers.ForEach(filler => filler.Dispose());
    }

    [Fact]
    public async Task Source_address_is_the_one_that_was_asked_for()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(WireExtensions.Echo);
        var options = new ConnectOptions { Source = new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0) };
        var local = await test.Run(async () =>
        {
            var result = await TransportConnector.ConnectAsync(test.Reactor, listener.LocalEndPoint, options);
            using var connection = result.Connection!;
            return (IPEndPoint)connection.LocalEndPoint;
        });
        Assert.Equal("127.0.0.2", local.Address.ToString());
    }

    /// <summary>A listener whose accept queue is full: further SYNs are dropped, as by a host that is down.</summary>
    private static Socket FullBacklog(out List<Socket> fillers)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(0);
        fillers = [];
        // A backlog of 0 holds one completed connection; the second and third make sure.
        for (var i = 0; i < 3; i++)
        {
            var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            try
            {
                filler.Connect(listener.LocalEndPoint!);
            }
            catch (SocketException pending) when (pending.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // It completes, or waits, in the background.
            }

            fillers.Add(filler);
        }

        return listener;
    }
}
