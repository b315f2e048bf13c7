using Envoy.Config.Cluster.V3;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.Proxy.Tests.Configuration;
using Lateen.Xds;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>Pieces of configuration with TLS in them.</summary>
internal static class TlsYaml
{
    public const string Ads = "{ads: {}, resource_api_version: V3}";

    /// <summary>A literal block of YAML.</summary>
    public static string Block(string text, int indent) =>
        "|\n" + string.Join('\n', text.TrimEnd().Split('\n').Select(line => new string(' ', indent) + line));

    public static string DownstreamContext(string common) =>
        $"{{name: tls, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext, {common}}}}}";

    public static string UpstreamContext(string common) =>
        $"{{name: tls, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, {common}}}}}";

    /// <summary>A certificate whose parts stand in the configuration, as flow YAML.</summary>
    public static string Inline(TestCertificate certificate) =>
        $"{{certificate_chain: {{inline_string: {Quoted(certificate.Chain)}}}, private_key: {{inline_string: {Quoted(certificate.Key)}}}}}";

    public static string Quoted(string text) => '"' + text.Replace("\n", "\\n", StringComparison.Ordinal) + '"';

    /// <summary>A listener with one chain whose transport socket is given and whose routes answer by themselves.</summary>
    public static string Listener(string name, int port, string transportSocket, string more = "", string manager = "") => $$$$"""
        name: {{{{name}}}}
        address: {socket_address: {address: 127.0.0.1, port_value: {{{{port}}}}}}
        filter_chains:
        - transport_socket: {{{{transportSocket}}}}
          filters:
          - name: http
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: {{{{name}}}}
              route_config: {name: own, virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}]}]}
              http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
              {{{{manager}}}}
        {{{{more}}}}
        """;

    public static XdsResource ListenerResource(string name, string transportSocket) =>
        XdsResource.FromMessage(name, Setup.Proto<Listener>(Listener(name, 80, transportSocket)));

    public static XdsResource ClusterResource(string name, string transportSocket) => XdsResource.FromMessage(name, Setup.Proto<Cluster>($$$$"""
        name: {{{{name}}}}
        type: STATIC
        load_assignment: {cluster_name: {{{{name}}}}, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1} } } }] }] }
        transport_socket: {{{{transportSocket}}}}
        """));

    public static XdsResource CertificateSecret(string name, TestCertificate certificate) =>
        XdsResource.FromMessage(name, Setup.Proto<Secret>($"{{name: {name}, tls_certificate: {Inline(certificate)}}}"));

    public static XdsResource RootsSecret(string name, string pem) =>
        XdsResource.FromMessage(name, Setup.Proto<Secret>($"{{name: {name}, validation_context: {{trusted_ca: {{inline_string: {Quoted(pem)}}}}}}}"));

    /// <summary>A proxy with one listener, <c>main</c>, that sends every request to the cluster <c>backend</c>, and a control plane that nobody needs to be.</summary>
    /// <param name="backend">The cluster without its name, in lines.</param>
    /// <param name="filters">HTTP filters before the router, each with a comma behind it.</param>
    public static string ProxyToBackend(string backend, string filters = "") => $$$$"""
        node: {id: test, cluster: test}
        dynamic_resources:
          ads_config: {api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{envoy_grpc: {cluster_name: xds-grpc}}]}
        static_resources:
          listeners:
          - name: main
            address: {socket_address: {address: 127.0.0.1, port_value: 0}}
            filter_chains:
            - filters:
              - name: http
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: main
                  route_config: {name: own, virtual_hosts: [{name: a, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: backend}}]}]}
                  http_filters: [{{{{filters}}}}{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          clusters:
          - name: xds-grpc
            typed_extension_protocol_options: {{{{Protocol("http2_protocol_options")}}}}
            load_assignment: {cluster_name: xds-grpc, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 1} } } }] }] }
          - name: backend
        {{{{string.Concat(backend.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static line => $"    {line}\n"))}}}}
        """;

    /// <summary>The options of a cluster that say what it is spoken to in.</summary>
    /// <param name="options">Such as <c>http2_protocol_options</c>.</param>
    /// <param name="http">More of them, each with a comma behind it.</param>
    public static string Protocol(string options, string http = "") =>
        "{envoy.extensions.upstreams.http.v3.HttpProtocolOptions: "
        + $"{{\"@type\": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, {http} explicit_http_config: {{{options}: {{}}}}}}}}";
}
