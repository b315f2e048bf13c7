using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class ContentTests
{
    private static string Echo(UpstreamRequest request) =>
        $"HTTP/1.1 200 OK\r\ncontent-length: {request.Body.Length}\r\n\r\n{request.Body}";

    private static TestUpstream Echoing() => TestUpstream.Serving(async peer =>
    {
        while (await peer.ReadRequestAsync() is { } request) await peer.SendAsync(Echo(request));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2047)]
    [InlineData(4096)]
    [InlineData(70_000)]
    [InlineData(3_000_000)]
    public async Task Content_of_known_length_arrives_as_it_was_sent(int length)
    {
        await using var upstream = Echoing();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        var body = Text(length);

        await client.SendAsync($"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: {length}\r\n\r\n{body}");
        var response = await client.ReadResponseAsync();

        Assert.Equal(body, response.Body);
        Assert.Contains($"content-length: {length}\r\n", Assert.Single(upstream.Heads), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Chunked_content_is_chunked_again_on_both_sides()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            var request = await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            await peer.SendAsync($"{request!.Body.Length:x}\r\n{request.Body}\r\n");
            await peer.SendAsync("5\r\n-tail\r\n0\r\n\r\n");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("PUT / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        await client.SendAsync("4;x=y\r\ndefg\r\n0\r\n\r\n");
        var response = await client.ReadResponseAsync();

        Assert.Equal("chunked", response.Header("transfer-encoding"));
        Assert.Equal("abcdefg-tail", response.Body);
    }

    [Fact]
    public async Task A_large_chunked_response_arrives_whole()
    {
        var body = Text(2_000_000);
        await using var upstream = TestUpstream.Answering($"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n");
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal(body, response.Body);
    }

    [Fact]
    public async Task A_response_that_ends_with_its_connection_becomes_chunked_for_the_client()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\n\r\nuntil the end");
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal("chunked", response.Header("transfer-encoding"));
        Assert.Equal("until the end", response.Body);
        Assert.True(response.KeepsAlive);
    }

    [Fact]
    public async Task An_http_10_client_gets_no_chunks_but_the_end_of_the_connection()
    {
        await using var upstream = TestUpstream.Answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Http1 = new() { AcceptHttp10 = true, DefaultHostForHttp10 = "old.example" };
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.0\r\n\r\n");

        Assert.Null(response.Header("transfer-encoding"));
        Assert.Equal("close", response.Header("connection"));
        Assert.Equal("hello", response.Body);
        Assert.Contains("old.example", Assert.Single(upstream.Heads));
    }

    [Fact]
    public async Task Trailers_pass_when_the_configuration_says_so()
    {
        await using var upstream = TestUpstream.Answering("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 42\r\n\r\n");
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Http1 = new() { EnableTrailers = true };
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop\r\nTE: trailers\r\n\r\n");

        Assert.Equal(["x-sum: 42"], response.Trailers);
    }

    [Fact]
    public async Task Head_and_204_and_304_have_no_content_and_keep_the_connection()
    {
        await using var upstream = TestUpstream.Answering(head => head.StartsWith("HEAD", StringComparison.Ordinal)
            ? "HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n"
            : head.Contains("/none") ? "HTTP/1.1 204 No Content\r\n\r\n" : "HTTP/1.1 304 Not Modified\r\netag: \"x\"\r\n\r\n");
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("999", (await client.ReadResponseAsync(isHead: true)).Header("content-length"));
        await client.SendAsync("GET /none HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal(204, (await client.ReadResponseAsync()).Status);
        await client.SendAsync("GET /same HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal(304, (await client.ReadResponseAsync()).Status);
        Assert.Equal(1, upstream.Connections);
    }

    [Fact]
    public async Task Rfc9112_9_3_2_pipelined_requests_are_answered_in_their_order()
    {
        await using var upstream = TestUpstream.Answering(head => $"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{head.Substring(5, 2)}");
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync(string.Concat(Enumerable.Range(10, 40).Select(i => $"GET /{i} HTTP/1.1\r\nHost: shop\r\n\r\n")));

        for (var i = 10; i < 50; i++) Assert.Equal($"{i}", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Requests_and_responses_may_come_a_byte_at_a_time()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            while (await peer.ReadRequestAsync() is not null)
            {
                foreach (var one in "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n") await peer.SendAsync(one.ToString());
            }
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        foreach (var one in "POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nbody") await client.SendAsync(one.ToString());

        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task Expect_is_answered_by_the_proxy_and_not_passed_on()
    {
        await using var upstream = Echoing();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        Assert.Equal(100, (await client.ReadResponseAsync()).Status);
        await client.SendAsync("body");

        Assert.Equal("body", (await client.ReadResponseAsync()).Body);
        Assert.DoesNotContain("\r\nexpect:", Assert.Single(upstream.Heads), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Expect_is_passed_on_when_the_configuration_says_so()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
            await peer.SendAsync($"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n{await peer.ReadExactlyAsync(4)}");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Proxy100Continue = true;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
        Assert.Equal(100, (await client.ReadResponseAsync()).Status);
        await client.SendAsync("body");

        Assert.Equal("body", (await client.ReadResponseAsync()).Body);
        Assert.Contains("\r\nexpect: 100-continue", Assert.Single(upstream.Heads), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task An_early_response_to_a_long_upload_reaches_the_client()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 413 Payload Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 100000000\r\n\r\nthe beginning");
        var response = await client.ReadResponseAsync();

        Assert.Equal(413, response.Status);
        Assert.Equal("big", response.Body);
        Assert.False(response.KeepsAlive);
    }

    [Fact]
    public async Task After_an_early_response_a_short_rest_is_read_away_and_the_connection_goes_on()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(TestUpstream.Hello);
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 8\r\n\r\nhalf");
        Assert.True((await client.ReadResponseAsync()).KeepsAlive);
        await client.SendAsync("restGET / HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
    }

    [Fact]
    public async Task A_slow_reader_holds_the_server_back_instead_of_filling_the_proxy()
    {
        const int total = 64 * 1024 * 1024;
        var sent = 0L;
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync($"HTTP/1.1 200 OK\r\ncontent-length: {total}\r\n\r\n");
            var piece = Text(64 * 1024);
            for (var i = 0; i < total / piece.Length; i++)
            {
                await peer.SendAsync(piece);
                Interlocked.Add(ref sent, piece.Length);
            }

            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
        await client.ReadAtLeastAsync(1);
        // The kernel's socket buffers on the way take some megabytes; what the proxy itself takes shows in its own pool.
        Assert.True(await proxy.Engine.Reactors[0].InvokeAsync(() => proxy.Engine.Reactors[0].Buffers.RentedBytes) <= 256 * 1024);
        Assert.True(Interlocked.Read(ref sent) < total);
    }

    private static string Text(int length) => string.Create(length, 0, static (span, _) =>
    {
        for (var i = 0; i < span.Length; i++) span[i] = (char)('a' + (i % 23));
    });
}
