using System.Net;
using System.Net.Sockets;
using Lateen.Net.Interop;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Net.Tests;

public sealed class TransportListenerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Errno.ProcessFileTableFull)]
    [InlineData(Errno.SystemFileTableFull)]
    [InlineData(Errno.NoBuffers)]
    [InlineData(Errno.NoMemory)]
    public async Task Resource_pressure_pauses_accepting_for_longer_each_time_and_ends_with_success(int errno)
    {
        var time = new FakeTimeProvider();
        await using var test = new TestReactor(time);
        var faults = 0;
        var isShort = true;
        var listener = test.Listen(WireExtensions.Echo, configure: listener => listener.AcceptFault = () =>
        {
            faults += isShort ? 1 : 0;
            return isShort ? errno : 0;
        });
        using var client = await Connect(listener);
        await Until(test, () => faults == 1);

        // 100, 200, 400 ... 3200, 5000, 5000 ms: one attempt after each pause, none before its end.
        foreach (var pause in new[] { 100, 200, 400, 800, 1600, 3200, 5000, 5000 })
        {
            var seen = await test.Run(() => faults);
            Assert.True(await test.Run(() => listener.IsPaused));
            time.Advance(TimeSpan.FromMilliseconds(pause - 1));
            await test.Run(() => { });
            Assert.Equal(seen, await test.Run(() => faults));
            time.Advance(TimeSpan.FromMilliseconds(1 + TimerWheel.GrainMilliseconds));
            await Until(test, () => faults == seen + 1);
        }

        await test.Run(() => { isShort = false; });
        time.Advance(TimeSpan.FromMilliseconds(5000 + TimerWheel.GrainMilliseconds));
        await client.SendText("served");
        Assert.Equal("served", await client.ReceiveText(6));
        Assert.Equal(9, test.Reactor.Counters.Snapshot().AcceptPressureErrors);
    }

    [Theory]
    [InlineData(Errno.ConnectionAborted)]
    [InlineData(Errno.Interrupted)]
    [InlineData(Errno.Protocol)]
    [InlineData(Errno.HostUnreachable)]
    public async Task Error_of_one_pending_connection_goes_on_with_the_next(int errno)
    {
        await using var test = new TestReactor();
        var left = 3;
        var listener = test.Listen(WireExtensions.Echo, configure: listener => listener.AcceptFault = () => left-- > 0 ? errno : 0);
        using var client = await Connect(listener);
        await client.SendText("served");
        Assert.Equal("served", await client.ReceiveText(6));
        Assert.Equal(3, test.Reactor.Counters.Snapshot().AcceptTransientErrors);
    }

    [Fact]
    public async Task Error_of_the_listening_socket_itself_closes_it_and_is_reported()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(WireExtensions.Echo, configure: listener => listener.AcceptFault = () => Errno.InvalidArgument, start: false);
        using var client = await Connect(listener);
        listener.Start();
        Assert.Contains("errno 22", (await test.NextUnhandled()).Message);
        Assert.True(await test.Run(() => listener.IsClosed));
    }

    [Fact]
    public async Task Address_that_is_taken_is_a_failure_and_not_an_exception()
    {
        await using var test = new TestReactor();
        var first = test.Listen(WireExtensions.Echo);
        var second = TransportListener.Bind(test.Reactor, first.LocalEndPoint, ListenerOptions.Default, WireExtensions.Echo);
        Assert.False(second.IsBound);
        Assert.Equal(TransportError.AddressInUse, second.Error);
    }

    [Fact]
    public async Task Connections_over_the_bound_wait_in_the_backlog_until_one_closes()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(WireExtensions.Echo, new ListenerOptions { MaxConnections = 2 });
        using var first = await Connect(listener);
        using var second = await Connect(listener);
        using var third = await Connect(listener);
        foreach (var served in new[] { first, second })
        {
            await served.SendText("x");
            Assert.Equal("x", await served.ReceiveText(1));
        }

        await third.SendText("y");
        Assert.True(await test.Run(() => listener.IsPaused));
        Assert.Equal(2, await test.Run(() => listener.OpenConnections));
        first.Dispose();
        Assert.Equal("y", await third.ReceiveText(1));
    }

    [Fact]
    public async Task Paused_listener_accepts_nothing_until_resumed()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(WireExtensions.Echo);
        listener.Pause();
        await test.Run(() => { });
        using var client = await Connect(listener);
        await client.SendText("x");
        await test.Run(() => { });
        Assert.Equal(0, test.Reactor.Counters.Snapshot().Accepted);
        listener.Resume();
        Assert.Equal("x", await client.ReceiveText(1));
    }

    [Fact]
    public async Task Closed_listener_refuses_clients_and_leaves_its_connections_alone()
    {
        await using var test = new TestReactor();
        var listener = test.Listen(WireExtensions.Echo);
        using var client = await Connect(listener);
        await client.SendText("a");
        Assert.Equal("a", await client.ReceiveText(1));
        listener.Close();
        await test.Run(() => { });
        Assert.Equal(
            SocketError.ConnectionRefused, (await Assert.ThrowsAsync<SocketException>(() => Connect(listener))).SocketErrorCode);
        await client.SendText("b");
        Assert.Equal("b", await client.ReceiveText(1));
    }

    [Fact]
    public async Task Accepted_connections_inherit_no_delay_and_keepalive()
    {
        await using var test = new TestReactor();
        var options = new ListenerOptions
        {
            KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromSeconds(30), Interval = TimeSpan.FromSeconds(5), Probes = 3 },
        };
        var accepted = new TaskCompletionSource<TransportConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listener = test.Listen(
            connection =>
            {
                accepted.SetResult(connection);
                return WireExtensions.Echo(connection);
            },
            options);
        using var client = await Connect(listener);
        var server = (SocketConnection)await accepted.Task.WaitAsync(TestReactor.Patience, Cancellation);
        using var kernel = new Socket(new SafeSocketHandle(server.Descriptor, ownsHandle: false));
        Assert.True(kernel.NoDelay);
        Assert.Equal(1, kernel.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(30, kernel.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(5, kernel.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        Assert.Equal(3, kernel.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
    }

    [Fact]
    public async Task Group_binds_one_port_on_each_reactor_and_serves_from_all_of_them()
    {
        var served = new int[3];
        await using var group = new ReactorGroup(3, new ReactorOptions());
        group.Start();
        var bound = group.Bind(new IPEndPoint(IPAddress.Loopback, 0), ListenerOptions.Default, connection =>
        {
            Interlocked.Increment(ref served[Reactor.Current!.Index]);
            return WireExtensions.Echo(connection);
        });
        Assert.True(bound.IsBound);
        Assert.Single(bound.Value.Select(listener => listener.LocalEndPoint).Distinct());
        foreach (var listener in bound.Value)
            listener.Start();

        // The kernel spreads by hash: 60 connections leave one of three out with probability 3 * (2/3)^60, some 10^-10.
        for (var i = 0; i < 60; i++)
        {
            using var client = await Connect(bound.Value[0]);
            await client.SendText("x");
            Assert.Equal("x", await client.ReceiveText(1));
        }

        Assert.DoesNotContain(0, served);
        Assert.Equal(60, served.Sum());
    }

    [Fact]
    public async Task Group_shares_one_unix_socket()
    {
        await using var group = new ReactorGroup(2, new ReactorOptions());
        group.Start();
        var address = new UnixSocketEndPoint($"lateen-net-tests-{Guid.NewGuid():N}", isAbstract: true);
        var bound = group.Bind(address, ListenerOptions.Default, WireExtensions.Echo);
        Assert.True(bound.IsBound, bound.Error.ToString());
        foreach (var listener in bound.Value)
            listener.Start();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => group[0].InvokeAsync(async () =>
        {
            var result = await TransportConnector.ConnectAsync(group[0], address, ConnectOptions.Default);
            using var connection = result.Connection!;
            await connection.WriteAll("hi"u8.ToArray());
            return (await connection.ReadSome(new byte[8])).Bytes;
        })));
        Assert.All(answers, bytes => Assert.Equal(2, bytes));
    }

    private static async Task<Socket> Connect(TransportListener listener)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndPoint, Cancellation);
        return client;
    }

    /// <summary>Asks on each of the reactor's turns until it is so; the test's own timeout bounds it.</summary>
    private static async Task Until(TestReactor test, Func<bool> condition)
    {
        while (!await test.Run(condition))
            await Task.Yield();
    }
}
