using System.Net;
using Envoy.Config.Core.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Http.Router.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Testing;
using Lateen.Xds.Client;
using Lateen.Xds.Tests.Loopback;
using Lateen.Xds.Text;
using Lateen.Yaml;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Xds.Tests.Peers;

/// <summary>Our client against an xDS server of other hands; its resources are written by our JSON writer and read by its parser.</summary>
public sealed class GoControlPlaneTests : IAsyncDisposable
{
    private const string Cds = XdsTypeUrls.Cluster;
    private const string Eds = XdsTypeUrls.ClusterLoadAssignment;
    private const string Rds = XdsTypeUrls.RouteConfiguration;

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-gcp-").FullName;
    private readonly CancellationTokenSource _stop = new();
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingConsumer _consumer = new();
    private Task _running = Task.CompletedTask;

    /// <summary>Ends waits that are not met, with what the server said so far.</summary>
    private readonly CancellationTokenSource _limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public GoControlPlaneTests() => _limit.CancelAfter(TimeSpan.FromSeconds(60));

    private CancellationToken Cancel => _limit.Token;

    private string SnapshotPath => Path.Combine(_folder, "snapshot.json");

    [Theory]
    [InlineData(XdsVariant.Delta)]
    [InlineData(XdsVariant.StateOfTheWorld)]
    public async Task A_foreign_server_gives_a_proxy_its_resources_and_their_changes(XdsVariant variant)
    {
        await using ProgramUnderTest server = await StartAsync("127.0.0.1:0", Shop("1", "a"));
        await RunAsync(server, variant);
        await _consumer.Until("the first routes are there", static consumer => consumer.Holds(Rds, "r"));
        await _consumer.Until("the first endpoints are there", static consumer => consumer.Holds(Eds, "a"));

        await PublishAsync(server, Shop("2", "a", "b"));
        await _consumer.Until("the second cluster has its endpoints", static consumer => consumer.Holds(Eds, "a", "b"));
        await PublishAsync(server, Shop("3", "b"));
        await _consumer.Until("the first cluster is gone", static consumer => consumer.Holds(Cds, "b"));
        Assert.DoesNotContain("nack", server.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(XdsVariant.Delta)]
    [InlineData(XdsVariant.StateOfTheWorld)]
    public async Task A_refusal_reaches_a_foreign_server_with_its_reason(XdsVariant variant)
    {
        await using ProgramUnderTest server = await StartAsync("127.0.0.1:0", Shop("1", "a", "bad"));
        await RunAsync(server, variant, static (typeUrl, resource) => typeUrl == Cds && resource.Name == "bad" ? "we do not like it" : null);
        Assert.Equal("nack Cluster bad: we do not like it", await server.WaitForLineAsync("nack", Cancel));
        await _consumer.Until("the good cluster is there", static consumer => consumer.Holds(Cds, "a"));
    }

    [Fact]
    public async Task A_foreign_server_that_was_restarted_sends_what_differs()
    {
        ProgramUnderTest server = await StartAsync("127.0.0.1:0", Shop("1", "a", "b"));
        string address = await RunAsync(server, XdsVariant.Delta);
        await _consumer.Until("all endpoints are there", static consumer => consumer.Holds(Eds, "a", "b"));
        await _consumer.Until("the routes are there", static consumer => consumer.Holds(Rds, "r"));
        await server.DisposeAsync();
        await _consumer.Until("the loss is noticed", static consumer => !consumer.IsConnected && consumer.Disconnects > 0);
        _consumer.Applied.Clear();

        await using ProgramUnderTest restarted = await StartAsync(address, Shop("2", "a", "b", "c"));
        Task healed = _consumer.Until("the new cluster has its endpoints", static consumer => consumer.Holds(Eds, "a", "b", "c"));
        while (!healed.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        await healed;
        Assert.DoesNotContain("CDS a", _consumer.Applied);
        Assert.DoesNotContain("EDS b", _consumer.Applied);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _limit.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static string Shop(string version, params string[] clusters)
    {
        var routes = RouteConfiguration.Parser.ParseFrom(XdsSamples.Routes("r", clusters).Body);
        var manager = new HttpConnectionManager
        {
            StatPrefix = "web",
            Rds = new Rds { RouteConfigName = "r", ConfigSource = Ads() },
            HttpFilters = { new HttpFilter { Name = "envoy.filters.http.router", TypedConfig = Any.Pack(new Router()) } },
        };
        var listener = new Listener
        {
            Name = "l",
            Address = new Address { SocketAddress = new() { Address = "127.0.0.1", PortValue = 10000 } },
            // The simulated proxy reads the name of the routes from here.
            FilterChains = { new FilterChain { Name = "r", Filters = { new Filter { Name = "envoy.filters.network.http_connection_manager", TypedConfig = Any.Pack(manager) } } } },
        };
        IEnumerable<IMessage> resources =
        [
            .. clusters.Select(static name => new Envoy.Config.Cluster.V3.Cluster
            {
                Name = name,
                Type = Envoy.Config.Cluster.V3.Cluster.Types.DiscoveryType.Eds,
                EdsClusterConfig = new() { EdsConfig = Ads() },
                ConnectTimeout = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(250)),
            }),
            .. clusters.Select(static name => new Envoy.Config.Endpoint.V3.ClusterLoadAssignment { ClusterName = name }),
            listener,
            routes,
        ];
        YamlMapping file = new YamlMappingBuilder()
            .Add("version", version)
            .Add("resources", new YamlSequence([.. resources.Select(static resource => ProtoJson.Default.ToNode(Any.Pack(resource)))]))
            .Build();
        return JsonWriter.Write(file, indented: true);
    }

    private static ConfigSource Ads() => new() { Ads = new AggregatedConfigSource(), ResourceApiVersion = ApiVersion.V3 };

    private async Task<ProgramUnderTest> StartAsync(string address, string snapshot)
    {
        if (Lateen.Testing.Peers.WhyWithoutGoControlPlane is { } reason)
        {
            Assert.Skip(reason);
        }

        await File.WriteAllTextAsync(SnapshotPath, snapshot, Cancel);
        return ProgramUnderTest.Start(
            "xds-server",
            Lateen.Testing.Peers.GoControlPlane,
            ["-listen", address, "-snapshot", SnapshotPath, "-node", XdsSamples.Node.Id]);
    }

    private async Task PublishAsync(ProgramUnderTest server, string snapshot)
    {
        await File.WriteAllTextAsync(SnapshotPath, snapshot, Cancel);
        await server.SignalAsync("HUP");
    }

    /// <returns>The address that the server listens on.</returns>
    private async Task<string> RunAsync(ProgramUnderTest server, XdsVariant variant, Func<string, XdsResource, string?>? judge = null)
    {
        string address = (await server.WaitForLineAsync("listening on", Cancel))["listening on ".Length..];
        var client = new XdsClient(
            new XdsClientOptions { Node = XdsSamples.Node, Servers = [IPEndPoint.Parse(address)], Variant = variant, TimeProvider = _time, Random = new Random(1) },
            _consumer);
        _consumer.Attach(client);
        _consumer.Proxy.Judge = judge ?? _consumer.Proxy.Judge;
        client.SubscribeAll(Cds);
        client.SubscribeAll(XdsTypeUrls.Listener);
        _running = client.RunAsync(_stop.Token);
        return address;
    }
}
