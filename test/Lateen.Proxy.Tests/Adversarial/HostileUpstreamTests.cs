using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>A server that breaks HTTP: one client's exchange may suffer for it, never the next one's.</summary>
public sealed class HostileUpstreamTests
{
    private const string Evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";

    [Theory]
    [InlineData("GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" + Evil)]
    [InlineData("GET", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokX")]
    [InlineData("GET", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n" + Evil)]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\ncontent-length: 4\r\n\r\nevil")]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n")]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\nevil")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n")]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" + Evil)]
    public async Task Rfc9112_9_2_bytes_beyond_a_response_cost_its_connection_and_reach_no_other_client(string method, string bytes)
    {
        await using var upstream = MisbehavingOnce(bytes);
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        var first = await RawClient.ExchangeAsync(proxy.Address, $"{method} /1 HTTP/1.1\r\nHost: shop\r\n\r\n");
        var second = await RawClient.ExchangeAsync(proxy.Address, "GET /2 HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.InRange(first.Status, 200, 304);
        Assert.DoesNotContain("evil", first.Body, StringComparison.Ordinal);
        Assert.Equal("hello", second.Body);
        Assert.Equal(2, upstream.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: +5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\nset-cookie: a=b\ncontent-length: 0\n\n")]
    [InlineData("HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nx: a\0b\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nx: a\rset-cookie: b\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nupgrade: evil\r\nconnection: upgrade\r\n\r\nraw")]
    public async Task A_response_with_two_readings_is_answered_with_502(string bytes)
    {
        await using var upstream = MisbehavingOnce(bytes);
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: shop\r\n\r\n");
        var first = await client.ReadResponseAsync();
        await client.SendAsync("GET /2 HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal(502, first.Status);
        Assert.Null(first.Header("set-cookie"));
        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        Assert.Equal(2, upstream.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")]
    [InlineData("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\nx: y\r\n\r\n")]
    public async Task Interim_responses_may_come_in_one_piece_with_the_final_one(string interim)
    {
        await using var upstream = TestUpstream.Answering(interim + TestUpstream.Hello);
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
            var response = await client.ReadResponseAsync();
            while (response.Status < 200) response = await client.ReadResponseAsync();
            Assert.Equal((200, "hello"), (response.Status, response.Body));
            Assert.Null(response.Header("link"));
        }

        Assert.Equal(1, upstream.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf!\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf!\r\nzz\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhalf!!!0\r\n\r\n")]
    public async Task A_response_cut_short_is_never_completed_for_the_client(string bytes)
    {
        await using var upstream = MisbehavingOnce(bytes, closes: true);
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
        var answer = await client.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("0\r\n\r\n", answer[answer.IndexOf("\r\n\r\n", StringComparison.Ordinal)..], StringComparison.Ordinal);
        Assert.DoesNotContain("content-length: 4", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rfc9112_9_2_bytes_from_an_idle_server_connection_cost_it_its_place_in_the_pool()
    {
        var served = new TaskCompletionSource();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            if (peer.Number == 1)
            {
                await peer.ReadRequestAsync();
                await peer.SendAsync(TestUpstream.Hello);
                await served.Task;
                await peer.SendAsync(Evil);
                await peer.WaitForCloseAsync();
                return;
            }

            while (await peer.ReadRequestAsync() is not null) await peer.SendAsync(TestUpstream.Hello);
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.Address, "GET /1 HTTP/1.1\r\nHost: shop\r\n\r\n")).Body);
        served.SetResult();
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.Address, "GET /2 HTTP/1.1\r\nHost: shop\r\n\r\n")).Body);
        Assert.Equal(2, upstream.Connections);
    }

    [Fact]
    public async Task A_head_that_never_ends_is_refused_at_its_limit()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\n");
            for (var i = 0; i < 100; i++) await peer.SendAsync($"x{i}: {new string('x', 4000)}\r\n");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal(502, response.Status);
    }

    /// <summary>The first connection gets these bytes for an answer, the others a good one.</summary>
    private static TestUpstream MisbehavingOnce(string bytes, bool closes = false) => TestUpstream.Serving(async peer =>
    {
        while (await peer.ReadRequestAsync() is not null)
        {
            await peer.SendAsync(peer.Number == 1 ? bytes : TestUpstream.Hello);
            if (peer.Number > 1) continue;
            if (!closes) await peer.WaitForCloseAsync();
            return;
        }
    });
}
