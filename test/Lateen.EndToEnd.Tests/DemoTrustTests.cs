using System.Globalization;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Lateen.EndToEnd.Tests.Mtls;
using Lateen.EndToEnd.Tests.RealPeers;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>What the demo promises about trust, by the commands of the README: who reads, who may call, and what an operator sees of a refusal.</summary>
public sealed partial class DemoTrustTests(DemoTrustTests.RunningDemo running) : IClassFixture<DemoTrustTests.RunningDemo>
{
    private const string Identities = "spiffe://cluster.local/ns/bookshop/sa/";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private DemoUnderTest Demo => running.Demo;

    [Fact(Timeout = 120_000)]
    public async Task Nothing_of_a_request_can_be_read_between_the_sidecars()
    {
        const string Secret = "a-reader-whom-nobody-knows", Marker = "/in-plain-text";
        var inbound = await InboundPortsAsync();
        await using var wire = await PacketCapture.StartAsync(inbound.Values, Cancel);
        using var client = new HttpClient();
        for (var turn = 0; turn < 3; turn++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, Demo.Storefront);
            request.Headers.Add("end-user", Secret);
            using var response = await client.SendAsync(request, Cancel);
            Assert.Contains("The Wind and the Windlass", await response.Content.ReadAsStringAsync(Cancel), StringComparison.Ordinal);
        }

        // A caller without an identity is served in the clear, and seen.
        await Caller.GetAsync(inbound["details-v1"], Marker, "details", Cancel);
        await wire.UntilSeenAsync(Marker, Cancel);
        Assert.False(wire.Has(Secret), "the reader's name");
        Assert.False(wire.Has("Windlass"), "what details answers");
        Assert.False(wire.Has("GetStock"), "the gRPC call");
        Assert.False(wire.Has("INCR"), "what Redis is told");
    }

    [Fact(Timeout = 120_000)]
    public async Task Sidecars_show_their_identity_and_turn_a_stranger_away_with_the_cause_in_their_log()
    {
        Assert.SkipWhen(Tools.WhyWithout("openssl", "openssl") is not null, Tools.WhyWithout("openssl", "openssl") ?? "");
        Assert.Contains($"Between them it is mutual TLS: each has an identity ({Identities}NAME)", Demo.Program.Output, StringComparison.Ordinal);
        await Demo.ApplyAsync("access-log.yaml", Cancel);
        var details = (await InboundPortsAsync())["details-v1"];
        var (_, shown) = await ProgramUnderTest.RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{details}", "-alpn", "istio"], Cancel);
        using var certificate = X509Certificate2.CreateFromPem(shown.AsSpan(shown.IndexOf("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal)));
        Assert.Contains($"{Identities}details", certificate.Extensions.Single(static extension => extension.Oid?.Value == "2.5.29.17").Format(multiLine: false), StringComparison.Ordinal);

        using var foreign = new TestAuthority();
        var (chain, key) = foreign.Issue("intruder.example");
        string certificateFile = Path.Combine(Demo.Runtime, "foreign.pem"), keyFile = Path.Combine(Demo.Runtime, "foreign.key");
        await File.WriteAllTextAsync(certificateFile, chain, Cancel);
        await File.WriteAllTextAsync(keyFile, key, Cancel);
        await ProgramUnderTest.RunAsync("openssl", ["s_client", "-quiet", "-connect", $"127.0.0.1:{details}", "-alpn", "istio", "-cert", certificateFile, "-key", keyFile], Cancel);
        var refusal = await Demo.LogLineAsync("details-v1-sidecar", static line => line.Contains("certificate is refused", StringComparison.Ordinal), "the refusal", Cancel);
        Assert.Contains(" DPE ", refusal, StringComparison.Ordinal);
        Assert.Contains("failure=\"TLS_error:the peer's certificate is refused: ", refusal, StringComparison.Ordinal);

        // Who was on either side of a request that was served.
        using var client = new HttpClient();
        await client.GetStringAsync(Demo.Storefront, Cancel);
        var served = await Demo.LogLineAsync(
            "details-v1-sidecar", static line => line.StartsWith("GET /details/0 200 ", StringComparison.Ordinal) && line.Contains("tls=\"TLSv1.3\"", StringComparison.Ordinal), "a request of the storefront", Cancel);
        Assert.Contains($"from=\"{Identities}storefront\" as=\"{Identities}details\"", served, StringComparison.Ordinal);
    }

    [Fact(Timeout = 240_000)]
    public async Task The_samples_close_the_shop_and_open_it_for_who_has_business_there()
    {
        await Demo.ApplyAsync("access-log.yaml", Cancel);
        using var client = new HttpClient();
        var details = (await InboundPortsAsync())["details-v1"];
        try
        {
            // Before: whoever comes without an identity is served.
            Assert.StartsWith("HTTP/1.1 200", await Caller.GetAsync(details, "/details/0", "details", Cancel), StringComparison.Ordinal);
            await Demo.ApplyAsync("strict-mtls.yaml", Cancel);
            Assert.Equal(Caller.Refused, await Caller.GetAsync(details, "/details/0", "details", Cancel));
            await PageIsWholeAsync(client);

            await Demo.ApplyAsync("deny-all.yaml", Cancel);
            await ARefusalTellsTheOperatorAlone(client);

            await Demo.ApplyAsync("allow-the-shop.yaml", Cancel);
            await PageIsWholeAsync(client);
            var (code, verdict) = await Demo.TryCliAsync(Cancel, "authz", "check", "ratings-v1", "-n", "bookshop", "--from", "bookshop/storefront", "--path", "/ratings/0");
            Assert.True(code != 0 && verdict.Contains("DENIED: there are ALLOW policies, and none of their rules matches", StringComparison.Ordinal), verdict);

            await Demo.ApplyAsync("jwt-for-admin.yaml", Cancel);
            await OnlyTheKeeperSeesTheBackOffice(client);
            await PageIsWholeAsync(client);
        }
        finally
        {
            foreach (var sample in new[] { "jwt-for-admin.yaml", "allow-the-shop.yaml", "deny-all.yaml", "strict-mtls.yaml" })
                await Demo.TryCliAsync(Cancel, "delete", "-f", DemoUnderTest.PathOf(sample));
        }
    }

    /// <summary>The caller is told nothing but the fact; policy, rule, file and line stand in the log, in <c>/stats</c> and in the answer of <c>authz check</c>.</summary>
    private async Task ARefusalTellsTheOperatorAlone(HttpClient client)
    {
        using var denied = await client.GetAsync(Demo.Storefront, Cancel);
        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        Assert.Equal("RBAC: access denied", await denied.Content.ReadAsStringAsync(Cancel));
        Assert.DoesNotContain(denied.Headers, static header => header.Value.Any(static value => value.Contains("policy", StringComparison.OrdinalIgnoreCase)));
        await Demo.LogLineAsync("ingressgateway", static line => RefusedByNone().IsMatch(line), "the refusal", Cancel);
        var (code, verdict) = await Demo.TryCliAsync(Cancel, "authz", "check", "ingressgateway", "-n", "bookshop", "--path", "/book/0");
        Assert.NotEqual(0, code);
        Assert.Contains("DENIED: there are ALLOW policies, and none of their rules matches", verdict, StringComparison.Ordinal);
        Assert.Matches(@"deny-all +ALLOW +0 +\S*deny-all\.yaml:2", verdict);
        var stats = await StatsAsync(client, "ingressgateway");
        Assert.Contains(stats, static line => line.Contains(".rbac.denied: ", StringComparison.Ordinal) && !line.EndsWith(": 0", StringComparison.Ordinal));
        Assert.Contains(stats, static line => line.Contains(".rbac.policy.none.denied: ", StringComparison.Ordinal) && !line.EndsWith(": 0", StringComparison.Ordinal));
        Assert.Contains(stats, static line => line.Contains(".rbac.policy.none.place: ", StringComparison.Ordinal) && line.EndsWith("deny-all.yaml:2\"", StringComparison.Ordinal));
    }

    private async Task OnlyTheKeeperSeesTheBackOffice(HttpClient client)
    {
        var admin = new Uri(Demo.Storefront, "/admin");
        var token = (await File.ReadAllTextAsync(DemoUnderTest.PathOf("keeper.jwt"), Cancel)).Trim();
        var (nobody, refusal) = await GetAsync(client, admin, token: null);
        var (forger, _) = await GetAsync(client, admin, token[..^4] + "AAAA");
        var (keeper, page) = await GetAsync(client, admin, token);
        Assert.Equal((403, 401, 200), (nobody, forger, keeper));
        Assert.Equal("RBAC: access denied", refusal);
        Assert.Contains("<b data-test=\"role\">keeper</b>", page, StringComparison.Ordinal);
        await TheRefusalIsToldAtLine(client, 33);

        // The policy is edited, two lines down, and applied again; then the control plane dies, and comes back with what its journal says.
        var edited = Path.Combine(Demo.Runtime, "jwt-for-admin.yaml");
        var text = await File.ReadAllTextAsync(DemoUnderTest.PathOf("jwt-for-admin.yaml"), Cancel);
        await File.WriteAllTextAsync(edited, "# Edited.\n#\n" + text.Replace("/admin/*]", "/admin/*, /staff]", StringComparison.Ordinal), Cancel);
        await Demo.CliAsync(Cancel, "apply", "--wait", "-f", edited);
        await TheRefusalIsToldAtLine(client, 35);

        Demo.KillControlPlane();
        await Demo.Program.WaitForLineAsync("control-plane ended", Cancel);
        await MeshUnderTest.UntilAsync("the control plane to be back", async () => (await Demo.TryCliAsync(Cancel, "proxy-status")).ExitCode == 0, Demo.Program, Cancel);
        // Acknowledged by all proxies, so each has what the restarted control plane makes of the journal.
        await Demo.ApplyAsync("redirect-old-page.yaml", Cancel);
        await Demo.CliAsync(Cancel, "delete", "-f", DemoUnderTest.PathOf("redirect-old-page.yaml"));
        await TheRefusalIsToldAtLine(client, 35);
    }

    /// <summary>A refusal of the storefront's sidecar names policy, rule, file and line, in its log, in its statistics and when asked about it.</summary>
    private async Task TheRefusalIsToldAtLine(HttpClient client, int line)
    {
        const string Rule = "ns[bookshop]-policy[admin-is-for-staff]-rule[0]";
        var marker = $"/admin?at={line}-{Guid.NewGuid():N}";
        Assert.Equal(403, (await GetAsync(client, new Uri(Demo.Storefront, marker), token: null)).Status);
        var logged = await Demo.LogLineAsync("storefront-v1-sidecar", written => written.StartsWith($"GET {marker} 403 ", StringComparison.Ordinal), "the refusal", Cancel);
        Assert.Matches(@"^GET \S+ 403 - rbac_access_denied_matched_policy\[ns\[bookshop\]-policy\[admin-is-for-staff\]-rule\[0\]\]\{\S*jwt-for-admin\.yaml:" + line + @"\} ", logged);

        var stats = await StatsAsync(client, "storefront-v1-sidecar");
        Assert.Contains(stats, stat => stat.Contains($".rbac.policy.{Rule}.denied: ", StringComparison.Ordinal) && !stat.EndsWith(": 0", StringComparison.Ordinal));
        Assert.EndsWith($"jwt-for-admin.yaml:{line}\"", Assert.Single(stats, stat => stat.Contains($".rbac.policy.{Rule}.place: ", StringComparison.Ordinal)), StringComparison.Ordinal);

        var (code, verdict) = await Demo.TryCliAsync(Cancel, "authz", "check", "storefront-v1", "-n", "bookshop", "--from", "bookshop/ingressgateway", "--path", "/admin");
        Assert.NotEqual(0, code);
        Assert.Contains($"DENIED: {Rule} denies it", verdict, StringComparison.Ordinal);
        Assert.Matches(@"at \S*jwt-for-admin\.yaml:" + line + @"\b", verdict);
    }

    [GeneratedRegex(@"^GET /book/0 403 - rbac_access_denied_matched_policy\[none\]\{\S*deny-all\.yaml:2\} ")]
    private static partial Regex RefusedByNone();

    private async Task PageIsWholeAsync(HttpClient client)
    {
        var page = await client.GetStringAsync(Demo.Storefront, Cancel);
        Assert.Contains("<h1>The Wind and the Windlass</h1>", page, StringComparison.Ordinal);
        Assert.Contains("reviews v1", page, StringComparison.Ordinal);
        Assert.Contains("<dd data-test=\"stock\">12,", page, StringComparison.Ordinal);
        Assert.Matches("<dd data-test=\"visits\">[0-9]+ times</dd>", page);
    }

    private static async Task<(int Status, string Body)> GetAsync(HttpClient client, Uri address, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        if (token is not null) request.Headers.TryAddWithoutValidation("authorization", $"Bearer {token}");
        using var response = await client.SendAsync(request, Cancel);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(Cancel));
    }

    /// <summary>The lines of a proxy's <c>/stats</c>.</summary>
    private async Task<string[]> StatsAsync(HttpClient client, string proxy)
    {
        var line = await Demo.LogLineAsync(proxy, static line => line.Contains("admin address: ", StringComparison.Ordinal), "its admin address", Cancel);
        return (await client.GetStringAsync(new Uri($"http://{line[(line.LastIndexOf(' ') + 1)..]}/stats"), Cancel)).Split('\n');
    }

    /// <summary>Where each workload's sidecar listens for the mesh.</summary>
    private async Task<IReadOnlyDictionary<string, int>> InboundPortsAsync()
    {
        var entries = await Demo.CliAsync(Cancel, "get", "workloadentries", "-n", "bookshop", "-o", "yaml");
        var ports = NameAndPort().Matches(entries).ToDictionary(static match => match.Groups[1].Value, static match => int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture));
        Assert.Contains("details-v1", ports);
        Assert.Equal(9, ports.Count);
        return ports;
    }

    [GeneratedRegex(@"\bname: (\S+)\s(?:(?!\bname: ).)*?\bports:\s+\S+: (\d+)", RegexOptions.Singleline)]
    private static partial Regex NameAndPort();

    /// <summary>One demo for all tests of the class: each leaves it as open as it was.</summary>
    public sealed class RunningDemo : IAsyncLifetime
    {
        internal DemoUnderTest Demo { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Demo = await DemoUnderTest.StartAsync(TestContext.Current.CancellationToken);

        public ValueTask DisposeAsync() => Demo?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
