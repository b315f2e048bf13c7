using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>
/// The floods of HTTP/2 against the ingress, each by a client that does not stop by itself: its connection is ended and counted under the flood's name,
/// the proxy's memory grows by less than 16 MB, and another client, all the while, has every request answered.
/// </summary>
[Collection(PeerTests.Name)]
public sealed class FloodTests(PeerMesh mesh)
{
    private const long MostGrowthKib = 16 * 1024;
    private const int OthersPerSecond = 100;

    private static readonly byte[] WindowOfZero = [0, 4, 0, 0, 0, 0]; // SETTINGS_INITIAL_WINDOW_SIZE = 0 (RFC 9113 section 6.5.2).

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => [.. Http2Flood.All.Select(flood => flood.Name)];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Names))]
    public async Task A_flood_ends_the_attackers_connection_and_nobody_elses(string flood)
    {
        var (_, counter, batch) = Http2Flood.All.Single(one => one.Name == flood);
        var before = await RefusalsAsync(counter);
        await using var others = SteadyLoad.Start(mesh.Http("/hello"), OthersPerSecond, connections: 4);
        await others.AfterAsync(OthersPerSecond / 2, Cancel);
        await using var memory = new MemoryWatch(mesh);
        using (var attacker = await Http2Attacker.ConnectAsync(mesh.Port("http"), Cancel))
        {
            await attacker.FloodUntilClosedAsync(batch, Cancel);
        }

        await AssertNobodyElseSufferedAsync(others, memory);
        Assert.Equal(before + 1, await RefusalsAsync(counter));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_small_block_that_decodes_to_a_large_one_is_refused()
    {
        var before = await RefusalsAsync("header_overflow");
        await using var others = SteadyLoad.Start(mesh.Http("/hello"), OthersPerSecond, connections: 4);
        await using var memory = new MemoryWatch(mesh);
        using (var attacker = await Http2Attacker.ConnectAsync(mesh.Port("http"), Cancel))
        {
            // One field of 3,900 octets goes into the table (literal with incremental indexing, RFC 7541 6.2.1); each octet 0xbe after that is that field again.
            byte[] bomb = [.. Http2Attacker.Get(), 0x40, 1, (byte)'a', 0x7f, 0xbd, 0x1d, .. Enumerable.Repeat((byte)'b', 3900), .. Enumerable.Repeat((byte)0xbe, 10_000)];
            attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, 1, bomb);
            await attacker.SendAsync(Cancel);
            await MeshUnderTest.UntilAsync(
                "the refusal to be counted", async () => await RefusalsAsync("header_overflow") > before, mesh.Gateway.Program, Cancel);
        }

        await others.AfterAsync(OthersPerSecond / 2, Cancel);
        await AssertNobodyElseSufferedAsync(others, memory);
    }

    [Fact(Timeout = 120_000)]
    public async Task Readers_that_open_no_window_hold_their_servers_back_and_not_our_memory()
    {
        await using var others = SteadyLoad.Start(mesh.Http("/hello"), OthersPerSecond, connections: 4);
        await using var memory = new MemoryWatch(mesh);
        var before = mesh.Web.BytesSent;
        using (var attacker = await Http2Attacker.ConnectAsync(mesh.Port("http"), Cancel, WindowOfZero))
        {
            for (var stream = 1; stream < 200; stream += 2)
            {
                attacker.Add(Http2Attacker.Headers, Http2Attacker.EndStream | Http2Attacker.EndHeaders, stream, Http2Attacker.Get("/bytes/50000000"));
            }

            await attacker.SendAsync(Cancel);
            await MeshUnderTest.UntilAsync("a server to have begun", () => Task.FromResult(mesh.Web.BytesSent > before), mesh.Gateway.Program, Cancel);
            await others.AfterAsync(OthersPerSecond * 2, Cancel);
        }

        // A hundred streams of a hundred buffers each: what is bounded per stream is bounded in all, in proportion.
        await AssertNobodyElseSufferedAsync(others, memory);
    }

    private static async Task AssertNobodyElseSufferedAsync(SteadyLoad others, MemoryWatch memory)
    {
        await memory.NextLookAsync(Cancel);
        var seen = await others.StopAsync();
        await memory.DisposeAsync();
        Assert.True(seen.Failed == 0 && seen.Answered > 0, seen.Reasons);
        Assert.True(memory.GrowthKib < MostGrowthKib, $"a proxy grew by {memory.GrowthKib} KiB");
    }

    /// <summary>The proxy counts per connection manager, or once for all of HTTP/2: the sum is what a flood adds one to.</summary>
    /// <remarks>A client that pings and does not read is refused for the one or for the other, whichever bound it meets first.</remarks>
    private async Task<long> RefusalsAsync(string counter)
    {
        var page = await mesh.Gateway.AdminAsync("/stats", Cancel);
        var names = counter.Split('|').Select(name => $"http2.{name}: ").ToArray();
        return page.Split('\n').Where(line => names.Any(name => line.Contains(name, StringComparison.Ordinal))).Sum(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..]));
    }
}
