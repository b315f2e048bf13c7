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
        string runtime;
        await using (var demo = await DemoUnderTest.StartAsync(Cancel))
        {
            runtime = demo.Runtime;
            var storefront = demo.Storefront;
            using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
            await ServesThePage(client, storefront);
            await ServesItWithTls(demo.Program);
            await ShowsOrdersAsTheyCome(storefront);
            await TellsTheBootstrapOfAProxyByItsName(demo);
            await CanarySplitsNinetyToTen(demo);
            await OneReaderSeesTheThirdVersion(client, demo);
            await TheOldAddressIsRedirected(client, demo);
            await AKilledSidecarReturns(client, storefront, demo.Program);
            await demo.Program.SignalAsync("INT");
            Assert.Equal(0, await demo.Program.WaitForExitAsync(Cancel));
            await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(storefront, Cancel));
            Assert.Empty(Directory.EnumerateDirectories(runtime, "lateen-demo-*"));
        }

        Assert.Empty(ProcessesNaming(runtime));
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

    private static async Task TellsTheBootstrapOfAProxyByItsName(DemoUnderTest demo) =>
        Assert.Contains("sidecar~127.0.0.1~storefront-v1.bookshop~", await demo.CliAsync(Cancel, "proxy-config", "bootstrap", "storefront-v1"), StringComparison.Ordinal);

    private static async Task CanarySplitsNinetyToTen(DemoUnderTest demo)
    {
        const int Requests = 2000;
        // A page without its reviews is 200 all the same: the call behind it failed.
        await using var during = SteadyLoad.Start(demo.Storefront, 50, connections: 4, fault: answer =>
            (answer.Status, answer.Field("x-reviews-version")) is (200, "v1" or "v2" or "v3") ? null : $"status {answer.Status}, reviews {answer.Field("x-reviews-version") ?? "not told"}");
        await during.AfterAsync(20, Cancel);
        await demo.ApplyAsync("canary-90-10.yaml", Cancel);
        await during.AfterAsync(20, Cancel);
        var change = await during.StopAsync();
        Assert.True(change.Failed == 0 && change.Answered > 0, change.Reasons);

        using var client = new HttpClient();
        int stable = 0, canary = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Requests), new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = Cancel }, async (_, cancel) =>
        {
            using var response = await client.GetAsync(demo.Storefront, cancel);
            response.EnsureSuccessStatusCode();
            switch (response.Headers.GetValues("x-reviews-version").Single())
            {
                case "v1": Interlocked.Increment(ref stable); break;
                case "v2": Interlocked.Increment(ref canary); break;
            }
        });

        // 99.9% of a binomial with n = 2000, p = 0.1: mean 200, deviation 13.4, z = 3.29.
        Assert.InRange(canary, 156, 244);
        Assert.Equal(Requests, stable + canary);
    }

    private static async Task OneReaderSeesTheThirdVersion(HttpClient client, DemoUnderTest demo)
    {
        await demo.ApplyAsync("ana-sees-v3.yaml", Cancel);
        for (var turn = 0; turn < 20; turn++)
        {
            Assert.Equal("v3", await VersionForAsync(client, demo.Storefront, "ana"));
            Assert.Equal("v1", await VersionForAsync(client, demo.Storefront, "bruno"));
        }
    }

    private static async Task TheOldAddressIsRedirected(HttpClient client, DemoUnderTest demo)
    {
        await demo.ApplyAsync("redirect-old-page.yaml", Cancel);
        using var response = await client.GetAsync(new Uri(demo.Storefront, "/productpage"), Cancel);

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

    [GeneratedRegex(@"proxy_pid=(\d+)")]
    private static partial Regex ProxyId();
}
