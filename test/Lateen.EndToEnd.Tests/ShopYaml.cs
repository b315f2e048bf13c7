namespace Lateen.EndToEnd.Tests;

/// <summary>The smallest mesh that routes: one gateway, one service with two versions. Written as a user would write it.</summary>
internal static class ShopYaml
{
    /// <summary>A gateway on a loopback port.</summary>
    public static string Gateway(int port, string name = "ingress") => $$"""
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata:
          name: {{name}}
        spec:
          selector:
            istio: ingressgateway
          servers:
            - port: { number: {{port}}, name: http, protocol: HTTP }
              bind: 127.0.0.1
              hosts: ["*"]

        """;

    /// <summary>The service "web": version v1 at the first ports, v2 at the others.</summary>
    /// <param name="balancer">Istio's word for how endpoints are chosen.</param>
    public static string Web(IEnumerable<int> v1, IEnumerable<int> v2, string balancer = "LEAST_REQUEST") => $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: web
        spec:
          hosts: [web.default.svc.cluster.local]
          location: MESH_INTERNAL
          resolution: STATIC
          ports:
            - { number: 80, name: http, protocol: HTTP }
          endpoints:
        {{string.Concat(v1.Select(port => Endpoint(port, "v1")).Concat(v2.Select(port => Endpoint(port, "v2"))))}}
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata:
          name: web
        spec:
          host: web
          trafficPolicy: { loadBalancer: { simple: {{balancer}} } }
          subsets:
            - name: v1
              labels: { version: v1 }
            - name: v2
              labels: { version: v2 }

        """;

    /// <summary>Everything that enters the gateway goes to one subset.</summary>
    public static string AllTo(string subset) => Route($$"""
            - route:
                - destination: { host: web, subset: {{subset}} }
        """);

    /// <summary>A virtual service for the gateway with the given http routes, indented by four.</summary>
    public static string Route(string routes) => $$"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata:
          name: web
        spec:
          hosts: ["*"]
          gateways: [ingress]
          http:
        {{routes}}

        """;

    public static string Join(params string[] documents) => string.Join("---\n", documents);

    private static string Endpoint(int port, string version) =>
        $"    - {{ address: 127.0.0.1, ports: {{ http: {port} }}, labels: {{ version: {version} }} }}\n";
}
