using Lateen.Proxy.Tests.Configuration;
using Lateen.Xds;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>Secrets that a control plane sends: who waits for them, who is told what is wrong, and what is shown of them.</summary>
public sealed class SecretDiscoveryTests : IDisposable
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

    private const string ByName = $"common_tls_context: {{tls_certificate_sds_secret_configs: [{{name: default, sds_config: {Ads}}}]}}";
    private const string Mutual =
        $"require_client_certificate: true, common_tls_context: {{tls_certificate_sds_secret_configs: [{{name: default, sds_config: {Ads}}}], " +
        $"combined_validation_context: {{default_validation_context: {{match_typed_subject_alt_names: [{{san_type: URI, matcher: {{prefix: 'spiffe://cluster.local/'}}}}]}}, " +
        $"validation_context_sds_secret_config: {{name: ROOTCA, sds_config: {Ads}}}}}}}";

    private readonly TestAuthority _authority = new();
    private readonly Setup _setup = new();

    public SecretDiscoveryTests()
    {
        _setup.Load(Bootstrap);
        _setup.Apply(XdsTypeUrls.Cluster, []);
        _setup.Apply(XdsTypeUrls.Listener, []);
        _setup.TakeSubscriptions();
    }

    public void Dispose()
    {
        _setup.Dispose();
        _authority.Dispose();
    }

    [Fact]
    public void Listener_asks_for_its_secret_and_waits_for_it()
    {
        Assert.Empty(_setup.Apply(XdsTypeUrls.Listener, [ListenerResource("in", DownstreamContext(ByName))]));
        Assert.Equal(["+SDS default"], _setup.TakeSubscriptions());
        Assert.Empty(_setup.Current.Listeners);

        Assert.Empty(_setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", _authority.Issue(["a.test"]))]));
        Assert.True(Assert.Single(_setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);
    }

    [Fact]
    public void Listener_that_needs_two_secrets_waits_for_both()
    {
        _setup.Apply(XdsTypeUrls.Listener, [ListenerResource("in", DownstreamContext(Mutual))]);
        Assert.Equal(["+SDS ROOTCA", "+SDS default"], _setup.TakeSubscriptions().Order(StringComparer.Ordinal));
        _setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", _authority.Issue(["a.test"]))]);
        Assert.Empty(_setup.Current.Listeners);
        _setup.Apply(XdsTypeUrls.Secret, [RootsSecret("ROOTCA", _authority.Pem)]);
        Assert.True(Assert.Single(_setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);
    }

    [Fact]
    public void Secrets_of_one_response_become_one_snapshot()
    {
        const string Other = $"common_tls_context: {{tls_certificate_sds_secret_configs: [{{name: other, sds_config: {Ads}}}]}}";
        _setup.Apply(XdsTypeUrls.Cluster, [ClusterResource("a", UpstreamContext(ByName)), ClusterResource("b", UpstreamContext(Other))]);
        var revision = _setup.Current.Revision;
        _setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", _authority.Issue(["a.test"])), CertificateSecret("other", _authority.Issue(["b.test"]))]);
        Assert.NotNull(_setup.Current.FindCluster("a"));
        Assert.NotNull(_setup.Current.FindCluster("b"));
        Assert.Equal(revision + 1, _setup.Current.Revision);
    }

    [Fact]
    public void Listener_whose_secret_does_not_come_listens_without_it_when_patience_is_over()
    {
        _setup.Apply(XdsTypeUrls.Listener, [ListenerResource("in", DownstreamContext(ByName))]);
        _setup.Advance(TimeSpan.FromSeconds(15));
        Assert.False(Assert.Single(_setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);

        _setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", _authority.Issue(["a.test"]))]);
        Assert.True(Assert.Single(_setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);
    }

    [Fact]
    public void Secret_that_does_not_exist_ends_the_wait_at_once()
    {
        _setup.Apply(XdsTypeUrls.Listener, [ListenerResource("in", DownstreamContext(ByName))]);
        _setup.Apply(XdsTypeUrls.Secret, [], "default");
        Assert.False(Assert.Single(_setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);
    }

    [Fact]
    public void Cluster_waits_for_its_secret()
    {
        _setup.Apply(XdsTypeUrls.Cluster, [ClusterResource("books", UpstreamContext(ByName))]);
        Assert.Null(_setup.Current.FindCluster("books"));
        _setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", _authority.Issue(["a.test"]))]);
        Assert.True(_setup.Current.FindCluster("books")!.UpstreamTls!.IsReady);
    }

    [Fact]
    public void Secret_that_two_use_is_asked_for_once_and_given_up_with_the_last()
    {
        _setup.Apply(XdsTypeUrls.Cluster, [ClusterResource("a", UpstreamContext(ByName)), ClusterResource("b", UpstreamContext(ByName))]);
        _setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", _authority.Issue(["a.test"]))]);
        Assert.Equal(["+SDS default"], _setup.TakeSubscriptions());
        _setup.Apply(XdsTypeUrls.Cluster, [], "a");
        Assert.Empty(_setup.TakeSubscriptions());
        _setup.Apply(XdsTypeUrls.Cluster, [], "b");
        Assert.Equal(["-SDS default"], _setup.TakeSubscriptions());
    }

    [Fact]
    public void Secret_with_a_key_of_another_certificate_is_refused_and_the_former_stays()
    {
        _setup.Apply(XdsTypeUrls.Listener, [ListenerResource("in", DownstreamContext(ByName))]);
        _setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", _authority.Issue(["a.test"]))]);
        var mixed = _authority.Issue(["a.test"]) with { Key = _authority.Issue(["b.test"]).Key };
        var refusal = Assert.Single(_setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", mixed)]));
        Assert.StartsWith("default: tls_certificate: ", refusal);
        Assert.DoesNotContain("PRIVATE", refusal);
        Assert.True(Assert.Single(_setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);
    }

    [Theory]
    [InlineData("{name: default, validation_context: {trusted_ca: {inline_string: nonsense}}}", "validation_context")]
    [InlineData("{name: default}", "a tls_certificate, a validation_context or session_ticket_keys are needed")]
    [InlineData("{name: other, session_ticket_keys: {}}", "name: is 'other', but the resource is 'default'")]
    [InlineData("{name: default, tls_certificate: {certificate_chain: {filename: /nowhere/tls.crt}, private_key: {filename: /nowhere/tls.key}}}", "tls_certificate.certificate_chain.filename: '/nowhere/tls.crt'")]
    public void Bad_secret_is_refused_with_what_is_wrong(string yaml, string expected)
    {
        _setup.Apply(XdsTypeUrls.Listener, [ListenerResource("in", DownstreamContext(ByName))]);
        var secret = XdsResource.FromMessage("default", Setup.Proto<Envoy.Extensions.TransportSockets.Tls.V3.Secret>(yaml));
        Assert.Contains(expected, Assert.Single(_setup.Apply(XdsTypeUrls.Secret, [secret])));
    }

    [Fact]
    public async Task Dump_shows_secrets_without_their_keys()
    {
        var certificate = _authority.Issue(["a.test"]);
        _setup.Apply(XdsTypeUrls.Listener, [ListenerResource("in", DownstreamContext(ByName)), ListenerResource("own", DownstreamContext($"common_tls_context: {{tls_certificates: [{Inline(certificate)}]}}"))]);
        _setup.Apply(XdsTypeUrls.Secret, [CertificateSecret("default", certificate)]);
        var dumping = _setup.Configuration.DumpAsync();
        _setup.Configuration.Thread.RunPending();
        var view = await dumping;
        var secret = Envoy.Extensions.TransportSockets.Tls.V3.Secret.Parser.ParseFrom(Assert.Single(view.Secrets).Active!.Body);
        Assert.Equal("[redacted]", secret.TlsCertificate.PrivateKey.InlineString);
        Assert.Equal(certificate.Chain, secret.TlsCertificate.CertificateChain.InlineString);
    }
}
