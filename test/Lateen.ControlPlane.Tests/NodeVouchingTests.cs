using System.Net.Http.Json;
using Grpc.Core;
using Lateen.ControlPlane.Api;
using Lateen.Identity;
using Lateen.Identity.Joining;
using Lateen.Xds;
using static Lateen.ControlPlane.Tests.SecureClient;

namespace Lateen.ControlPlane.Tests;

/// <summary>What a proxy says of itself beyond its certificate, at the port of mutual TLS: node type and labels choose Gateways and private keys.</summary>
public sealed class NodeVouchingTests : IDisposable
{
    private const string Name = "kubernetes://edge-tls";

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

    private readonly WorkloadKey _key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static TokenRequest Ingress => new("shop", "ingress") { Gateway = true, Labels = new() { ["app"] = "ingress", ["istio"] = "ingressgateway" } };

    public void Dispose() => _key.Dispose();

    [Fact]
    public async Task Workload_with_a_certificate_of_its_own_is_not_served_as_its_namespaces_gateway()
    {
        await using var plane = await StartAsync();
        // That there is a gateway, and that this workload has labels of its own, vouches for neither.
        await TokenAsync(plane, Ingress);
        using var web = await JoinAsync(plane, new TokenRequest("shop", "web") { Labels = new() { ["app"] = "web" } }, _key);

        Assert.Equal((StatusCode.PermissionDenied, null), await AskAsync(web, "web", "router", "istio=ingressgateway"));
        Assert.Equal((StatusCode.PermissionDenied, null), await AskAsync(web, "web", "router", "app=web"));
        Assert.Equal((StatusCode.PermissionDenied, null), await AskAsync(web, "web", "router", ""));
        Assert.Equal((StatusCode.OK, false), await AskAsync(web, "web", "sidecar", "istio=ingressgateway"));
        Assert.Contains(plane.Log, line => line.StartsWith("denied the stream of spiffe://cluster.local/ns/shop/sa/web", StringComparison.Ordinal)
            && line.Contains("`lateen bootstrap gateway --identity`", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Gateway_that_joined_as_one_gets_its_certificate_also_after_a_restart_and_until_it_is_forgotten()
    {
        await using var plane = await StartAsync();
        var roots = await RootsAsync(plane);
        using var joining = Connect(plane, roots);
        var token = await TokenAsync(plane, Ingress);
        var (certificate, _) = await joining.SignAsync(_key.CreateRequest(SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/ingress")), token.Token);
        using (var gateway = Connect(plane, roots, _key, certificate))
        {
            Assert.Equal((StatusCode.OK, true), await AskAsync(gateway, "ingress", "router", "app=ingress,istio=ingressgateway"));
            Assert.Equal((StatusCode.OK, true), await AskAsync(gateway, "ingress", "router", "istio=ingressgateway"));
            // Its account is a gateway's; that label is nobody's.
            Assert.Equal((StatusCode.OK, false), await AskAsync(gateway, "ingress", "router", "istio=ingressgateway,team=payments"));
        }

        await plane.RestartAsync();
        using var again = Connect(plane, roots, _key, certificate);
        Assert.Equal((StatusCode.OK, true), await AskAsync(again, "ingress", "router", "istio=ingressgateway"));
        using var listed = await plane.Http.GetAsync("api/v1/ca/workloads", Cancellation);
        var item = Assert.Single((await listed.Content.ReadFromJsonAsync(ApiJson.Default.GrantListResponse, Cancellation))!.Items);
        Assert.Equal(("shop", "ingress", true, "ingressgateway"), (item.Namespace, item.ServiceAccount, item.Gateway, item.Labels["istio"]));

        // Who is connected is cut off at once.
        using var stream = again.Stream();
        await stream.RequestStream.WriteAsync(SecretOf(Name, "shop", "ingress", "router", "istio=ingressgateway"), Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        Assert.True((await plane.Http.DeleteAsync("api/v1/ca/workloads/shop/ingress", Cancellation)).IsSuccessStatusCode);
        Assert.Equal(StatusCode.PermissionDenied, (await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Cancellation))).StatusCode);
        Assert.Equal((StatusCode.PermissionDenied, null), await AskAsync(again, "ingress", "router", "istio=ingressgateway"));
        Assert.Equal(404, (int)(await plane.Http.DeleteAsync("api/v1/ca/workloads/shop/ingress", Cancellation)).StatusCode);
    }

    [Fact]
    public async Task Workload_entry_that_a_gateway_selects_vouches_for_its_service_account()
    {
        await using var plane = await StartAsync();
        using var gateway = await JoinAsync(plane, new TokenRequest("shop", "ingress"), _key);
        Assert.Equal((StatusCode.PermissionDenied, null), await AskAsync(gateway, "ingress", "router", "istio=ingressgateway"));

        await plane.ApplyAsync(Entry("ingress", "ingress", "app: ingress"));
        Assert.Equal((StatusCode.PermissionDenied, null), await AskAsync(gateway, "ingress", "router", "app=ingress"));
        await plane.ApplyAsync(Entry("ingress", "ingress", "istio: ingressgateway"));
        Assert.Equal((StatusCode.OK, true), await AskAsync(gateway, "ingress", "router", "istio=ingressgateway"));
        // Another account's entry vouches for that one.
        await plane.ApplyAsync(Entry("ingress", "somebody", "istio: ingressgateway"));
        Assert.Equal((StatusCode.PermissionDenied, null), await AskAsync(gateway, "ingress", "router", "istio=ingressgateway"));
    }

    [Fact]
    public async Task Sidecar_gets_the_credential_that_a_rule_keeps_for_other_labels_only_when_they_are_vouched_for()
    {
        await using var plane = await StartAsync();
        await plane.ApplyAsync(
            TestPlane.Service("bank") +
            """
            ---
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: {name: bank, namespace: shop}
            spec:
              host: bank.shop.svc.cluster.local
              workloadSelector: {matchLabels: {app: payer}}
              trafficPolicy: {tls: {mode: MUTUAL, credentialName: edge-tls}}
            """);
        using var web = await JoinAsync(plane, new TokenRequest("shop", "web") { Labels = new() { ["app"] = "web" } }, _key);
        Assert.Equal((StatusCode.OK, false), await AskAsync(web, "web", "sidecar", "app=payer"));
        Assert.Equal((StatusCode.OK, false), await AskAsync(web, "web", "sidecar", "app=web"));

        using var stream = web.Stream();
        await stream.RequestStream.WriteAsync(SecretOf(Name, "shop", "web", "sidecar", "app=payer"), Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        Assert.Contains("nobody vouches that shop/web has the labels", await plane.Http.GetStringAsync("api/v1/diagnostics", Cancellation), StringComparison.Ordinal);
        await stream.RequestStream.WriteAsync(new() { TypeUrl = XdsTypeUrls.Secret, ResponseNonce = stream.ResponseStream.Current.Nonce }, Cancellation);
        // What is granted while it is connected reaches it there.
        await TokenAsync(plane, new TokenRequest("shop", "web") { Labels = new() { ["app"] = "payer" } });
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(Name, Assert.Single(stream.ResponseStream.Current.Resources).Name);
    }

    [Fact]
    public async Task Grants_are_of_one_account_bounded_and_kept_for_their_owner_alone()
    {
        await using var plane = await StartAsync();
        foreach (var refused in new[]
        {
            new TokenRequest("shop", "*", AllowAny: true) { Gateway = true },
            new TokenRequest("*", "web", AllowAny: true) { Labels = new() { ["a"] = "b" } },
            new TokenRequest("shop", "web") { Labels = new() { ["a"] = new string('x', NodeGrantTable.MaxLabelLength) } },
            new TokenRequest("shop", "web") { Labels = Enumerable.Range(0, NodeGrantTable.MaxLabels + 1).ToDictionary(number => $"l{number}", _ => "x") },
        })
        {
            using var answer = await plane.Http.PostAsJsonAsync("api/v1/ca/tokens", refused, ApiJson.Default.TokenRequest, Cancellation);
            Assert.Equal(400, (int)answer.StatusCode);
        }

        for (int version = 0; version < NodeGrantTable.MaxOfAccount; version++) await TokenAsync(plane, Version(version));
        await TokenAsync(plane, Version(0)); // Said before.
        using var beyond = await plane.Http.PostAsJsonAsync("api/v1/ca/tokens", Version(NodeGrantTable.MaxOfAccount), ApiJson.Default.TokenRequest, Cancellation);
        Assert.Contains("`lateen ca forget-workload`", (await beyond.Content.ReadFromJsonAsync(ApiJson.Default.ProblemResponse, Cancellation))!.Hint, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(plane.State, "ca", "node-grants.json")));

        static TokenRequest Version(int number) => new("shop", "web") { Labels = new() { ["version"] = $"v{number}" } };
    }

    private static async Task<TestPlane> StartAsync()
    {
        var plane = await TestPlane.StartSecureAsync();
        await plane.ApplyAsync(Gateway + "\n---\n" + SecretServingTests.Tls("edge-tls", "shop", SecretServingTests.Certificate("one.example.com")));
        return plane;
    }

    private static string Entry(string name, string account, string labels) =>
        $$"""
        apiVersion: networking.istio.io/v1
        kind: WorkloadEntry
        metadata: {name: {{name}}, namespace: shop}
        spec: {address: 127.0.0.1, serviceAccount: {{account}}, labels: { {{labels}} } }
        """;

    /// <summary>What a proxy that says this of itself hears when it asks for the gateway's certificate: a refusal, or whether it gets it.</summary>
    private static async Task<(StatusCode Code, bool? IsGiven)> AskAsync(SecureClient client, string account, string type, string labels)
    {
        using var stream = client.Stream();
        await stream.RequestStream.WriteAsync(SecretOf(Name, "shop", account, type, labels), Cancellation);
        try
        {
            Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        }
        catch (RpcException e)
        {
            return (e.StatusCode, null);
        }

        var answer = stream.ResponseStream.Current;
        Assert.Equal(answer.Resources.Count == 0, answer.RemovedResources.Contains(Name));
        return (StatusCode.OK, answer.Resources.Count == 1);
    }
}
