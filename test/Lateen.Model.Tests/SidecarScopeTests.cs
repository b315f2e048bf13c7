using Lateen.Model.Networking;

namespace Lateen.Model.Tests;

public sealed class SidecarScopeTests
{
    private static readonly StringMap<string> NoLabels = StringMap<string>.Empty;

    [Fact]
    public void Without_a_sidecar_everything_exported_to_the_namespace_is_imported()
    {
        var snapshot = Given.Snapshot(
            Given.Service("mine", "shop"), Given.Service("theirs", "other"),
            Given.Service("hidden", "other", annotations: "{networking.istio.io/exportTo: \".\"}"),
            Given.Service("given", "other", annotations: "{networking.istio.io/exportTo: \"shop,third\"}"));
        Assert.Equal(["given", "mine", "theirs"], Names(SidecarScope.Of(snapshot, "shop", NoLabels)));
        Assert.Equal(["hidden", "mine", "theirs"], Names(SidecarScope.Of(snapshot, "other", NoLabels)).Except(["given"]));
    }

    [Fact]
    public void The_workload_sidecar_goes_before_the_namespace_default_and_that_before_the_root_default()
    {
        string[] documents =
        [
            Given.Document("Sidecar", "root", "egress: [{hosts: [\"*/*\"]}]", "istio-system"),
            Given.Document("Sidecar", "root-selected", "workloadSelector: {labels: {app: a}}\negress: [{hosts: [\"~/*\"]}]", "istio-system"),
            Given.Document("Sidecar", "default", "egress: [{hosts: [\"./*\"]}]", "shop"),
            Given.Document("Sidecar", "chosen", "workloadSelector: {labels: {app: a}}\negress: [{hosts: [\"./*\"]}]", "shop"),
        ];
        var sidecars = Given.Snapshot(documents).Sidecars;
        Assert.Equal("chosen", sidecars.For("shop", Given.Labels("app=a,version=v1"))?.Name);
        Assert.Equal("default", sidecars.For("shop", Given.Labels("app=b"))?.Name);
        Assert.Equal("root", sidecars.For("elsewhere", Given.Labels("app=a"))?.Name);
        Assert.Null(Given.Snapshot(documents[2]).Sidecars.For("elsewhere", NoLabels));
    }

    [Fact]
    public void Of_two_default_sidecars_the_oldest_wins()
    {
        var sidecars = Given.Snapshot(
            Given.Document("Sidecar", "a-younger", "egress: [{hosts: [\"./*\"]}]", "shop", age: 1),
            Given.Document("Sidecar", "z-older", "egress: [{hosts: [\"./*\"]}]", "shop", age: 2)).Sidecars;
        Assert.Equal("z-older", sidecars.For("shop", NoLabels)?.Name);
    }

    [Theory]
    [InlineData("./*", "mine")]
    [InlineData("other/*", "theirs")]
    [InlineData("*/*", "mine,theirs")]
    [InlineData("~/*", "")]
    [InlineData("*/mine.shop.svc.cluster.local", "mine")]
    [InlineData("./theirs.other.svc.cluster.local", "")]
    [InlineData("*/*.other.svc.cluster.local", "theirs")]
    [InlineData("*/*\",\"~other/*", "mine")]
    [InlineData("~shop/mine.shop.svc.cluster.local\",\"*/*", "theirs")]
    public void Egress_hosts_import_by_namespace_and_host_and_exclusions_come_last(string hosts, string imported)
    {
        var snapshot = Given.Snapshot(
            Given.Service("mine", "shop"), Given.Service("theirs", "other"),
            Given.Document("Sidecar", "default", $"egress: [{{hosts: [\"{hosts}\"]}}]", "shop"));
        Assert.Equal(imported, string.Join(',', Names(SidecarScope.Of(snapshot, "shop", NoLabels))));
    }

    [Fact]
    public void A_listener_with_a_port_imports_services_with_that_port_unless_it_is_an_http_proxy()
    {
        var snapshot = Given.Snapshot(
            Given.Service("a", "shop", 80), Given.Service("b", "shop", 9080),
            Given.Document("Sidecar", "default", """
                egress:
                - {port: {number: 9080, protocol: HTTP, name: b}, hosts: ["./*"]}
                - {port: {number: 15002, protocol: HTTP_PROXY, name: proxy}, hosts: ["./*"]}
                """, "shop"));
        var scope = SidecarScope.Of(snapshot, "shop", NoLabels);
        Assert.Equal(["b"], scope.Egress[0].Services.Select(service => service.Name));
        Assert.Equal(["a", "b"], scope.Egress[1].Services.Select(service => service.Name));
    }

    [Fact]
    public void Destinations_of_imported_virtual_services_come_along()
    {
        var snapshot = Given.Snapshot(
            Given.Service("mine", "shop"), Given.Service("theirs", "other"), Given.Service("far", "third"),
            Given.VirtualService("route", "mine", "shop", destination: "theirs.other.svc.cluster.local"),
            Given.Document("Sidecar", "default", "egress: [{hosts: [\"./*\"]}]", "shop"));
        var scope = SidecarScope.Of(snapshot, "shop", NoLabels);
        Assert.Equal(["mine", "theirs"], Names(scope));
        Assert.Equal(["mine"], scope.Egress[0].Services.Select(service => service.Name));
        Assert.Single(scope.Egress[0].VirtualServices);
    }

    [Fact]
    public void The_egress_proxy_comes_along()
    {
        var snapshot = Given.Snapshot(
            Given.Service("mine", "shop"), Given.Service("theirs", "other"), Given.Service("proxy", "shop"),
            Given.Document("Sidecar", "default", """
                egress: [{hosts: ["./mine.shop.svc.cluster.local"]}]
                outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: proxy, port: {number: 80}}}
                """, "shop"));
        Assert.Equal(["mine", "proxy"], Names(SidecarScope.Of(snapshot, "shop", NoLabels)));
    }

    [Fact]
    public void Of_services_with_one_host_the_own_namespace_wins_then_kubernetes_then_the_oldest()
    {
        var host = "x.third.svc.cluster.local";
        string[] documents =
        [
            Given.Entry("own", host, "shop"), Given.Entry("old", host, "other", age: 9), Given.Entry("young", host, "fourth", age: 1),
            Given.Service("x", "third"),
        ];
        Assert.Equal("shop", Assert.Single(SidecarScope.Of(Given.Snapshot(documents), "shop", NoLabels).Services).Namespace);
        Assert.Equal("third", Assert.Single(SidecarScope.Of(Given.Snapshot(documents[1..]), "shop", NoLabels).Services).Namespace);
        Assert.Equal("other", Assert.Single(SidecarScope.Of(Given.Snapshot(documents[1..3]), "shop", NoLabels).Services).Namespace);
    }

    [Theory]
    [InlineData("outboundTrafficPolicy: {}", OutboundTrafficMode.RegistryOnly)]
    [InlineData("outboundTrafficPolicy: {mode: ALLOW_ANY}", OutboundTrafficMode.AllowAny)]
    [InlineData("egress: [{hosts: [\"./*\"]}]", OutboundTrafficMode.AllowAny)]
    public void An_empty_outbound_policy_means_registry_only_and_a_missing_one_the_mesh_default(string spec, OutboundTrafficMode mode) =>
        Assert.Equal(mode, SidecarScope.Of(Given.Snapshot(Given.Document("Sidecar", "default", spec, "shop")), "shop", NoLabels).OutboundTrafficMode);

    private static IEnumerable<string> Names(SidecarScope scope) => scope.Services.Select(service => service.Name).Order(StringComparer.Ordinal);
}
