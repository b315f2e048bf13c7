using System.Collections.Immutable;
using Lateen.Model;
using Lateen.Xds;

namespace Lateen.Translation.Tests;

/// <summary>What a change of policy or of endpoints renews for clients and servers, and what it leaves alone.</summary>
public sealed class MutualTlsChangeTests
{
    private readonly Translator _translator = new();

    [Fact]
    public void Changed_policy_reaches_servers_and_clients_in_one_revision_and_renews_no_cluster()
    {
        var before = MeshSnapshotBuilder.Build(null, Resources(Service("web", "web"), Service("other", "other"), Sidecar, Policy("PERMISSIVE")), 1);
        var after = MeshSnapshotBuilder.Build(before, Resources(Service("web", "web"), Service("other", "other"), Sidecar, Policy("DISABLE")), 2);
        var (client, server) = (Translate(before, "client"), Translate(before, "web"));
        var (clientAfter, serverAfter) = (Translate(after, "client"), Translate(after, "web"));

        Assert.Equal(["outbound|9080||web.shop.svc.cluster.local"], Changed(client.Endpoints, clientAfter.Endpoints));
        Assert.Empty(Changed(client.Clusters, clientAfter.Clusters));
        Assert.Empty(Changed(client.Routes, clientAfter.Routes));
        Assert.Empty(Changed(client.Listeners, clientAfter.Listeners));
        Assert.Equal(["127.0.0.1_9080"], Changed(server.Listeners, serverAfter.Listeners));
    }

    [Fact]
    public void Endpoint_of_an_account_that_is_known_renews_no_cluster_and_one_of_a_new_account_does()
    {
        var before = MeshSnapshotBuilder.Build(null, Resources(Service("web", "web")), 1);
        var more = MeshSnapshotBuilder.Build(before, Resources(Service("web", "web", "web")), 2);
        var other = MeshSnapshotBuilder.Build(more, Resources(Service("web", "web", "web", "next")), 3);
        var first = Translate(before, "client");
        var second = Translate(more, "client");
        var third = Translate(other, "client");

        Assert.Empty(Changed(first.Clusters, second.Clusters));
        Assert.Equal(["outbound|9080||web.shop.svc.cluster.local"], Changed(second.Clusters, third.Clusters));
    }

    [Fact]
    public void Aliases_of_the_trust_domain_are_taken_on_both_sides()
    {
        const string Mesh = "apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\ntrustDomain: new.example\ntrustDomainAliases: [old.example]";
        var snapshot = MeshSnapshotBuilder.Build(null, Resources(Mesh, Service("web", "web"), Sidecar), 1);
        string cluster = Translate(snapshot, "client").Clusters[0].Parse(Envoy.Config.Cluster.V3.Cluster.Parser).TransportSocketMatches[0].TransportSocket.TypedConfig.Value.ToStringUtf8();
        string listener = Translate(snapshot, "web").Listeners.Single(one => one.Name == "127.0.0.1_9080").Parse(Envoy.Config.Listener.V3.Listener.Parser).FilterChains[0].TransportSocket.TypedConfig.Value.ToStringUtf8();

        foreach (string domain in (string[])["new.example", "old.example"])
        {
            Assert.Contains($"spiffe://{domain}/ns/shop/sa/web", cluster, StringComparison.Ordinal);
            Assert.Contains($"spiffe://{domain}/", listener, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Refused_handshakes_are_logged_where_the_mesh_has_an_access_log()
    {
        const string Mesh = "apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\naccessLogFile: /dev/stdout";
        var listener = Translate(MeshSnapshotBuilder.Build(null, Resources(Mesh, Sidecar), 1), "web").Listeners.Single(one => one.Name == "127.0.0.1_9080").Parse(Envoy.Config.Listener.V3.Listener.Parser);

        Assert.Equal(["NR", "DPE"], Assert.Single(listener.AccessLog).Filter.ResponseFlagFilter.Flags);
        Assert.Contains("%DOWNSTREAM_TRANSPORT_FAILURE_REASON%", listener.AccessLog[0].TypedConfig.Value.ToStringUtf8(), StringComparison.Ordinal);
    }

    private const string Sidecar = """
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: web, namespace: shop}
        spec:
          workloadSelector: {labels: {app: web}}
          ingress: [{port: {number: 9080, name: http, protocol: HTTP}, defaultEndpoint: "127.0.0.1:8080"}]
        """;

    private static string Policy(string mode) => $$$"""
        apiVersion: security.istio.io/v1
        kind: PeerAuthentication
        metadata: {name: web, namespace: shop}
        spec: {selector: {matchLabels: {app: web}}, mtls: {mode: {{{mode}}} } }
        """;

    private static string Service(string name, params string[] accounts) => $$$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: {{{name}}}, namespace: shop}
        spec:
          hosts: [{{{name}}}.shop.svc.cluster.local]
          location: MESH_INTERNAL
          resolution: STATIC
          ports: [{number: 9080, name: http, protocol: HTTP}]
          endpoints: [{{{string.Join(", ", accounts.Select((account, i) => $"{{address: 10.0.0.{i + 1}, serviceAccount: {account}, labels: {{app: {name}, security.istio.io/tlsMode: istio}}}}"))}}}]
        """;

    private static IEnumerable<Resource> Resources(params string[] documents)
    {
        var read = ResourceReader.Read(string.Join("\n---\n", documents), "given.yaml");
        Assert.DoesNotContain(read.Diagnostics, diagnostic => diagnostic.IsError);
        return [.. read.Resources];
    }

    private ProxyResources Translate(MeshSnapshot snapshot, string app) => _translator.Translate(snapshot, TestMesh.Sidecar(app) with
    {
        HasIdentity = true,
        Labels = new Dictionary<string, string> { ["app"] = app }.ToStringMap(),
    });

    private static IEnumerable<string> Changed(ImmutableArray<XdsResource> before, ImmutableArray<XdsResource> after) =>
        after.Where(resource => before.Single(old => old.Name == resource.Name).Version != resource.Version).Select(resource => resource.Name);
}
