using System.Security.Cryptography;
using Envoy.Service.Auth.V3;
using Google.Rpc;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>What a service is told of the two ends of a TLS connection.</summary>
public sealed class PeerAttributeTests
{
    [Fact]
    public async Task Principals_of_both_sides_the_clients_certificate_and_the_server_name_are_told()
    {
        using var authority = new TestAuthority();
        var server = authority.Issue(["spiffe://cluster.local/ns/shop/sa/web", "a.test"]);
        var client = authority.Issue(["spiffe://cluster.local/ns/shop/sa/client"]);
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status() });
        var tls = TlsYaml.DownstreamContext(
            $"require_client_certificate: true, common_tls_context: {{tls_certificates: [{TlsYaml.Inline(server)}], "
            + $"validation_context: {{trusted_ca: {{inline_string: {TlsYaml.Quoted(authority.Pem)}}}}}}}");
        await using var proxy = await BootstrappedProxy.StartAsync($$$$"""
            static_resources:
              listeners:
              - name: tls
                address: {socket_address: {address: 127.0.0.1, port_value: 0}}
                filter_chains:
                - transport_socket: {{{{tls}}}}
                  filters:
                  - name: http
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                      stat_prefix: in
                      route_config: {name: own, virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]}]}
                      http_filters:
                      - name: ext_authz
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                          grpc_service: {envoy_grpc: {cluster_name: "outbound|9000||authz.test"}, timeout: 5s}
                          transport_api_version: V3
                          include_peer_certificate: true
                          include_tls_session: true
                      - {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
              clusters:
              - name: "outbound|9000||authz.test"
                type: STATIC
                typed_extension_protocol_options:
                  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                    explicit_http_config: {http2_protocol_options: {}}
                load_assignment:
                  cluster_name: "outbound|9000||authz.test"
                  endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{{{authz.Address.Port}}}} } } } }]}]
            """);
        using var certificate = client.ToX509();
        using var connection = await TlsClient.ConnectAsync(proxy.AddressOf("tls"), certificate);

        Assert.Equal("HTTP/1.1 200hello", await connection.GetAsync());

        var attributes = Assert.Single(authz.Requests).Attributes;
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/client", attributes.Source.Principal);
        Assert.Equal("spiffe://cluster.local/ns/shop/sa/web", attributes.Destination.Principal);
        Assert.Equal("a.test", attributes.TlsSession.Sni);
        Assert.Equal("https", attributes.Request.Http.Scheme);
        var pem = Uri.UnescapeDataString(attributes.Source.Certificate);
        using var seen = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPem(pem);
        Assert.Equal(certificate.GetCertHash(HashAlgorithmName.SHA256), seen.GetCertHash(HashAlgorithmName.SHA256));
    }
}
