namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>A service of the peers' mesh: where its sidecar listens, where the server itself does, and where the callers' own sidecar does.</summary>
/// <param name="OwnPort">A port that the service has for this alone, since an egress listener leads to the services that have its port; 0: none.</param>
internal sealed record PeerService(string Name, int InboundPort, int ServerPort, int OwnPort = 0)
{
    /// <summary>Only the service "web" says what it speaks.</summary>
    public string PortName => Name == "web" ? "http" : "main";

    public string Protocol => Name == "web" ? ", protocol: HTTP" : "";
}

/// <summary>The configuration of the peers' mesh, as a user would write it.</summary>
internal static class PeerYaml
{
    /// <summary>
    /// The gateway's ports: HTTP and HTTPS, which route by path; and one for each kind of TCP, plain (<c>tcp-</c>), with TLS that ends at the gateway
    /// (<c>tls-</c>), or with TLS that passes through (<c>pass</c>). A gateway's port has to say TCP or TLS; that a service's port declares nothing is only
    /// seen by the sidecar behind it.
    /// </summary>
    public static readonly string[] Gates =
        ["http", "https", "tcp-plain", "tcp-calls", "tcp-redis", "tcp-mail", "tls-redis", "tls-mail", "pass"];

    /// <summary>Ports of the callers' own sidecar, which declare nothing: it finds out what their clients speak, and so does the sidecar of the servers.</summary>
    public static readonly string[] OwnGates = ["own-plain", "own-calls", "own-redis", "own-mail"];

    public static readonly string[] Services = ["web", "plain", "calls", "redis", "mail", "secure"];

    /// <summary>A service whose one endpoint refuses connections: nothing listens on port 1.</summary>
    private static PeerService Nobody => new("nobody", 1, 1);

    public static string Write(IReadOnlyDictionary<string, int> gates, PeerService[] services, string secret) =>
        ShopYaml.Join([secret, Gateway(gates), Routes(gates), .. services.Append(Nobody).Select(Service), Sidecar(services), Callers(services)]);

    private static string Gateway(IReadOnlyDictionary<string, int> gates) => $$"""
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata:
          name: ingress
        spec:
          selector:
            istio: ingressgateway
          servers:
        {{string.Concat(gates.Select(gate => Server(gate.Key, gate.Value)))}}
        """;

    private static string Server(string gate, int port)
    {
        var (protocol, tls) = gate switch
        {
            "http" => ("HTTP", ""),
            "https" => ("HTTPS", "\n      tls: { mode: SIMPLE, credentialName: peers-certificate }"),
            "pass" => ("TLS", "\n      tls: { mode: PASSTHROUGH }"),
            _ when gate.StartsWith("tls-", StringComparison.Ordinal) => ("TLS", "\n      tls: { mode: SIMPLE, credentialName: peers-certificate }"),
            _ => ("TCP", ""),
        };
        var hosts = gate == "pass" ? "secure.example" : "*";
        return $$"""
                - port: { number: {{port}}, name: {{gate}}, protocol: {{protocol}} }
                  bind: 127.0.0.1
                  hosts: ["{{hosts}}"]{{tls}}

            """;
    }

    private static string Routes(IReadOnlyDictionary<string, int> gates) => $$"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata:
          name: http
        spec:
          hosts: ["*"]
          gateways: [ingress]
          http:
            - match:
                - uri: { prefix: /peers.Echo/ }
              route:
                - destination: { host: calls, port: { number: 80 } }
            - match:
                - uri: { prefix: /peers.Nobody/ }
              route:
                - destination: { host: nobody }
            - route:
                - destination: { host: web }
        ---
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata:
          name: tcp
        spec:
          hosts: ["*"]
          gateways: [ingress]
          tcp:
        {{string.Concat(gates.Where(gate => gate.Key.Contains('-', StringComparison.Ordinal)).Select(gate => TcpRoute(gate.Value, gate.Key[4..])))}}
        ---
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata:
          name: tls
        spec:
          hosts: [secure.example]
          gateways: [ingress]
          tls:
            - match:
                - { port: {{gates["pass"]}}, sniHosts: [secure.example] }
              route:
                - destination: { host: secure }

        """;

    private static string TcpRoute(int port, string service) => $$"""
            - match:
                - { port: {{port}} }
              route:
                - destination: { host: {{service}}, port: { number: 80 } }

        """;

    private static string Service(PeerService service) => $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata:
          name: {{service.Name}}
        spec:
          hosts: [{{service.Name}}.default.svc.cluster.local]
          location: MESH_INTERNAL
          resolution: STATIC
          ports:
            - { number: 80, name: {{service.PortName}}{{service.Protocol}} }
        {{(service.OwnPort > 0 ? $"    - {{ number: {service.OwnPort}, name: own }}" : "")}}
          endpoints:
            - { address: 127.0.0.1, ports: { {{service.PortName}}: {{service.InboundPort}}{{(service.OwnPort > 0 ? $", own: {service.InboundPort}" : "")}} }, labels: { app: peers } }

        """;

    private static string Sidecar(PeerService[] services) => $$"""
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata:
          name: peers
        spec:
          workloadSelector:
            labels: { app: peers }
          ingress:
        {{string.Concat(services.Select(Ingress))}}  egress:
            - captureMode: NONE
              hosts: ["~/*"]

        """;

    private static string Callers(PeerService[] services) => $$"""
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata:
          name: callers
        spec:
          workloadSelector:
            labels: { app: callers }
          egress:
        {{string.Concat(services.Where(service => service.OwnPort > 0).Select(Egress))}}
        """;

    private static string Egress(PeerService service) => $$"""
            - port: { number: {{service.OwnPort}}, name: own }
              bind: 127.0.0.1
              captureMode: NONE
              hosts: ["./{{service.Name}}.default.svc.cluster.local"]

        """;

    private static string Ingress(PeerService service) => $$"""
            - port: { number: {{service.InboundPort}}, name: {{service.PortName}}{{service.Protocol}} }
              bind: 127.0.0.1
              captureMode: NONE
              defaultEndpoint: 127.0.0.1:{{service.ServerPort}}

        """;
}
