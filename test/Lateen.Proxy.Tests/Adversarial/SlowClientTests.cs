using System.Text;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>Clients that send little, late, or in odd pieces, and clients of HTTP/1.0.</summary>
public sealed class SlowClientTests
{
    [Fact]
    public async Task Two_requests_in_every_pair_of_pieces_are_two_requests()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            while (await peer.ReadRequestAsync() is { } request) await peer.SendAsync($"HTTP/1.1 200 OK\r\ncontent-length: {request.Body.Length}\r\n\r\n{request.Body}");
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        const string Requests = "POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nt: 1\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ndef";
        for (var cut = 1; cut < Requests.Length; cut += 3)
        {
            await client.SendAsync(Requests[..cut]);
            await proxy.SettleAsync();
            await client.SendAsync(Requests[cut..]);
            Assert.Equal("abc", (await client.ReadResponseAsync()).Body);
            Assert.Equal("def", (await client.ReadResponseAsync()).Body);
        }
    }

    [Fact]
    public async Task A_client_that_keeps_back_the_rest_after_an_early_answer_is_let_go()
    {
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Timeouts = new HttpTimeouts { DelayedClose = TimeSpan.FromMilliseconds(100), StreamIdle = TimeSpan.FromMilliseconds(200), Idle = TimeSpan.FromMilliseconds(200) };
            recipe.Routes = """
                name: test
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes: [{match: {prefix: "/"}, direct_response: {status: 200, body: {inline_string: "mine"}}}]
                """;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
        Assert.Equal("mine", (await client.ReadResponseAsync()).Body);
        var rest = await client.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.True(rest is "" or "RST", rest);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
    }

    [Fact]
    public async Task A_head_in_drops_holds_no_more_than_its_limit_and_ends_with_431()
    {
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Limits = new RequestLimits { MaxHeadersKb = 1 });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n");
        for (var i = 0; i < 20; i++)
        {
            await client.SendAsync($"x-{i}: {new string('a', 50)}\r\n");
            await proxy.SettleAsync();
        }

        Assert.StartsWith("HTTP/1.1 431 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http10_clients_get_the_end_of_the_connection_or_keep_alive_in_words()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Http1 = new Http1Options { AcceptHttp10 = true, DefaultHostForHttp10 = "default.example" };
            recipe.Cluster("backend", upstream.Address);
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET /1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        var kept = await client.ReadResponseAsync();
        await client.SendAsync("GET /2 HTTP/1.0\r\n\r\n");
        var last = await client.ReadToEndAsync();

        Assert.Equal(("keep-alive", "hello"), (kept.Header("connection"), kept.Body));
        Assert.Contains("connection: close\r\n", last, StringComparison.Ordinal);
        Assert.All(upstream.Heads, head => Assert.Contains("\r\nhost: default.example\r\n", head, StringComparison.Ordinal));
        Assert.All(upstream.Heads, head => Assert.Contains(" HTTP/1.1\r\n", head, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Refusing_a_flood_of_broken_heads_leaves_nothing_behind()
    {
        await using var proxy = EngineUnderTest.Start(_ => { });
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            using var client = await RawClient.ConnectAsync(proxy.Address);
            var bytes = new byte[random.Next(1, 400)];
            random.NextBytes(bytes);
            await client.SendAsync([.. bytes, .. Encoding.ASCII.GetBytes("\n\r\n")]);
            Assert.StartsWith("HTTP/1.1 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
        }

        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
    }
}
