using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Envoy.Config.Cluster.V3;
using Google.Protobuf;
using Lateen.Proxy.Admin;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Logging;
using Lateen.Proxy.Statistics;

namespace Lateen.Proxy.Tests.Admin;

public sealed class AdminServerTests : IAsyncDisposable
{
    private readonly AdminHarness _admin = new();

    public ValueTask DisposeAsync() => _admin.DisposeAsync();

    [Theory]
    [InlineData(ServerState.Live, 200, "LIVE\n")]
    [InlineData(ServerState.PreInitializing, 503, "PRE_INITIALIZING\n")]
    [InlineData(ServerState.Initializing, 503, "INITIALIZING\n")]
    [InlineData(ServerState.Draining, 503, "DRAINING\n")]
    public async Task Ready_says_the_state_of_the_proxy(ServerState state, int status, string body)
    {
        _admin.State = state;

        Assert.Equal((status, body), await _admin.GetAsync("/ready"));
    }

    [Fact]
    public async Task Help_names_every_page_and_so_do_the_index_and_an_unknown_path()
    {
        var (_, help) = await _admin.GetAsync("/help");
        var (_, index) = await _admin.GetAsync("/");
        var (status, unknown) = await _admin.GetAsync("/nope");

        foreach (var page in new[]
        {
            "/ready", "/stats", "/stats/prometheus", "/config_dump", "/clusters", "/listeners", "/server_info", "/memory", "/certs", "/logging",
            "/drain_listeners", "/quitquitquit", "/healthcheck/fail", "/healthcheck/ok", "/reset_counters", "/reopen_logs", "/help",
        })
        {
            Assert.Contains($"\n  {page}", help, StringComparison.Ordinal);
            Assert.Contains($"\"{page}\"", index, StringComparison.Ordinal);
        }

        Assert.Equal(404, status);
        Assert.Equal("invalid path. " + help, unknown);
    }

    [Theory]
    [InlineData("GET", "/quitquitquit")]
    [InlineData("GET", "/logging?level=debug")]
    [InlineData("POST", "/stats")]
    [InlineData("DELETE", "/stats")]
    public async Task A_method_that_does_not_fit_the_page_is_refused(string method, string path)
    {
        var (status, _) = await _admin.SendAsync(new HttpMethod(method), path);

        Assert.Equal(405, status);
        Assert.Empty(_admin.Commands);
    }

    [Theory]
    [InlineData("/drain_listeners", "drain graceful=False inbound=False")]
    [InlineData("/drain_listeners?graceful", "drain graceful=True inbound=False")]
    [InlineData("/drain_listeners?inboundonly&graceful", "drain graceful=True inbound=True")]
    [InlineData("/quitquitquit", "quit")]
    [InlineData("/healthcheck/fail", "failing=True")]
    [InlineData("/healthcheck/ok", "failing=False")]
    public async Task Commands_reach_the_proxy(string path, string command)
    {
        Assert.Equal((200, "OK\n"), await _admin.PostAsync(path));
        Assert.Equal([command], _admin.Commands);
    }

    [Fact]
    public async Task A_page_of_another_site_cannot_give_commands()
    {
        var (status, _) = await _admin.SendAsync(HttpMethod.Post, "/quitquitquit", ("origin", "http://evil.example"));

        Assert.Equal(403, status);
        Assert.Empty(_admin.Commands);
    }

    [Fact]
    public async Task The_index_page_can_give_commands()
    {
        var (status, _) = await _admin.SendAsync(HttpMethod.Post, "/quitquitquit", ("origin", $"http://{_admin.Address}"));

        Assert.Equal(200, status);
    }

    [Theory]
    [InlineData("evil.example", 403)]
    [InlineData("localhost:15000", 200)]
    [InlineData("[::1]:15000", 200)]
    public async Task A_name_that_was_bound_to_loopback_by_someone_else_is_refused(string host, int expected)
    {
        var (status, _) = await _admin.SendAsync(HttpMethod.Get, "/ready", ("host", host));

        Assert.Equal(expected, status);
    }

    [Fact]
    public async Task Stats_are_listed_filtered_and_reset()
    {
        var cluster = ClusterStats.Open(_admin.Statistics.Registry, "a");
        _admin.Statistics.ShardOf(1).Add(cluster.RequestTotal, 5);

        Assert.Equal((200, "cluster.a.upstream_rq_total: 5\n"), await _admin.GetAsync("/stats?usedonly&filter=%5Ecluster.a"));
        Assert.Contains(
            "envoy_cluster_upstream_rq_total{envoy_cluster_name=\"a\"} 5\n", (await _admin.GetAsync("/stats/prometheus?usedonly")).Body, StringComparison.Ordinal);
        using var json = JsonDocument.Parse((await _admin.GetAsync("/stats?format=json&usedonly&filter=rq_total")).Body);
        Assert.Equal(5, json.RootElement.GetProperty("stats")[0].GetProperty("value").GetInt32());
        Assert.Equal((200, "OK\n"), await _admin.PostAsync("/reset_counters"));
        Assert.Equal((200, ""), await _admin.GetAsync("/stats?usedonly&filter=%5Ecluster.a"));
    }

    [Fact]
    public async Task A_listing_longer_than_any_buffer_comes_whole()
    {
        for (var i = 0; i < 2_000; i++) _ = ClusterStats.Open(_admin.Statistics.Registry, $"c{i:D4}");

        var (_, body) = await _admin.GetAsync("/stats?filter=upstream_rq_total");

        Assert.Equal(2_000, body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.StartsWith("cluster.c0000.upstream_rq_total: 0\n", body, StringComparison.Ordinal);
        Assert.EndsWith("cluster.c1999.upstream_rq_total: 0\n", body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/stats?filter=(")]
    [InlineData("/stats?format=xml")]
    [InlineData("/stats?type=Nope")]
    [InlineData("/stats?histogram_buckets=nope")]
    [InlineData("/config_dump?mask=x")]
    [InlineData("/config_dump?name_regex=(")]
    public async Task A_parameter_that_cannot_be_read_is_refused_with_a_reason(string path)
    {
        var (status, body) = await _admin.GetAsync(path);

        Assert.Equal(400, status);
        Assert.NotEmpty(body);
    }

    [Fact]
    public async Task The_process_tells_its_own_numbers()
    {
        var (_, body) = await _admin.GetAsync("/stats?filter=%5Eserver");

        Assert.Contains("server.concurrency: 2\n", body, StringComparison.Ordinal);
        Assert.Contains("server.live: 1\n", body, StringComparison.Ordinal);
        Assert.Contains("server.state: 0\n", body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_info_has_version_state_node_and_options()
    {
        using var info = JsonDocument.Parse((await _admin.GetAsync("/server_info")).Body);

        Assert.Equal("LIVE", info.RootElement.GetProperty("state").GetString());
        Assert.Equal("node-1", info.RootElement.GetProperty("node").GetProperty("id").GetString());
        Assert.Equal(5, info.RootElement.GetProperty("version").GetString()!.Split('/').Length);
        Assert.Equal("/etc/lateen.yaml", info.RootElement.GetProperty("command_line_options").GetProperty("config_path").GetString());
    }

    [Fact]
    public async Task Memory_and_certificates_have_envoys_keys()
    {
        using var memory = JsonDocument.Parse((await _admin.GetAsync("/memory")).Body);
        using var certificates = JsonDocument.Parse((await _admin.GetAsync("/certs")).Body);

        Assert.True(long.Parse(memory.RootElement.GetProperty("allocated").GetString()!) > 0);
        Assert.Equal(0, certificates.RootElement.GetProperty("certificates").GetArrayLength());
    }

    [Fact]
    public async Task Listeners_are_listed_with_the_ports_they_really_have()
    {
        _admin.BoundAddresses = [("ingress", System.Net.IPEndPoint.Parse("127.0.0.1:41234"))];

        Assert.Equal((200, "ingress::127.0.0.1:41234\n"), await _admin.GetAsync("/listeners"));
        using var json = JsonDocument.Parse((await _admin.GetAsync("/listeners?format=json")).Body);
        var status = json.RootElement.GetProperty("listener_statuses")[0];
        Assert.Equal("ingress", status.GetProperty("name").GetString());
        Assert.Equal(41234, status.GetProperty("local_address").GetProperty("socket_address").GetProperty("port_value").GetInt32());
    }

    [Fact]
    public async Task Log_levels_are_shown_and_set_for_all_or_for_one()
    {
        Assert.Equal((200, "active loggers:\n  admin: info\n  http: info\n  main: info\n"), await _admin.PostAsync("/logging"));
        Assert.Equal((200, "active loggers:\n  admin: info\n  http: debug\n  main: info\n"), await _admin.PostAsync("/logging?http=debug"));
        Assert.Equal((200, "active loggers:\n  admin: warning\n  http: warning\n  main: warning\n"), await _admin.PostAsync("/logging?level=warning"));
        Assert.Equal((200, "active loggers:\n  admin: warning\n  http: trace\n  main: off\n"), await _admin.PostAsync("/logging?paths=http:trace,main:off"));
    }

    [Theory]
    [InlineData("/logging?level=loud")]
    [InlineData("/logging?nope=debug")]
    [InlineData("/logging?paths=http")]
    [InlineData("/logging?http=debug&main=loud")]
    public async Task A_level_or_a_logger_that_is_not_known_changes_nothing(string path)
    {
        var (status, body) = await _admin.PostAsync(path);

        Assert.Equal(400, status);
        Assert.StartsWith("error: ", body, StringComparison.Ordinal);
        Assert.Equal(LogLevel.Info, _admin.Log.For("http").Level);
    }

    [Fact]
    public async Task A_config_dump_has_envoys_sections_and_can_be_narrowed()
    {
        _admin.Dump = _admin.Dump with
        {
            ClustersVersion = "7",
            Clusters =
            [
                new ConfigDumpEntry("a", IsStatic: true, Version(""), null, null),
                new ConfigDumpEntry("b", IsStatic: false, Version("7"), null, null),
                new ConfigDumpEntry("c", IsStatic: false, null, Version("7"), null),
                new ConfigDumpEntry("d", IsStatic: false, Version("6"), null, new ConfigDumpError("7", DateTimeOffset.UnixEpoch, "lb_policy: no", ByteString.Empty)),
            ],
        };

        using var whole = JsonDocument.Parse((await _admin.GetAsync("/config_dump")).Body);
        using var active = JsonDocument.Parse((await _admin.GetAsync("/config_dump?resource=dynamic_active_clusters&name_regex=d")).Body);
        using var withEndpoints = JsonDocument.Parse((await _admin.GetAsync("/config_dump?include_eds")).Body);

        Assert.Equal(
            ["BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump", "RoutesConfigDump", "SecretsConfigDump"],
            whole.RootElement.GetProperty("configs").EnumerateArray().Select(TypeOf));
        var clusters = whole.RootElement.GetProperty("configs")[1];
        Assert.Equal("7", clusters.GetProperty("version_info").GetString());
        Assert.Equal("a", clusters.GetProperty("static_clusters")[0].GetProperty("cluster").GetProperty("name").GetString());
        Assert.Equal(2, clusters.GetProperty("dynamic_active_clusters").GetArrayLength());
        Assert.Equal(1, clusters.GetProperty("dynamic_warming_clusters").GetArrayLength());
        var refused = Assert.Single(active.RootElement.GetProperty("configs").EnumerateArray());
        Assert.Equal("lb_policy: no", refused.GetProperty("error_state").GetProperty("details").GetString());
        Assert.Equal("NACKED", refused.GetProperty("client_status").GetString());
        Assert.Contains("EndpointsConfigDump", withEndpoints.RootElement.GetProperty("configs").EnumerateArray().Select(TypeOf));
        Assert.Equal(404, (await _admin.GetAsync("/config_dump?resource=nope")).Status);

        static string TypeOf(JsonElement section) => section.GetProperty("@type").GetString()!.Split('.')[^1];
        static ConfigDumpVersion Version(string version) => new(
            version, DateTimeOffset.UnixEpoch, "type.googleapis.com/envoy.config.cluster.v3.Cluster", new Cluster { Name = "a" }.ToByteString());
    }

    [Fact]
    public async Task Clusters_without_any_are_an_empty_list()
    {
        Assert.Equal((200, ""), await _admin.GetAsync("/clusters"));
        Assert.Equal(200, (await _admin.GetAsync("/clusters?format=json")).Status);
    }

    [Fact]
    public async Task Clusters_are_listed_as_Envoy_lists_them()
    {
        using var setup = Eds();
        _admin.Snapshots.Publish(new SnapshotChange { Previous = ProxySnapshot.Empty, Current = setup.Current });

        Assert.Equal(
            """
            shop::observability_name::till
            shop::default_priority::max_connections::5
            shop::default_priority::max_pending_requests::1024
            shop::default_priority::max_requests::7
            shop::default_priority::max_retries::3
            shop::high_priority::max_connections::9
            shop::high_priority::max_pending_requests::1024
            shop::high_priority::max_requests::1024
            shop::high_priority::max_retries::3
            shop::added_via_api::true
            shop::eds_service_name::shop-endpoints
            shop::127.0.0.1:81::cx_active::0
            shop::127.0.0.1:81::cx_connect_fail::0
            shop::127.0.0.1:81::cx_total::0
            shop::127.0.0.1:81::rq_active::1
            shop::127.0.0.1:81::rq_error::0
            shop::127.0.0.1:81::rq_success::0
            shop::127.0.0.1:81::rq_timeout::0
            shop::127.0.0.1:81::rq_total::1
            shop::127.0.0.1:81::hostname::one.test
            shop::127.0.0.1:81::health_flags::healthy
            shop::127.0.0.1:81::weight::4
            shop::127.0.0.1:81::region::eu
            shop::127.0.0.1:81::zone::a
            shop::127.0.0.1:81::sub_zone::
            shop::127.0.0.1:81::canary::false
            shop::127.0.0.1:81::priority::0
            shop::127.0.0.1:81::success_rate::-1
            shop::127.0.0.1:81::local_origin_success_rate::-1
            shop::127.0.0.1:82::cx_active::0
            shop::127.0.0.1:82::cx_connect_fail::0
            shop::127.0.0.1:82::cx_total::0
            shop::127.0.0.1:82::rq_active::0
            shop::127.0.0.1:82::rq_error::0
            shop::127.0.0.1:82::rq_success::0
            shop::127.0.0.1:82::rq_timeout::0
            shop::127.0.0.1:82::rq_total::0
            shop::127.0.0.1:82::hostname::
            shop::127.0.0.1:82::health_flags::/failed_eds_health
            shop::127.0.0.1:82::weight::1
            shop::127.0.0.1:82::region::
            shop::127.0.0.1:82::zone::
            shop::127.0.0.1:82::sub_zone::
            shop::127.0.0.1:82::canary::false
            shop::127.0.0.1:82::priority::1
            shop::127.0.0.1:82::success_rate::-1
            shop::127.0.0.1:82::local_origin_success_rate::-1

            """,
            string.Concat((await _admin.GetAsync("/clusters")).Body.Split('\n', StringSplitOptions.None).Where(static line => line.StartsWith("shop::", StringComparison.Ordinal)).Select(static line => line + "\n")));
    }

    [Fact]
    public async Task Clusters_in_JSON_have_both_priorities_their_service_name_and_every_endpoint()
    {
        using var setup = Eds();
        _admin.Snapshots.Publish(new SnapshotChange { Previous = ProxySnapshot.Empty, Current = setup.Current });

        using var page = JsonDocument.Parse((await _admin.GetAsync("/clusters?format=json")).Body);

        var shop = page.RootElement.GetProperty("cluster_statuses").EnumerateArray().Single(static one => one.GetProperty("name").GetString() == "shop");
        Assert.True(shop.GetProperty("added_via_api").GetBoolean());
        Assert.Equal("till", shop.GetProperty("observability_name").GetString());
        Assert.Equal("shop-endpoints", shop.GetProperty("eds_service_name").GetString());
        var thresholds = shop.GetProperty("circuit_breakers").GetProperty("thresholds");
        Assert.Equal(2, thresholds.GetArrayLength());
        Assert.False(thresholds[0].TryGetProperty("priority", out var priority) && priority.GetString() != "DEFAULT");
        Assert.Equal((5, 7), (thresholds[0].GetProperty("max_connections").GetInt32(), thresholds[0].GetProperty("max_requests").GetInt32()));
        Assert.Equal(("HIGH", 9), (thresholds[1].GetProperty("priority").GetString(), thresholds[1].GetProperty("max_connections").GetInt32()));
        var hosts = shop.GetProperty("host_statuses");
        Assert.Equal(2, hosts.GetArrayLength());
        Assert.Equal(("one.test", 4), (hosts[0].GetProperty("hostname").GetString(), hosts[0].GetProperty("weight").GetInt32()));
        Assert.Equal(81, hosts[0].GetProperty("address").GetProperty("socket_address").GetProperty("port_value").GetInt32());
        Assert.Equal("eu", hosts[0].GetProperty("locality").GetProperty("region").GetString());
        Assert.Contains(
            hosts[0].GetProperty("stats").EnumerateArray(), static stat => stat.GetProperty("name").GetString() == "rq_active" && stat.GetProperty("value").GetString() == "1"
                && stat.GetProperty("type").GetString() == "GAUGE");
        Assert.Equal(("UNHEALTHY", 1), (hosts[1].GetProperty("health_status").GetProperty("eds_health_status").GetString(), hosts[1].GetProperty("priority").GetInt32()));
    }

    [Fact]
    public async Task Requests_are_written_to_the_access_logs_of_the_admin_pages()
    {
        var log = new Harness.RecordingLog
        {
            FormatConnection = static record =>
                $"{Encoding.ASCII.GetString(record.Text(Lateen.Telemetry.AccessLogs.AccessLogText.Method))} {Encoding.ASCII.GetString(record.Text(Lateen.Telemetry.AccessLogs.AccessLogText.Path))}"
                + $" {record.Number(Lateen.Telemetry.AccessLogs.AccessLogNumber.ResponseCode)} {record.Number(Lateen.Telemetry.AccessLogs.AccessLogNumber.BytesSent)}",
        };
        await using var admin = new AdminHarness(new AdminAccessLogs([log], bufferIndex: 2)) { State = ServerState.Live };

        await admin.GetAsync("/ready?a=b");
        await admin.PostAsync("/healthcheck/fail");
        await admin.SendAsync(HttpMethod.Head, "/ready");

        Assert.Equal("GET /ready?a=b 200 5", await log.NextAsync());
        Assert.Equal("POST /healthcheck/fail 200 3", await log.NextAsync());
        Assert.Equal("HEAD /ready 200 0", await log.NextAsync());
    }

    [Fact]
    public void Counts_of_a_reactor_are_shown_under_its_number()
    {
        var stats = ReactorStats.Open(_admin.Statistics.Registry, 1);
        stats.Publish(_admin.Statistics.Registry.Shared, new Lateen.Net.ReactorCountersSnapshot
        {
            OpenConnections = 1,
            Accepted = 2,
            AcceptPressureErrors = 3,
            AcceptTransientErrors = 4,
            AcceptFatalErrors = 5,
            UnhandledExceptions = 6,
            Turns = 7,
            StaleEvents = 8,
        });

        string[] names = ["open_connections", "accepted", "accept_backoff", "accept_aborted", "accept_failed", "unhandled_exceptions", "loop_turns", "stale_events"];
        Assert.Equal(Enumerable.Range(1, 8).Select(static value => (long?)value), names.Select(name => _admin.Statistics.Registry.Find($"listener_manager.worker_1.{name}")));
    }

    /// <summary>A cluster of EDS with two endpoints, one of which a request is on its way to.</summary>
    private static Configuration.Setup Eds()
    {
        var setup = new Configuration.Setup();
        setup.Apply(Lateen.Xds.XdsTypeUrls.Cluster, [Lateen.Xds.XdsResource.FromMessage("shop", Configuration.Setup.Proto<Cluster>("""
            name: shop
            alt_stat_name: till
            type: EDS
            eds_cluster_config: {service_name: shop-endpoints, eds_config: {ads: {}}}
            circuit_breakers: {thresholds: [{max_connections: 5, max_requests: 7}, {priority: HIGH, max_connections: 9}]}
            """))]);
        setup.Apply(Lateen.Xds.XdsTypeUrls.ClusterLoadAssignment, [Lateen.Xds.XdsResource.FromMessage("shop-endpoints", Configuration.Setup.Proto<Envoy.Config.Endpoint.V3.ClusterLoadAssignment>("""
            cluster_name: shop-endpoints
            endpoints:
            - locality: {region: eu, zone: a}
              load_balancing_weight: 1
              lb_endpoints: [{load_balancing_weight: 4, endpoint: {hostname: one.test, address: {socket_address: {address: 127.0.0.1, port_value: 81}}}}]
            - priority: 1
              lb_endpoints: [{health_status: UNHEALTHY, endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 82}}}}]
            """))]);
        setup.Current.FindCluster("shop")!.Endpoints[0].State.SlotOf(0).RequestStarted();
        return setup;
    }

    [Fact]
    public async Task Responses_say_that_they_must_not_be_cached_or_guessed_at()
    {
        using var response = await _admin.RespondAsync("/stats/prometheus");

        Assert.Equal("text/plain; version=0.0.4; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-cache, max-age=0", response.Headers.CacheControl!.ToString().Replace("max-age=0, no-cache", "no-cache, max-age=0", StringComparison.Ordinal));
        Assert.Equal("nosniff", Assert.Single(response.Headers.GetValues("x-content-type-options")));
    }

    [Theory]
    [InlineData("GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\nGET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", 2, "HTTP/1.1 200 OK")]
    [InlineData("GET /ready HTTP/1.0\r\n\r\n", 1, "HTTP/1.1 200 OK")]
    [InlineData("POST /reset_counters HTTP/1.1\r\nhost: localhost\r\ncontent-length: 3\r\nconnection: close\r\n\r\nabc", 1, "HTTP/1.1 200 OK")]
    [InlineData("nonsense\r\n\r\n", 1, "HTTP/1.1 400 Bad Request")]
    [InlineData("GET /ready HTTP/1.1\r\n\r\n", 1, "HTTP/1.1 400 Bad Request")]
    public async Task Raw_requests_are_read_with_the_proxys_own_strictness(string request, int responses, string status)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(_admin.Address, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);

        var text = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith(status, text, StringComparison.Ordinal);
        Assert.Equal(responses, text.Split("\r\nserver: lateen\r\n").Length - 1);
    }
}
