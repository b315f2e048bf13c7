using System.Text.RegularExpressions;
using Lateen.EndToEnd.Tests.RealPeers;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>
/// Every translated case of <c>test/Lateen.Translation.Tests/Golden</c> is given to the real proxy as a file: what the control plane writes, the data
/// plane must take, field by field. The two know each other by xDS alone, so nothing but this would notice a field that one writes and the other refuses.
/// </summary>
public sealed partial class TranslatedConfigurationTests
{
    private static readonly string Folder = Path.Combine(Programs.Root, "test", "Lateen.Translation.Tests", "Golden");

    /// <summary>Lines that the control plane writes for Envoys: the proxy passes them over where they are received, and refuses them in a file.</summary>
    private static readonly string[] ForEnvoy = ["emit_filter_state: true", "respect_dns_ttl: true", "decorator:", "operation:"];

    /// <summary>Cases for clients of gRPC hold API listeners, which are for a client in the process and not for a proxy.</summary>
    public static TheoryData<string> Cases =>
        [.. Directory.EnumerateFiles(Folder, "*.golden.yaml").Select(Path.GetFileName).Where(name => !name!.StartsWith("grpc-", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).Select(name => name![..^".golden.yaml".Length])];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Translated_listeners_and_clusters_are_taken_by_the_proxy(string name)
    {
        var cancel = TestContext.Current.CancellationToken;
        string text = await File.ReadAllTextAsync(Path.Combine(Folder, $"{name}.golden.yaml"), cancel);
        string file = Path.Combine(Directory.CreateTempSubdirectory("lateen-translated-").FullName, "bootstrap.yaml");
        await File.WriteAllTextAsync(
            file, Bootstrap(Section(text, "clusters"), Section(text, "listeners"), text.Contains("cluster_name: sds-grpc", StringComparison.Ordinal)), cancel);

        var (code, output) = await ProgramUnderTest.RunAsync(Programs.Proxy, ["-c", file, "--mode", "validate"], cancel);

        Assert.True(code == 0, $"the proxy refuses {name}:\n{output}");
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    /// <param name="hasIdentity">The configuration asks for the proxy's own certificate.</param>
    private static string Bootstrap(string clusters, string listeners, bool hasIdentity)
    {
        if (!hasIdentity) return Plain(clusters, listeners);
        using var authority = new TestAuthority();
        string folder = Directory.CreateTempSubdirectory("lateen-translated-roots-").FullName;
        string roots = Path.Combine(folder, "roots.pem"), token = Path.Combine(folder, "token");
        File.WriteAllText(roots, authority.Certificate);
        File.WriteAllText(token, "a-token");
        return Plain(clusters, listeners, $"transport_socket: {{ name: envoy.transport_sockets.tls, typed_config: {{ {Context(roots)} }} }}") + $$"""

            bootstrap_extensions:
            - name: lateen.identity
              typed_config:
                "@type": type.googleapis.com/lateen.identity.v1.WorkloadIdentity
                ca_cluster: xds-grpc
                trust_domain: cluster.local
                namespace: shop
                service_account: client
                root_certificates: { filename: {{roots}} }
                join_token: { filename: {{token}} }
            """;
    }

    /// <summary>The authority has to be verified by a name, or the proxy asks nobody.</summary>
    private static string Context(string roots) =>
        "\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, common_tls_context: { validation_context: { "
        + $"trusted_ca: {{ filename: {roots} }}, match_typed_subject_alt_names: [{{ san_type: DNS, matcher: {{ exact: istiod.istio-system.svc }} }}] }} }}";

    /// <param name="socket">How the control plane is spoken to; empty: in the clear.</param>
    private static string Plain(string clusters, string listeners, string socket = "") =>
        $$"""
        node: { id: "sidecar~127.0.0.1~client.shop~shop.svc.cluster.local", cluster: client }
        dynamic_resources:
          ads_config: { api_type: DELTA_GRPC, transport_api_version: V3, grpc_services: [{ envoy_grpc: { cluster_name: xds-grpc } }] }
        static_resources:
          clusters:
          - name: xds-grpc
            type: STATIC
            connect_timeout: 1s
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: { http2_protocol_options: {} }
            {{socket}}
            load_assignment:
              cluster_name: xds-grpc
              endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 15010 } } } }] }]
        {{clusters}}
        {{(listeners.Length == 0 ? "" : "  listeners:")}}
        {{listeners}}
        """;

    /// <summary>The items of a list of the golden file, without the type that each begins with: in a bootstrap the list says it.</summary>
    private static string Section(string text, string name)
    {
        var lines = text.Split('\n').SkipWhile(line => !line.StartsWith($"{name}:", StringComparison.Ordinal)).Skip(1)
            .TakeWhile(line => line.StartsWith('-') || line.StartsWith(' '))
            .Where(line => !ForEnvoy.Any(field => line.TrimStart().StartsWith(field, StringComparison.Ordinal)));
        return ItemType().Replace(string.Join('\n', lines.Select(line => $"  {line}")), "  - ");
    }

    [GeneratedRegex("""^  - "@type": .*\n    """, RegexOptions.Multiline)]
    private static partial Regex ItemType();
}
