using System.Net;
using System.Net.Sockets;
using System.Text;
using Lateen.EndToEnd.Tests.Mtls;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>A CUSTOM policy on a port that is not HTTP: control plane, proxy, authorizer and application are programs and servers of their own.</summary>
public sealed class CustomAuthorizationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task An_authorizer_decides_about_connections_and_nobody_passes_when_it_is_gone()
    {
        await using var application = new EchoServer();
        var authorizer = await Authorizer.StartAsync();
        try
        {
            int port = FreePorts.Take(1)[0];
            await using var mesh = await MeshUnderTest.StartAsync(Configuration(port, application.Port, authorizer.Port), Cancel);
            var proxy = await mesh.StartSidecarAsync("web-1", "web", httpProxyPort: FreePorts.Take(1)[0], Cancel);

            Assert.Equal("ping", await EchoedAsync(port));
            Assert.Equal(1, authorizer.Questions);

            authorizer.Allows = false;
            Assert.Equal("", await EchoedAsync(port));
            Assert.Equal(1, await proxy.StatAsync("ext_authz.tcp.denied", Cancel));

            // What no policy matches is nobody's business: the same port without the rule.
            await mesh.ApplyAsync(Policy("192.0.2.0/24"), Cancel);
            Assert.Equal("ping", await EchoedAsync(port));
            Assert.Equal(2, authorizer.Questions);

            authorizer.Allows = true;
            await mesh.ApplyAsync(Policy("127.0.0.0/8"), Cancel);
            Assert.Equal("ping", await EchoedAsync(port));

            await authorizer.DisposeAsync();
            Assert.Equal("", await EchoedAsync(port));
            Assert.Equal(1, await proxy.StatAsync("ext_authz.tcp.error", Cancel));
        }
        finally
        {
            await authorizer.DisposeAsync();
        }
    }

    /// <summary>What comes back of a word before the connection ends, or the word itself.</summary>
    private static async Task<string> EchoedAsync(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, Cancel);
        var stream = client.GetStream();
        byte[] answer = new byte[4];
        try
        {
            await stream.WriteAsync("ping"u8.ToArray(), Cancel);
            int length = await stream.ReadAtLeastAsync(answer, 4, throwOnEndOfStream: false, Cancel);
            return Encoding.ASCII.GetString(answer, 0, length);
        }
        catch (IOException)
        {
            // Closed with the word unread.
            return "";
        }
    }

    private static string Policy(string block) =>
        $$$"""
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: ask, namespace: default}
        spec:
          selector: {matchLabels: {app: web}}
          action: CUSTOM
          provider: {name: authz}
          rules: [{from: [{source: {ipBlocks: ["{{{block}}}"]}}]}]
        """;

    private static string Configuration(int port, int application, int authorizer) =>
        $$$"""
        apiVersion: mesh.istio.io/v1alpha1
        kind: MeshConfig
        extensionProviders: [{name: authz, envoyExtAuthzGrpc: {service: authz.default.svc.cluster.local, port: 9000, timeout: 5s}}]
        ---
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: authz, namespace: default}
        spec:
          hosts: [authz.default.svc.cluster.local]
          location: MESH_INTERNAL
          resolution: STATIC
          ports: [{number: 9000, name: grpc, protocol: GRPC}]
          endpoints: [{address: 127.0.0.1, ports: {grpc: {{{authorizer}}} } }]
        ---
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: web, namespace: default}
        spec:
          workloadSelector: {labels: {app: web}}
          ingress: [{port: {number: {{{port}}}, name: tcp, protocol: TCP}, captureMode: NONE, defaultEndpoint: "127.0.0.1:{{{application}}}"}]
        ---
        {{{Policy("127.0.0.0/8")}}}
        """;
}
