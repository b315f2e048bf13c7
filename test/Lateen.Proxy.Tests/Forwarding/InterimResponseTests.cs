using Lateen.Proxy.Clusters;
using Lateen.Proxy.Tests.Harness;
using Lateen.Testing;

namespace Lateen.Proxy.Tests.Forwarding;

/// <summary>Interim responses (1xx, RFC 9110 section 15.2) between both versions of HTTP on either side.</summary>
public sealed class InterimResponseTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

    public static TheoryData<int, int> Pairings => new() { { 1, 1 }, { 1, 2 }, { 2, 1 }, { 2, 2 } };

    [Theory]
    [MemberData(nameof(Pairings))]
    public async Task Interim_responses_reach_the_client_with_their_fields_and_in_their_order(int down, int up)
    {
        await using var upstream = Upstream(up, [(102, []), (103, [("link", "</a.css>"), ("x-own", "b")])]);
        await using var proxy = Start(upstream, up);

        var (code, output) = await ProgramUnderTest.RunAsync(
            "curl", ["-sS", "-i", "--max-time", "20", down == 1 ? "--http1.1" : "--http2-prior-knowledge", $"http://{proxy.Address}/"], TestContext.Current.CancellationToken);

        Assert.Equal(0, code);
        var version = down == 1 ? "HTTP/1.1" : "HTTP/2";
        var heads = output.ReplaceLineEndings("\n").Split("\n\n");
        Assert.StartsWith($"{version} 102", heads[0], StringComparison.Ordinal);
        Assert.StartsWith($"{version} 103", heads[1], StringComparison.Ordinal);
        Assert.Contains("\nlink: </a.css>\nx-own: b", heads[1], StringComparison.Ordinal);
        Assert.DoesNotContain("connection", heads[1], StringComparison.OrdinalIgnoreCase);
        Assert.StartsWith($"{version} 200", heads[2], StringComparison.Ordinal);
        Assert.DoesNotContain("a.css", heads[2], StringComparison.Ordinal);
        Assert.Equal("hello", heads[3].Trim());
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Pairings))]
    public async Task An_interim_response_does_not_wait_for_the_final_one(int down, int up)
    {
        var isSeen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = Upstream(up, [(103, [])], isSeen.Task);
        await using var proxy = Start(upstream, up);
        if (down == 1)
        {
            using var client = await RawClient.ConnectAsync(proxy.Address);
            await client.SendAsync(Get);
            Assert.Equal(103, (await client.ReadResponseAsync()).Status);
            isSeen.SetResult();
            Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        }
        else
        {
            using var client = await RawHttp2Client.ConnectAsync(proxy.Address);
            await client.SendBytesAsync(RawHttp2Client.Get(1));
            Assert.False((await client.ReadAsync(static frame => frame.Type == RawFrame.Headers)).EndsStream);
            isSeen.SetResult();
            Assert.False((await client.ReadAsync(static frame => frame.Type == RawFrame.Headers)).EndsStream);
            Assert.Equal("hello", await client.ReadContentAsync(1));
        }
    }

    [Theory(Timeout = 60_000)]
    [InlineData(1, 100, 200)]
    [InlineData(1, 101, 502)]
    [InlineData(2, 100, 200)]
    [InlineData(2, 101, 502)]
    public async Task A_server_that_never_comes_to_its_final_response_is_given_up_after_a_hundred(int up, int interims, int status)
    {
        await using var upstream = Upstream(up, [.. Enumerable.Repeat<(int, (string, string)[])>((102, []), interims)]);
        await using var proxy = Start(upstream, up);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await client.SendAsync(Get);

        for (var i = 0; i < 100; i++) Assert.Equal(102, (await client.ReadResponseAsync()).Status);
        Assert.Equal(status, (await client.ReadResponseAsync()).Status);
        await client.SendAsync(Get);
        Assert.Equal(102, (await client.ReadResponseAsync()).Status);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_client_of_http_1_0_gets_none(int up)
    {
        await using var upstream = Upstream(up, [(103, [])]);
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address).Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2;
            recipe.Http1 = recipe.Http1 with { AcceptHttp10 = true };
        });

        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.0\r\nHost: shop\r\n\r\n")).Status);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_100_that_nobody_waits_for_stays_here(int up)
    {
        await using var upstream = Upstream(up, [(100, [])]);
        await using var proxy = Start(upstream, up);

        Assert.Equal(200, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
    }

    private static EngineUnderTest Start(TestUpstream upstream, int up) =>
        EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address).Protocol = up == 1 ? UpstreamProtocol.Http1 : UpstreamProtocol.Http2);

    /// <summary>A server that sends interim responses, and 200 when <paramref name="isSeen"/> has come.</summary>
    private static TestUpstream Upstream(int version, (int Status, (string Name, string Value)[] Fields)[] interims, Task? isSeen = null) =>
        version == 1
            ? TestUpstream.Serving(async peer =>
            {
                while (await peer.ReadHeadAsync() is not null)
                {
                    // Fields of the connection are the connection's, in interim responses too.
                    foreach (var (status, fields) in interims)
                        await peer.SendAsync($"HTTP/1.1 {status} Wait\r\nconnection: x-hop\r\nx-hop: 1\r\n{string.Concat(fields.Select(static one => $"{one.Name}: {one.Value}\r\n"))}\r\n");
                    await (isSeen ?? Task.CompletedTask);
                    await peer.SendAsync(TestUpstream.Hello);
                }
            })
            : RawHttp2Server.Answering(async (peer, stream) =>
            {
                foreach (var (status, fields) in interims) await peer.SendAsync(RawHttp2Server.Head(stream, status, endStream: false, fields));
                await (isSeen ?? Task.CompletedTask);
                await peer.SendAsync(RawHttp2Server.Head(stream, 200, endStream: false, ("content-type", "text/plain")));
                await peer.SendAsync(RawHttp2Server.Content(stream, "hello"));
            });
}
