using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.Model;
using static Envoy.Extensions.Filters.Network.HttpConnectionManager.V3.HttpConnectionManager.Types;

namespace Lateen.Translation.Tests;

/// <summary>What the mesh's settings say of proxies before a gateway and of certificates that clients show to it.</summary>
public sealed class GatewayTopologyTests
{
    private const string Mesh =
        """
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          selector: {istio: ingressgateway}
          servers: [{port: {number: 8080, name: http, protocol: HTTP}, hosts: ["*"]}]
        ---
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: web, namespace: shop}
        spec:
          ingress: [{port: {number: 9080, name: http, protocol: HTTP}, captureMode: NONE}]
          egress: [{hosts: ["~/*"]}]

        """;

    [Theory]
    [InlineData("", 0, ForwardClientCertDetails.SanitizeSet, true)]
    [InlineData("numTrustedProxies: 2", 2, ForwardClientCertDetails.SanitizeSet, true)]
    [InlineData("numTrustedProxies: 1, forwardClientCertDetails: SANITIZE", 1, ForwardClientCertDetails.Sanitize, false)]
    [InlineData("forwardClientCertDetails: UNDEFINED", 0, ForwardClientCertDetails.SanitizeSet, true)]
    [InlineData("forwardClientCertDetails: FORWARD_ONLY", 0, ForwardClientCertDetails.ForwardOnly, false)]
    [InlineData("forwardClientCertDetails: APPEND_FORWARD", 0, ForwardClientCertDetails.AppendForward, true)]
    [InlineData("forwardClientCertDetails: SANITIZE_SET", 0, ForwardClientCertDetails.SanitizeSet, true)]
    [InlineData("forwardClientCertDetails: ALWAYS_FORWARD_ONLY", 0, ForwardClientCertDetails.AlwaysForwardOnly, false)]
    public void Settings_reach_gateways_and_no_sidecar(string topology, int hops, ForwardClientCertDetails forwarding, bool namesCurrent)
    {
        var read = ResourceReader.Read($"{Mesh}---\napiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\ndefaultConfig: {{gatewayTopology: {{ {topology} }} }}\n", "test.yaml");
        Assert.Empty(read.Diagnostics);
        var snapshot = MeshSnapshotBuilder.Build(null, read.Resources, 1);
        var translator = new Translator();

        var gateway = ManagerOf(translator.Translate(snapshot, TestMesh.Sidecar() with
        {
            Type = ProxyType.Router,
            Labels = StringMap.Create(KeyValuePair.Create("istio", "ingressgateway")),
        }), "8080");
        Assert.Equal(((uint)hops, forwarding), (gateway.XffNumTrustedHops, gateway.ForwardClientCertDetails));
        Assert.Equal(namesCurrent, gateway.SetCurrentClientCertDetails is not null);
        Assert.True(gateway.UseRemoteAddress);

        var sidecar = ManagerOf(translator.Translate(snapshot, TestMesh.Sidecar()), "9080");
        Assert.Equal((0u, ForwardClientCertDetails.AppendForward), (sidecar.XffNumTrustedHops, sidecar.ForwardClientCertDetails));
    }

    [Theory]
    [InlineData("numTrustedProxies: -1")]
    [InlineData("numTrustedProxies: 256")]
    [InlineData("forwardClientCertDetails: FORWARD")]
    public void What_is_no_topology_is_refused(string topology) => Assert.Contains(
        ResourceReader.Read($"apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\ndefaultConfig: {{gatewayTopology: {{ {topology} }} }}\n", "test.yaml").Diagnostics,
        diagnostic => diagnostic.IsError);

    private static HttpConnectionManager ManagerOf(ProxyResources resources, string port) =>
        resources.Listeners.Single(listener => listener.Name.EndsWith($"_{port}", StringComparison.Ordinal)).Parse(Listener.Parser)
            .FilterChains.SelectMany(static chain => chain.Filters).First(static filter => filter.TypedConfig.Is(HttpConnectionManager.Descriptor)).TypedConfig.Unpack<HttpConnectionManager>();
}
