using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Xds;

namespace Lateen.Translation.Tests;

public sealed class MemoisationTests
{
    private const int Services = 50;

    private readonly Translator _translator = new();
    private readonly List<Resource> _resources = TestMesh.Of(Services);

    private (MeshSnapshot Snapshot, ProxyResources Result) Translate(IEnumerable<Resource> resources, MeshSnapshot? before = null, long revision = 1)
    {
        var snapshot = MeshSnapshotBuilder.Build(before, resources, revision);
        var result = _translator.Translate(snapshot, TestMesh.Sidecar());
        _translator.EndRound();
        return (snapshot, result);
    }

    private static List<string> Renewed(ImmutableArray<XdsResource> before, ImmutableArray<XdsResource> after) =>
        [.. after.Where(resource => !before.Any(old => ReferenceEquals(old, resource))).Select(resource => resource.Name)];

    [Fact]
    public void Changed_virtual_service_renews_the_route_table_and_nothing_else()
    {
        var (snapshot, first) = Translate(_resources);
        var (_, second) = Translate(_resources.With(TestMesh.Route("svc-0007", TimeSpan.FromSeconds(3))), snapshot, 2);

        Assert.Equal(["http_proxy"], second.Routes.Where((route, i) => route.Version != first.Routes[i].Version).Select(route => route.Name));
        Assert.Empty(Renewed(first.Clusters, second.Clusters));
        Assert.Empty(Renewed(first.Endpoints, second.Endpoints));
    }

    [Fact]
    public void Changed_virtual_service_changes_only_its_own_virtual_host()
    {
        var (snapshot, first) = Translate(_resources);
        var (_, second) = Translate(_resources.With(TestMesh.Route("svc-0007", TimeSpan.FromSeconds(3))), snapshot, 2);

        var before = first.Routes[0].Parse(Envoy.Config.Route.V3.RouteConfiguration.Parser).VirtualHosts;
        var after = second.Routes[0].Parse(Envoy.Config.Route.V3.RouteConfiguration.Parser).VirtualHosts;
        Assert.Equal(["svc-0007.shop.svc.cluster.local:9080"], after.Where((host, i) => !host.Equals(before[i])).Select(host => host.Name));
    }

    [Fact]
    public void Changed_endpoint_renews_only_its_own_endpoint_set()
    {
        var (snapshot, first) = Translate(_resources);
        var (_, second) = Translate(_resources.With(TestMesh.Service("svc-0007", "10.9.9.9")), snapshot, 2);

        Assert.Equal(["outbound|9080||svc-0007.shop.svc.cluster.local"],
            second.Endpoints.Where((set, i) => set.Version != first.Endpoints[i].Version).Select(set => set.Name));
        Assert.Equal(first.Clusters.Select(cluster => cluster.Version), second.Clusters.Select(cluster => cluster.Version));
        Assert.Equal(first.Routes.Select(route => route.Version), second.Routes.Select(route => route.Version));
    }

    [Fact]
    public void A_grpc_client_is_sent_to_a_destination_once_that_is_there()
    {
        var client = TestMesh.Sidecar() with { IsGrpc = true };
        Resource[] without = [TestMesh.Service("here", "10.0.0.1"), TestMesh.Route("here", to: "there")];
        Resource[] with = [.. without, TestMesh.Service("there", "10.0.0.2")];

        var snapshot = MeshSnapshotBuilder.Build(null, without, 1);
        var before = Destination(snapshot);
        snapshot = MeshSnapshotBuilder.Build(snapshot, with, 2);
        var meanwhile = Destination(snapshot);
        var after = Destination(MeshSnapshotBuilder.Build(snapshot, without, 3));

        Assert.Equal(("BlackHoleCluster", "outbound|9080||there.shop.svc.cluster.local", "BlackHoleCluster"), (before, meanwhile, after));

        string Destination(MeshSnapshot snapshot)
        {
            var table = _translator.Translate(snapshot, client).Routes.Single(table => table.Name == "outbound|9080||here.shop.svc.cluster.local");
            _translator.EndRound();
            return table.Parse(Envoy.Config.Route.V3.RouteConfiguration.Parser).VirtualHosts.Single().Routes[0].Route_.Cluster;
        }
    }

    [Fact]
    public void Two_proxies_of_one_view_share_their_outbound_resources()
    {
        var snapshot = MeshSnapshotBuilder.Build(null, _resources, 1);
        var left = _translator.Translate(snapshot, TestMesh.Sidecar("left"));
        var right = _translator.Translate(snapshot, TestMesh.Sidecar("right"));

        Assert.All(left.Clusters.Zip(right.Clusters), pair => Assert.Same(pair.First, pair.Second));
        Assert.Same(left.Routes[0], right.Routes[0]);
    }

    [Fact]
    public void What_no_proxy_asked_for_in_a_round_is_forgotten()
    {
        var (snapshot, _) = Translate(_resources);
        Assert.Equal(Services, _translator.Remembered.Clusters);

        Translate(_resources.Take(20), snapshot, 2);

        Assert.Equal((10, 10, 10), _translator.Remembered);
    }

    [Fact]
    public void Equal_input_gives_equal_bytes_whatever_the_order_and_the_history()
    {
        var (snapshot, _) = Translate(_resources);
        var (changed, _) = Translate(_resources.With(TestMesh.Route("svc-0001", TimeSpan.FromSeconds(1))), snapshot, 2);
        var (_, withHistory) = Translate(_resources, changed, 3);

        var shuffled = _resources.AsEnumerable().Reverse();
        var fresh = new Translator().Translate(MeshSnapshotBuilder.Build(null, shuffled, 1), TestMesh.Sidecar());

        foreach (var (left, right) in new[]
        {
            (withHistory.Clusters, fresh.Clusters), (withHistory.Endpoints, fresh.Endpoints), (withHistory.Listeners, fresh.Listeners), (withHistory.Routes, fresh.Routes),
        })
        {
            Assert.Equal(left.Select(resource => (resource.Name, resource.Version, resource.Body)), right.Select(resource => (resource.Name, resource.Version, resource.Body)));
        }
    }

    [Fact]
    public void Service_that_gains_a_port_changes_the_routes_that_relied_on_its_only_one()
    {
        var (snapshot, first) = Translate(_resources);
        var twoPorts = TestMesh.Service("svc-0007", "10.0.0.8");
        twoPorts = new Resource<Model.Networking.ServiceEntry>(ResourceKind.ServiceEntry, twoPorts.Metadata, twoPorts.Spec with
        {
            Ports = [new Model.Networking.ServiceEntryPort(80, Model.Networking.PortProtocol.Http, "web"), .. twoPorts.Spec.Ports],
        });
        var (_, second) = Translate(_resources.With(twoPorts), snapshot, 2);

        var hosts = second.Routes[0].Parse(Envoy.Config.Route.V3.RouteConfiguration.Parser).VirtualHosts;
        Assert.NotEqual(first.Routes[0].Version, second.Routes[0].Version);
        // Two ports and none named: the listener's, which on the forward proxy is the one that was asked for.
        Assert.Equal("outbound|80||svc-0007.shop.svc.cluster.local", hosts.Single(host => host.Name == "svc-0007.shop.svc.cluster.local:80").Routes[0].Route_.Cluster);
        Assert.Equal("outbound|9080||svc-0007.shop.svc.cluster.local", hosts.Single(host => host.Name == "svc-0007.shop.svc.cluster.local:9080").Routes[0].Route_.Cluster);
    }

    [Fact]
    public void Virtual_host_is_remade_when_a_service_that_it_sends_to_gains_a_port()
    {
        var target = WithPorts("svc-0008", 7070);
        var sends = new Resource<Model.Networking.VirtualService>(ResourceKind.VirtualService, TestMesh.Route("svc-0007").Metadata, new Model.Networking.VirtualService
        {
            Hosts = ["svc-0007.shop.svc.cluster.local"],
            Http = [new Model.Networking.HttpRoute { Route = [new Model.Networking.HttpRouteDestination { Destination = new Model.Networking.Destination { Host = "svc-0008.shop.svc.cluster.local" } }] }],
        });
        var resources = _resources.With(target).With(sends);
        var (snapshot, first) = Translate(resources);
        var (_, second) = Translate(resources.With(WithPorts("svc-0008", 7070, 7071)), snapshot, 2);

        Assert.Equal("outbound|7070||svc-0008.shop.svc.cluster.local", ClusterOf(first));
        // Two ports and none named: the port that was asked for, which the virtual host knows.
        Assert.Equal("outbound|9080||svc-0008.shop.svc.cluster.local", ClusterOf(second));

        static string ClusterOf(ProxyResources resources) => resources.Routes[0].Parse(Envoy.Config.Route.V3.RouteConfiguration.Parser).VirtualHosts
            .Single(host => host.Name == "svc-0007.shop.svc.cluster.local:9080").Routes[0].Route_.Cluster;

        static Resource WithPorts(string name, params int[] ports)
        {
            var service = TestMesh.Service(name, "10.0.0.9");
            return new Resource<Model.Networking.ServiceEntry>(ResourceKind.ServiceEntry, service.Metadata, service.Spec with
            {
                Ports = [.. ports.Select(port => new Model.Networking.ServiceEntryPort(port, Model.Networking.PortProtocol.Http, $"http-{port}"))],
            });
        }
    }
}
