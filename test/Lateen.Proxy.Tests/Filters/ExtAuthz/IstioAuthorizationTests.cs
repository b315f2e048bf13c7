using Lateen.Proxy.Tests.Filters.Jwt;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>The filters of one sidecar together, configured as Istio configures them: who marks, who asks, who verifies, who decides.</summary>
public sealed class IstioAuthorizationTests
{
    [Fact]
    public async Task A_custom_policy_has_the_service_asked_about_the_requests_that_it_names_and_about_no_others()
    {
        await using var authz = TestUpstream.Answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
        await using var proxy = await BootstrappedProxy.StartAsync(Bootstrap(authz, """
            - name: envoy.filters.http.rbac
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                shadow_rules:
                  action: DENY
                  policies:
                    "istio-ext-authz-ns[shop]-policy[own]-rule[0]":
                      permissions: [{and_rules: {rules: [{or_rules: {rules: [{url_path: {path: {prefix: /admin}}}]}}]}}]
                      principals: [{and_ids: {ids: [{any: true}]}}]
                shadow_rules_stat_prefix: istio_ext_authz_
            - name: envoy.filters.http.ext_authz
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz
                http_service: {server_uri: {uri: "http://authz.test", cluster: authz, timeout: 600s}}
                filter_enabled_metadata:
                  filter: envoy.filters.http.rbac
                  path: [{key: istio_ext_authz_shadow_effective_policy_id}]
                  value: {string_match: {prefix: istio-ext-authz}}
            """));

        Assert.Equal((200, "hello"), await GetAsync(proxy, "/public"));
        Assert.Empty(authz.Heads);
        Assert.Equal((403, "no"), await GetAsync(proxy, "/admin/x"));
        Assert.Single(authz.Heads);
    }

    [Fact]
    public async Task A_request_principal_is_that_of_a_verified_token_and_of_nothing_else()
    {
        using var issuer = new TestIssuer();
        using var stranger = new TestIssuer();
        await using var nobody = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Bootstrap(nobody, $$$$"""
            - name: envoy.filters.http.jwt_authn
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication
                providers:
                  origins-0: {issuer: "{{{{TestIssuer.Name}}}}", local_jwks: {inline_string: '{{{{issuer.KeySet}}}}'}, payload_in_metadata: payload}
                rules: [{match: {prefix: /}, requires: {requires_any: {requirements: [{provider_name: origins-0}, {allow_missing: {}}]}}}]
                bypass_cors_preflight: true
            - name: envoy.filters.http.rbac
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC
                rules:
                  action: ALLOW
                  policies:
                    "ns[shop]-policy[jwt]-rule[0]":
                      permissions: [{any: true}]
                      principals:
                      - and_ids:
                          ids:
                          - metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: iss}], value: {string_match: {exact: "{{{{TestIssuer.Name}}}}"}}}
                          - metadata: {filter: envoy.filters.http.jwt_authn, path: [{key: payload}, {key: sub}], value: {string_match: {exact: alice}}}
            """));

        Assert.Equal((200, "hello"), await GetAsync(proxy, "/", $"Authorization: Bearer {issuer.Sign("ES256")}"));
        Assert.Equal((403, "RBAC: access denied"), await GetAsync(proxy, "/"));
        Assert.Equal((403, "RBAC: access denied"), await GetAsync(proxy, "/", $"Authorization: Bearer {issuer.Sign("ES256", TestIssuer.Claims().Replace("alice", "bob", StringComparison.Ordinal))}"));
        Assert.Equal(401, (await GetAsync(proxy, "/", $"Authorization: Bearer {stranger.Sign("ES256")}")).Status);
    }

    private static async Task<(int Status, string Body)> GetAsync(BootstrappedProxy proxy, string path, string? header = null)
    {
        var response = await RawClient.ExchangeAsync(proxy.AddressOf("web"), $"GET {path} HTTP/1.1\r\nHost: s\r\n{(header is null ? "" : header + "\r\n")}\r\n");
        return (response.Status, response.Body);
    }

    private static string Bootstrap(TestUpstream authz, string filters) => $$$$"""
        static_resources:
          listeners:
          - name: web
            address: {socket_address: {address: 127.0.0.1, port_value: 0}}
            filter_chains:
            - filters:
              - name: http
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: in
                  route_config: {name: own, virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]}]}
                  http_filters:
        {{{{string.Join('\n', filters.Split('\n').Select(static line => "          " + line))}}}}
                  - {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          clusters:
          - name: authz
            type: STATIC
            load_assignment:
              cluster_name: authz
              endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: {{{{authz.Address.Port}}}} } } } }]}]
        """;
}
