using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lateen.ControlPlane.Api;
using Lateen.Xds;
using Secret = Envoy.Extensions.TransportSockets.Tls.V3.Secret;

namespace Lateen.ControlPlane.Tests;

public sealed class SecretServingTests
{
    private const string Gateway =
        """
        apiVersion: networking.istio.io/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          selector: {istio: ingressgateway}
          servers:
          - {port: {number: 8443, name: https, protocol: HTTPS}, bind: 127.0.0.1, hosts: ["*"], tls: {mode: SIMPLE, credentialName: edge-tls}}
        """;

    private const string Name = "kubernetes://edge-tls";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_gateway_that_asks_gets_its_certificate_then_each_replacement_alone_and_then_the_removal()
    {
        await using var plane = await TestPlane.StartAsync(("gateway.yaml", Gateway));
        string first = Certificate("one.example.com");
        await plane.ApplyAsync(Tls("edge-tls", "shop", first));
        await using var proxy = new FakeProxy(plane.XdsAddress, "edge", type: "router", labels: "istio=ingressgateway");
        await proxy.UntilAsync(_ => proxy.Held("RDS") == 1, Cancellation);
        Assert.DoesNotContain(proxy.Seen, update => update.Type == "SDS");

        proxy.Subscribe(XdsTypeUrls.Secret, Name);
        await proxy.UntilAsync(_ => proxy.Held("SDS") == 1, Cancellation);
        Assert.Equal(first, Text(proxy));

        int before = proxy.Seen.Count;
        string second = Certificate("two.example.com");
        var applied = await plane.ApplyAsync(Tls("edge-tls", "shop", second));
        Assert.True((await plane.ServedAsync(applied.Revision)).Served);
        var update = Assert.Single(proxy.Seen.Skip(before));
        Assert.Equal(("SDS", Name), (update.Type, Assert.Single(update.Changed)));
        Assert.Equal(second, Text(proxy));

        using var answer = await plane.Http.PostAsJsonAsync(
            "api/v1/resources/delete", new DeleteRequest([new ResourceName("Secret", "shop", "edge-tls")]), ApiJson.Default.DeleteRequest, Cancellation);
        await proxy.UntilAsync(_ => proxy.Held("SDS") == 0, Cancellation);
    }

    [Fact]
    public async Task A_secret_of_another_namespace_is_not_served_and_the_proxy_is_named_in_the_diagnostics()
    {
        await using var plane = await TestPlane.StartAsync(("gateway.yaml", Gateway));
        await plane.ApplyAsync(Tls("edge-tls", "elsewhere", Certificate("one.example.com")));
        await using var proxy = new FakeProxy(plane.XdsAddress, "edge", type: "router", labels: "istio=ingressgateway");
        proxy.Subscribe(XdsTypeUrls.Secret, Name);

        await proxy.UntilAsync(seen => proxy.Held("RDS") == 1 && seen.Any(update => update.Type == "SDS" && update.Removed.Contains(Name)), Cancellation);

        Assert.Null(proxy.Held("SDS", Name));
        string diagnostics = await plane.Http.GetStringAsync("api/v1/diagnostics", Cancellation);
        Assert.Contains("has no Secret 'edge-tls'", diagnostics.Replace("\\u0027", "'", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sidecar_that_asks_for_a_gateways_certificate_does_not_get_it()
    {
        await using var plane = await TestPlane.StartAsync(("gateway.yaml", Gateway));
        await plane.ApplyAsync(Tls("edge-tls", "shop", Certificate("one.example.com")));
        await using var proxy = new FakeProxy(plane.XdsAddress, "nosy");
        proxy.Subscribe(XdsTypeUrls.Secret, Name);

        await proxy.UntilAsync(seen => seen.Any(update => update.Type == "SDS" && update.Removed.Contains(Name)), Cancellation);

        Assert.Null(proxy.Held("SDS", Name));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Where_there_is_an_authority_keys_leave_over_plaintext_only_if_the_operator_says_so(bool isAllowed)
    {
        await using var plane = await TestPlane.StartSecureAsync(options => options with { SecretsOverPlaintext = isAllowed });
        await plane.ApplyAsync(Gateway + "\n---\n" + Tls("edge-tls", "shop", Certificate("one.example.com")));
        await using var proxy = new FakeProxy(plane.XdsAddress, "edge", type: "router", labels: "istio=ingressgateway");
        proxy.Subscribe(XdsTypeUrls.Secret, Name);

        await proxy.UntilAsync(seen => proxy.Held("RDS") == 1 && seen.Any(update => update.Type == "SDS"), Cancellation);

        Assert.Equal(isAllowed, proxy.Held("SDS", Name) is not null);
        Assert.Equal(isAllowed, !(await plane.Http.GetStringAsync("api/v1/diagnostics", Cancellation)).Contains("--secrets-over-plaintext", StringComparison.Ordinal));
        Assert.Contains(plane.Log, line => line.StartsWith($"warning: on the plaintext port {plane.XdsAddress} ", StringComparison.Ordinal)
            && line.Contains("private keys", StringComparison.Ordinal) == isAllowed && line.Contains("--xds-address none", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_plaintext_port_there_is_none_and_nothing_to_warn_of()
    {
        await using var plane = await TestPlane.StartSecureAsync(options => options with { XdsPort = null });
        Assert.Null(plane.Host.XdsAddress);
        Assert.DoesNotContain("xdsAddress", await plane.Http.GetStringAsync("api/v1/version", Cancellation), StringComparison.Ordinal);
        Assert.DoesNotContain(plane.Log, line => line.StartsWith("warning", StringComparison.Ordinal));
        await SecureClient.RootsAsync(plane);
    }

    [Fact]
    public async Task Nothing_that_the_control_plane_says_of_a_secret_holds_its_key()
    {
        await using var plane = await TestPlane.StartAsync(("gateway.yaml", Gateway));
        var answer = await plane.ApplyAsync(Tls("edge-tls", "shop", Certificate("one.example.com")));
        await using var proxy = new FakeProxy(plane.XdsAddress, "edge", type: "router", labels: "istio=ingressgateway");
        proxy.Subscribe(XdsTypeUrls.Secret, Name);
        await proxy.UntilAsync(_ => proxy.Held("SDS") == 1, Cancellation);

        string[] said =
        [
            answer.ToString(), string.Join('\n', answer.Changes),
            await plane.Http.GetStringAsync("api/v1/resources?kind=all", Cancellation),
            await plane.Http.GetStringAsync("api/v1/proxies", Cancellation),
            await plane.Http.GetStringAsync("api/v1/diagnostics", Cancellation),
            await plane.Http.GetStringAsync("debug/config_dump?proxyID=edge.shop", Cancellation),
            string.Join('\n', plane.Log),
        ];

        Assert.All(said, text => Assert.DoesNotContain("BEGIN", text, StringComparison.Ordinal));
        Assert.Contains("edge-tls", said[2], StringComparison.Ordinal);
        Assert.Contains("***", said[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ipv4:127.0.0.1:40022", 2)]
    [InlineData("ipv6:[::1]:40022", 2)]
    [InlineData("ipv6:[::ffff:127.0.0.1]:40022", 2)]
    [InlineData("unix:/run/lateen.sock", 2)]
    [InlineData("ipv4:10.1.2.3:40022", 1)]
    [InlineData("ipv6:[2001:db8::1]:40022", 1)]
    [InlineData("something else", 1)]
    public void Content_of_secrets_stays_on_the_machine_while_names_of_files_travel(string peer, int secrets)
    {
        var resources = Translation.ProxyResources.Empty with
        {
            Secrets = [XdsResource.FromMessage("file-cert:a~b", new Secret()), XdsResource.FromMessage(Name, new Secret())],
        };

        Assert.Equal(secrets, new Serving.SecretExposure(isAllowed: true).Limit(resources, peer).Secrets.Length);
        Assert.Single(new Serving.SecretExposure(isAllowed: false).Limit(resources, peer).Secrets);
    }

    private static string Text(FakeProxy proxy) => proxy.Held("SDS", Name)!.Parse(Secret.Parser) is { TlsCertificate: { } pair }
        ? pair.CertificateChain.InlineBytes.ToStringUtf8() + pair.PrivateKey.InlineBytes.ToStringUtf8()
        : "";

    internal static string Certificate(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }

    internal static string Tls(string name, string ns, string pem)
    {
        int split = pem.IndexOf("-----BEGIN PRIVATE KEY", StringComparison.Ordinal);
        return $"""
            apiVersion: v1
            kind: Secret
            metadata: {"{"}name: {name}, namespace: {ns}{"}"}
            type: kubernetes.io/tls
            data:
              tls.crt: {Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(pem[..split]))}
              tls.key: {Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(pem[split..]))}
            """;
    }
}
