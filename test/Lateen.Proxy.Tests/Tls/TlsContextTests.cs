using Lateen.Proxy.Tests.Configuration;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Routing;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>What a bootstrap may say about TLS, and how it is told what is wrong.</summary>
public sealed class TlsContextTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public void Context_with_a_certificate_of_its_own_is_ready_at_once()
    {
        using var setup = new Setup();
        setup.Load(WithListener($"common_tls_context: {{tls_certificates: [{Inline(_authority.Issue(["a.test"]))}], alpn_protocols: [h2, http/1.1]}}"));
        Assert.True(Assert.Single(setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);
    }

    [Fact]
    public void Static_secrets_are_used_by_name()
    {
        using var setup = new Setup();
        setup.Load(
            WithListener("common_tls_context: {tls_certificate_sds_secret_configs: [{name: own}]}")
            + $"\n  secrets:\n  - {{name: own, tls_certificate: {Inline(_authority.Issue(["a.test"]))}}}");
        Assert.True(Assert.Single(setup.Current.Listeners).FilterChains[0].DownstreamTls!.IsReady);
    }

    [Theory]
    [InlineData("common_tls_context: {}", "common_tls_context: a server needs a certificate")]
    [InlineData("common_tls_context: {tls_certificates: [{}]}", "common_tls_context.tls_certificates[0].certificate_chain: is required")]
    [InlineData("common_tls_context: {tls_certificates: [{certificate_chain: {filename: /nowhere}, private_key: {inline_string: x}}]}", "common_tls_context.tls_certificates[0].certificate_chain.filename: '/nowhere' cannot be read: there is no such file")]
    [InlineData("common_tls_context: {tls_certificate_sds_secret_configs: [{name: own}]}", "tls_certificate_sds_secret_configs[0].name: there is no static secret 'own'")]
    [InlineData("common_tls_context: {tls_certificate_sds_secret_configs: [{name: own, sds_config: {ads: {}}}]}", "sds_config: the secret should come over ADS, but dynamic_resources.ads_config is not set")]
    [InlineData("common_tls_context: {tls_params: {tls_minimum_protocol_version: TLSv1_1}}", "tls_params.tls_minimum_protocol_version: only TLSv1_2 and TLSv1_3 are spoken")]
    [InlineData("common_tls_context: {tls_params: {tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_2}}", "tls_params: tls_minimum_protocol_version is above tls_maximum_protocol_version")]
    [InlineData("common_tls_context: {alpn_protocols: ['']}", "alpn_protocols[0]: must have 1 to 255 octets")]
    [InlineData("session_ticket_keys: {keys: [{inline_string: short}]}", "session_ticket_keys.keys: ")]
    [InlineData("session_timeout: 0.5s", "session_timeout: must be from 1s to 604800s")]
    public void What_is_wrong_is_told_with_its_path(string context, string expected)
    {
        Assert.Contains(Setup.ErrorsOf(WithListener(context)), error =>
            error.StartsWith("static_resources.listeners[0].filter_chains[0].transport_socket.typed_config.", StringComparison.Ordinal)
            && error.Contains(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("match_typed_subject_alt_names: [{san_type: URI, matcher: {exact: a}}]", "subject alternative names are verified only with trusted_ca or system_root_certs")]
    [InlineData("match_typed_subject_alt_names: [{matcher: {exact: a}}]", "match_typed_subject_alt_names[0].san_type: must be EMAIL, DNS, URI or IP_ADDRESS")]
    [InlineData("verify_certificate_hash: [abc]", "verify_certificate_hash[0]: must be 64 hexadecimal digits")]
    [InlineData("verify_certificate_spki: ['?']", "verify_certificate_spki[0]: must be the base64 of 32 octets")]
    [InlineData("max_verify_depth: 101", "max_verify_depth: 101 is too much")]
    [InlineData("trusted_ca: {inline_string: nonsense}", "common_tls_context: ")]
    [InlineData("trusted_ca: {inline_string: ''}", "trusted_ca: is empty")]
    public void What_is_wrong_with_validation_is_told_with_its_path(string validation, string expected)
    {
        var context = $"common_tls_context: {{tls_certificates: [{Inline(_authority.Issue(["a.test"]))}], validation_context: {{{validation}}}}}";
        Assert.Contains(Setup.ErrorsOf(WithListener(context)), error => error.Contains(expected, StringComparison.Ordinal));
    }

    [Fact]
    public void Certificate_and_key_that_do_not_fit_are_told_by_their_files_and_without_their_content()
    {
        using var folder = new TemporaryFolder();
        var certificate = folder.Write("tls.crt", _authority.Issue(["a.test"]).Chain);
        var key = folder.Write("tls.key", _authority.Issue(["b.test"]).Key);
        var error = Assert.Single(Setup.ErrorsOf(WithListener(
            $"common_tls_context: {{tls_certificates: [{{certificate_chain: {{filename: {certificate}}}, private_key: {{filename: {key}}}}}]}}")));
        Assert.Contains($"'{certificate}', '{key}'", error);
        Assert.DoesNotContain("BEGIN", error);
    }

    [Fact]
    public void Verification_of_a_name_without_trusted_roots_is_refused()
    {
        var cluster = Routes.Indent($$$"""
            - name: a
              transport_socket: {{{UpstreamContext("sni: a.test, auto_sni_san_validation: true")}}}
            """, 2);
        Assert.Contains(Setup.ErrorsOf($"static_resources:\n  clusters:\n{cluster}"), error => error.Contains("the server's name is verified only with a validation context", StringComparison.Ordinal));
    }

    private static string WithListener(string context) =>
        $"static_resources:\n  listeners:\n  - {Routes.Indent(Listener("main", 80, DownstreamContext(context)), 4).TrimStart()}";
}
