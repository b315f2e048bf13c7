using System.Text;

namespace Lateen.Cli.Bootstrap;

/// <summary>What a proxy says of itself, and where it finds its control plane. Written out as an Envoy v3 bootstrap, so the same file runs on Envoy.</summary>
/// <param name="Type">Istio's node type: <c>sidecar</c> or <c>router</c> (a gateway).</param>
/// <param name="Name">Workload name, unique in its namespace.</param>
/// <param name="Labels">What Sidecar and Gateway selectors match.</param>
/// <param name="XdsAddress">The control plane's xDS address, host:port.</param>
/// <param name="AdminPort">Port of the admin pages on 127.0.0.1; 0 lets the kernel choose.</param>
/// <param name="HttpProxyPort">Port on 127.0.0.1 that the application has in <c>HTTP_PROXY</c>; null for none.</param>
internal sealed record ProxyBootstrap(
    string Type,
    string Name,
    string Namespace,
    string ServiceAccount,
    IReadOnlyDictionary<string, string> Labels,
    string XdsAddress,
    int AdminPort = 0,
    int? HttpProxyPort = null)
{
    /// <summary>How the proxy gets certificates, and that it speaks mutual TLS with the control plane; null for a proxy without an identity.</summary>
    public IdentityBootstrap? Identity { get; init; }

    /// <summary>The node type of a sidecar.</summary>
    public const string Sidecar = "sidecar";

    /// <summary>The node type of a gateway.</summary>
    public const string Router = "router";

    public bool IsGateway => Type == Router;

    /// <summary>The node id that the control plane shows: <c>sidecar~127.0.0.1~NAME.NAMESPACE~NAMESPACE.svc.cluster.local</c>.</summary>
    public string NodeId => $"{Type}~127.0.0.1~{Name}.{Namespace}~{Namespace}.svc.cluster.local";

    /// <summary>The bootstrap as YAML. Values are quoted: a label may be <c>"1.0"</c> or <c>"true"</c> and stay text.</summary>
    public string ToYaml()
    {
        var colon = XdsAddress.LastIndexOf(':');
        var app = Labels.GetValueOrDefault("app", Name);
        var yaml = new StringBuilder();
        yaml.Append($"""
            node:
              id: {Quote(NodeId)}
              cluster: {Quote($"{app}.{Namespace}")}
              metadata:
                NAME: {Quote(Name)}
                NAMESPACE: {Quote(Namespace)}
                WORKLOAD_NAME: {Quote(Name)}
                SERVICE_ACCOUNT: {Quote(ServiceAccount)}
                INTERCEPTION_MODE: NONE

            """);
        if (HttpProxyPort is { } port)
        {
            yaml.Append($"    HTTP_PROXY_PORT: \"{port}\"\n");
        }

        // For `lateen proxy-config bootstrap`. A port that the kernel chooses is known to the proxy alone, which says it by itself.
        if (AdminPort > 0) yaml.Append($"    ADMIN_ADDRESS: \"127.0.0.1:{AdminPort}\"\n");
        yaml.Append("    LABELS:").Append(Labels.Count == 0 ? " {}\n" : "\n");
        foreach (var (key, value) in Labels.OrderBy(label => label.Key, StringComparer.Ordinal))
        {
            yaml.Append($"      {Quote(key)}: {Quote(value)}\n");
        }

        if (Identity is { } identity) AppendIdentity(yaml, identity);
        yaml.Append($$"""
            admin:
              address:
                socket_address: { address: 127.0.0.1, port_value: {{AdminPort}} }
            dynamic_resources:
              ads_config:
                api_type: DELTA_GRPC
                transport_api_version: V3
                grpc_services:
                  - envoy_grpc: { cluster_name: xds-grpc }
              cds_config: { ads: {}, resource_api_version: V3 }
              lds_config: { ads: {}, resource_api_version: V3 }
            static_resources:
              clusters:
                - name: xds-grpc
                  type: STRICT_DNS
                  connect_timeout: 1s
                  typed_extension_protocol_options:
                    envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                      "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                      explicit_http_config: { http2_protocol_options: {} }

            """);
        if (Identity is { } proven) AppendTls(yaml, proven);
        yaml.Append($$"""
                  load_assignment:
                    cluster_name: xds-grpc
                    endpoints:
                      - lb_endpoints:
                          - endpoint:
                              address:
                                socket_address: { address: {{Quote(XdsAddress[..colon])}}, port_value: {{XdsAddress[(colon + 1)..]}} }

            """);
        return yaml.ToString();
    }

    private void AppendIdentity(StringBuilder yaml, IdentityBootstrap identity) => yaml.Append($$"""
        bootstrap_extensions:
          - name: lateen.identity
            typed_config:
              "@type": type.googleapis.com/lateen.identity.v1.WorkloadIdentity
              ca_cluster: xds-grpc
              trust_domain: {{Quote(identity.TrustDomain)}}
              namespace: {{Quote(Namespace)}}
              service_account: {{Quote(ServiceAccount)}}
              root_certificates: { filename: {{Quote(identity.RootFile)}} }
              join_token: { filename: {{Quote(identity.TokenFile)}} }
              key_type: ECDSA_P256
              certificate_lifetime: {{identity.CertificateLifetime.TotalSeconds:0}}s

        """);

    /// <summary>The proxy shows its own certificate and believes the control plane alone: another workload of the mesh is not it.</summary>
    private static void AppendTls(StringBuilder yaml, IdentityBootstrap identity)
    {
        const string agent = "{ api_config_source: { api_type: GRPC, transport_api_version: V3, set_node_on_first_message_only: true, "
            + "grpc_services: [{ envoy_grpc: { cluster_name: sds-grpc } }] }, resource_api_version: V3 }";
        yaml.Append($$"""
                  transport_socket:
                    name: envoy.transport_sockets.tls
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                      sni: istiod.istio-system.svc
                      common_tls_context:
                        alpn_protocols: [h2]
                        tls_params: { tls_minimum_protocol_version: TLSv1_2 }
                        tls_certificate_sds_secret_configs:
                          - name: default
                            sds_config: {{agent}}
                        combined_validation_context:
                          default_validation_context:
                            match_typed_subject_alt_names:
                              - { san_type: URI, matcher: { exact: {{Quote(identity.Server)}} } }
                          validation_context_sds_secret_config:
                            name: ROOTCA
                            sds_config: {{agent}}

            """);
    }

    /// <summary>
    /// What a gRPC client reads from the file that <c>GRPC_XDS_BOOTSTRAP</c> names (gRFC A27): the same node, and <c>GENERATOR: grpc</c>, by which
    /// the control plane knows that it is no proxy. The empty locality is for gRPC on Node, which insists on one. A quoted text of YAML, escaped as
    /// here, is one of JSON too.
    /// </summary>
    public string ToGrpcJson() => $$"""
        {
          "xds_servers": [
            { "server_uri": {{Quote(XdsAddress)}}, "channel_creds": [{ "type": "insecure" }], "server_features": ["xds_v3"] }
          ],
          "node": {
            "id": {{Quote(NodeId)}},
            "locality": {},
            "metadata": {
              "GENERATOR": "grpc",
              "NAME": {{Quote(Name)}},
              "NAMESPACE": {{Quote(Namespace)}},
              "LABELS": { {{string.Join(", ", Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{Quote(label.Key)}: {Quote(label.Value)}"))}} }
            }
          }
        }

        """;

    private static string Quote(string text) => $"\"{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
