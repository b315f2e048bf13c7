using Lateen.Proxy.Tests.Harness;
using Lateen.Xds;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>Connections to a cluster's endpoints with TLS: which name is sent, what is verified, what is shown, what is counted.</summary>
public sealed class UpstreamTlsTests : IDisposable
{
    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Server_that_is_trusted_and_named_is_spoken_to_with_the_name_of_the_configuration()
    {
        await using var upstream = new TlsUpstream(_authority.Issue(["a.test"]));
        await using var proxy = await StartAsync(upstream.Port, $"sni: a.test, auto_sni_san_validation: true, {Trusting(_authority)}");
        Assert.Equal((200, "a.test"), await GetAsync(proxy, "whatever.test"));
        Assert.Equal(("a.test", "http/1.1", ""), Assert.Single(upstream.Handshakes));
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.ssl.handshake"));
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.ssl.versions.TLSv1.3"));
    }

    [Theory]
    [InlineData("authority", "ssl.fail_verify_error")]
    [InlineData("expired", "ssl.fail_verify_error")]
    [InlineData("name", "ssl.fail_verify_san")]
    [InlineData("pin", "ssl.fail_verify_cert_hash")]
    public async Task Server_that_is_not_whom_it_should_be_is_refused_with_503_and_counted(string fault, string counter)
    {
        using var foreign = new TestAuthority("Foreign Root");
        var certificate = fault switch
        {
            "authority" => foreign.Issue(["a.test"]),
            "expired" => _authority.Issue(["a.test"], validToDays: -1),
            "name" => _authority.Issue(["b.test"]),
            _ => _authority.Issue(["a.test"]),
        };
        var pin = fault == "pin" ? $", verify_certificate_hash: ['{new string('0', 64)}']" : string.Empty;
        await using var upstream = new TlsUpstream(certificate);
        await using var proxy = await StartAsync(upstream.Port, $"sni: a.test, auto_sni_san_validation: true, {Trusting(_authority, pin)}");
        var (status, body) = await GetAsync(proxy, "a.test");
        Assert.Equal(503, status);
        Assert.Contains("TLS_error:", body);
        Assert.True(proxy.Registry.Find($"cluster.backend.{counter}") >= 1);
        Assert.Equal(0, proxy.Registry.Find("cluster.backend.ssl.handshake"));
    }

    [Fact]
    public async Task Name_that_comes_from_the_request_keeps_connections_of_two_hosts_apart_and_is_verified()
    {
        await using var upstream = new TlsUpstream(_authority.Issue(["a.test", "b.test"]));
        await using var proxy = await StartAsync(upstream.Port, Trusting(_authority), "upstream_http_protocol_options: {auto_sni: true, auto_san_validation: true},");
        Assert.Equal((200, "a.test"), await GetAsync(proxy, "a.test"));
        Assert.Equal((200, "b.test"), await GetAsync(proxy, "b.test:8080"));
        Assert.Equal(503, (await GetAsync(proxy, "c.test")).Status);
        Assert.Equal(2, proxy.Registry.Find("cluster.backend.ssl.handshake"));
        Assert.Equal(1, proxy.Registry.Find("cluster.backend.ssl.fail_verify_san"));
    }

    [Fact]
    public async Task Client_certificate_that_is_replaced_is_shown_to_the_next_connection()
    {
        await using var upstream = new TlsUpstream(_authority.Issue(["a.test"]), asksForCertificate: true);
        await using var proxy = await StartAsync(
            upstream.Port, $"common_tls_context: {{tls_certificate_sds_secret_configs: [{{name: client, sds_config: {Ads}}}]}}",
            more: "max_requests_per_connection: 1");
        var first = _authority.Issue(["client.test"]);
        await proxy.ApplyAsync(XdsTypeUrls.Secret, CertificateSecret("client", first));
        Assert.Equal(200, (await GetAsync(proxy, "a.test")).Status);
        var second = _authority.Issue(["client.test"]);
        await proxy.ApplyAsync(XdsTypeUrls.Secret, CertificateSecret("client", second));
        Assert.Equal(200, (await GetAsync(proxy, "a.test")).Status);
        Assert.Equal([first.Serial, second.Serial], upstream.Handshakes.Select(static handshake => handshake.ClientSerial));
    }

    private static string Trusting(TestAuthority authority, string more = "") =>
        $"common_tls_context: {{validation_context: {{trusted_ca: {{inline_string: {Quoted(authority.Pem)}}}{more}}}}}";

    private static async Task<(int Status, string Body)> GetAsync(ConfiguredProxy proxy, string host)
    {
        var answer = await RawClient.ExchangeAsync(proxy.Address, $"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        return (answer.Status, answer.Body);
    }

    private static Task<ConfiguredProxy> StartAsync(int port, string context, string http = "", string more = "") => ConfiguredProxy.StartAsync(ProxyToBackend(
        $$$$"""
        load_assignment: {cluster_name: backend, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{{{port}}}} } } } }] }] }
        transport_socket: {{{{UpstreamContext(context)}}}}
        {{{{(http.Length == 0 ? "" : "typed_extension_protocol_options: " + Protocol("http_protocol_options", http))}}}}
        {{{{more}}}}
        """));
}
