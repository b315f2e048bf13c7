using System.Net.Http.Json;
using System.Text.Json;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>Gives a bootstrap an identity: the way to the control plane is mutual TLS, and the proxy joins by a token of its own.</summary>
internal static class IdentityBootstrap
{
    private const string Agent =
        "{ api_config_source: { api_type: GRPC, transport_api_version: V3, set_node_on_first_message_only: true, "
        + "grpc_services: [{ envoy_grpc: { cluster_name: sds-grpc } }] }, initial_fetch_timeout: 0s, resource_api_version: V3 }";

    private const string Context =
        "\"@type\": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext, sni: istiod.istio-system.svc, common_tls_context: { "
        + "alpn_protocols: [h2], tls_certificate_sds_secret_configs: [{ name: default, sds_config: " + Agent + " }], combined_validation_context: { "
        + "default_validation_context: { match_typed_subject_alt_names: [{ san_type: DNS, matcher: { exact: istiod.istio-system.svc } }] }, "
        + "validation_context_sds_secret_config: { name: ROOTCA, sds_config: " + Agent + " } } }";

    /// <param name="bootstrap">What <c>lateen bootstrap</c> wrote.</param>
    /// <param name="roots">A file with the mesh's roots.</param>
    /// <param name="token">A file with a join token for the account.</param>
    /// <param name="account">Whose identity, of the namespace <c>default</c>.</param>
    public static string Give(string bootstrap, string roots, string token, string account)
    {
        const string Assignment = "load_assignment:\n";
        int cluster = bootstrap.IndexOf("name: xds-grpc", StringComparison.Ordinal);
        int at = bootstrap.IndexOf(Assignment, cluster, StringComparison.Ordinal);
        // As a flow mapping it stands on one line, whatever the indentation is.
        string socket = $"transport_socket: {{ name: envoy.transport_sockets.tls, typed_config: {{ {Context} }} }}\n";
        string indentation = new(' ', at - bootstrap.LastIndexOf('\n', at) - 1);
        return bootstrap.Insert(at, socket + indentation)
            + $$"""

            bootstrap_extensions:
              - name: lateen.identity
                typed_config:
                  "@type": type.googleapis.com/lateen.identity.v1.WorkloadIdentity
                  ca_cluster: xds-grpc
                  trust_domain: cluster.local
                  namespace: default
                  service_account: {{account}}
                  root_certificates: { filename: {{roots}} }
                  join_token: { filename: {{token}} }

            """;
    }

    /// <summary>Asks the control plane for its roots and for a token, and writes both into a folder.</summary>
    public static async Task<(string Roots, string Token)> PrepareAsync(HttpClient client, string api, string folder, string account, CancellationToken cancel)
    {
        using var roots = JsonDocument.Parse(await client.GetStringAsync($"http://{api}/api/v1/ca/roots", cancel));
        using var answer = await client.PostAsJsonAsync($"http://{api}/api/v1/ca/tokens", new { @namespace = "default", serviceAccount = account, lifetimeSeconds = 600, uses = 1 }, cancel);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancel));
        using var token = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(cancel));
        string rootsFile = Path.Combine(folder, $"{account}-roots.pem"), tokenFile = Path.Combine(folder, $"{account}-token");
        await File.WriteAllTextAsync(rootsFile, roots.RootElement.GetProperty("pem").GetString(), cancel);
        await File.WriteAllTextAsync(tokenFile, token.RootElement.GetProperty("token").GetString(), cancel);
        return (rootsFile, tokenFile);
    }
}
