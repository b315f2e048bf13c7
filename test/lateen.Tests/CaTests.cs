using System.Net;
using System.Text.RegularExpressions;
using Lateen.ControlPlane.Tests;
using Lateen.Xds;

namespace Lateen.Cli.Tests;

public sealed partial class CaTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Authority_is_shown_and_tokens_are_issued_listed_and_revoked()
    {
        await using var work = new CliWorkplace();
        await work.UpAsync();

        string status = (await work.RunAsync("ca status")).Output;
        Assert.Contains("trust domain: cluster.local\n", status, StringComparison.Ordinal);
        Assert.Contains("authority: embedded, signs as", status, StringComparison.Ordinal);
        Assert.Contains("rotation: none, settled\n", status, StringComparison.Ordinal);
        Assert.Matches("secure port: 127.0.0.1:[0-9]+\n", status);
        Assert.Contains("\"stage\": \"settled\"", (await work.RunAsync("ca status -o json")).Output, StringComparison.Ordinal);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----\n", (await work.RunAsync("ca root")).Output, StringComparison.Ordinal);
        Assert.Contains("server: spiffe://cluster.local/ns/lateen-system/sa/lateen", (await work.RunAsync("ca root -o yaml")).Output, StringComparison.Ordinal);

        Assert.Equal("", (await work.RunAsync("ca tokens")).Output);
        string token = (await work.RunAsync("ca issue-token -n shop --service-account web --ttl 24h --uses 3")).Output;
        Assert.Matches("^lateen-join\\.[0-9a-f]{16}\\.[A-Za-z0-9_-]{43}\n$", token);
        string listed = (await work.RunAsync("ca tokens")).Output;
        string id = token.Split('.')[1];
        Assert.Matches($"{id} +shop +web +3 +", listed);
        Assert.DoesNotContain(token.Split('.')[2].Trim(), listed, StringComparison.Ordinal);
        Assert.Equal(0, (await work.RunAsync($"ca revoke-token {id}")).ExitCode);
        Assert.Equal(1, (await work.RunAsync($"ca revoke-token {id}")).ExitCode);

        Assert.Equal(1, (await work.RunAsync("ca issue-token -n * --service-account web")).ExitCode);
        Assert.Equal(0, (await work.RunAsync("ca issue-token -n * --service-account web --allow-any -o json")).ExitCode);
        Assert.Equal(1, (await work.RunAsync("ca issue-token -n shop --service-account web --ttl 31d")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("ca issue-token -n shop --service-account web --ttl soon")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("ca rotate")).ExitCode);
    }

    [Fact]
    public async Task What_a_workload_may_say_of_itself_is_granted_listed_and_taken_back()
    {
        await using var work = new CliWorkplace();
        await work.UpAsync();

        Assert.Equal("", (await work.RunAsync("ca workloads")).Output);
        await work.RunAsync("ca issue-token -n shop --service-account ingress --gateway -l istio=ingressgateway -l app=ingress");
        await work.RunAsync("bootstrap sidecar web-1 -n shop -l app=web --identity --join-token-file ROOT/web.token --root-file ROOT/roots.pem");
        await work.RunAsync("bootstrap gateway edge -n shop --identity --join-token-file ROOT/edge.token --root-file ROOT/roots.pem");
        string listed = (await work.RunAsync("ca workloads")).Output;
        Assert.Matches("shop +ingress +gateway +app=ingress,istio=ingressgateway\n", listed);
        Assert.Matches("shop +web +sidecar +app=web\n", listed);
        Assert.Matches("shop +edge +gateway +app=edge\n", listed);
        Assert.Contains("\"gateway\": true", (await work.RunAsync("ca workloads -o json")).Output, StringComparison.Ordinal);
        Assert.Equal("shop/ingress forgotten\n", (await work.RunAsync("ca forget-workload -n shop --service-account ingress")).Output);
        Assert.Equal(1, (await work.RunAsync("ca forget-workload -n shop --service-account ingress")).ExitCode);
        Assert.DoesNotContain("ingressgateway", (await work.RunAsync("ca workloads")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await work.RunAsync("ca issue-token -n shop --service-account * --allow-any --gateway")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("ca issue-token -n shop --service-account web -l nonsense")).ExitCode);
    }

    [Fact]
    public async Task Authority_is_changed_by_the_user_alone_who_runs_it()
    {
        await using var work = new CliWorkplace();
        await work.UpAsync();
        string token = (await work.RunAsync("ca issue-token -n shop --service-account web")).Output.Split('.')[1];
        string key = Assert.Single(Directory.GetFiles(work.RuntimeDirectory, "api-*.key"));
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
        using var stranger = new HttpClient { BaseAddress = new Uri($"http://{work.ApiAddress}/") };
        using var guessing = new HttpClient { BaseAddress = stranger.BaseAddress, DefaultRequestHeaders = { { "Authorization", "Bearer " + new string('A', 43) } } };

        foreach (var client in new[] { stranger, guessing })
        {
            Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("api/v1/ca/tokens", Cancellation)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.PostAsync("api/v1/ca/tokens", Json("""{"namespace": "shop", "serviceAccount": "admin"}"""), Cancellation)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.PostAsync("api/v1/ca/rotate", Json("""{"root": true}"""), Cancellation)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.DeleteAsync($"api/v1/ca/tokens/{token}", Cancellation)).StatusCode);
            Assert.Equal(HttpStatusCode.Unauthorized, (await client.DeleteAsync("api/v1/ca/workloads/shop/web", Cancellation)).StatusCode);
        }

        // Another user has another runtime directory, and nothing in it.
        string hidden = File.ReadAllText(key);
        File.Delete(key);
        var refused = await work.RunAsync("ca issue-token -n shop --service-account admin");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("run the command as that user", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(hidden, refused.Error, StringComparison.Ordinal);
        File.WriteAllText(key, hidden);
        Assert.Equal(0, (await work.RunAsync($"ca revoke-token {token}")).ExitCode);

        Assert.Equal(0, await work.DownAsync());
        Assert.Empty(Directory.GetFiles(work.RuntimeDirectory, "api-*.key"));

        static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");
    }

    [Fact]
    public async Task Without_a_plaintext_port_nothing_is_announced_there_and_proxies_join_at_the_secure_one()
    {
        await using var work = new CliWorkplace();
        await work.UpAsync(xds: "none", "--secure-address", "127.0.0.1:0");
        Assert.Equal("none", work.XdsAddress);
        Assert.Matches("xDS at 127.0.0.1:[0-9]+\n", (await work.RunAsync("version")).Output);
        Assert.Contains("lateen.identity", (await work.RunAsync("bootstrap sidecar web-1 --identity --join-token-file ROOT/web.token --root-file ROOT/roots.pem")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rotation_goes_on_where_a_kill_left_it()
    {
        await using var work = new CliWorkplace();
        await work.UpAsync();
        string[] roots;
        await using (var proxy = new FakeProxy(work.XdsAddress, "web"))
        {
            proxy.Refuse = static (type, _) => type == XdsTypeUrls.Secret ? "not yet" : null;
            proxy.Subscribe(XdsTypeUrls.Secret, "ROOTCA");
            await proxy.UntilAsync(_ => proxy.Held("SDS") == 1, Cancellation);

            string rotating = (await work.RunAsync("ca rotate --root")).Output;
            Assert.Contains("rotation: distributing the new root, waiting for web.shop\n", rotating, StringComparison.Ordinal);
            Assert.Equal(1, (await work.RunAsync("ca rotate --root")).ExitCode);
            roots = Roots(rotating);
            Assert.Equal(2, roots.Length);
            await work.KillAsync();
        }

        await work.UpAsync();
        // Nobody is connected who had to be waited for: the next stage begins by itself, with the same two roots.
        string status = "";
        while (!status.Contains("rotation: the new root signs; the old one is dropped after ", StringComparison.Ordinal))
        {
            Assert.False(Cancellation.IsCancellationRequested, status);
            status = (await work.RunAsync("ca status")).Output;
        }

        Assert.Equal(roots.Order(), Roots(status).Order());
        await work.KillAsync();
        await work.UpAsync();
        Assert.Equal(roots.Order(), Roots((await work.RunAsync("ca status")).Output).Order());
    }

    [Fact]
    public async Task Bootstrap_with_an_identity_writes_token_and_roots_and_names_them()
    {
        await using var work = new CliWorkplace();
        await work.UpAsync();

        string yaml = (await work.RunAsync("bootstrap sidecar web-1 -n shop -l app=web --identity --join-token-file ROOT/web.token --root-file ROOT/roots.pem")).Output;

        string token = work.Read("web.token");
        Assert.StartsWith("lateen-join.", token, StringComparison.Ordinal);
        Assert.Equal((await work.RunAsync("ca root")).Output, work.Read("roots.pem"));
        string secure = Regex.Match((await work.RunAsync("ca status")).Output, "secure port: 127.0.0.1:([0-9]+)").Groups[1].Value;
        Assert.Contains($"port_value: {secure} ", yaml, StringComparison.Ordinal);
        Assert.Contains("namespace: \"shop\"\n", yaml, StringComparison.Ordinal);
        Assert.Contains("service_account: \"web\"\n", yaml, StringComparison.Ordinal);
        Assert.Contains("web.token\" }\n", yaml, StringComparison.Ordinal);
        Assert.DoesNotContain(token.Trim(), yaml, StringComparison.Ordinal);
        Golden.Verify(Port().Replace(work.Stable(yaml), "port_value: PORT"));
        Assert.Equal(2, (await work.RunAsync("bootstrap sidecar web-1 --join-token-file x")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("bootstrap grpc web-1 --identity")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("bootstrap sidecar web-1 --identity --certificate-lifetime 59s")).ExitCode);
        Assert.Equal(2, (await work.RunAsync("bootstrap sidecar web-1 --identity --certificate-lifetime 91d")).ExitCode);
        Assert.Contains("certificate_lifetime: 5400s\n", (await work.RunAsync(
            "bootstrap sidecar web-1 --identity --certificate-lifetime 90m --join-token-file ROOT/other.token --root-file ROOT/roots.pem")).Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "BAD: ", "no-such-file.json")]
    [InlineData("nonsense", "issuer.json: ", "issuer.json")]
    [InlineData("{}", "issuer, audiences and jwks are needed", "issuer.json")]
    [InlineData("""{"issuer": "i", "audiences": [], "jwks": {"keys": []}}""", "issuer, audiences and jwks are needed", "issuer.json")]
    [InlineData("""{"issuer": "i", "audiences": ["a"], "jwks": {"keys": []}, "jwksUri": "https://i"}""", "the field 'jwksUri' is not known", "issuer.json")]
    [InlineData("""{"issuer": "i", "audiences": ["a"], "jwks": {"keys": []}}""", "i", "issuer.json")]
    [InlineData("""{"issuer": "i", "audiences": ["a"], "jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}""", "i", "issuer.json")]
    public async Task Issuer_of_tokens_that_is_not_well_described_stops_the_start_and_is_named(string text, string expected, string file)
    {
        await using var work = new CliWorkplace();
        Directory.CreateDirectory(work.Configuration);
        if (text.Length > 0) work.Write("issuer.json", text);
        var refused = await work.RunAsync($"up -d {work.Configuration} --xds-address 127.0.0.1:0 --api-address 127.0.0.1:0 --token-issuer ROOT/{file}");
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal("", refused.Output);
        Assert.Contains(expected.Replace("BAD", "ROOT/no-such-file.json", StringComparison.Ordinal), work.Stable(refused.Error), StringComparison.Ordinal);
    }

    private static string[] Roots(string status) => [.. Fingerprint().Matches(status).Select(match => match.Value)];

    [GeneratedRegex("[0-9a-f]{32}")]
    private static partial Regex Fingerprint();

    [GeneratedRegex("port_value: [1-9][0-9]+")]
    private static partial Regex Port();
}
