using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>redis-cli to a real redis-server: through the ingress's port of TCP or TLS, or a sidecar's port that declares nothing, to a sidecar that was told nothing.</summary>
[Collection(PeerTests.Name)]
public sealed class RedisTests(PeerMesh mesh)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("tcp-redis")]
    [InlineData("tls-redis")]
    [InlineData("own-redis")]
    public async Task Commands_and_large_values_pass(string gate)
    {
        var key = $"key-{gate}";
        var value = new string('v', 100_000);

        Assert.Equal("PONG", await RedisAsync(gate, "PING"));
        Assert.Equal("OK", await RedisAsync(gate, "SET", key, value));
        Assert.Equal(value, await RedisAsync(gate, "GET", key));
        Assert.Equal("1", await RedisAsync(gate, "DEL", key));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("tcp-redis")]
    [InlineData("own-redis")]
    public async Task A_subscriber_that_waits_is_told(string gate)
    {
        SkipWithoutRedis();
        await using var subscriber = ProgramUnderTest.Start("redis-cli", "redis-cli", ["-p", $"{mesh.Port(gate)}", "SUBSCRIBE", "news"]);
        await subscriber.WaitForLineAsync("subscribe", Cancel);

        Assert.Equal("1", await RedisAsync("tcp-redis", "PUBLISH", "news", "land ho"));
        await subscriber.WaitForLineAsync("land ho", Cancel);
    }

    private async Task<string> RedisAsync(string gate, params string[] command)
    {
        SkipWithoutRedis();
        string[] tls = gate.StartsWith("tls-", StringComparison.Ordinal) ? ["--tls", "--sni", "web.example", "--cacert", mesh.AuthorityFile] : [];
        return (await Tools.RunAsync("redis-cli", "redis-tools", ["-h", "127.0.0.1", "-p", $"{mesh.Port(gate)}", .. tls, .. command], Cancel)).Trim();
    }

    private static void SkipWithoutRedis()
    {
        var why = Tools.WhyWithout("redis-server", "redis-server") ?? Tools.WhyWithout("redis-cli", "redis-tools");
        Assert.SkipWhen(why is not null, why ?? "");
    }
}
