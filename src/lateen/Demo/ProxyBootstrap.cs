namespace Lateen.Cli.Demo;

/// <summary>The Envoy bootstrap of a demo proxy: who it is, where its control plane is, where its admin page is.</summary>
internal static class ProxyBootstrap
{
    /// <summary>A sidecar's bootstrap. Its metadata is what the control plane selects resources by.</summary>
    public static string Sidecar(BookshopPlan plan, Workload workload) => Text(
        "sidecar", workload.Name, workload.App, workload.AdminPort, plan.XdsPort,
        $"""
              app: {workload.App}
              version: {workload.Version}
        """,
        $"    HTTP_PROXY_PORT: \"{workload.OutboundPort}\"\n");

    /// <summary>The ingress gateway's bootstrap.</summary>
    public static string Gateway(BookshopPlan plan) => Text(
        "router", "ingressgateway", "ingressgateway", plan.IngressAdminPort, plan.XdsPort,
        """
              app: ingressgateway
              istio: ingressgateway
        """,
        "");

    private static string Text(string type, string name, string app, int adminPort, int xdsPort, string labels, string metadata) => $$"""
        node:
          id: {{type}}~127.0.0.1~{{name}}.{{BookshopPlan.Namespace}}~{{BookshopPlan.Namespace}}.svc.cluster.local
          cluster: {{app}}.{{BookshopPlan.Namespace}}
          metadata:
            NAME: {{name}}
            NAMESPACE: {{BookshopPlan.Namespace}}
            WORKLOAD_NAME: {{name}}
            SERVICE_ACCOUNT: {{app}}
            CLUSTER_ID: demo
            INTERCEPTION_MODE: NONE
        {{metadata}}    LABELS:
        {{labels}}
        admin:
          address:
            socket_address: { address: 127.0.0.1, port_value: {{adminPort}} }
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
                      - endpoint:
                          address:
                            socket_address: { address: 127.0.0.1, port_value: {{xdsPort}} }

        """;
}
