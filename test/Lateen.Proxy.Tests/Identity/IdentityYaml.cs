using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>Bootstraps of proxies with an identity, as <c>lateen bootstrap</c> makes them.</summary>
internal static class IdentityYaml
{
    /// <summary>As istiod writes it into every TLS context of the mesh.</summary>
    public const string Agent =
        "{api_config_source: {api_type: GRPC, transport_api_version: V3, set_node_on_first_message_only: true, " +
        "grpc_services: [{envoy_grpc: {cluster_name: sds-grpc}}]}, initial_fetch_timeout: 0s, resource_api_version: V3}";

    /// <summary>Names the two secrets; the server must be the control plane.</summary>
    public const string Client =
        $"sni: istiod.istio-system.svc, common_tls_context: {{alpn_protocols: [h2], tls_certificate_sds_secret_configs: [{{name: default, sds_config: {Agent}}}], " +
        $"combined_validation_context: {{default_validation_context: {{match_typed_subject_alt_names: [{{san_type: DNS, matcher: {{exact: istiod.istio-system.svc}}}}]}}, " +
        $"validation_context_sds_secret_config: {{name: ROOTCA, sds_config: {Agent}}}}}}}";

    /// <summary>A sidecar's side of mutual TLS.</summary>
    public const string Server =
        $"require_client_certificate: true, common_tls_context: {{tls_certificate_sds_secret_configs: [{{name: default, sds_config: {Agent}}}], " +
        $"combined_validation_context: {{default_validation_context: {{match_typed_subject_alt_names: [{{san_type: URI, matcher: {{prefix: 'spiffe://cluster.local/'}}}}]}}, " +
        $"validation_context_sds_secret_config: {{name: ROOTCA, sds_config: {Agent}}}}}}}";

    /// <summary>The extension, its fields to be overridden by what comes last.</summary>
    public static string Extension(string roots, string token = "{inline_string: a-token}", string more = "") => $$"""
        bootstrap_extensions:
        - name: lateen.identity
          typed_config:
            "@type": type.googleapis.com/lateen.identity.v1.WorkloadIdentity
            ca_cluster: xds-grpc
            trust_domain: cluster.local
            namespace: shop
            service_account: web
            root_certificates: {{roots}}
            join_token: {{token}}
            {{more}}
        """;

    public static string Inline(TestAuthority authority) => $"{{inline_string: {TlsYaml.Quoted(authority.Pem)}}}";

    /// <summary>The control plane's cluster.</summary>
    public static string Cluster(int port, string context = Client, string name = "xds-grpc") => $"""
        - name: {name}
          type: STATIC
          connect_timeout: 5s
          http2_protocol_options: {"{}"}
          transport_socket: {TlsYaml.UpstreamContext(context)}
          load_assignment:
            cluster_name: {name}
            endpoints:
            - lb_endpoints:
              - endpoint:
                  address:
                    socket_address:
                      address: 127.0.0.1
                      port_value: {port}
        """;

    public static string Bootstrap(string extension, string clusters, string listeners = "") =>
        $"node: {{id: sidecar~127.0.0.1~web.shop~shop.svc.cluster.local, cluster: web}}\n{extension}\nstatic_resources:\n  clusters:\n{Routing.Routes.Indent(clusters, 2)}\n"
        + (listeners.Length > 0 ? $"  listeners:\n{Routing.Routes.Indent(listeners, 2)}\n" : string.Empty);
}
