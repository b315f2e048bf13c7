using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Lateen.Model;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Tests.Routing;
using Lateen.Proxy.Tests.Tls;
using Lateen.Telemetry.Statistics;
using Lateen.Translation;
using HttpRbac = Envoy.Extensions.Filters.Http.Rbac.V3.RBAC;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>
/// Behind a Gateway of mode MUTUAL clients show certificates of somebody's authority, whose subjects say what their owners like. Policies by identity look at SPIFFE ids alone.
/// </summary>
public sealed class GatewayIdentityTests
{
    [Theory]
    [InlineData("namespaces: [admin]", "spiffe://cluster.local/ns/admin/sa/x")]
    [InlineData("principals: ['*/sa/x']", "spiffe://cluster.local/ns/admin/sa/x")]
    [InlineData("principals: ['*']", "spiffe://cluster.local/ns/other/sa/y")]
    [InlineData("trustDomains: ['*']", "spiffe://cluster.local/ns/other/sa/y")]
    public async Task A_subject_that_looks_like_a_workload_is_nobodys_identity(string source, string allowed)
    {
        using var authority = new TestAuthority();
        await using var proxy = await StartAsync(authority, source);

        Assert.Equal("HTTP/1.1 200hello", await AskAsync(proxy, authority.Issue([allowed])));
        // Subject CN=https-evil.example/ns/admin/sa/x and a URI of another scheme; then a subject and DNS name that would do as well.
        Assert.Equal("HTTP/1.1 403RBAC: access denied", await AskAsync(proxy, authority.Issue(["https://evil.example/ns/admin/sa/x"])));
        Assert.Equal("HTTP/1.1 403RBAC: access denied", await AskAsync(proxy, authority.Issue(["x/ns/admin/sa/x"])));
    }

    private static async Task<string> AskAsync(ConfiguredProxy proxy, TestCertificate certificate)
    {
        using var shown = certificate.ToX509();
        using var client = await TlsClient.ConnectAsync(proxy.Address, shown);
        return await client.GetAsync();
    }

    /// <summary>A proxy with the rules that a gateway is sent, on a listener that asks for certificates of the authority.</summary>
    private static Task<ConfiguredProxy> StartAsync(TestAuthority authority, string source)
    {
        string transport = TlsYaml.DownstreamContext(
            $"require_client_certificate: true, common_tls_context: {{tls_certificates: [{TlsYaml.Inline(authority.Issue(["a.test"]))}], "
            + $"validation_context: {{trusted_ca: {{inline_string: {TlsYaml.Quoted(authority.Pem)}}}}}}}");
        string listener = TlsYaml.Listener("main", 0, transport).Replace("http_filters: [", $"http_filters: [{RulesOf(source)}, ", StringComparison.Ordinal);
        return ConfiguredProxy.StartAsync(
            $"static_resources:\n  listeners:\n  - {Routes.Indent(listener, 4).TrimStart()}", concurrency: 1,
            new ExtensionCatalog([new RouterFilterCompiler(), new RbacFilterCompiler(new StatsRegistry())], []));
    }

    /// <summary>The access rules of a gateway, as JSON, which YAML reads.</summary>
    private static string RulesOf(string source)
    {
        string yaml =
            $$$"""
            apiVersion: networking.istio.io/v1
            kind: Gateway
            metadata: {name: edge, namespace: edge}
            spec:
              selector: {istio: ingressgateway}
              servers:
              - {port: {number: 443, name: https, protocol: HTTPS}, hosts: ["*"], tls: {mode: MUTUAL, serverCertificate: /c.pem, privateKey: /k.pem, caCertificates: /ca.pem}}
            ---
            apiVersion: security.istio.io/v1
            kind: AuthorizationPolicy
            metadata: {name: guard, namespace: edge}
            spec: {action: ALLOW, rules: [{from: [{source: { {{{source}}} } }]}]}
            """;
        var read = ResourceReader.Read(yaml, "given.yaml");
        Assert.DoesNotContain(read.Diagnostics, static found => found.IsError);
        var gateway = new ProxyIdentity
        {
            Type = ProxyType.Router,
            Id = "router~10.0.0.9~edge-1.edge~edge.svc.cluster.local",
            Ip = "10.0.0.9",
            Name = "edge-1",
            Namespace = "edge",
            WorkloadName = "edge",
            Labels = StringMap.Create(KeyValuePair.Create("istio", "ingressgateway")),
        };
        var resources = new Translator().Translate(MeshSnapshotBuilder.Build(null, [.. read.Resources], 1), gateway);
        var manager = resources.Listeners.SelectMany(static listener => listener.Parse(Listener.Parser).FilterChains).SelectMany(static chain => chain.Filters)
            .First(static filter => filter.TypedConfig.Is(HttpConnectionManager.Descriptor)).TypedConfig.Unpack<HttpConnectionManager>();
        var rules = manager.HttpFilters.Single(static filter => filter.TypedConfig.Is(HttpRbac.Descriptor));
        return new JsonFormatter(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true).WithTypeRegistry(TypeRegistry.FromMessages(HttpRbac.Descriptor))).Format(rules);
    }
}
