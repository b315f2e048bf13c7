using System.Net;
using System.Net.Http.Json;
using Envoy.Config.Listener.V3;
using Envoy.Extensions.Filters.Http.JwtAuthn.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Lateen.ControlPlane.Api;
using Lateen.Discovery.Jwks;
using Lateen.Model.Security;
using Lateen.Xds;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace Lateen.ControlPlane.Tests;

public sealed class SecurityServingTests
{
    private const string Keys = """{"keys":[{"kty":"EC","kid":"a"}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static string Mesh(string jwksUri) =>
        $$$"""
        apiVersion: networking.istio.io/v1
        kind: Sidecar
        metadata: {name: web, namespace: shop}
        spec:
          ingress: [{port: {number: 9080, name: http, protocol: HTTP}, captureMode: NONE}]
          egress: [{port: {number: 7070, name: http, protocol: HTTP}, captureMode: NONE, hosts: ["~/*"]}]
        ---
        apiVersion: security.istio.io/v1
        kind: RequestAuthentication
        metadata: {name: tokens, namespace: shop}
        spec:
          jwtRules:
          - issuer: https://a.example.org
            jwksUri: {{{jwksUri}}}
        ---
        apiVersion: security.istio.io/v1
        kind: AuthorizationPolicy
        metadata: {name: readers, namespace: shop}
        spec:
          selector: {matchLabels: {app: web}}
          rules:
          - {from: [{source: {namespaces: [shop]}}], to: [{operation: {methods: [GET]}}]}
        """;

    private static string? KeysOf(FakeProxy proxy)
    {
        if (proxy.Held("LDS", "127.0.0.1_9080") is not { } resource) return null;
        var manager = resource.Parse(Listener.Parser).FilterChains[0].Filters[0].TypedConfig.Unpack<HttpConnectionManager>();
        return manager.HttpFilters.Single(filter => filter.Name == "envoy.filters.http.jwt_authn").TypedConfig.Unpack<JwtAuthentication>().Providers["origins-0"].LocalJwks.InlineString;
    }

    [Fact]
    public async Task A_proxy_gets_the_fetched_keys_without_a_new_revision()
    {
        var mayAnswer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var issuer = builder.Build();
        issuer.Run(async http =>
        {
            await mayAnswer.Task;
            await http.Response.WriteAsync(Keys, http.RequestAborted);
        });
        await issuer.StartAsync(Cancellation);

        await using var plane = await TestPlane.StartAsync(
            new JwksOptions { AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")], AllowHttp = true }, ("mesh.yaml", Mesh($"{issuer.Urls.First()}/keys")));
        await using var proxy = new FakeProxy(plane.XdsAddress, "web", labels: "app=web", httpProxyPort: 0);
        await proxy.UntilAsync(_ => KeysOf(proxy) is not null, Cancellation);
        Assert.Equal(FetchedKeySets.Nobody, KeysOf(proxy));

        long revision = plane.Host.Revision;
        mayAnswer.SetResult();
        await proxy.UntilAsync(_ => KeysOf(proxy) == Keys, Cancellation);
        Assert.Equal(revision, plane.Host.Revision);
    }

    [Fact]
    public async Task The_api_says_which_rule_lets_a_request_to_a_connected_proxy_through()
    {
        await using var plane = await TestPlane.StartAsync(("mesh.yaml", Mesh("https://keys.example.org")));
        await using var proxy = new FakeProxy(plane.XdsAddress, "web-1", labels: "app=web", httpProxyPort: 0);
        await proxy.UntilAsync(_ => proxy.Held("LDS") > 0, Cancellation);

        var allowed = await CheckAsync(plane, new AuthorizationCheckRequest("shop", "web-1", null, new DescribedTraffic(From: "shop/client", Method: "GET")));
        Assert.Equal("ALLOWED", allowed!.Verdict!.Outcome);
        Assert.Equal(("mesh.yaml", 22, "ns[shop]-policy[readers]-rule[0]"), (allowed.Verdict.Rule!.File, allowed.Verdict.Rule.Line, allowed.Verdict.Rule.Name));
        Assert.Equal(["AuthorizationPolicy/readers", "RequestAuthentication/tokens"], allowed.Policies.Select(policy => $"{policy.Kind}/{policy.Name}"));

        var denied = await CheckAsync(plane, new AuthorizationCheckRequest("shop", "web-1", null, new DescribedTraffic(From: "dev/client", Method: "GET")));
        Assert.Equal("DENIED", denied!.Verdict!.Outcome);
        Assert.Null(denied.Verdict.Rule);
        Assert.Null(await CheckAsync(plane, new AuthorizationCheckRequest("shop", "nobody", null, null)));
    }

    [Theory]
    [InlineData("""{"namespace":"shop","request":{"headers":[{"value":"x"}]}}""")]
    [InlineData("""{"namespace":"shop","request":{"headers":[{"name":null,"value":"x"}]}}""")]
    [InlineData("""{"namespace":"shop","request":{"claims":[{"path":["groups"]}]}}""")]
    public async Task A_question_that_lacks_a_part_is_a_bad_request(string question)
    {
        await using var plane = await TestPlane.StartAsync();
        using var content = new StringContent(question, System.Text.Encoding.UTF8, "application/json");
        using var response = await plane.Http.PostAsync("api/v1/authz/check", content, Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Fact]
    public async Task Where_a_rule_is_written_is_known_to_proxies_and_to_the_api_after_a_second_apply_and_a_restart()
    {
        const string Name = "ns[shop]-policy[readers]-rule[0]";
        var question = new AuthorizationCheckRequest("shop", "web-1", null, new DescribedTraffic(From: "shop/client", Method: "GET"));
        string mesh = Mesh("https://keys.example.org");
        await using var plane = await TestPlane.StartAsync();
        await plane.ApplyAsync(mesh);
        await using (var proxy = new FakeProxy(plane.XdsAddress, "web-1", labels: "app=web", httpProxyPort: 0))
        {
            await proxy.UntilAsync(_ => PlaceOf(proxy, Name) == "test.yaml:22", Cancellation);

            // Changed, and one line down.
            string changed = "# The shop's rules.\n" + mesh.Replace("methods: [GET]", "methods: [GET, HEAD]", StringComparison.Ordinal);
            Assert.Contains((await plane.ApplyAsync(changed)).Changes, static change => change is { Name: "readers", Change: "configured" });
            await proxy.UntilAsync(_ => PlaceOf(proxy, Name) == "test.yaml:23", Cancellation);

            // The same text, two more lines down: nothing changed for who applies it, and the line is the new one.
            Assert.Contains((await plane.ApplyAsync("# A\n# B\n" + changed)).Changes, static change => change is { Name: "readers", Change: "unchanged" });
            await proxy.UntilAsync(_ => PlaceOf(proxy, Name) == "test.yaml:25", Cancellation);
            Assert.Equal(25, (await CheckAsync(plane, question))!.Verdict!.Rule!.Line);
        }

        await plane.RestartAsync();

        await using var after = new FakeProxy(plane.XdsAddress, "web-1", labels: "app=web", httpProxyPort: 0);
        await after.UntilAsync(_ => PlaceOf(after, Name) == "test.yaml:25", Cancellation);
        Assert.Equal(("test.yaml", 25), await CheckAsync(plane, question) is { Verdict.Rule: { } rule } ? (rule.File, rule.Line) : default);
    }

    /// <summary>Where the proxy was told that an ALLOW rule is written.</summary>
    private static string? PlaceOf(FakeProxy proxy, string rule)
    {
        if (proxy.Held("LDS", "127.0.0.1_9080") is not { } resource) return null;
        var manager = resource.Parse(Listener.Parser).FilterChains[0].Filters[0].TypedConfig.Unpack<HttpConnectionManager>();
        var rules = manager.HttpFilters.Single(filter => filter.Name == "envoy.filters.http.rbac").TypedConfig.Unpack<Envoy.Extensions.Filters.Http.Rbac.V3.RBAC>().Rules;
        return PolicyPlaces.TryUnpack(rules.AuditLoggingOptions.LoggerConfigs[0].AuditLogger, out var places) ? places[rule] : null;
    }

    private static async Task<AuthorizationCheckResponse?> CheckAsync(TestPlane plane, AuthorizationCheckRequest question)
    {
        using var response = await plane.Http.PostAsJsonAsync("api/v1/authz/check", question, ApiJson.Default.AuthorizationCheckRequest, Cancellation);
        if (response.StatusCode == HttpStatusCode.NotFound) return null;
        return await response.Content.ReadFromJsonAsync(ApiJson.Default.AuthorizationCheckResponse, Cancellation);
    }
}
