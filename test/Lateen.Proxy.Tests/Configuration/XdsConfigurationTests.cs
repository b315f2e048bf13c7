using Envoy.Config.Cluster.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Listener.V3;
using Envoy.Config.Route.V3;
using Google.Protobuf;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Routing;
using Lateen.Proxy.Tests.Routing;
using Lateen.Xds;

namespace Lateen.Proxy.Tests.Configuration;

/// <summary>What the control plane's resources do to the running configuration: warming, order, refusals, removal.</summary>
public sealed class XdsConfigurationTests
{
    private const string Bootstrap = """
        node: {id: sidecar~127.0.0.1~shop.default~default.svc.cluster.local, cluster: shop}
        dynamic_resources:
          lds_config: {ads: {}, resource_api_version: V3}
          cds_config: {ads: {}, resource_api_version: V3}
          ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds-grpc}}]}
        static_resources:
          clusters:
          - name: xds-grpc
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: {http2_protocol_options: {}}
            load_assignment: {cluster_name: xds-grpc, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 15010}}}}]}]}
        """;

    [Fact]
    public void New_cluster_waits_for_its_endpoints_and_asks_for_them()
    {
        using var setup = Started();
        Assert.Empty(setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("reviews")]));
        Assert.Equal(["+EDS reviews"], setup.TakeSubscriptions());
        Assert.Null(setup.Current.FindCluster("reviews"));

        Assert.Empty(setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("reviews", 1, 2)]));
        Assert.Equal(["127.0.0.1:1", "127.0.0.1:2"], setup.EndpointsOf("reviews"));
    }

    [Fact]
    public void Cluster_whose_endpoints_do_not_come_is_published_empty_when_patience_is_over()
    {
        using var setup = Started();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("reviews")]);
        setup.Advance(TimeSpan.FromSeconds(14));
        Assert.Null(setup.Current.FindCluster("reviews"));
        setup.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(setup.EndpointsOf("reviews"));
    }

    [Fact]
    public void Endpoint_set_that_does_not_exist_ends_the_wait_at_once()
    {
        using var setup = Started();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("reviews")]);
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [], "reviews");
        Assert.Empty(setup.EndpointsOf("reviews"));
    }

    [Fact]
    public void Listener_waits_for_its_routes_and_the_routes_for_their_clusters()
    {
        using var setup = Started();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("reviews")]);
        setup.Apply(XdsTypeUrls.Listener, [Listener("in", "80")]);
        Assert.Equal(["+EDS reviews", "+RDS 80"], setup.TakeSubscriptions());
        Assert.Empty(setup.Current.Listeners);

        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "reviews")]);
        Assert.Empty(setup.Current.Listeners);

        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("reviews", 1)]);
        Assert.Equal("in", Assert.Single(setup.Current.Listeners).Name);
        Assert.NotNull(setup.Current.FindCluster("reviews"));
        Assert.Equal("reviews", ClusterOf(setup, "80"));
        Assert.True(setup.Configuration.Initialized.IsCompletedSuccessfully);
    }

    [Fact]
    public void Listener_whose_routes_do_not_come_listens_without_them_when_patience_is_over()
    {
        using var setup = Started();
        setup.Apply(XdsTypeUrls.Listener, [Listener("in", "80")]);
        setup.Advance(TimeSpan.FromSeconds(15));
        Assert.Null(setup.Current.RoutesOf(Assert.Single(setup.Current.Listeners).FilterChains[0].HttpConnectionManager!));
    }

    [Fact]
    public void Route_to_a_cluster_that_is_still_warming_takes_over_when_that_is_ready()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v2")]);
        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "v2")]);
        Assert.Equal("v1", ClusterOf(setup, "80"));

        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("v2", 2)]);
        Assert.Equal("v2", ClusterOf(setup, "80"));
        Assert.NotNull(setup.Current.FindCluster("v2"));
    }

    [Fact]
    public void Route_to_a_cluster_that_nobody_knows_runs_and_finds_none()
    {
        using var setup = Serving();
        Assert.Empty(setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "nobody")]));
        Assert.Equal("nobody", ClusterOf(setup, "80"));
        Assert.Null(setup.Current.FindCluster("nobody"));
    }

    [Fact]
    public void Route_to_an_unknown_cluster_is_refused_when_the_table_asks_for_it()
    {
        using var setup = Serving();
        var table = Setup.Proto<RouteConfiguration>("{name: '80', validate_clusters: true, virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: nobody}}]}]}");
        Assert.Equal(["80: validate_clusters: there is no cluster 'nobody'"], setup.Apply(XdsTypeUrls.RouteConfiguration, [XdsResource.FromMessage("80", table)]));
        Assert.Equal("v1", ClusterOf(setup, "80"));
    }

    [Fact]
    public void Removed_cluster_stays_while_a_route_names_it_and_leaves_with_the_route()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [StaticCluster("other", 9)], "v1");
        Assert.NotNull(setup.Current.FindCluster("v1"));
        var endpoint = setup.Current.FindCluster("v1")!.Endpoints[0].State;

        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "other")]);
        Assert.Null(setup.Current.FindCluster("v1"));
        Assert.True(endpoint.IsRetired);
        Assert.Equal("v1", Assert.Single(setup.Changes[^1].RemovedClusters).Name);
        Assert.Contains("-EDS v1", setup.TakeSubscriptions());
    }

    [Fact]
    public void Removed_cluster_that_a_route_goes_on_naming_leaves_when_its_grace_is_over()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [], "v1");
        setup.Advance(TimeSpan.FromSeconds(14));
        Assert.NotNull(setup.Current.FindCluster("v1"));
        setup.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(setup.Current.FindCluster("v1"));
    }

    [Fact]
    public void Cluster_that_comes_back_within_its_grace_stays_as_it_is()
    {
        using var setup = Serving();
        var endpoint = setup.Current.FindCluster("v1")!.Endpoints[0].State;
        setup.Apply(XdsTypeUrls.Cluster, [], "v1");
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v1")]);
        setup.Advance(TimeSpan.FromSeconds(60));
        Assert.Same(endpoint, setup.Current.FindCluster("v1")!.Endpoints[0].State);
    }

    [Fact]
    public void Changed_cluster_keeps_its_endpoints_without_asking_again()
    {
        using var setup = Serving();
        var before = setup.Current.FindCluster("v1")!;
        setup.TakeSubscriptions();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v1", "connect_timeout: 1s")]);
        var after = setup.Current.FindCluster("v1")!;

        Assert.Equal(TimeSpan.FromSeconds(1), after.ConnectTimeout);
        Assert.Same(before.Endpoints[0].State, after.Endpoints[0].State);
        Assert.Same(before.State, after.State);
        Assert.DoesNotContain("-EDS v1", setup.TakeSubscriptions());
    }

    [Fact]
    public void Bad_resource_is_refused_alone_and_its_last_good_version_stays()
    {
        using var setup = Serving();
        var revision = setup.Current.Revision;
        Assert.Equal(
            ["v1: lb_policy: RingHash is not supported; use ROUND_ROBIN, LEAST_REQUEST or RANDOM"],
            setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v1", "lb_policy: RING_HASH"), StaticCluster("good", 7)]));
        Assert.Equal(LoadBalancingAlgorithm.RoundRobin, setup.Current.FindCluster("v1")!.Algorithm);
        Assert.NotNull(setup.Current.FindCluster("good"));
        Assert.Equal(revision + 1, setup.Current.Revision);

        Assert.Equal(
            ["80: virtual_hosts[0].routes[0].match.safe_regex.regex: look-around is not part of RE2 at position 2"],
            setup.Apply(XdsTypeUrls.RouteConfiguration, [XdsResource.FromMessage("80", Setup.Proto<RouteConfiguration>(
                "{name: '80', virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {safe_regex: {regex: '/(?!x)'}}, route: {cluster: c}}]}]}"))]));
        Assert.Equal("v1", ClusterOf(setup, "80"));
        Assert.Equal(revision + 1, setup.Current.Revision);
    }

    [Fact]
    public void Bytes_that_are_no_message_and_names_that_differ_are_refused()
    {
        using var setup = Serving();
        Assert.StartsWith("x: is not a valid message", Assert.Single(setup.Apply(XdsTypeUrls.Cluster, [new XdsResource("x", "1", Google.Protobuf.ByteString.CopyFrom(0xFF, 0xFF))])), StringComparison.Ordinal);
        Assert.StartsWith("80: is not a valid message", Assert.Single(setup.Apply(XdsTypeUrls.RouteConfiguration, [new XdsResource("80", "1", Google.Protobuf.ByteString.CopyFrom(0x12, 0x7F))])), StringComparison.Ordinal);
        Assert.Equal(["y: name: is 'x', but the resource is 'y'"], setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("x") with { Name = "y" }]));
        Assert.Equal(["xds-grpc: name: there is a static cluster of this name, which stays"], setup.Apply(XdsTypeUrls.Cluster, [StaticCluster("xds-grpc", 1)]));
    }

    [Fact]
    public void All_of_one_response_becomes_one_snapshot()
    {
        using var setup = Started();
        var revision = setup.Current.Revision;
        setup.Apply(XdsTypeUrls.Cluster, [.. Enumerable.Range(1, 50).Select(i => StaticCluster($"c{i}", i))]);
        Assert.Equal(revision + 1, setup.Current.Revision);
        Assert.Equal(51, setup.Current.Clusters.Count());

        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("e1"), EdsCluster("e2"), EdsCluster("e3")]);
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("e1", 1), Endpoints("e2", 2), Endpoints("e3", 3)]);
        Assert.Equal(revision + 2, setup.Current.Revision);
        Assert.NotNull(setup.Current.FindCluster("e3"));
    }

    [Fact]
    public void Clusters_that_share_an_endpoint_set_all_get_its_news()
    {
        using var setup = Started();
        XdsResource Sharing(string name) => XdsResource.FromMessage(
            name, Setup.Proto<Cluster>($"name: {name}\ntype: EDS\neds_cluster_config: {{service_name: shared, eds_config: {{ads: {{}}}}}}"));
        setup.Apply(XdsTypeUrls.Cluster, [Sharing("a"), Sharing("b")]);
        Assert.Equal(["+EDS shared"], setup.TakeSubscriptions());
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("shared", 1)]);
        setup.Apply(XdsTypeUrls.Cluster, [], "a");
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("shared", 2)]);

        Assert.Null(setup.Current.FindCluster("a"));
        Assert.Equal(["127.0.0.1:2"], setup.EndpointsOf("b"));
        Assert.Empty(setup.TakeSubscriptions());
    }

    [Fact]
    public void One_changed_endpoint_set_leaves_every_other_cluster_the_same_object()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v2")]);
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("v2", 5)]);
        var (first, second) = (setup.Current.FindCluster("v1"), setup.Current.FindCluster("v2"));
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("v2", 5, 6)]);

        Assert.Same(first, setup.Current.FindCluster("v1"));
        Assert.NotSame(second, setup.Current.FindCluster("v2"));
        Assert.Same(second!.Endpoints[0].State, setup.Current.FindCluster("v2")!.Endpoints[0].State);
    }

    [Fact]
    public void Listener_changes_are_told_as_added_changed_and_removed()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Listener, [Listener("in", "80", "per_connection_buffer_limit_bytes: 4096"), Listener("second", "80", port: 81)]);
        var change = setup.Changes[^1];
        Assert.Equal("second", Assert.Single(change.AddedListeners).Name);
        var former = Assert.Single(change.Previous.Listeners);
        Assert.True(Assert.Single(change.ChangedListeners).BindsLike(former));

        setup.Apply(XdsTypeUrls.Listener, [], "in", "second");
        Assert.Equal(["in", "second"], setup.Changes[^1].RemovedListeners.Select(listener => listener.Name));
        Assert.Contains("-RDS 80", setup.TakeSubscriptions());
        Assert.Empty(setup.Current.RouteTables);
    }

    [Fact]
    public void Listener_that_cannot_listen_is_refused_and_the_one_that_does_stays()
    {
        using var setup = Serving();
        setup.RefuseListener = listener => listener.Address.ToString() == "127.0.0.1:99" ? "cannot bind '127.0.0.1:99': in use" : null;
        Assert.Equal(
            ["in: address: cannot bind '127.0.0.1:99': in use"],
            setup.Apply(XdsTypeUrls.Listener, [Listener("in", "80", port: 99), Listener("second", "80", port: 81)]));
        Assert.Equal(["127.0.0.1:80", "127.0.0.1:81"], setup.Current.Listeners.Select(listener => listener.Address.ToString()));
    }

    [Fact]
    public void What_a_resource_asks_for_beyond_our_knowledge_is_warned_about_and_the_rest_taken()
    {
        using var setup = Started();
        var cluster = EdsCluster("odd");

        // Field 19 of a cluster is outlier_detection, which this version does not have.
        var body = Google.Protobuf.ByteString.CopyFrom([.. cluster.Body.Span, 0x9A, 0x01, 0x00]);
        Assert.Empty(setup.Apply(XdsTypeUrls.Cluster, [cluster with { Body = body }]));
        Assert.Equal(
            ["CDS odd: the resource: field number 19 of envoy.config.cluster.v3.Cluster is not supported; it is passed over"],
            setup.Warnings);
    }

    [Fact]
    public void What_every_version_asks_for_in_vain_is_counted_and_each_place_told_once()
    {
        using var setup = Serving();
        var plain = Setup.Proto<RouteConfiguration>("name: '80'\nvirtual_hosts: [{name: all, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: v1}}]}]");

        // Field 30 of a RouteAction is request_mirror_policies, field 15 is hash_policy: this version has neither.
        RouteConfiguration With(byte[] foreign)
        {
            var host = plain.VirtualHosts[0].Clone();
            var route = host.Routes[0];
            route.MergeFrom((byte[])[.. Field(2, [.. route.Route_.ToByteArray(), .. foreign])]);
            var table = plain.Clone();
            table.VirtualHosts[0] = host;
            return table;
        }

        byte[] mirror = Field(30, []), hash = Field(15, []);
        Assert.Empty(setup.Apply(XdsTypeUrls.RouteConfiguration, [XdsResource.FromMessage("80", With(mirror))]));
        Assert.Empty(setup.Apply(XdsTypeUrls.RouteConfiguration, [XdsResource.FromMessage("80", With([.. mirror, .. hash]))]));
        Assert.Empty(setup.Apply(XdsTypeUrls.RouteConfiguration, [XdsResource.FromMessage("80", With(mirror))]));

        Assert.Equal(
            [
                "RDS 80: virtual_hosts[0].routes[0].route: field number 30 of envoy.config.route.v3.RouteAction is not supported; it is passed over",
                "RDS 80: virtual_hosts[0].routes[0].route: field number 15 of envoy.config.route.v3.RouteAction is not supported; it is passed over",
            ],
            setup.Warnings);
        Assert.Equal(4, setup.PassedOver);
    }

    [Fact]
    public void Virtual_hosts_that_did_not_change_are_not_looked_at_again()
    {
        using var setup = Serving();
        const string Hosts = "name: '80'\nvirtual_hosts: [{name: a, domains: [a], routes: [{match: {prefix: /}, decorator: {}, route: {cluster: v1, retry_policy: {per_try_idle_timeout: 1s}}}]}, {name: b, domains: [b], routes: [{match: {prefix: OTHER}, route: {cluster: v1}}]}]";
        Assert.Empty(setup.Apply(XdsTypeUrls.RouteConfiguration, [XdsResource.FromMessage("80", Setup.Proto<RouteConfiguration>(Hosts.Replace("OTHER", "/1")))]));
        Assert.Equal(1, setup.PassedOver);
        Assert.Empty(setup.Apply(XdsTypeUrls.RouteConfiguration, [XdsResource.FromMessage("80", Setup.Proto<RouteConfiguration>(Hosts.Replace("OTHER", "/2")))]));
        Assert.Equal(1, setup.PassedOver);
    }

    [Fact]
    public void Fields_that_our_control_plane_writes_for_Envoy_are_noted_once_and_no_fault()
    {
        using var setup = Serving();
        foreach (var name in new[] { "d1", "d2" })
            Assert.Empty(setup.Apply(XdsTypeUrls.Cluster, [XdsResource.FromMessage(name, Setup.Proto<Cluster>($"name: {name}\ntype: STRICT_DNS\nrespect_dns_ttl: true"))]));

        Assert.Equal(
            ["CDS d1: respect_dns_ttl: is not supported: the system's resolver tells no time to live, so names are looked up again every dns_refresh_rate; this is told once"],
            setup.Notes);
        Assert.Equal((0, 0), (setup.Warnings.Count, setup.PassedOver));
    }

    [Fact]
    public void Condition_that_is_not_understood_refuses_its_resource_however_much_else_is_foreign()
    {
        using var setup = Serving();
        var route = Setup.Proto<Route>("match: {prefix: /}\nroute: {cluster: v1}");
        byte[] others = [.. Enumerable.Range(900, 50).SelectMany(number => Field(number, []))];

        // Field 11 of a RouteMatch is tls_context: a route for those who have shown a certificate only.
        var strange = new RouteConfiguration { Name = "80", VirtualHosts = { new VirtualHost { Name = "all", Domains = { "*" } } } };
        byte[] match = [.. route.Match.ToByteArray(), .. Field(11, [])];
        byte[] host = [.. strange.VirtualHosts[0].ToByteArray(), .. Field(3, [.. Field(1, match), .. Field(2, route.Route_.ToByteArray())])];
        var body = Google.Protobuf.ByteString.CopyFrom([.. others, .. Field(1, "80"u8), .. Field(2, host)]);

        Assert.Equal(
            ["80: virtual_hosts[0].routes[0].match: field number 11 of envoy.config.route.v3.RouteMatch is not supported, and without it the condition would be another"],
            setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "v1") with { Body = body }]));
        Assert.Equal("v1", ClusterOf(setup, "80"));
    }

    [Fact]
    public void Patience_with_listeners_and_with_clusters_is_each_its_own()
    {
        using var setup = new Setup();
        setup.Load(Bootstrap.Replace("cds_config: {ads: {}", "cds_config: {initial_fetch_timeout: 3s, ads: {}"));
        setup.Apply(XdsTypeUrls.Listener, []);
        setup.Advance(TimeSpan.FromSeconds(2));
        Assert.False(setup.Configuration.Initialized.IsCompleted);
        setup.Advance(TimeSpan.FromSeconds(1));
        Assert.True(setup.Configuration.Initialized.IsCompletedSuccessfully);
    }

    [Fact]
    public void Start_up_is_over_when_the_control_plane_has_spoken_or_patience_ends()
    {
        using var setup = Started();
        Assert.False(setup.Configuration.Initialized.IsCompleted);
        setup.Apply(XdsTypeUrls.Cluster, []);
        Assert.False(setup.Configuration.Initialized.IsCompleted);
        setup.Apply(XdsTypeUrls.Listener, []);
        Assert.True(setup.Configuration.Initialized.IsCompletedSuccessfully);

        using var alone = Started();
        alone.Advance(TimeSpan.FromSeconds(15));
        Assert.True(alone.Configuration.Initialized.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Dump_shows_what_runs_what_waits_and_what_was_refused()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v2"), EdsCluster("v1", "lb_policy: MAGLEV")]);
        var dumping = setup.Configuration.DumpAsync();
        setup.Configuration.Thread.RunPending();
        var dump = await dumping;

        Assert.Equal(["v1", "v2", "xds-grpc"], dump.Clusters.Select(entry => entry.Name));
        Assert.NotNull(dump.Clusters[0].Active);
        Assert.Contains("lb_policy", dump.Clusters[0].Error!.Details, StringComparison.Ordinal);
        Assert.Null(dump.Clusters[1].Active);
        Assert.NotNull(dump.Clusters[1].Warming);
        Assert.True(dump.Clusters[2].IsStatic);
        Assert.Equal("in", Assert.Single(dump.Listeners).Name);
        Assert.Equal("80", Assert.Single(dump.Routes).Name);
        Assert.Equal("v1", Assert.Single(dump.Endpoints).Name);
        Assert.Equal(setup.Clock.GetUtcNow(), dump.BootstrapLoaded);
    }

    [Fact]
    public void Names_of_clusters_that_are_gone_are_forgotten_in_the_end()
    {
        using var setup = Started();
        for (var round = 0; round < 30; round++)
        {
            setup.Apply(XdsTypeUrls.Cluster, [.. Enumerable.Range(0, 100).Select(i => StaticCluster($"c{round}-{i}", i + 1))], [.. Enumerable.Range(0, round == 0 ? 0 : 100).Select(i => $"c{round - 1}-{i}")]);
            Assert.NotNull(setup.Current.FindCluster($"c{round}-99"));
            if (round > 0) Assert.Null(setup.Current.FindCluster($"c{round - 1}-99"));
        }

        Assert.Equal(101, setup.Current.Clusters.Count());
    }

    [Fact]
    public async Task Routes_are_in_force_only_when_the_late_endpoints_of_their_cluster_have_come()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v2")]);
        Assert.True(setup.InForce().IsCompleted);
        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "v2")]);
        var routes = setup.InForce();
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("v1", 7)]);
        Assert.False(routes.IsCompleted);

        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("v2", 2)]);
        Assert.True(routes.IsCompletedSuccessfully && await routes);
        Assert.Equal("v2", ClusterOf(setup, "80"));
    }

    [Fact]
    public void Routes_that_newer_ones_replace_before_they_ran_are_waited_for_no_longer()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v2")]);
        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "v2")]);
        var routes = setup.InForce();
        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "v1")]);
        Assert.True(routes.IsCompleted && setup.InForce().IsCompleted);
    }

    [Fact]
    public async Task Routes_whose_cluster_stays_cold_are_acknowledged_after_a_grace_and_told_apart()
    {
        using var setup = Serving();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v2")]);
        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "v2")]);
        var routes = setup.InForce();
        setup.Advance(TimeSpan.FromMilliseconds(4999));
        Assert.False(routes.IsCompleted);
        setup.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(routes.IsCompleted);
        Assert.False(await routes);
    }

    [Fact]
    public async Task Listener_is_acknowledged_before_its_routes_and_after_the_clusters_of_its_own()
    {
        using var setup = Started();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v1")]);
        setup.Apply(XdsTypeUrls.Listener, [Listener("in", "80")]);
        Assert.True(setup.InForce().IsCompleted);

        var inline = Setup.Proto<Listener>("""
            name: own
            address: {socket_address: {address: 127.0.0.1, port_value: 81}}
            filter_chains: [{filters: [{name: http, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager,
              stat_prefix: own, route_config: {name: own, virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: v1}}]}]},
              http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]}]
            """);
        Assert.Empty(setup.Apply(XdsTypeUrls.Listener, [XdsResource.FromMessage("own", inline)]));
        var own = setup.InForce();
        Assert.False(own.IsCompleted);
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("v1", 1)]);
        Assert.True(own.IsCompletedSuccessfully && await own);
    }

    /// <summary>A field of bytes on the wire.</summary>
    private static byte[] Field(int number, ReadOnlySpan<byte> content)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Google.Protobuf.CodedOutputStream(bytes, leaveOpen: true))
        {
            writer.WriteTag(number, Google.Protobuf.WireFormat.WireType.LengthDelimited);
            writer.WriteBytes(Google.Protobuf.ByteString.CopyFrom(content));
        }

        return bytes.ToArray();
    }

    private static Setup Started()
    {
        var setup = new Setup();
        setup.Load(Bootstrap);
        return setup;
    }

    /// <summary>One listener, one table, one cluster, running.</summary>
    private static Setup Serving()
    {
        var setup = Started();
        setup.Apply(XdsTypeUrls.Cluster, [EdsCluster("v1")]);
        setup.Apply(XdsTypeUrls.ClusterLoadAssignment, [Endpoints("v1", 1)]);
        setup.Apply(XdsTypeUrls.Listener, [Listener("in", "80")]);
        setup.Apply(XdsTypeUrls.RouteConfiguration, [Table("80", "v1")]);
        Assert.Single(setup.Current.Listeners);
        return setup;
    }

    private static string? ClusterOf(Setup setup, string table) =>
        (setup.Current.RouteTables[table].Match(Call.Get("h", "/"), new ReactorRandom(1))!.Action as ForwardAction)?.Cluster?.Name;

    private static XdsResource EdsCluster(string name, string option = "connect_timeout: 5s") =>
        XdsResource.FromMessage(name, Setup.Proto<Cluster>($"name: '{name}'\ntype: EDS\neds_cluster_config: {{eds_config: {{ads: {{}}}}}}\n{option}"));

    private static XdsResource StaticCluster(string name, int port) => XdsResource.FromMessage(name, Setup.Proto<Cluster>(
        $"name: '{name}'\nload_assignment: {{cluster_name: '{name}', endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}]}}]}}"));

    private static XdsResource Endpoints(string name, params int[] ports) => XdsResource.FromMessage(name, Setup.Proto<ClusterLoadAssignment>(
        $"cluster_name: '{name}'\nendpoints: [{{lb_endpoints: [{string.Join(", ", ports.Select(port => $"{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}}}}}"))}]}}]"));

    private static XdsResource Table(string name, string cluster) => XdsResource.FromMessage(name, Setup.Proto<RouteConfiguration>(
        $"name: '{name}'\nvirtual_hosts: [{{name: all, domains: ['*'], routes: [{{match: {{prefix: /}}, route: {{cluster: {cluster}}}}}]}}]"));

    private static XdsResource Listener(string name, string table, string option = "traffic_direction: INBOUND", int port = 80) => XdsResource.FromMessage(name, Setup.Proto<Listener>($$$"""
        name: {{{name}}}
        address: {socket_address: {address: 127.0.0.1, port_value: {{{port}}} } }
        {{{option}}}
        filter_chains:
        - filters:
          - name: envoy.filters.network.http_connection_manager
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: in
              rds: {route_config_name: '{{{table}}}', config_source: {ads: { } } }
              http_filters:
              - name: envoy.filters.http.router
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
        """));
}
