using Lateen.Model.Kubernetes;
using Lateen.Model.Networking;

namespace Lateen.Model.Tests;

public sealed class ServiceTests
{
    [Theory]
    [InlineData("http", null, 80, PortProtocol.Http)]
    [InlineData("http2-api", null, 80, PortProtocol.Http2)]
    [InlineData("grpc-web-api", null, 80, PortProtocol.GrpcWeb)]
    [InlineData("GRPC-api", null, 80, PortProtocol.Grpc)]
    [InlineData("web", null, 80, PortProtocol.Unsupported)]
    [InlineData("", null, 3306, PortProtocol.Tcp)]
    [InlineData("http", null, 3306, PortProtocol.Http)]
    [InlineData("tcp-x", "grpc", 80, PortProtocol.Grpc)]
    [InlineData("http", "mine.example.com/own", 80, PortProtocol.Unsupported)]
    [InlineData("x", "kubernetes.io/h2c", 80, PortProtocol.Http2)]
    [InlineData("x", "kubernetes.io/ws", 80, PortProtocol.Http)]
    [InlineData("x", "kubernetes.io/wss", 80, PortProtocol.Https)]
    public void A_ports_protocol_is_its_appProtocol_else_its_names_prefix_else_what_its_number_is_known_for(
        string name, string? appProtocol, int number, PortProtocol protocol) =>
        Assert.Equal(protocol, ProtocolSelection.OfServicePort(new ServicePort(name, number, "TCP", appProtocol, null, null)));

    [Fact]
    public void Udp_wins_over_everything() =>
        Assert.Equal(PortProtocol.Udp, ProtocolSelection.OfServicePort(new ServicePort("http", 80, "UDP", "http", null, null)));

    [Fact]
    public void Every_protocol_name_reads_back_as_itself() =>
        Assert.All(ProtocolSelection.Names, name => Assert.Equal(name, ProtocolSelection.NameOf(ProtocolSelection.Parse(name))));

    [Fact]
    public void Endpoint_slices_give_a_service_its_endpoints_by_port_name()
    {
        var snapshot = Given.Snapshot(
            """
            apiVersion: v1
            kind: Service
            metadata: {name: a}
            spec: {ports: [{name: http, port: 80, targetPort: web}, {name: admin, port: 81}]}
            """,
            """
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: a-1, labels: {kubernetes.io/service-name: a, version: v1}}
            addressType: IPv4
            endpoints:
            - {addresses: [10.0.0.2], zone: z, targetRef: {kind: Pod, name: pod-2}}
            - {addresses: [10.0.0.1]}
            - {addresses: [10.0.0.3], conditions: {ready: false}}
            - {addresses: [10.0.0.4], conditions: {ready: false, serving: true, terminating: true}}
            ports: [{name: http, port: 8080}]
            """);
        var service = Assert.Single(snapshot.Services.All);
        var endpoints = snapshot.EndpointsOf(service).ForPort(80);
        Assert.Equal(["10.0.0.1:8080", "10.0.0.2:8080", "10.0.0.4:8080"], endpoints.Select(endpoint => $"{endpoint.Address}:{endpoint.Port}"));
        Assert.Equal([EndpointHealth.Healthy, EndpointHealth.Healthy, EndpointHealth.Draining], endpoints.Select(endpoint => endpoint.Health));
        Assert.Equal("pod-2", endpoints[1].WorkloadName);
        Assert.Equal("/z", endpoints[1].Locality);
        Assert.Equal("v1", endpoints[0].Labels.GetValueOrDefault("version"));
        Assert.Empty(snapshot.EndpointsOf(service).ForPort(81));
    }

    [Fact]
    public void A_selector_takes_the_workload_entries_of_its_own_namespace()
    {
        var snapshot = Given.Snapshot(
            Given.Document("ServiceEntry", "se", "hosts: [a.example.com]\nports: [{number: 80, name: http, protocol: HTTP, targetPort: 8080}]\nresolution: STATIC\nworkloadSelector: {labels: {app: a}}", "shop"),
            Given.Document("WorkloadEntry", "one", "address: 10.0.0.1\nlabels: {app: a, version: v1}", "shop"),
            Given.Document("WorkloadEntry", "two", "address: 10.0.0.2\nports: {http: 9090}\nlabels: {app: a}\nweight: 3", "shop"),
            Given.Document("WorkloadEntry", "other", "address: 10.0.0.3\nlabels: {app: b}", "shop"),
            Given.Document("WorkloadEntry", "elsewhere", "address: 10.0.0.4\nlabels: {app: a}", "other"),
            Given.Document("Service", "svc", "ports: [{port: 80}]\nselector: {version: v1}", "shop"));
        var entry = snapshot.Services.Find("a.example.com", "shop")!;
        var endpoints = snapshot.EndpointsOf(entry).ForPort(80);
        Assert.Equal(["10.0.0.1:8080", "10.0.0.2:9090"], endpoints.Select(endpoint => $"{endpoint.Address}:{endpoint.Port}"));
        Assert.Equal([1u, 3u], endpoints.Select(endpoint => endpoint.Weight));
        Assert.Equal("one", endpoints[0].WorkloadName);
        var service = snapshot.Services.Find("svc.shop.svc.cluster.local", "shop")!;
        Assert.Equal(["10.0.0.1"], snapshot.EndpointsOf(service).ForPort(80).Select(endpoint => endpoint.Address));
    }

    [Theory]
    [InlineData("resolution: DNS", ServiceResolution.Dns, "a.example.com")]
    [InlineData("resolution: DNS\nendpoints: [{address: b.example.com}]", ServiceResolution.Dns, "b.example.com")]
    [InlineData("resolution: DNS_ROUND_ROBIN", ServiceResolution.DnsRoundRobin, "a.example.com")]
    [InlineData("resolution: STATIC\nendpoints: [{address: 10.0.0.1}]", ServiceResolution.Endpoints, "10.0.0.1")]
    [InlineData("resolution: STATIC\nendpoints: [{address: \"unix:///run/a.sock\"}]", ServiceResolution.Endpoints, "/run/a.sock")]
    [InlineData("resolution: NONE", ServiceResolution.Passthrough, null)]
    public void A_service_entrys_endpoints_follow_its_resolution(string spec, ServiceResolution resolution, string? address)
    {
        var snapshot = Given.Snapshot(Given.Document("ServiceEntry", "a", "hosts: [a.example.com]\nports: [{number: 80, name: http, protocol: HTTP}]\n" + spec));
        var service = Assert.Single(snapshot.Services.All);
        Assert.Equal(resolution, service.Resolution);
        Assert.Equal(address, snapshot.EndpointsOf(service).ForPort(80).SingleOrDefault()?.Address);
    }

    [Fact]
    public void The_mesh_decides_what_is_visible_when_a_service_does_not_say()
    {
        const string Mesh = "apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\ndefaultServiceExportTo: [\".\"]\n";
        var snapshot = Given.Snapshot(Mesh, Given.Service("a", "shop"), Given.Service("b", "shop", annotations: "{networking.istio.io/exportTo: \"*\"}"));
        Assert.Equal(["b"], snapshot.Services.VisibleTo("other").Select(service => service.Name));
        Assert.Equal(["a", "b"], snapshot.Services.VisibleTo("shop").Select(service => service.Name));
    }

    [Theory]
    [InlineData("", "", "*")]
    [InlineData("", ".", "shop")]
    [InlineData("*", ".", "*")]
    [InlineData(".,other", "*", "other,shop")]
    [InlineData("~", "*", "~")]
    public void Export_scopes_resolve_the_own_namespace_and_the_default(string exportTo, string meshDefault, string scope) =>
        Assert.Equal(scope, ExportScope.Resolve(Split(exportTo), Split(meshDefault), "shop").ToString());

    private static System.Collections.Immutable.ImmutableArray<string> Split(string text) => [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries)];
}
