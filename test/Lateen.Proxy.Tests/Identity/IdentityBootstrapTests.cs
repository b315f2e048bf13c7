using Lateen.Identity;
using Lateen.Proxy.Tests.Configuration;
using Lateen.Proxy.Tests.Tls;
using static Lateen.Proxy.Tests.Identity.IdentityYaml;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>What a bootstrap says about the workload's identity, and what it may not say.</summary>
public sealed class IdentityBootstrapTests : IDisposable
{
    private const string At = "bootstrap_extensions[0].typed_config";

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void Identity_is_read_from_the_bootstrap()
    {
        var identity = Setup.Read(Bootstrap(Extension(Inline(_authority), more: "key_type: RSA_2048\n    certificate_lifetime: 3600s"), Cluster(15012))).Identity!;

        Assert.Equal("spiffe://cluster.local/ns/shop/sa/web", identity.Id.Uri);
        Assert.Equal(KeyAlgorithm.Rsa2048, identity.KeyType);
        Assert.Equal(TimeSpan.FromHours(1), identity.CertificateLifetime);
        Assert.Equal("127.0.0.1:15012", Assert.Single(identity.Servers).ToString());
    }

    [Fact]
    public void Day_of_an_elliptic_key_is_asked_for_unless_told_otherwise()
    {
        var identity = Setup.Read(Bootstrap(Extension(Inline(_authority)), Cluster(15012))).Identity!;

        Assert.Equal(KeyAlgorithm.EcdsaP256, identity.KeyType);
        Assert.Equal(TimeSpan.FromHours(48), identity.CertificateLifetime);
    }

    [Theory]
    [InlineData("ca_cluster: xds-grpc", "ca_cluster: other", $"{At}.ca_cluster: there is no static cluster 'other'")]
    [InlineData("ca_cluster: xds-grpc", "ca_cluster: ''", $"{At}.ca_cluster: is required")]
    [InlineData("trust_domain: cluster.local", "trust_domain: Cluster.Local", $"{At}.trust_domain: a trust domain has lower-case")]
    [InlineData("namespace: shop", "namespace: a/b", $"{At}.namespace: the namespace has a character")]
    [InlineData("service_account: web", "service_account: ..", $"{At}.service_account: the service account may not be")]
    [InlineData("join_token: {inline_string: a-token}", "", $"{At}.join_token: is required")]
    [InlineData("join_token: {inline_string: a-token}", "join_token: {inline_string: a}\n    certificate_lifetime: 0s", $"{At}.certificate_lifetime: must be from 1s to 7776000s")]
    [InlineData("join_token: {inline_string: a-token}", "join_token: {inline_string: a}\n    certificate_lifetime: 7776001s", $"{At}.certificate_lifetime: must be from 1s to 7776000s")]
    [InlineData("join_token: {inline_string: a-token}", "join_token: {inline_string: a}\n    key_type: 7", $"{At}.key_type: ")]
    [InlineData("type.googleapis.com/lateen.identity.v1.WorkloadIdentity", "type.googleapis.com/google.protobuf.Empty", "bootstrap_extensions[0].typed_config")]
    public void What_is_wrong_with_it_is_reported_with_its_path(string right, string wrong, string expected)
    {
        var yaml = Bootstrap(Extension(Inline(_authority)), Cluster(15012));
        Assert.Contains(right, yaml, StringComparison.Ordinal);

        Assert.Contains(Setup.ErrorsOf(yaml.Replace(right, wrong, StringComparison.Ordinal)), error => error.StartsWith(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Roots_that_are_none_are_refused()
    {
        Assert.Contains(Setup.ErrorsOf(Bootstrap(Extension("{inline_string: nonsense}"), Cluster(15012))), error => error.StartsWith($"{At}.root_certificates: there is no certificate in it", StringComparison.Ordinal));
        Assert.Contains(Setup.ErrorsOf(Bootstrap(Extension("{filename: /nowhere/root.pem}"), Cluster(15012))), error => error.StartsWith($"{At}.root_certificates.filename: '/nowhere/root.pem' cannot be read", StringComparison.Ordinal));
    }

    [Fact]
    public void Roots_beyond_their_limit_are_refused()
    {
        var roots = new string('\n', PemCertificates.MaxLength) + _authority.Pem;

        Assert.Contains(
            Setup.ErrorsOf(Bootstrap(Extension($"{{inline_string: {TlsYaml.Quoted(roots)}}}"), Cluster(15012))),
            error => error.StartsWith($"{At}.root_certificates: has ", StringComparison.Ordinal));
    }

    [Fact]
    public void Second_identity_is_refused()
    {
        var extension = Extension(Inline(_authority));
        var twice = extension + "\n" + extension[(extension.IndexOf('\n', StringComparison.Ordinal) + 1)..];

        Assert.Contains("bootstrap_extensions[1]: there is another identity; a proxy has one", Setup.ErrorsOf(Bootstrap(twice, Cluster(15012))));
    }

    [Fact]
    public void Authority_that_is_spoken_to_in_the_clear_is_refused()
    {
        var plain = Cluster(15012).Replace($"transport_socket: {TlsYaml.UpstreamContext(Client)}", "connect_timeout: 1s", StringComparison.Ordinal).Replace("connect_timeout: 5s\n", "\n", StringComparison.Ordinal);

        Assert.Contains(Setup.ErrorsOf(Bootstrap(Extension(Inline(_authority)), plain)), error => error.StartsWith($"{At}.ca_cluster: the cluster 'xds-grpc' speaks no TLS", StringComparison.Ordinal));
    }

    [Fact]
    public void Authority_that_any_workload_could_pass_for_is_refused()
    {
        var anybody = $"common_tls_context: {{tls_certificate_sds_secret_configs: [{{name: default, sds_config: {Agent}}}], validation_context_sds_secret_config: {{name: ROOTCA, sds_config: {Agent}}}}}";

        Assert.Contains(
            Setup.ErrorsOf(Bootstrap(Extension(Inline(_authority)), Cluster(15012, anybody))),
            error => error.StartsWith("static_resources.clusters[0].transport_socket: names no server", StringComparison.Ordinal));
    }

    [Fact]
    public void Agents_secrets_are_refused_by_a_proxy_without_an_identity() => Assert.Contains(
        Setup.ErrorsOf(Bootstrap(string.Empty, Cluster(15012))),
        error => error.StartsWith(
            "static_resources.clusters[0].transport_socket.typed_config.common_tls_context.tls_certificate_sds_secret_configs[0].sds_config.api_config_source.grpc_services[0].envoy_grpc.cluster_name: 'sds-grpc' is the proxy's own identity, and it has none",
            StringComparison.Ordinal));

    [Theory]
    [InlineData("name: default", "name: file-root", ".tls_certificate_sds_secret_configs[0].name: the proxy's own identity has the secrets 'default' and 'ROOTCA', not 'file-root'")]
    [InlineData("name: default", "name: ROOTCA", ".tls_certificate_sds_secret_configs[0].name: the secret 'ROOTCA' is a validation_context, a tls_certificate is needed")]
    [InlineData("api_type: GRPC", "api_type: REST", ".sds_config.api_config_source.api_type: Rest is not supported")]
    [InlineData("transport_api_version: V3", "transport_api_version: V2", ".sds_config.api_config_source.transport_api_version: must be V3")]
    public void Other_secrets_of_the_agent_are_refused_by_name(string right, string wrong, string expected)
    {
        var yaml = Bootstrap(Extension(Inline(_authority)), Cluster(15012, Client.Replace(right, wrong, StringComparison.Ordinal)));

        Assert.Contains(Setup.ErrorsOf(yaml), error => error.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Token_in_the_bootstrap_is_not_shown()
    {
        var bootstrap = Lateen.Proxy.Tls.SecretRedaction.Of("envoy.config.bootstrap.v3.Bootstrap", Setup.Read(Bootstrap(Extension(Inline(_authority)), Cluster(15012))).Source);

        Assert.Equal("[redacted]", Lateen.Identity.V1.WorkloadIdentity.Parser.ParseFrom(bootstrap.BootstrapExtensions[0].TypedConfig.Value).JoinToken.InlineString);
    }
}
