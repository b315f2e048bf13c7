using System.Net.Sockets;
using Envoy.Service.Discovery.V3;
using Grpc.Core;
using Lateen.Xds.Client;
using Lateen.Xds.Server;
using Microsoft.Extensions.Time.Testing;
using static Lateen.Xds.Tests.XdsSamples;

namespace Lateen.Xds.Tests.Loopback;

/// <summary>Our client against our server over real gRPC and HTTP/2.</summary>
public class GrpcLoopbackTests : IAsyncDisposable
{
    private const string Cds = XdsTypeUrls.Cluster;
    private const string Eds = XdsTypeUrls.ClusterLoadAssignment;
    private const string Lds = XdsTypeUrls.Listener;
    private const string Rds = XdsTypeUrls.RouteConfiguration;

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-xds-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingConsumer _consumer = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Over which our client reaches the server.</summary>
    protected virtual IXdsTransport Transport { get; } = new GrpcNetTransport();

    private string SocketPath => Path.Combine(_folder, "xds.sock");

    [Theory]
    [InlineData(XdsVariant.Delta)]
    [InlineData(XdsVariant.StateOfTheWorld)]
    public async Task A_proxy_gets_its_resources_and_every_change_of_them(XdsVariant variant)
    {
        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        Run(variant);
        await _consumer.Until("the first routes are there", static consumer => consumer.Holds(Rds, "r"));
        await server.Until("revision 1 is served", static server => server.Status.ServedRevision == 1);
        Assert.Equal(Node, server.Stream!.Node);
        Assert.Equal(variant, server.Stream.Variant);

        server.Push(Shop(2, "a", "b"));
        await server.Until("revision 2 is served", static server => server.Status.ServedRevision == 2);
        Assert.True(_consumer.Holds(Eds, "a", "b"));
        server.Push(Shop(3, "b"));
        await server.Until("revision 3 is served", static server => server.Status.ServedRevision == 3);
        Assert.True(_consumer.Holds(Cds, "b"));
        Assert.Empty(_consumer.Proxy.Outages);
    }

    [Theory]
    [InlineData(XdsVariant.Delta)]
    [InlineData(XdsVariant.StateOfTheWorld)]
    public async Task A_refusal_reaches_the_server_with_its_reason_and_is_healed_by_the_next_view(XdsVariant variant)
    {
        XdsResource bad = Cluster("bad", 13);
        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, View(1, (Cds, Cluster("a")), (Cds, bad)));
        Run(variant, judge: (_, resource) => resource.Body == bad.Body ? "alt_stat_name: 13 brings bad luck" : null);
        await server.Until("the refusal is known", static server => server.Status.HasRejection);
        Assert.Equal("bad: alt_stat_name: 13 brings bad luck", server.Status.Types.Single(static type => type.IsRejected).RejectionReason);
        Assert.True(_consumer.Holds(Cds, "a"));

        server.Push(View(2, (Cds, Cluster("a")), (Cds, Cluster("bad", 14))));
        await server.Until("revision 2 is served", static server => server.Status.ServedRevision == 2);
        Assert.False(server.Status.HasRejection);
        Assert.True(_consumer.Holds(Cds, "a", "bad"));
    }

    [Theory]
    [InlineData(XdsVariant.Delta)]
    [InlineData(XdsVariant.StateOfTheWorld)]
    public async Task Routes_that_wait_are_acknowledged_late_and_hold_up_no_other_type(XdsVariant variant)
    {
        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        _consumer.HeldBackType = Rds;
        Run(variant);
        await _consumer.Until("the routes are there", static consumer => consumer.Holds(Rds, "r"));
        server.Push(View(2, (Cds, Cluster("a")), (Eds, Endpoints("a", 2)), (Lds, Listener("l", "r")), (Rds, Routes("r", "a"))));
        await _consumer.Until("the newer endpoints are there", static consumer => consumer.Held(Eds, "a") == Endpoints("a", 2).Body);
        await server.Until("the endpoints are acknowledged", static server => server.Status.Types.Single(static type => type.TypeUrl == Eds).AcknowledgedRevision == 2);
        Assert.Equal(0, server.Status.ServedRevision);

        _consumer.LetIntoForce();
        await server.Until("revision 2 is served", static server => server.Status.ServedRevision == 2);
    }

    [Theory]
    [InlineData(XdsVariant.Delta)]
    [InlineData(XdsVariant.StateOfTheWorld)]
    public async Task Routes_that_wait_when_the_stream_breaks_are_not_told_as_served_on_the_next(XdsVariant variant)
    {
        var server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        _consumer.HeldBackType = Rds;
        Run(variant);
        await _consumer.Until("the routes are there", static consumer => consumer.Holds(Rds, "r"));
        await server.DisposeAsync();
        await _consumer.Until("the loss is noticed", static consumer => consumer.Disconnects > 0);
        _consumer.Applied.Clear();

        await using LoopbackServer restarted = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        await ReconnectAsync();
        await _consumer.Until("the routes have come again", static consumer => consumer.Applied.Contains("RDS r"));
        Assert.Equal(0, restarted.Status.ServedRevision);
        _consumer.LetIntoForce();
        await restarted.Until("revision 1 is served", static server => server.Status.ServedRevision == 1);
    }

    [Fact]
    public async Task After_the_server_died_and_came_back_only_what_differs_is_sent()
    {
        var server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a", "b"));
        Run(XdsVariant.Delta);
        await server.Until("revision 1 is served", static server => server.Status.ServedRevision == 1);
        await server.DisposeAsync();
        await _consumer.Until("the loss is noticed", static consumer => consumer.Disconnects > 0);
        Assert.True(_consumer.Holds(Cds, "a", "b"));
        _consumer.Applied.Clear();

        await using LoopbackServer restarted = await LoopbackServer.StartAsync(SocketPath, View(
            1, (Cds, Cluster("a")), (Cds, Cluster("b", 2)), (Eds, Endpoints("a")), (Eds, Endpoints("b")), (Lds, Listener("l", "r")), (Rds, Routes("r", "a", "b"))));
        await ReconnectAsync();
        await restarted.Until("revision 1 is served", static server => server.Status is { ServedRevision: 1, Types.Length: 4 });
        Assert.Equal(["CDS b"], _consumer.Applied);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_tried_again_with_growing_jittered_delays()
    {
        Run(XdsVariant.Delta);
        for (int attempt = 1; attempt <= 4; attempt++)
        {
            int expected = attempt;
            await PassTimeUntil(_consumer.Until($"attempt {attempt} failed", consumer => consumer.Disconnects >= expected));
        }

        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        await ReconnectAsync();
        await server.Until("revision 1 is served", static server => server.Status.ServedRevision == 1);
    }

    [Fact]
    public async Task A_stream_that_the_server_closes_is_opened_again()
    {
        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        Run(XdsVariant.Delta);
        await server.Until("revision 1 is served", static server => server.Status.ServedRevision == 1);
        server.Stream!.Close("moved");
        await _consumer.Until("the end is noticed", static consumer => consumer.Disconnects == 1);
        Assert.StartsWith("down: Unavailable: moved", _consumer.Connections[^1], StringComparison.Ordinal);
        await ReconnectAsync();
        await server.Until("a second stream is open", static server => server.Opened == 2);
    }

    [Fact]
    public async Task The_server_notices_when_a_proxy_goes_away()
    {
        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        Run(XdsVariant.Delta);
        await server.Until("revision 1 is served", static server => server.Status.ServedRevision == 1);
        await _stop.CancelAsync();
        await _running;
        await server.Until("the stream is closed", static server => server.Closed == 1);
    }

    [Fact]
    public async Task A_configuration_larger_than_all_windows_arrives_whole()
    {
        string[] clusters = [.. Enumerable.Range(0, 1500).Select(static i => $"outbound|9080||service-{i:0000}.{new string('n', 900)}.svc.cluster.local")];
        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, Shop(1, clusters));
        Run(XdsVariant.Delta);
        await server.Until("revision 1 is served", static server => server.Status.ServedRevision == 1);
        Assert.True(_consumer.Holds(Cds, clusters));
    }

    [Fact]
    public async Task A_client_that_does_not_say_who_it_is_is_told_why_it_is_refused()
    {
        await using LoopbackServer server = await LoopbackServer.StartAsync(SocketPath, Shop(1, "a"));
        using IXdsChannel connection = Transport.Open(Options(XdsVariant.Delta), new UnixDomainSocketEndPoint(SocketPath));
        var service = new AggregatedDiscoveryService.AggregatedDiscoveryServiceClient(connection.Calls);
        using var call = service.DeltaAggregatedResources(cancellationToken: TestContext.Current.CancellationToken);
        await call.RequestStream.WriteAsync(new() { TypeUrl = Cds }, TestContext.Current.CancellationToken);
        RpcException refusal = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        Assert.Equal((StatusCode.InvalidArgument, "the first request of a stream must carry the node"), (refusal.StatusCode, refusal.Status.Detail));
        Assert.Equal(0, server.Opened);
    }

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static ResourceView Shop(long revision, params string[] clusters) => View(
        revision,
        [
            .. clusters.Select(static name => (Cds, Cluster(name))),
            .. clusters.Select(static name => (Eds, Endpoints(name))),
            (Lds, Listener("l", "r")),
            (Rds, Routes("r", clusters)),
        ]);

    private XdsClientOptions Options(XdsVariant variant) => new()
    {
        Node = Node,
        Servers = [new UnixDomainSocketEndPoint(SocketPath)],
        Variant = variant,
        TimeProvider = _time,
        Random = new Random(1),
    };

    private void Run(XdsVariant variant, Func<string, XdsResource, string?>? judge = null)
    {
        var client = new XdsClient(Options(variant), _consumer, Transport);
        _consumer.Attach(client);
        _consumer.Proxy.Judge = judge ?? _consumer.Proxy.Judge;
        client.SubscribeAll(Cds);
        client.SubscribeAll(Lds);
        _running = client.RunAsync(_stop.Token);
    }

    private Task ReconnectAsync() => PassTimeUntil(_consumer.Until("the client is connected again", static consumer => consumer.IsConnected));

    /// <summary>Lets fake time pass until the event: a delay may be armed a moment after the loss that it follows is told.</summary>
    private async Task PassTimeUntil(Task theEvent)
    {
        while (!theEvent.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await theEvent;
    }
}
