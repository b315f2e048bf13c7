using System.Globalization;
using System.Text.RegularExpressions;
using Lateen.EndToEnd.Tests.RealPeers;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>The main job: one command, a shop on real traffic, changes from a second terminal.</summary>
public sealed partial class DemoTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task The_demo_serves_routes_and_heals_and_leaves_nothing_behind()
    {
        // A runtime folder of its own, so that the CLI of this test finds this demo and no other.
        var runtime = Directory.CreateTempSubdirectory("lateen-demo-test-").FullName;
        var environment = new Dictionary<string, string>
        {
            ["LATEEN_PROXY"] = Programs.Proxy,
            ["LATEEN_BOOKSHOP"] = Programs.Bookshop,
            ["XDG_RUNTIME_DIR"] = runtime,
            ["TMPDIR"] = runtime,
        };
        await using (var demo = ProgramUnderTest.Start("demo", Programs.Lateen, ["demo", "--rate", "5"], environment))
        {
            var announcement = await demo.WaitForLineAsync("Storefront", Cancel);
            var storefront = new Uri(Address().Match(announcement).Value);
            using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
            await ServesThePage(client, storefront);
            await ServesItWithTls(demo);
            await ShowsOrdersAsTheyCome(storefront);
            await CanarySplitsNinetyToTen(storefront, environment);
            await OneReaderSeesTheThirdVersion(client, storefront, environment);
            await TheOldAddressIsRedirected(client, storefront, environment);
            await AKilledSidecarReturns(client, storefront, demo);
            await demo.SignalAsync("INT");
            Assert.Equal(0, await demo.WaitForExitAsync(Cancel));
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(storefront, Cancel));
        }

        Assert.Empty(Directory.EnumerateDirectories(runtime, "lateen-demo-*"));
        Assert.Empty(ProcessesNaming(runtime));
        Directory.Delete(runtime, recursive: true);
    }

    private static async Task ServesThePage(HttpClient client, Uri storefront)
    {
        var page = await client.GetStringAsync(storefront, Cancel);

        Assert.Contains("<h1>The Wind and the Windlass</h1>", page, StringComparison.Ordinal);
        Assert.Contains("reviews v1", page, StringComparison.Ordinal);
        // gRPC brought the stock, TCP the visits: each through two proxies.
        Assert.Contains("<dd data-test=\"stock\">12, chart room, shelf 1 <small>inventory v1</small></dd>", page, StringComparison.Ordinal);
        Assert.Matches("<dd data-test=\"visits\">[0-9]+ times</dd>", page);
    }

    // The line is copied as it was printed, as a person would.
    private static async Task ServesItWithTls(ProgramUnderTest demo)
    {
        var line = (await demo.WaitForLineAsync("curl --cacert ", Cancel)).Trim();
        var page = await Tools.RunAsync("curl", "curl", ["-sS", "--fail", .. line.Split(' ')[1..]], Cancel);

        Assert.Contains("<h1>The Wind and the Windlass</h1>", page, StringComparison.Ordinal);
    }

    private static async Task ShowsOrdersAsTheyCome(Uri storefront)
    {
        if (Tools.WhyWithout("chromium", "chromium") is { } why)
        {
            TestContext.Current.SendDiagnosticMessage($"The page was not looked at in a browser: {why}");
            return;
        }

        await using var browser = await Browser.OpenAsync(storefront, Cancel);
        await browser.UntilAsync("document.querySelector('[data-test=orders-state]')?.textContent === 'live'", Cancel);
        await browser.EvaluateAsync("document.querySelector('[data-test=buy]').click()", Cancel);
        await browser.UntilAsync("[...document.querySelectorAll('[data-test=orders] li')].some(line => line.textContent.endsWith('The Wind and the Windlass, for somebody'))", Cancel);
    }

    private static async Task CanarySplitsNinetyToTen(Uri storefront, Dictionary<string, string> environment)
    {
        const int Requests = 2000;
        await using var during = SteadyLoad.Start(storefront, 50, connections: 4);
        await ApplyAsync("canary-90-10.yaml", environment);
        var change = await during.StopAsync();

        using var client = new HttpClient();
        var canary = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (_, cancel) =>
        {
            using var response = await client.GetAsync(storefront, cancel);
            response.EnsureSuccessStatusCode();
            if (response.Headers.GetValues("x-reviews-version").Single() == "v2")
            {
                Interlocked.Increment(ref canary);
            }
        });

        // 99.9% of a binomial with n = 2000, p = 0.1: mean 200, deviation 13.4, z = 3.29.
        Assert.InRange(canary, 156, 244);
        Assert.True(change.Failed == 0, change.Reasons);
    }

    private static async Task OneReaderSeesTheThirdVersion(HttpClient client, Uri storefront, Dictionary<string, string> environment)
    {
        await ApplyAsync("ana-sees-v3.yaml", environment);
        for (var turn = 0; turn < 20; turn++)
        {
            Assert.Equal("v3", await VersionForAsync(client, storefront, "ana"));
            Assert.Equal("v1", await VersionForAsync(client, storefront, "bruno"));
        }
    }

    private static async Task TheOldAddressIsRedirected(HttpClient client, Uri storefront, Dictionary<string, string> environment)
    {
        await ApplyAsync("redirect-old-page.yaml", environment);
        using var response = await client.GetAsync(new Uri(storefront, "/productpage"), Cancel);

        Assert.Equal(301, (int)response.StatusCode);
        Assert.EndsWith("/book/0", response.Headers.Location!.ToString(), StringComparison.Ordinal);
    }

    private static async Task AKilledSidecarReturns(HttpClient client, Uri storefront, ProgramUnderTest demo)
    {
        var line = await demo.WaitForLineAsync(line => line.StartsWith("details-v1 ", StringComparison.Ordinal) && !line.Contains("proxy_pid=-", StringComparison.Ordinal), "a report of details-v1", Cancel);
        using (var sidecar = System.Diagnostics.Process.GetProcessById(int.Parse(ProxyId().Match(line).Groups[1].Value, CultureInfo.InvariantCulture)))
        {
            sidecar.Kill();
        }

        await demo.WaitForLineAsync("details-v1-sidecar ended", Cancel);
        await demo.WaitForLineAsync(line => line.StartsWith("details-v1 ", StringComparison.Ordinal) && line.EndsWith("restarts=1", StringComparison.Ordinal), "details-v1 with one restart", Cancel);
        await MeshUnderTest.UntilAsync(
            "details to answer again",
            async () => (await client.GetStringAsync(storefront, Cancel)).Contains("The Wind and the Windlass</h1>", StringComparison.Ordinal),
            demo,
            Cancel);
    }

    private static async Task<string> VersionForAsync(HttpClient client, Uri storefront, string reader)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, storefront);
        request.Headers.Add("end-user", reader);
        using var response = await client.SendAsync(request, Cancel);
        return response.Headers.GetValues("x-reviews-version").Single();
    }

    private static async Task ApplyAsync(string file, Dictionary<string, string> environment)
    {
        var path = Path.Combine(Programs.Root, "samples/bookshop/config", file);
        var (code, output) = await ProgramUnderTest.RunAsync(Programs.Lateen, ["apply", "--wait", "-f", path], Cancel, environment);
        Assert.True(code == 0, output);
    }

    // Every process of the demo has the temporary folder in its environment; none may be left.
    private static IEnumerable<string> ProcessesNaming(string folder) => Directory.EnumerateDirectories("/proc")
        .Where(path => int.TryParse(Path.GetFileName(path), out _))
        .Where(path =>
        {
            try
            {
                return File.ReadAllText(Path.Combine(path, "environ")).Contains(folder, StringComparison.Ordinal);
            }
            catch (IOException)
            {
                return false; // Ended between the listing and the look.
            }
            catch (UnauthorizedAccessException)
            {
                return false; // Another user's.
            }
        });

    [GeneratedRegex(@"http://\S+")]
    private static partial Regex Address();

    [GeneratedRegex(@"proxy_pid=(\d+)")]
    private static partial Regex ProxyId();
}
