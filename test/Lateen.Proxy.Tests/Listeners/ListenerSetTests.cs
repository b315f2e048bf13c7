using System.Collections.Immutable;
using System.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Listeners;

public sealed class ListenerSetTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Address_that_was_tried_is_free_at_once_however_busy_the_reactor_is()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        var next = Like(proxy, "next", FreePort());
        using var gate = new ManualResetEventSlim();
        using var isBusy = new ManualResetEventSlim();
        Task busy = proxy.Engine.Reactors[0].InvokeAsync(() =>
        {
            isBusy.Set();
            gate.Wait();
        });
        isBusy.Wait(Cancel);

        var refusal = proxy.Engine.Listeners.WhyNot(next);
        Publish(proxy, added: [next]);
        gate.Set();
        await busy;

        Assert.Null(refusal);
        Assert.Equal("200", await StatusAsync(next.Address));
    }

    [Fact]
    public async Task Address_of_somebody_else_is_a_reason_not_to_take_a_listener()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        Assert.Contains("AddressInUse", proxy.Engine.Listeners.WhyNot(Like(proxy, "next", upstream.Address)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listener_that_takes_the_address_of_one_that_leaves_serves()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        var address = proxy.Address;
        var former = proxy.Current.Listeners[0];
        var renamed = Like(proxy, "renamed", address);

        Publish(proxy, added: [renamed], removed: [former]);

        var bound = Assert.Single(proxy.Engine.Listeners.Listeners);
        Assert.Equal(("renamed", string.Empty), (bound.Snapshot.Name, bound.Failure));
        Assert.Equal("200", await StatusAsync(address));
    }

    [Fact]
    public async Task Listeners_that_swap_their_addresses_both_serve()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        ListenerSnapshot one = Like(proxy, "one", FreePort()), other = Like(proxy, "other", FreePort());
        Publish(proxy, added: [one, other]);

        Publish(proxy, changed: [Like(proxy, "one", other.Address), Like(proxy, "other", one.Address)]);

        Assert.All(proxy.Engine.Listeners.Listeners, static listener => Assert.Empty(listener.Failure));
        Assert.Equal("200", await StatusAsync(one.Address));
        Assert.Equal("200", await StatusAsync(other.Address));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public async Task Address_can_be_shared_with_another_socket_unless_the_listener_is_told_not_to(bool reusePort, bool canShare)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Concurrency = 2;
            recipe.ReusePort = reusePort;
        });
        using var second = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);

        // SOL_SOCKET and SO_REUSEPORT, as Linux numbers them.
        second.SetRawSocketOption(1, 15, BitConverter.GetBytes(1));
        var failure = Record.Exception(() => second.Bind(proxy.Address));

        Assert.Equal(canShare, failure is null);
        if (!canShare) Assert.Equal("200", await StatusAsync(proxy.Address));
    }

    [Fact]
    public async Task Graceful_drain_tells_clients_first_and_refuses_new_ones_when_its_grace_is_over()
    {
        var clock = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.TimeProvider = clock;
        });
        var address = proxy.Address;
        Assert.True((await RawClient.ExchangeAsync(address, Get)).KeepsAlive);

        proxy.Engine.DrainListeners(static _ => true, TimeSpan.FromSeconds(30));

        Assert.False((await RawClient.ExchangeAsync(address, Get)).KeepsAlive);
        clock.Advance(TimeSpan.FromSeconds(29));
        await proxy.SettleAsync();
        Assert.False((await RawClient.ExchangeAsync(address, Get)).KeepsAlive);
        using var kept = await RawClient.ConnectAsync(address);
        await kept.SendAsync("GET / HTTP/1.1\r\n");
        await proxy.EventuallyAsync("listener_manager.worker_0.accepted", 4);
        clock.Advance(TimeSpan.FromSeconds(1));
        await proxy.SettleAsync();
        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => RawClient.ConnectAsync(address));
        await kept.SendAsync("Host: a\r\n\r\n");
        Assert.Equal((200, false), ((await kept.ReadResponseAsync()) is var last ? last.Status : 0, last.KeepsAlive));
    }

    [Fact]
    public async Task Drained_listener_stays_closed_whatever_configuration_comes()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        var address = proxy.Address;
        ListenerSnapshot former = proxy.Current.Listeners[0], inbound = Like(proxy, "in", FreePort(), TrafficDirection.Inbound);

        proxy.Engine.DrainListeners(static listener => listener.Direction != TrafficDirection.Inbound, TimeSpan.Zero);
        Publish(proxy, added: [Like(proxy, "late", FreePort()), inbound], changed: [Like(proxy, former.Name, address)]);
        await proxy.SettleAsync();

        await Assert.ThrowsAsync<System.Net.Sockets.SocketException>(() => RawClient.ConnectAsync(address));
        Assert.Equal(["in"], proxy.Engine.Listeners.Listeners.Where(one => !one.Addresses.IsEmpty && one.Snapshot.Name != former.Name).Select(static one => one.Snapshot.Name));
        Assert.Equal("200", await StatusAsync(inbound.Address));
        Assert.Equal(1, proxy.Registry.Find("listener_manager.listener_stopped"));
    }

    private static ListenerSnapshot Like(EngineUnderTest proxy, string name, EndPoint address, TrafficDirection direction = TrafficDirection.Unspecified)
    {
        var model = proxy.Current.Listeners[0];
        return new ListenerSnapshot { Name = name, Address = address, Direction = direction, FilterChains = model.FilterChains, StatPrefix = name };
    }

    private static IPEndPoint FreePort()
    {
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    private static async Task<string> StatusAsync(EndPoint address) =>
        (await RawClient.ExchangeAsync((IPEndPoint)address, Get)).Status.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private static void Publish(
        EngineUnderTest proxy, ImmutableArray<ListenerSnapshot>? added = null, ImmutableArray<ListenerSnapshot>? changed = null, ImmutableArray<ListenerSnapshot>? removed = null) =>
        proxy.Snapshots.Publish(new SnapshotChange
        {
            Previous = proxy.Current,
            Current = proxy.Current,
            AddedListeners = added ?? [],
            ChangedListeners = changed ?? [],
            RemovedListeners = removed ?? [],
        });
}
