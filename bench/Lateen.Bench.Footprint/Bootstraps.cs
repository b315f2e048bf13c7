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

    /// <summary>
    /// Four listeners, each at its port: TCP that is told so and TCP that is found out, both to the greeter; HTTP that is told so and HTTP that is found out,
    /// both to the web server. The chains are those of a sidecar.
    /// </summary>
    internal static string Detection(int[] ports, int greeter, int web, int adminPort) => $$"""
        admin: { address: { socket_address: { address: 127.0.0.1, port_value: {{adminPort}} } } }
        static_resources:
          listeners:
          - name: tcp-told
            address: { socket_address: { address: 127.0.0.1, port_value: {{ports[0]}} } }
            filter_chains: [ { filters: [ {{TcpProxy("greeter")}} ] } ]
          - name: tcp-found-out
            address: { socket_address: { address: 127.0.0.1, port_value: {{ports[1]}} } }
            {{Inspectors}}
            filter_chains: [ { filter_chain_match: { application_protocols: [http/1.1, h2c] }, filters: [ {{Manager}} ] } ]
            default_filter_chain: { filters: [ {{TcpProxy("greeter")}} ] }
          - name: http-told
            address: { socket_address: { address: 127.0.0.1, port_value: {{ports[2]}} } }
            filter_chains: [ { filters: [ {{Manager}} ] } ]
          - name: http-found-out
            address: { socket_address: { address: 127.0.0.1, port_value: {{ports[3]}} } }
            {{Inspectors}}
            filter_chains: [ { filter_chain_match: { application_protocols: [http/1.1, h2c] }, filters: [ {{Manager}} ] } ]
            default_filter_chain: { filters: [ {{TcpProxy("web")}} ] }
          clusters:
          - {{Cluster("greeter", greeter)}}
          - {{Cluster("web", web)}}
        """;

    private const string Inspectors =
        "listener_filters: [ { name: tls, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector } },"
        + " { name: http, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector } } ]";

    private const string Manager =
        "{ name: http, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: http,"
        + " http_filters: [ { name: router, typed_config: { '@type': type.googleapis.com/envoy.extensions.filters.http.router.v3.Router } } ],"
        + " route_config: { virtual_hosts: [ { name: all, domains: ['*'], routes: [ { match: { prefix: / }, route: { cluster: web } } ] } ] } } }";

    private static string TcpProxy(string cluster) =>
        $"{{ name: tcp, typed_config: {{ '@type': type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy, stat_prefix: tcp, cluster: {cluster} }} }}";

    private static string Cluster(string name, int port) =>
        $"{{ name: {name}, load_assignment: {{ cluster_name: {name}, endpoints: [ {{ lb_endpoints: [ {{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }} }} }} ] }} ] }} }}";
}
