using System.Text;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Adversarial;

/// <summary>
/// A client that tries to make the proxy and the server behind it see different requests in the same bytes. The server's view is what
/// counts: it must never get a request that the proxy did not route as one.
/// </summary>
public sealed class RequestSmugglingTests
{
    private const string Poison = "GET /admin HTTP/1.1\r\nHost: internal\r\n\r\n";

    private static readonly string Corpus = Path.Combine(AppContext.BaseDirectory, "Corpus");

    /// <summary>The codec's corpus of messages that must be refused, with the status of each rejection that is not 400.</summary>
    public static TheoryData<string> RefusedMessages()
    {
        var files = new TheoryData<string>();
        foreach (var file in Directory.GetFiles(Corpus, "*.req").Select(Path.GetFileName).Order(StringComparer.Ordinal))
        {
            if (file!.Split('.')[0] is not ("Accepted" or "Incomplete" or "PathEscapeMalformed" or "PathEscapedNul")) files.Add(file);
        }

        return files;
    }

    [Theory]
    [MemberData(nameof(RefusedMessages))]
    public async Task What_the_codec_refuses_is_answered_once_and_nothing_behind_it_is_served(string file)
    {
        await using var upstream = TestUpstream.Serving(DrainAsync);
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            // The preface of HTTP/2 is among the files.
            recipe.Codec = HttpCodecType.Http1;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync([.. await File.ReadAllBytesAsync(Path.Combine(Corpus, file), TestContext.Current.CancellationToken), .. Encoding.ASCII.GetBytes(Poison)]);
        var answer = await client.ReadToEndAsync();

        Assert.Matches("^HTTP/1.1 (400|417|426|431|501|505) ", answer);
        Assert.Single(answer.Split("HTTP/1.1 ", StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("connection: close\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain(upstream.Heads, head => head.Contains("/admin", StringComparison.Ordinal));

        async Task DrainAsync(UpstreamPeer peer)
        {
            // Broken content is noticed after its head was sent on; the server must see the connection end in the middle of it.
            while (await peer.ReadHeadAsync() is not null) await peer.WaitForCloseAsync();
        }
    }

    [Theory]
    [InlineData("Content-Length: 40\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n28\r\n")]
    public async Task Content_that_looks_like_a_request_stays_content(string framing)
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            while (await peer.ReadRequestAsync() is { } request) await peer.SendAsync($"HTTP/1.1 200 OK\r\ncontent-length: {request.Body.Length}\r\n\r\n{request.Body}");
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        var end = framing.Contains("chunked", StringComparison.Ordinal) ? "\r\n0\r\n\r\n" : "";

        await client.SendAsync($"POST /1 HTTP/1.1\r\nHost: shop\r\n{framing}{Poison}\n{end}GET /2 HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal(Poison + "\n", (await client.ReadResponseAsync()).Body);
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
        Assert.Equal(["POST /1", "GET /2"], upstream.Heads.Select(head => head[..head.IndexOf(" HTTP", StringComparison.Ordinal)]));
    }

    [Theory]
    [InlineData("Content-Length: 100000\r\n\r\n")]
    [InlineData("Content-Length: 200\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\nc8\r\n")]
    public async Task Content_left_over_by_an_early_response_is_not_read_as_the_next_request(string framing)
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync($"POST /upload HTTP/1.1\r\nHost: shop\r\n{framing}");
        Assert.Equal(403, (await client.ReadResponseAsync()).Status);
        await client.SendAsync(Poison);
        client.ShutdownSend();

        Assert.DoesNotContain("HTTP/1.1", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.StartsWith("POST /upload", Assert.Single(upstream.Heads), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Content_of_a_request_that_the_proxy_answers_itself_is_not_read_as_the_next_one()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Routes = """
                name: test
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes:
                  - match: {prefix: "/direct"}
                    direct_response: {status: 200, body: {inline_string: "mine"}}
                  - match: {prefix: "/"}
                    route: {cluster: backend}
                """;
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync($"POST /direct HTTP/1.1\r\nHost: shop\r\nContent-Length: {Poison.Length}\r\n\r\n{Poison}GET /after HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal("mine", (await client.ReadResponseAsync()).Body);
        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        Assert.StartsWith("GET /after ", Assert.Single(upstream.Heads), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rfc9112_9_6_nothing_behind_a_request_that_says_close_is_served()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET /1 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n" + Poison);
        var answer = await client.ReadToEndAsync();

        Assert.EndsWith("\r\n\r\nhello", answer, StringComparison.Ordinal);
        Assert.StartsWith("GET /1 ", Assert.Single(upstream.Heads), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_request_behind_good_ones_is_refused_after_their_answers()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);
        var pipeline = new StringBuilder();
        for (var i = 0; i < 50; i++) pipeline.Append(i % 3 == 0 ? $"POST /{i} HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\nabc" : $"GET /{i} HTTP/1.1\r\nHost: shop\r\n\r\n");

        await client.SendAsync($"{pipeline}GET /bad HTTP/1.1\r\nHost: shop\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n{Poison}");

        for (var i = 0; i < 50; i++) Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        Assert.StartsWith("HTTP/1.1 400 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(Enumerable.Range(0, 50).Select(i => $"/{i}"), upstream.Heads.Select(head => head.Split(' ')[1]));
    }

    [Theory]
    [InlineData("GET http://public.example/ HTTP/1.1\r\nHost: admin.example\r\n\r\n", "public", "public.example")]
    [InlineData("GET http://ADMIN.example/ HTTP/1.1\r\nHost: public.example\r\n\r\n", "admin", "ADMIN.example")]
    [InlineData("GET / HTTP/1.1\r\nHost: Admin.Example\r\n\r\n", "admin", "Admin.Example")]
    public async Task The_host_that_routes_is_the_host_that_the_server_sees(string request, string cluster, string host)
    {
        await using var open = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npublic");
        await using var closed = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nadmin");
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("public", open.Address);
            recipe.Cluster("admin", closed.Address);
            recipe.Routes = """
                name: test
                virtual_hosts:
                - name: public
                  domains: ["public.example"]
                  routes: [{match: {prefix: "/"}, route: {cluster: public}}]
                - name: admin
                  domains: ["admin.example"]
                  routes: [{match: {prefix: "/"}, route: {cluster: admin}}]
                """;
        });

        Assert.Equal(cluster, (await RawClient.ExchangeAsync(proxy.Address, request)).Body);
        Assert.Contains($"\r\nhost: {host}\r\n", Assert.Single(open.Heads.Concat(closed.Heads)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/public/../admin/x", "/admin/x")]
    [InlineData("/public/%2e%2e/admin/x", "/admin/x")]
    [InlineData("/public\\..\\admin/x", "/admin/x")]
    [InlineData("/public/..%2fadmin/x", "/public/..%2fadmin/x")]
    [InlineData("/%61dmin/x", "/admin/x")]
    [InlineData("//admin/x", "//admin/x")]
    public async Task The_path_that_routes_is_the_path_that_the_server_sees(string sent, string seen)
    {
        await using var open = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nopen");
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Path = new PathOptions { Normalize = true };
            recipe.Cluster("backend", open.Address);
            recipe.Routes = """
                name: test
                virtual_hosts:
                - name: all
                  domains: ["*"]
                  routes:
                  - match: {prefix: "/admin/"}
                    direct_response: {status: 403}
                  - match: {prefix: "/"}
                    route: {cluster: backend}
                """;
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, $"GET {sent} HTTP/1.1\r\nHost: shop\r\n\r\n");

        if (seen.StartsWith("/admin/", StringComparison.Ordinal))
        {
            Assert.Equal(403, response.Status);
            Assert.Empty(open.Heads);
        }
        else
        {
            Assert.StartsWith($"GET {seen} HTTP/1.1\r\n", Assert.Single(open.Heads), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("X-Forwarded-For")]
    [InlineData("Authorization")]
    [InlineData("x-request-id")]
    public async Task Connection_cannot_make_the_proxy_drop_what_others_rely_on(string name)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        var response = await RawClient.ExchangeAsync(proxy.Address, $"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close, {name}\r\n{name}: x\r\n\r\n");

        Assert.Equal(400, response.Status);
        Assert.Empty(upstream.Heads);
    }

    [Fact]
    public async Task A_refused_connect_does_not_keep_the_connection_waiting_for_a_tunnel()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n" + Poison);
        var answer = await client.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.StartsWith("HTTP/1.1 404 ", answer, StringComparison.Ordinal);
        Assert.Single(answer.Split("HTTP/1.1 ", StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(upstream.Heads);
    }
}
