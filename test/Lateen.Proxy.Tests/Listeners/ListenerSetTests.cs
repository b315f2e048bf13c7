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

    private static ListenerSnapshot Like(EngineUnderTest proxy, string name, EndPoint address)
    {
        var model = proxy.Current.Listeners[0];
        return new ListenerSnapshot { Name = name, Address = address, FilterChains = model.FilterChains, StatPrefix = name };
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
