using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Lateen.Model;
using Lateen.Model.Security;
using Lateen.Translation;

namespace Lateen.Proxy.Tests.Filters.Jwt;

/// <summary>What the control plane sends of a RequestAuthentication to the proxy of a workload that it concerns.</summary>
internal static class TranslatedAuthentication
{
    private const string Workload =
        """

        ---
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: web, namespace: shop}
        spec:
          ingress:
          - {port: {number: 9080, name: http, protocol: HTTP}, captureMode: NONE}
        """;

    private static readonly ProxyIdentity Proxy = new()
    {
        Type = ProxyType.Sidecar,
        Id = "sidecar~127.0.0.1~web.shop~shop.svc.cluster.local",
        Ip = "127.0.0.1",
        Name = "web",
        Namespace = "shop",
        WorkloadName = "web",
    };

    /// <param name="jwtRules">A list in flow style; JSON is such a list.</param>
    /// <returns>Null when the control plane refuses the policy.</returns>
    public static JwtAuthentication? Of(string jwtRules, FetchedKeySets? keys = null)
    {
        string policy = $"apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {{name: tokens, namespace: shop}}\nspec: {{jwtRules: {jwtRules}}}\n";
        var read = ResourceReader.Read(policy + Workload, "given.yaml");
        if (read.Diagnostics.Any(static found => found.IsError)) return null;
        var resources = new Translator().Translate(MeshSnapshotBuilder.Build(null, [.. read.Resources], 1), Proxy, keys);
        var chain = resources.Listeners.Single(static listener => listener.Name == "127.0.0.1_9080").Parse(Listener.Parser).FilterChains.Last();
        return chain.Filters[^1].TypedConfig.Unpack<HttpConnectionManager>().HttpFilters
            .Single(static filter => filter.TypedConfig.Is(JwtAuthentication.Descriptor)).TypedConfig.Unpack<JwtAuthentication>();
    }

    /// <summary>As a bootstrap file has it.</summary>
    public static string Yaml(JwtAuthentication message) => new JsonFormatter(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true)).Format(message);
}
