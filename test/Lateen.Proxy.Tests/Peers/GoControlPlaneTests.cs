using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.Testing;

namespace Lateen.Proxy.Tests.Peers;

/// <summary>
/// The shipped proxy under a management server of other hands: its listener, routes, clusters and endpoints come by ADS, requests go
/// through, and a change on the server changes where they go.
/// </summary>
public sealed class GoControlPlaneTests : IAsyncDisposable
{
    private const string NodeId = "lateen-proxy-under-test";

    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-gcp-").FullName;

    /// <summary>Ends waits that are not met, with what the programs said so far.</summary>
    private readonly CancellationTokenSource _limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    public GoControlPlaneTests() => _limit.CancelAfter(TimeSpan.FromSeconds(60));

    private CancellationToken Cancel => _limit.Token;

    private string SnapshotPath => Path.Combine(_folder, "snapshot.json");

    [Theory]
    [InlineData("DELTA_GRPC")]
    [InlineData("GRPC")]
    public async Task Requests_go_where_a_foreign_control_plane_says_and_follow_its_changes(string apiType)
    {
        if (Lateen.Testing.Peers.WhyWithoutGoControlPlane is { } reason)
        {
            Assert.Skip(reason);
        }

        await using var first = new FixedUpstream("first");
        await using var second = new FixedUpstream("second");
        int port = FreePorts.Take(1)[0];
        await PublishAsync(Snapshot("1", port, "first", first.Port));
        await using ProgramUnderTest server = ProgramUnderTest.Start(
            "xds-server", Lateen.Testing.Peers.GoControlPlane, ["-listen", "127.0.0.1:0", "-snapshot", SnapshotPath, "-node", NodeId]);
        string address = (await server.WaitForLineAsync("listening on", Cancel))["listening on ".Length..];
        await using ProgramUnderTest proxy = await StartProxyAsync(apiType, address);
        await WaitUntilServedAsync(server, proxy);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Assert.Equal("first", await FirstAnswerAsync(client));

        await PublishAsync(Snapshot("2", port, "second", second.Port));
        await server.SignalAsync("HUP");

        // Until the endpoints of the new cluster have come the old routes serve, and nothing fails.
        string answer;
        while ((answer = await client.GetStringAsync("/x", Cancel)) != "second")
        {
            Assert.Equal("first", answer);
        }

        Assert.DoesNotContain("nack", server.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_foreign_control_plane_that_dies_takes_nothing_away()
    {
        if (Lateen.Testing.Peers.WhyWithoutGoControlPlane is { } reason)
        {
            Assert.Skip(reason);
        }

        await using var upstream = new FixedUpstream("still here");
        int port = FreePorts.Take(1)[0];
        await PublishAsync(Snapshot("1", port, "a", upstream.Port));
        ProgramUnderTest server = ProgramUnderTest.Start(
            "xds-server", Lateen.Testing.Peers.GoControlPlane, ["-listen", "127.0.0.1:0", "-snapshot", SnapshotPath, "-node", NodeId]);
        string address = (await server.WaitForLineAsync("listening on", Cancel))["listening on ".Length..];
        await using ProgramUnderTest proxy = await StartProxyAsync("DELTA_GRPC", address);
        await WaitUntilServedAsync(server, proxy);
        using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Assert.Equal("still here", await FirstAnswerAsync(client));
        await server.DisposeAsync();
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal("still here", await client.GetStringAsync("/x", Cancel));
        }
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        _limit.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Waits until the proxy has acknowledged its first routes and endpoints: its listener is open by then.</summary>
    private async Task WaitUntilServedAsync(ProgramUnderTest server, ProgramUnderTest proxy)
    {
        foreach (string type in new[] { "RouteConfiguration", "ClusterLoadAssignment" })
        {
            try
            {
                await server.WaitForLineAsync($"ack {type} ", Cancel);
            }
            catch (InvalidOperationException fault)
            {
                Assert.Fail($"{fault.Message}\nThe proxy said:\n{proxy.Output}");
            }
        }
    }

    /// <summary>A worker opens the socket a moment after the configuration was accepted, so a refused connection is tried again.</summary>
    private async Task<string> FirstAnswerAsync(HttpClient client)
    {
        while (true)
        {
            try
            {
                return await client.GetStringAsync("/x", Cancel);
            }
            catch (HttpRequestException fault) when (fault.HttpRequestError == HttpRequestError.ConnectionError)
            {
                Cancel.ThrowIfCancellationRequested();
            }
        }
    }

    private Task PublishAsync(string snapshot) => File.WriteAllTextAsync(SnapshotPath, snapshot, Cancel);

    private async Task<ProgramUnderTest> StartProxyAsync(string apiType, string address)
    {
        string[] parts = address.Split(':');
        string bootstrap = $$"""
            node: {id: {{NodeId}}, cluster: test}
            dynamic_resources:
              ads_config:
                api_type: {{apiType}}
                transport_api_version: V3
                grpc_services: [{envoy_grpc: {cluster_name: xds} }]
              cds_config: {ads: {}, resource_api_version: V3}
              lds_config: {ads: {}, resource_api_version: V3}
            static_resources:
              clusters:
              - name: xds
                type: STATIC
                connect_timeout: 1s
                typed_extension_protocol_options:
                  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                    explicit_http_config: {http2_protocol_options: {} }
                load_assignment:
                  cluster_name: xds
                  endpoints:
                  - lb_endpoints:
                    - endpoint: {address: {socket_address: {address: {{parts[0]}}, port_value: {{parts[1]}} } } }
            """;
        string path = Path.Combine(_folder, "bootstrap.yaml");
        await File.WriteAllTextAsync(path, bootstrap, Cancel);
        return ProgramUnderTest.Start("lateen-proxy", Programs.Proxy, ["-c", path, "--concurrency", "1"]);
    }

    /// <summary>One listener, one route, one cluster with one endpoint, in the JSON of the protobuf API.</summary>
    private static string Snapshot(string version, int port, string cluster, int upstreamPort) =>
        """
        {"version": "VERSION", "resources": [
          {"@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", "name": "CLUSTER", "type": "EDS", "connect_timeout": "1s",
           "eds_cluster_config": {"eds_config": {"ads": {}, "resource_api_version": "V3"}}},
          {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment", "cluster_name": "CLUSTER",
           "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": UPSTREAM}}}}]}]},
          {"@type": "type.googleapis.com/envoy.config.listener.v3.Listener", "name": "web",
           "address": {"socket_address": {"address": "127.0.0.1", "port_value": PORT}},
           "filter_chains": [{"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": {
             "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
             "stat_prefix": "web", "rds": {"route_config_name": "web", "config_source": {"ads": {}, "resource_api_version": "V3"}},
             "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}]}}]}]},
          {"@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "web",
           "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "CLUSTER"}}]}]}
        ]}
        """
            .Replace("VERSION", version, StringComparison.Ordinal)
            .Replace("CLUSTER", cluster, StringComparison.Ordinal)
            .Replace("UPSTREAM", upstreamPort.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("PORT", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);

    /// <summary>An HTTP/1.1 server that gives every request the same answer and closes.</summary>
    private sealed class FixedUpstream : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly byte[] _answer;
        private readonly Task _serving;

        public FixedUpstream(string body)
        {
            _answer = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\ncontent-length: {body.Length}\r\nconnection: close\r\n\r\n{body}");
            _listener.Start();
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            _serving = ServeAsync();
        }

        public int Port { get; }

        public async ValueTask DisposeAsync()
        {
            _listener.Stop();
            await _serving;
        }

        private async Task ServeAsync()
        {
            try
            {
                while (true)
                {
                    using TcpClient connection = await _listener.AcceptTcpClientAsync();
                    NetworkStream stream = connection.GetStream();
                    await ReadHeadAsync(stream);
                    await stream.WriteAsync(_answer);
                }
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException or IOException)
            {
                // Stopped, or the proxy went away.
            }
        }

        private static async Task ReadHeadAsync(NetworkStream stream)
        {
            byte[] buffer = new byte[4096];
            int length = 0;
            int read;
            while (!buffer.AsSpan(0, length).EndsWith("\r\n\r\n"u8) && (read = await stream.ReadAsync(buffer.AsMemory(length))) > 0)
            {
                length += read;
            }
        }
    }
}
