using Lateen.Model.Networking;

namespace Lateen.Model.Tests;

public sealed class VirtualServiceTests
{
    [Fact]
    public void A_sidecar_prefers_private_then_exported_by_name_then_public_and_the_oldest_in_each()
    {
        var snapshot = Given.Snapshot(
            Given.VirtualService("public-old", "a", "x", age: 9),
            Given.VirtualService("public-young", "b", "x", age: 1),
            Given.VirtualService("exported", "c", "x", age: 2, more: "exportTo: [shop]"),
            Given.VirtualService("private", "d", "shop", age: 0, more: "exportTo: [\".\"]"),
            Given.VirtualService("private-elsewhere", "e", "x", age: 9, more: "exportTo: [\".\"]"),
            Given.VirtualService("for-a-gateway", "f", "shop", more: "gateways: [edge]"));
        var visible = snapshot.VirtualServices.VisibleTo("shop", BoundVirtualService.MeshGateway);
        Assert.Equal(["private", "exported", "public-old", "public-young"], visible.Select(bound => bound.Resource.Name));
        Assert.Equal(["for-a-gateway"], snapshot.VirtualServices.VisibleTo("any", "shop/edge").Select(bound => bound.Resource.Name));
    }

    [Fact]
    public void A_sidecar_uses_one_virtual_service_per_host_and_says_which_ones_it_does_not()
    {
        var snapshot = Given.Snapshot(
            Given.Service("a"), Given.Service("b"),
            Given.VirtualService("older", "a", age: 2), Given.VirtualService("younger", "a", age: 1),
            Given.VirtualService("unknown", "nowhere.example.com"));
        var routes = Routes(snapshot);
        Assert.Equal("older", routes.For(snapshot.Services.Find("a.default.svc.cluster.local", "default")!)?.Resource.Name);
        Assert.Null(routes.For(snapshot.Services.Find("b.default.svc.cluster.local", "default")!));
        Assert.Equal("younger", Assert.Single(routes.Shadowed).Shadowed.Resource.Name);
        Assert.Equal("nowhere.example.com", Assert.Single(routes.UnknownHosts).Host);
    }

    [Fact]
    public void Each_service_takes_the_exact_virtual_service_else_the_most_specific_wildcard()
    {
        var snapshot = Given.Snapshot(
            Given.Service("a"), Given.Service("b"), Given.Service("c", "other"),
            Given.VirtualService("wide", "*.cluster.local", age: 9), Given.VirtualService("narrow", "*.default.svc.cluster.local"),
            Given.VirtualService("exact", "a.default.svc.cluster.local"), Given.VirtualService("no-match", "*.example.com"));
        var routes = Routes(snapshot);
        Assert.Equal(
            ["exact", "narrow", "wide"],
            snapshot.Services.All.Select(service => routes.For(service)?.Resource.Name));
        Assert.Equal(["*.example.com"], routes.UnknownHosts.Select(unknown => unknown.Host));
    }

    [Fact]
    public void Names_are_resolved_in_the_namespace_of_the_rule()
    {
        var bound = Given.Snapshot(Given.VirtualService("v", "Reviews", "shop", more: "gateways: [mesh, front, ./side, edge/public]", destination: "ratings"))
            .VirtualServices.All[0];
        Assert.Equal(["reviews.shop.svc.cluster.local"], bound.Hosts);
        Assert.Equal(["mesh", "shop/front", "shop/side", "edge/public"], bound.Gateways);
        Assert.Equal("ratings.shop.svc.cluster.local", bound.Http[0].Route[0].Destination.Host);
    }

    [Fact]
    public void A_delegates_routes_take_the_place_of_the_rule_that_names_it()
    {
        var bound = Given.Snapshot(
            Given.Document("VirtualService", "root", """
                hosts: [a.example.com]
                http:
                - name: root
                  match: [{uri: {prefix: /shop}}]
                  timeout: 5s
                  delegate: {name: part, namespace: team}
                - route: [{destination: {host: rest}}]
                """),
            Given.Document("VirtualService", "part", """
                http:
                - name: inside
                  match: [{uri: {prefix: /shop/cart}, headers: {x-user: {exact: jane}}}]
                  route: [{destination: {host: cart}}]
                - name: outside
                  match: [{uri: {prefix: /admin}}]
                  route: [{destination: {host: admin}}]
                - name: rest
                  route: [{destination: {host: shop}}]
                """, "team")).VirtualServices.All.Single();
        Assert.Equal(["root-inside", "root-rest", null], bound.Http.Select(route => route.Name));
        Assert.Equal(StringMatch.Prefix("/shop/cart"), bound.Http[0].Match[0].Uri);
        Assert.Equal("cart.team.svc.cluster.local", bound.Http[0].Route[0].Destination.Host);
        Assert.Equal(TimeSpan.FromSeconds(5), bound.Http[0].Timeout);
        Assert.Equal(StringMatch.Prefix("/shop"), bound.Http[1].Match[0].Uri);
    }

    [Fact]
    public void A_rule_whose_delegate_is_missing_or_invisible_is_left_out()
    {
        var root = Given.Document("VirtualService", "root", "hosts: [a.example.com]\nhttp: [{delegate: {name: part, namespace: team}}]");
        var hidden = Given.Document("VirtualService", "part", "http: [{route: [{destination: {host: a}}]}]\nexportTo: [\".\"]", "team");
        Assert.Empty(Given.Snapshot(root).VirtualServices.All[0].Http);
        Assert.Empty(Given.Snapshot(root, hidden).VirtualServices.All[0].Http);
    }

    [Theory]
    [InlineData("*", "a.example.com", "a.example.com")]
    [InlineData("*.example.com", "a.example.com", "a.example.com")]
    [InlineData("a.example.com", "*.example.com", "a.example.com")]
    [InlineData("other/*", "a.example.com", null)]
    [InlineData("./*", "a.example.com", null)]
    [InlineData("shop/*", "a.example.com", "a.example.com")]
    [InlineData("b.example.com", "a.example.com", null)]
    public void A_virtual_service_attaches_to_a_gateway_server_where_both_name_a_host(string serverHost, string host, string? shared)
    {
        var snapshot = Given.Snapshot(
            Given.Document("Gateway", "front", $"servers: [{{port: {{number: 80, protocol: HTTP, name: http}}, hosts: [\"{serverHost}\"]}}]", "edge"),
            Given.VirtualService("v", host, "shop", more: "gateways: [edge/front]"));
        var gateway = snapshot.Gateways.All[0];
        var hosts = GatewayAttachment.SharedHosts(gateway, gateway.Spec.Servers[0], snapshot.VirtualServices.All[0]);
        Assert.Equal(shared, hosts.SingleOrDefault());
    }

    [Fact]
    public void A_gateway_proxy_takes_the_gateways_whose_selector_its_labels_satisfy_oldest_first()
    {
        const string Servers = "servers: [{port: {number: 80, protocol: HTTP, name: http}, hosts: [\"*\"]}]";
        var gateways = Given.Snapshot(
            Given.Document("Gateway", "young", "selector: {istio: ingress}\n" + Servers, age: 1),
            Given.Document("Gateway", "old", "selector: {istio: ingress}\n" + Servers, "other", age: 2),
            Given.Document("Gateway", "egress", "selector: {istio: egress}\n" + Servers),
            Given.Document("Gateway", "any", Servers)).Gateways;
        Assert.Equal(["old", "young", "any"], gateways.SelectedBy(Given.Labels("istio=ingress,app=x")).Select(gateway => gateway.Name));
    }

    private static SidecarRoutes Routes(MeshSnapshot snapshot) =>
        SidecarRoutes.Select(snapshot.Services.All, snapshot.VirtualServices.VisibleTo("default", BoundVirtualService.MeshGateway));
}
