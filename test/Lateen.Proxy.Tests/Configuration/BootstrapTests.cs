using System.Net;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Tests.Routing;
using Lateen.Xds;
using Lateen.Xds.Text;

namespace Lateen.Proxy.Tests.Configuration;

/// <summary>Bootstrap files as people write them for Envoy.</summary>
public sealed class BootstrapTests
{
    private const string FrontProxy = """
        admin:
          address:
            socket_address: { address: 127.0.0.1, port_value: 9901 }

        static_resources:
          listeners:
          - name: listener_0
            address:
              socket_address: { address: 127.0.0.1, port_value: 10000 }
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: ingress_http
                  codec_type: AUTO
                  access_log:
                  - name: envoy.access_loggers.stdout
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
                  route_config:
                    name: local_route
                    virtual_hosts:
                    - name: local_service
                      domains: ["*"]
                      routes:
                      - match: { prefix: "/service/1" }
                        route: { cluster: service1 }
                      - match: { prefix: "/" }
                        route:
                          host_rewrite_literal: www.example.com
                          cluster: service2
                          timeout: 0.25s
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          clusters:
          - name: service1
            connect_timeout: 0.25s
            type: STATIC
            lb_policy: ROUND_ROBIN
            load_assignment:
              cluster_name: service1
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address:
                      socket_address:
                        address: 127.0.0.1
                        port_value: 8081
          - name: service2
            type: STRICT_DNS
            dns_lookup_family: V4_ONLY
            lb_policy: LEAST_REQUEST
            load_assignment:
              cluster_name: service2
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address:
                      socket_address:
                        address: service2.test
                        port_value: 8082
        """;

    [Fact]
    public void Front_proxy_in_Envoys_documented_form_compiles_to_what_it_says()
    {
        using var setup = new Setup();
        setup.Resolver.Answer("service2.test", "127.0.0.2");
        setup.Load(FrontProxy);

        var listener = Assert.Single(setup.Current.Listeners);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 10000), listener.Address);
        Assert.Equal("127.0.0.1_10000", listener.StatPrefix);
        var manager = listener.FilterChains[0].HttpConnectionManager!;
        Assert.Equal("ingress_http", manager.StatPrefix);
        Assert.Equal(TimeSpan.FromMinutes(5), manager.Timeouts.StreamIdle);
        Assert.Single(manager.AccessLogs);

        var random = new ReactorRandom(1);
        var route = setup.Current.RoutesOf(manager)!.Match(Call.Get("h", "/service/1/x"), random)!;
        var forward = Assert.IsType<Lateen.Proxy.Routing.ForwardAction>(route.Action);
        var cluster = setup.Current.FindCluster(forward.ChooseCluster(Call.Get("h", "/"), setup.Current, random, out _)!)!;
        Assert.Equal("127.0.0.1:8081", cluster.LoadBalancer.Choose(0, random)!.State.AddressText);
        Assert.Equal(TimeSpan.FromMilliseconds(250), cluster.ConnectTimeout);
        Assert.Equal(["127.0.0.2:8082"], setup.EndpointsOf("service2"));
        Assert.True(setup.Configuration.Initialized.IsCompletedSuccessfully);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 9901), Setup.Read(FrontProxy).AdminAddress);
    }

    [Fact]
    public void Connections_of_clients_are_bounded_as_the_overload_manager_says_and_by_50000_without_one()
    {
        Assert.Equal(50_000, Setup.Read(FrontProxy).MaxDownstreamConnections);
        Assert.Equal(1234, Setup.Read($"""
            {FrontProxy}
            {Monitor("global_downstream_max_connections", "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig, max_active_downstream_connections: 1234")}
            """).MaxDownstreamConnections);
    }

    [Theory]
    [InlineData("fixed_heap", "resource_monitors.fixed_heap.v3.FixedHeapConfig", "overload_manager.resource_monitors[0]")]
    [InlineData("global_downstream_max_connections", "resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        "overload_manager.resource_monitors[0].typed_config.max_active_downstream_connections: is required")]
    public void Monitor_of_overload_that_is_not_supported_or_says_nothing_is_refused(string name, string config, string error) =>
        Assert.Contains(Setup.ErrorsOf($"{FrontProxy}\n{Monitor(name, config)}"), one => one.Contains(error, StringComparison.Ordinal));

    private static string Monitor(string name, string config) =>
        $"overload_manager: {{refresh_interval: 0.25s, resource_monitors: [{{name: envoy.resource_monitors.{name}, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.{config}}}}}]}}";

    [Fact]
    public void The_same_file_in_json_says_the_same()
    {
        var json = ProtoJson.Default.WriteJson(Setup.Read(FrontProxy).Source);
        Assert.Equal(Setup.Read(FrontProxy).Source, Setup.Read(json).Source);
    }

    [Fact]
    public void Control_plane_is_read_from_the_cluster_that_ads_names()
    {
        var plane = Setup.Read("""
            node: {id: sidecar~127.0.0.1~a.b~b.svc.cluster.local, cluster: a}
            dynamic_resources:
              lds_config: {ads: {}}
              cds_config: {ads: {}}
              ads_config: {api_type: GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds}, initial_metadata: [{key: k, value: v}]}]}
            static_resources:
              clusters:
              - name: xds
                type: STRICT_DNS
                http2_protocol_options: {}
                load_assignment:
                  cluster_name: xds
                  endpoints:
                  - lb_endpoints:
                    - endpoint: {address: {socket_address: {address: control.test, port_value: 15010}}}
                    - endpoint: {address: {pipe: {path: /run/xds.sock}}}
            """).ControlPlane!;
        Assert.Equal(XdsVariant.StateOfTheWorld, plane.Variant);
        Assert.Equal(new DnsEndPoint("control.test", 15010), plane.Servers[0]);
        Assert.Equal("/run/xds.sock", plane.Servers[1].ToString());
        Assert.True(plane is { GivesListeners: true, GivesClusters: true, ClusterName: "xds" });
        Assert.Equal(KeyValuePair.Create("k", "v"), Assert.Single(plane.InitialMetadata));
    }

    [Fact]
    public void Everything_that_is_wrong_is_reported_with_its_path() =>
        Assert.Equal(
            new[]
            {
                "static_resources.clusters[1].name: there is another cluster 'a'",
                "static_resources.clusters[1].eds_cluster_config.eds_config: is required for a cluster of type EDS",
                "static_resources.listeners[0].address: needs an address: socket_address or pipe",
                "static_resources.listeners[0].use_original_dst: is not supported: this version does not capture connections",
                "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.stat_prefix: is required",
                "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].domains: at least one domain is required",
                "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters: the last HTTP filter must be the router (envoy.filters.http.router, envoy.extensions.filters.http.router.v3.Router)",
                "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.codec_type: Http3 is not supported; use AUTO, HTTP1 or HTTP2",
                "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.upgrade_configs[2].upgrade_type: 'connect' is there twice",
                "dynamic_resources.ads_config: is required: listeners or clusters should come over it",
            }.Order(StringComparer.Ordinal),
            Setup.ErrorsOf("""
                dynamic_resources:
                  lds_config: {ads: {}}
                static_resources:
                  clusters:
                  - {name: a}
                  - {name: a, type: EDS}
                  listeners:
                  - use_original_dst: true
                    filter_chains:
                    - filters:
                      - name: hcm
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                          codec_type: HTTP3
                          upgrade_configs: [{upgrade_type: websocket}, {upgrade_type: CONNECT}, {upgrade_type: connect}]
                          route_config: {name: r, virtual_hosts: [{name: v, routes: []}]}
                """).Order(StringComparer.Ordinal));

    [Fact]
    public void Unknown_fields_and_types_are_refused_with_path_and_place()
    {
        var errors = Setup.ErrorsOf("""
            static_resources:
              clusters:
              - name: a
                lb_polcy: RANDOM
                outlier_detection: {}
              listeners:
              - name: l
                filter_chains:
                - filters:
                  - name: envoy.filters.network.mongo_proxy
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy, stat_prefix: t}
            """);
        Assert.Equal(3, errors.Length);
        Assert.StartsWith("static_resources.clusters[0].lb_polcy: ", errors[0], StringComparison.Ordinal);
        Assert.Contains("lb_policy", errors[0], StringComparison.Ordinal);
        Assert.EndsWith("(line 4, column 5)", errors[0], StringComparison.Ordinal);
        Assert.StartsWith("static_resources.clusters[0].outlier_detection: ", errors[1], StringComparison.Ordinal);
        Assert.Contains("envoy.extensions.filters.network.mongo_proxy.v3.MongoProxy", errors[2], StringComparison.Ordinal);
        Assert.StartsWith("static_resources.listeners[0].filter_chains[0].filters[0].typed_config", errors[2], StringComparison.Ordinal);
    }

    [Fact]
    public void Filter_that_this_proxy_does_not_have_is_refused_by_name() =>
        Assert.Equal(
            ["static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config: the HTTP filter 'istio.stats' of type 'type.googleapis.com/stats.PluginConfig' is not supported (supported: envoy.extensions.filters.http.router.v3.Router)"],
            Setup.ErrorsOf(WithFilter("name: istio.stats\n    typed_config: {\"@type\": type.googleapis.com/stats.PluginConfig}")));

    [Fact]
    public void Optional_filter_that_this_proxy_does_not_have_is_left_out() =>
        Assert.Single(Setup.Read(WithFilter("name: istio.stats\n    is_optional: true\n    typed_config: {\"@type\": type.googleapis.com/stats.PluginConfig}")).Source.StaticResources.Listeners);

    [Fact]
    public void Route_to_a_cluster_that_the_file_does_not_have_is_refused() =>
        Assert.Equal(
            ["static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[1].route.cluster: there is no cluster 'service2'"],
            Setup.ErrorsOf(FrontProxy[..FrontProxy.IndexOf("  - name: service2", StringComparison.Ordinal)]));

    [Theory]
    [InlineData("type: STRICT_DNS, respect_dns_ttl: true", "respect_dns_ttl: is not supported: the system's resolver tells no time to live, so names are looked up again every dns_refresh_rate")]
    [InlineData("type: ORIGINAL_DST, lb_policy: CLUSTER_PROVIDED", "type: ORIGINAL_DST is not supported: it needs captured connections, and every request to it fails")]
    [InlineData("type: EDS, eds_cluster_config: {eds_config: {ads: {}, resource_api_version: V2}}", "eds_cluster_config.eds_config.resource_api_version: must be V3")]
    [InlineData("http_protocol_options: {allow_absolute_url: false}", "http_protocol_options.allow_absolute_url: cannot be false: targets in absolute form are read as RFC 9112 has it")]
    [InlineData("load_assignment: {endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: /run/x, mode: 384}}}}]}]}", "load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.pipe.mode: is not supported: the socket gets what the process's umask leaves; set the permissions of its directory")]
    public void Field_of_a_cluster_that_would_have_no_effect_is_refused_with_its_path(string options, string expected) =>
        Assert.Contains($"static_resources.clusters[0].{expected}", Setup.ErrorsOf($"static_resources: {{clusters: [{{name: c, {options}}}]}}"));

    [Theory]
    [InlineData("dynamic_stats: false", "dynamic_stats: cannot be false: the router always counts")]
    [InlineData("respect_expected_rq_timeout: true", "respect_expected_rq_timeout: is not supported: a request's time limit is its route's, or x-envoy-upstream-rq-timeout-ms")]
    public void Field_of_the_router_that_would_have_no_effect_is_refused_with_its_path(string option, string expected) =>
        Assert.Equal(
            [$"static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters[0].typed_config.{expected}"],
            Setup.ErrorsOf(FrontProxy.Replace("http.router.v3.Router\n", $"http.router.v3.Router\n              {option}\n")));

    [Theory]
    [InlineData("decorator: {operation: o}", "decorator: is not supported: it names spans, and this version does not trace")]
    public void Field_of_a_route_that_would_have_no_effect_is_refused_with_its_path(string option, string expected) =>
        Assert.Equal(
            [$"static_resources.listeners[0].filter_chains[0].filters[0].typed_config.route_config.virtual_hosts[0].routes[0].{expected}"],
            Setup.ErrorsOf(FrontProxy.Replace("route: { cluster: service1 }", $"route: {{ cluster: service1 }}\n                {option}")));

    [Fact]
    public void Values_that_are_served_are_no_fault() =>
        Setup.Read(FrontProxy.Replace("http.router.v3.Router\n", "http.router.v3.Router\n              dynamic_stats: true\n"));

    [Fact]
    public void Default_filter_chain_is_checked_like_any_other()
    {
        var yaml = FrontProxy.Replace("    filter_chains:\n    - filters:", "    default_filter_chain:\n      filters:");
        Assert.NotEqual(FrontProxy, yaml);
        Assert.Equal(
            ["static_resources.listeners[0].default_filter_chain.filters[0].typed_config.route_config.virtual_hosts[0].routes[1].route.cluster: there is no cluster 'service2'"],
            Setup.ErrorsOf(yaml[..yaml.IndexOf("  - name: service2", StringComparison.Ordinal)]));
        Assert.Equal(
            ["static_resources.listeners[0].default_filter_chain.filters[0].typed_config.rds: the routes should come over ADS, but dynamic_resources.ads_config is not set"],
            Setup.ErrorsOf("""
                static_resources:
                  listeners:
                  - name: l
                    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
                    default_filter_chain:
                      filters:
                      - name: hcm
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                          stat_prefix: p
                          rds: {route_config_name: r, config_source: {ads: {}}}
                          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
                """));
    }

    [Theory]
    [InlineData("cluster: nowhere", "cluster: there is no cluster 'nowhere'")]
    [InlineData("weighted_clusters: {clusters: [{name: nowhere, weight: 1}]}", "weighted_clusters.clusters[0].name: there is no cluster 'nowhere'")]
    public void Error_of_a_filter_that_stands_behind_others_has_its_own_place(string destination, string expected) =>
        Assert.Equal(
            [$"static_resources.listeners[0].filter_chains[0].filters[1].typed_config.{expected}"],
            Lateen.Proxy.Tests.Harness.BootstrappedProxy.ErrorsOf($$$"""
                static_resources:
                  listeners:
                  - name: l
                    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
                    filter_chains:
                    - filters:
                      - name: limit
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit, stat_prefix: c, max_connections: 1}
                      - name: tcp
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: t, {{{destination}}}}
                """));

    [Fact]
    public void Options_of_HTTP_1_on_the_cluster_itself_are_in_effect()
    {
        using var setup = new Setup();
        setup.LoadClusters("- name: c\n  http_protocol_options: {enable_trailers: true}");
        Assert.True(setup.Current.FindCluster("c")!.Connections.EnableTrailers);
        Assert.Contains(
            "static_resources.clusters[0].http_protocol_options: accept_http_10 and default_host_for_http_10 concern clients' connections only",
            Setup.ErrorsOf("static_resources: {clusters: [{name: c, http_protocol_options: {accept_http_10: true}}]}"));
    }

    [Fact]
    public void Buffer_limit_bounds_the_window_of_HTTP_2_where_that_has_none_of_its_own()
    {
        using var setup = new Setup();
        setup.LoadClusters("""
            - {name: none}
            - {name: small, per_connection_buffer_limit_bytes: 32768}
            - {name: middle, per_connection_buffer_limit_bytes: 131072}
            - {name: own, per_connection_buffer_limit_bytes: 131072, http2_protocol_options: {initial_connection_window_size: 262144}}
            """);
        Assert.Equal(
            [1_048_576, 65_535, 131_072, 262_144],
            new[] { "none", "small", "middle", "own" }.Select(name => setup.Current.FindCluster(name)!.Connections.Http2.InitialConnectionWindow));
    }

    [Fact]
    public void Text_that_is_no_yaml_is_refused_with_its_place() =>
        Assert.Contains("line 2", Assert.Single(Setup.ErrorsOf("admin: {\n  ]")), StringComparison.Ordinal);

    private static string WithFilter(string filter) => $$$"""
        static_resources:
          listeners:
          - name: l
            address: {socket_address: {address: 127.0.0.1, port_value: 0}}
            filter_chains:
            - filters:
              - name: hcm
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: p
                  route_config: {name: r, virtual_hosts: [{name: v, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
                  http_filters:
                  - {{{Routes.Indent(filter, 8).Trim()}}}
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        """;
}
