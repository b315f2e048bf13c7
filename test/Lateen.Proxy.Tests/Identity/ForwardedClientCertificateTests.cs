using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>What a server behind the proxy is told of the client's certificate (Envoy docs, "x-forwarded-client-cert").</summary>
public sealed class ForwardedClientCertificateTests : IAsyncDisposable
{
    private const string Client = "spiffe://cluster.local/ns/a/sa/client";
    private const string Own = "spiffe://cluster.local/ns/a/sa/server";
    private const string Told = "By=spiffe://x;Hash=00";

    private readonly TestAuthority _root = new();
    private readonly TestUpstream _upstream = TestUpstream.Answering();
    private ConfiguredProxy? _proxy;

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null) await _proxy.DisposeAsync();
        await _upstream.DisposeAsync();
        _root.Dispose();
    }

    [Theory]
    [InlineData("SANITIZE", null)]
    [InlineData("FORWARD_ONLY", Told)]
    [InlineData("ALWAYS_FORWARD_ONLY", Told)]
    [InlineData("APPEND_FORWARD", Told + ",OWN")]
    [InlineData("SANITIZE_SET", "OWN")]
    public async Task Each_mode_tells_of_a_client_with_a_certificate_what_Envoy_does(string mode, string? expected)
    {
        var certificate = _root.Issue([Client]);
        await StartAsync(mode, string.Empty);
        Assert.Equal(expected?.Replace("OWN", $"By={Own};Hash={HashOf(certificate)}", StringComparison.Ordinal), await SeenAsync(certificate));
    }

    [Theory]
    [InlineData("SANITIZE", null)]
    [InlineData("FORWARD_ONLY", null)]
    [InlineData("ALWAYS_FORWARD_ONLY", Told)]
    [InlineData("APPEND_FORWARD", null)]
    [InlineData("SANITIZE_SET", null)]
    public async Task What_a_client_without_a_certificate_claims_is_believed_only_where_always_is_said(string mode, string? expected)
    {
        await StartAsync(mode, "subject: true, uri: true");
        Assert.Equal(expected, await SeenAsync(null));
    }

    [Fact]
    public async Task All_keys_stand_in_Envoys_order_and_quoting()
    {
        var certificate = _root.Issue([Client, "a.test", "b.test"]);
        await StartAsync("SANITIZE_SET", "cert: true, chain: true, subject: true, uri: true, dns: true");
        var pem = Uri.EscapeDataString(certificate.Chain);

        var seen = await SeenAsync(certificate);

        using var read = X509Certificate2.CreateFromPem(certificate.Chain);
        Assert.Equal($"By={Own};Hash={HashOf(certificate)};Cert=\"{pem}\";Chain=\"{pem}\";Subject=\"{read.Subject}\";URI={Client};DNS=a.test;DNS=b.test", seen);
    }

    [Fact]
    public async Task What_would_end_a_value_or_an_element_is_quoted()
    {
        var certificate = _root.Issue(["client.test", "spiffe://cluster.local/ns/a/sa/x;By=spiffe://admin,Hash=1"]);
        await StartAsync("SANITIZE_SET", "uri: true");
        Assert.EndsWith(";URI=\"spiffe://cluster.local/ns/a/sa/x;By=spiffe://admin,Hash=1\"", await SeenAsync(certificate));
    }

    [Fact]
    public async Task Element_keeps_its_bound_by_leaving_out_what_does_not_fit()
    {
        // About 180 names of 100 octets each.
        var names = Enumerable.Range(0, 180).Select(number => $"{new string('a', 60)}.{new string('b', 30)}{number:000}.test");
        var certificate = _root.Issue([Client, .. names]);
        await StartAsync("SANITIZE_SET", "uri: true, dns: true");
        var seen = await SeenAsync(certificate);
        Assert.InRange(seen!.Length, ForwardedCertificateText.MaxOctets - 200, ForwardedCertificateText.MaxOctets);
        Assert.Contains($";URI={Client};DNS=", seen, StringComparison.Ordinal);
    }

    private static string HashOf(TestCertificate certificate)
    {
        using var read = X509Certificate2.CreateFromPem(certificate.Chain);
        return Convert.ToHexStringLower(SHA256.HashData(read.RawData));
    }

    private async Task StartAsync(string mode, string details)
    {
        var context = $"require_client_certificate: false, common_tls_context: {{tls_certificates: [{Inline(_root.Issue([Own]))}], validation_context: {{trusted_ca: {{inline_string: {Quoted(_root.Pem)}}}}}}}";
        _proxy = await ConfiguredProxy.StartAsync($$"""
            static_resources:
              listeners:
              - name: in
                address:
                  socket_address: {address: 127.0.0.1, port_value: 0}
                filter_chains:
                - transport_socket: {{DownstreamContext(context)}}
                  filters:
                  - name: http
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                      stat_prefix: in
                      forward_client_cert_details: {{mode}}
                      set_current_client_cert_details: { {{details}} }
                      route_config:
                        name: own
                        virtual_hosts:
                        - name: a
                          domains: ['*']
                          routes:
                          - match: {prefix: /}
                            route: {cluster: up}
                      http_filters:
                      - name: router
                        typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
              clusters:
              - name: up
                type: STATIC
                load_assignment:
                  cluster_name: up
                  endpoints:
                  - lb_endpoints:
                    - endpoint:
                        address:
                          socket_address:
                            address: 127.0.0.1
                            port_value: {{_upstream.Address.Port}}
            """);
    }

    /// <summary>The header as the server got it; null: it got none.</summary>
    private async Task<string?> SeenAsync(TestCertificate? certificate)
    {
        using var client = await TlsClient.ConnectAsync(_proxy!.Address, certificate?.ToX509());
        await client.GetAsync($"X-Forwarded-Client-Cert: {Told}\r\n");
        const string Field = "x-forwarded-client-cert: ";
        Assert.True(_upstream.Heads.TryDequeue(out var head));
        return head.Split("\r\n").Where(line => line.StartsWith(Field, StringComparison.OrdinalIgnoreCase)).Select(line => line[Field.Length..]).SingleOrDefault();
    }
}
