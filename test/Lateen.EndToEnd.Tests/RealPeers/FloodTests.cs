using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// The floods of HTTP/2 against the ingress, each by a client that does not stop by itself: its connection is ended and counted under the flood's name,
/// the proxies' memory grows by less than 16 MB, and every request that other clients send meanwhile has the answer that it is to have.
/// </summary>
[Collection(PeerTests.Name)]
public sealed class FloodTests(PeerMesh mesh)
{
    private const long MostGrowthKib = 16 * 1024;
    private const int OthersPerSecond = 100;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Http2Flood.All.Select(flood => flood.Name)];

    /// <summary>The first and every other one after it: what judges them is the same with TLS and without.</summary>
    public static TheoryData<string> NamesOverTls => [.. Http2Flood.All.Where((_, number) => number == 0 || number % 2 == 1).Select(flood => flood.Name)];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Names))]
    public Task A_flood_ends_the_attackers_connection_and_nobody_elses(string flood) => FloodAsync(flood, overTls: false);

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(NamesOverTls))]
    public Task A_flood_over_TLS_ends_the_attackers_connection_and_nobody_elses(string flood) => FloodAsync(flood, overTls: true);

    private async Task FloodAsync(string name, bool overTls)
    {
        var flood = Http2Flood.All.Single(one => one.Name == name);
        var before = await RefusalsAsync(flood.Counter);
        await using var others = SteadyLoad.Start(mesh.Http("/hello"), OthersPerSecond, connections: 4);
        await others.AfterAsync(OthersPerSecond / 2, Cancel);
        await using var memory = new MemoryWatch(mesh);
        var tls = mesh.Authority.Trusting;
        tls.TargetHost = "web.example";
        await using (var attacker = await Http2Attacker.ConnectAsync(mesh.Port(overTls ? "https" : "http"), flood, overTls ? tls : null, Cancel))
        {
            await attacker.FloodUntilClosedAsync(Cancel);
        }

        await others.AfterAsync(OthersPerSecond / 2, Cancel);
        await memory.NextLookAsync(Cancel);
        var seen = await others.StopAsync();
        await memory.DisposeAsync();
        // Not one that failed, and not one with another answer than the server's.
        Assert.True(seen.Failed == 0 && seen.Answered > OthersPerSecond / 2, seen.Reasons);
        Assert.Equal(seen.Answered, Assert.Contains("GET /hello", seen.Bodies));
        Assert.True(memory.GrowthKib < MostGrowthKib, $"a proxy grew by {memory.GrowthKib} KiB");
        Assert.Equal(before + 1, await RefusalsAsync(flood.Counter));
    }

    /// <summary>The proxy counts per connection manager, or once for all of HTTP/2: the sum is what a flood adds one to.</summary>
    private async Task<long> RefusalsAsync(string counter)
    {
        var page = await mesh.Gateway.AdminAsync("/stats", Cancel);
        return page.Split('\n').Where(line => line.Contains($"http2.{counter}: ", StringComparison.Ordinal)).Sum(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..]));
    }
}
