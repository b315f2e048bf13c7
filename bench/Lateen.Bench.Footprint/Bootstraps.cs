namespace Lateen.Bench.Footprint;

/// <summary>What proxies are started with.</summary>
internal static class Bootstraps
{
    /// <summary>As `lateen bootstrap sidecar` writes it.</summary>
    internal static string Sidecar(string xdsAddress, int adminPort, int httpProxyPort)
    {
        int colon = xdsAddress.LastIndexOf(':');
        return $$"""
            node:
              id: sidecar~127.0.0.1~bench-1.bench~bench.svc.cluster.local
              cluster: bench.bench
              metadata:
                NAME: bench-1
                NAMESPACE: bench
                WORKLOAD_NAME: bench-1
                INTERCEPTION_MODE: NONE
                HTTP_PROXY_PORT: "{{httpProxyPort}}"
                LABELS: { app: bench }
            admin:
              address: { socket_address: { address: 127.0.0.1, port_value: {{adminPort}} } }
            dynamic_resources:
              ads_config:
                api_type: DELTA_GRPC
                transport_api_version: V3
                grpc_services: [{ envoy_grpc: { cluster_name: xds-grpc } }]
              cds_config: { ads: {}, resource_api_version: V3 }
              lds_config: { ads: {}, resource_api_version: V3 }
            static_resources:
              clusters:
              - name: xds-grpc
                type: STATIC
                connect_timeout: 1s
                typed_extension_protocol_options:
                  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                    explicit_http_config: { http2_protocol_options: {} }
                load_assignment:
                  cluster_name: xds-grpc
                  endpoints:
                  - lb_endpoints:
                    - endpoint: { address: { socket_address: { address: {{xdsAddress[..colon]}}, port_value: {{xdsAddress[(colon + 1)..]}} } } }
            """;
    }

    /// <summary>The static configuration that the comparison with other proxies uses, with admin pages.</summary>
    internal static string Static(int port, int upstreamPort, int adminPort) =>
        $"admin: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {adminPort} }} }} }}\n"
        + File.ReadAllText("bench/peers/http1/lateen.yaml").Replace("{{PORT}}", $"{port}").Replace("{{UPSTREAM_PORT}}", $"{upstreamPort}");
}
