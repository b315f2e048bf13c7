using Lateen.Model.Security;

namespace Lateen.Model.Tests;

public sealed class PeerAuthenticationTests
{
    private const string Root = "istio-system";

    private static string Policy(string name, string ns, string spec, int age = 0) => Given.Document("PeerAuthentication", name, spec, ns, age);

    private static MutualTlsMode Mode(MeshSnapshot snapshot, string ns = "shop", string labels = "app=web", int port = 8080) =>
        snapshot.PeerAuthentications.For(ns, Given.Labels(labels)).ForPort(port);

    [Fact]
    public void A_mesh_without_policies_is_permissive() => Assert.Equal(MutualTlsMode.Permissive, Mode(Given.Snapshot()));

    /// <summary>Mesh, namespace, workload, port: the nearest that says something wins.</summary>
    [Theory]
    [InlineData("STRICT", null, null, null, MutualTlsMode.Strict)]
    [InlineData("STRICT", "PERMISSIVE", null, null, MutualTlsMode.Permissive)]
    [InlineData("STRICT", "PERMISSIVE", "DISABLE", null, MutualTlsMode.Disable)]
    [InlineData("STRICT", "PERMISSIVE", "DISABLE", "STRICT", MutualTlsMode.Strict)]
    [InlineData("STRICT", "UNSET", null, null, MutualTlsMode.Strict)]
    [InlineData("STRICT", "UNSET", "UNSET", null, MutualTlsMode.Strict)]
    [InlineData("STRICT", "DISABLE", "UNSET", null, MutualTlsMode.Disable)]
    [InlineData("STRICT", "DISABLE", "UNSET", "UNSET", MutualTlsMode.Disable)]
    [InlineData("UNSET", "UNSET", "UNSET", "UNSET", MutualTlsMode.Permissive)]
    [InlineData(null, null, "UNSET", "STRICT", MutualTlsMode.Strict)]
    [InlineData("DISABLE", null, "STRICT", "UNSET", MutualTlsMode.Strict)]
    public void The_nearest_level_that_says_something_wins(string? mesh, string? ns, string? workload, string? port, MutualTlsMode expected)
    {
        var documents = new List<string>();
        if (mesh is not null) documents.Add(Policy("default", Root, $"mtls: {{mode: {mesh}}}"));
        if (ns is not null) documents.Add(Policy("default", "shop", $"mtls: {{mode: {ns}}}"));
        if (workload is not null)
            documents.Add(Policy("web", "shop", $"selector: {{matchLabels: {{app: web}}}}\nmtls: {{mode: {workload}}}" + (port is null ? "" : $"\nportLevelMtls: {{8080: {{mode: {port}}}}}")));
        Assert.Equal(expected, Mode(Given.Snapshot([.. documents])));
    }

    [Fact]
    public void A_port_of_its_own_leaves_the_others_to_the_workload()
    {
        var snapshot = Given.Snapshot(Policy("web", "shop", "selector: {matchLabels: {app: web}}\nmtls: {mode: STRICT}\nportLevelMtls: {8080: {mode: DISABLE}}"));
        Assert.Equal(MutualTlsMode.Disable, Mode(snapshot));
        Assert.Equal(MutualTlsMode.Strict, Mode(snapshot, port: 8081));
        Assert.Equal(MutualTlsMode.Permissive, Mode(snapshot, labels: "app=other"));
        Assert.Equal(MutualTlsMode.Permissive, Mode(snapshot, ns: "other"));
    }

    [Fact]
    public void The_oldest_of_a_level_wins_and_the_younger_are_named()
    {
        var snapshot = Given.Snapshot(
            Policy("a", Root, "mtls: {mode: DISABLE}", age: 1), Policy("b", Root, "mtls: {mode: STRICT}", age: 2),
            Policy("c", "shop", "mtls: {mode: UNSET}", age: 2), Policy("d", "shop", "mtls: {mode: PERMISSIVE}", age: 1),
            Policy("e", "shop", "selector: {matchLabels: {app: old}}\nmtls: {mode: PERMISSIVE}", age: 2),
            Policy("f", "shop", "selector: {matchLabels: {app: old}}\nmtls: {mode: DISABLE}", age: 1));
        Assert.Equal(MutualTlsMode.Strict, Mode(snapshot, ns: "elsewhere"));
        Assert.Equal(MutualTlsMode.Strict, Mode(snapshot));
        Assert.Equal(MutualTlsMode.Permissive, Mode(snapshot, labels: "app=old"));
        Assert.Equal(
            ["PeerAuthentication/istio-system/a LAT0920", "PeerAuthentication/shop/d LAT0920", "PeerAuthentication/shop/f LAT0920"],
            MeshChecks.Run(snapshot).Select(found => $"{found.Resource} {found.Code}"));
    }

    [Fact]
    public void A_selector_in_the_root_namespace_has_no_effect_and_says_so()
    {
        var snapshot = Given.Snapshot(Policy("web", Root, "selector: {matchLabels: {app: web}}\nmtls: {mode: STRICT}"));
        Assert.Equal(MutualTlsMode.Permissive, Mode(snapshot));
        Assert.Equal(MutualTlsMode.Permissive, Mode(snapshot, ns: Root));
        Assert.Equal("LAT0921", Assert.Single(MeshChecks.Run(snapshot)).Code);
    }

    [Fact]
    public void The_root_namespace_is_the_one_that_the_mesh_names()
    {
        var mesh = Given.Document("MeshConfig", "istio", "rootNamespace: mesh-root", Root);
        var policy = Policy("default", "mesh-root", "mtls: {mode: STRICT}");
        Assert.Equal(MutualTlsMode.Strict, Mode(Given.Snapshot(mesh, policy)));
        Assert.Equal(MutualTlsMode.Permissive, Mode(Given.Snapshot(policy)));
    }

    [Fact]
    public void A_changed_policy_changes_what_clients_know_of_its_endpoints_and_nothing_else()
    {
        const string OfShop = "mtls: {mode: STRICT}";
        string[] rest = [Service("web", "shop", ""), Service("other", "elsewhere", "")];
        var before = Given.Snapshot([.. rest, Policy("default", "shop", OfShop)]);
        var resources = before.Resources(ResourceKind.ServiceEntry).AddRange(Given.Resources(Policy("default", "shop", "mtls: {mode: DISABLE}")));
        var after = MeshSnapshotBuilder.Build(before, resources, 2);

        Assert.Equal(MutualTlsMode.Strict, Endpoint(before, "web").MutualTls);
        Assert.True(Endpoint(before, "web").TakesMutualTls);
        Assert.Equal(MutualTlsMode.Disable, Endpoint(after, "web").MutualTls);
        Assert.False(Endpoint(after, "web").TakesMutualTls);
        Assert.Same(before.EndpointsOf(Find(before, "other")), after.EndpointsOf(Find(after, "other")));
        Assert.Same(before.Services, after.Services);
    }

    [Theory]
    [InlineData("STRICT")]
    [InlineData("DISABLE")]
    public void A_change_of_the_mesh_policy_gives_what_a_build_from_nothing_gives(string mode)
    {
        string[] rest = [Service("web", "shop", ""), Service("other", "elsewhere", ""), Policy("default", "elsewhere", "mtls: {mode: PERMISSIVE}")];
        var before = Given.Snapshot(rest);
        var with = Given.Resources(Policy("default", Root, $"mtls: {{mode: {mode}}}"));
        var kept = before.Resources(ResourceKind.ServiceEntry).AddRange(before.Resources(ResourceKind.PeerAuthentication));
        var changed = MeshSnapshotBuilder.Build(before, kept.AddRange(with), 2);
        var fresh = MeshSnapshotBuilder.Build(null, kept.AddRange(with), 2);
        var back = MeshSnapshotBuilder.Build(changed, kept, 3);

        foreach (var name in (string[])["web", "other"])
        {
            Assert.Equal(Endpoint(fresh, name), Endpoint(changed, name));
            Assert.Equal(Endpoint(before, name), Endpoint(back, name));
        }

        Assert.NotEqual(Endpoint(before, "web"), Endpoint(changed, "web"));
    }

    [Fact]
    public void Endpoints_without_the_label_or_outside_the_mesh_take_no_mutual_tls()
    {
        var snapshot = Given.Snapshot(
            Given.Document("ServiceEntry", "plain", Spec("plain.example.com", "{app: web}", ""), "shop"),
            Given.Document("ServiceEntry", "off", Spec("off.example.com", "{security.istio.io/tlsMode: disabled}", ""), "shop"),
            Given.Document("ServiceEntry", "external", Spec("external.example.com", "{security.istio.io/tlsMode: istio}", "location: MESH_EXTERNAL"), "shop"));
        Assert.All(snapshot.Services.All, service => Assert.False(snapshot.EndpointsOf(service).ForPort(80).Single().TakesMutualTls));
    }

    [Theory]
    [InlineData("ISTIO_MUTUAL", "DISABLE", "istio", "LAT0922", "PeerAuthentication/shop/web disables it")]
    [InlineData("ISTIO_MUTUAL", "PERMISSIVE", "none", "LAT0922", "has an identity")]
    [InlineData("DISABLE", "STRICT", "istio", "LAT0923", "plaintext")]
    [InlineData("SIMPLE", "STRICT", "istio", "LAT0923", "TLS of another kind")]
    [InlineData(null, "STRICT", "none", "LAT0924", "STRICT")]
    [InlineData("ISTIO_MUTUAL", "STRICT", "istio", null, null)]
    [InlineData("DISABLE", "PERMISSIVE", "istio", null, null)]
    [InlineData("DISABLE", "DISABLE", "none", null, null)]
    public void What_clients_are_told_to_speak_is_compared_with_what_servers_take(string? client, string server, string label, string? code, string? message)
    {
        var documents = new List<string>
        {
            Service("web", "shop", "", label),
            Policy("web", "shop", $"selector: {{matchLabels: {{app: web}}}}\nmtls: {{mode: {server}}}"),
        };
        if (client is not null) documents.Add(Given.Document("DestinationRule", "web", $"host: web.example.com\ntrafficPolicy: {{tls: {{mode: {client}}}}}", "shop"));
        var found = MeshChecks.Run(Given.Snapshot([.. documents]));
        Assert.Equal(code is null ? [] : [code], found.Select(finding => finding.Code));
        if (message is not null) Assert.Contains(message, found[0].Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Annotations_of_a_core_Service_name_the_accounts_of_its_endpoints()
    {
        var snapshot = Given.Snapshot(Given.Service(
            "web", "shop", annotations: "{alpha.istio.io/canonical-serviceaccounts: 'spiffe://other/ns/a/sa/b', alpha.istio.io/kubernetes-serviceaccounts: 'web, backup'}"));
        Assert.Equal(
            ["spiffe://other/ns/a/sa/b", "spiffe://cluster.local/ns/shop/sa/web", "spiffe://cluster.local/ns/shop/sa/backup"],
            snapshot.Services.All.Single().SubjectAltNames);
    }

    [Fact]
    public void A_service_port_taken_for_a_workload_port_is_told_with_the_right_one()
    {
        var found = Assert.Single(MeshChecks.Run(Given.Snapshot(
            Service("web", "shop", ""), Policy("web", "shop", "selector: {matchLabels: {app: web}}\nportLevelMtls: {80: {mode: DISABLE}}"))));
        Assert.Equal("LAT0925", found.Code);
        Assert.Contains("the workload's is 8080", found.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public void A_subset_with_a_policy_of_its_own_is_compared_by_its_own_endpoints()
    {
        var found = Assert.Single(MeshChecks.Run(Given.Snapshot(
            Service("web", "shop", ""), Policy("web", "shop", "selector: {matchLabels: {app: web}}\nmtls: {mode: STRICT}"),
            Given.Document("DestinationRule", "web", """
                host: web.example.com
                subsets:
                - {name: quiet, labels: {app: nobody}, trafficPolicy: {tls: {mode: DISABLE}}}
                - {name: loud, labels: {app: web}, trafficPolicy: {tls: {mode: DISABLE}}}
                """, "shop"))));
        Assert.Equal(("LAT0923", "spec.subsets[1].trafficPolicy.tls"), (found.Code, found.FieldPath));
    }

    private static string Service(string name, string ns, string more, string label = "istio") =>
        Given.Document("ServiceEntry", name, Spec($"{name}.example.com", $"{{app: {name}, security.istio.io/tlsMode: {label}}}", more), ns);

    private static string Spec(string host, string labels, string more) =>
        $"hosts: [{host}]\nports: [{{number: 80, name: http, protocol: HTTP, targetPort: 8080}}]\nresolution: STATIC\n"
        + (more.Length > 0 ? more : "location: MESH_INTERNAL") + $"\nendpoints: [{{address: 10.0.0.1, labels: {labels}}}]";

    private static MeshService Find(MeshSnapshot snapshot, string name) => snapshot.Services.ByHost($"{name}.example.com").Single();

    private static MeshEndpoint Endpoint(MeshSnapshot snapshot, string name) => snapshot.EndpointsOf(Find(snapshot, name)).ForPort(80).Single();
}
