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
}
