using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class FaultTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

    [Fact]
    public async Task Nobody_listens_upstream_and_the_client_is_told_503()
    {
        var log = new RecordingLog();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", TestUpstream.NobodyThere());
            recipe.AccessLogs.Add(log);
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, Get);

        Assert.Equal(503, response.Status);
        Assert.Equal("text/plain", response.Header("content-type"));
        Assert.Equal(
            "upstream connect error or disconnect/reset before headers. reset reason: remote connection failure, transport failure reason: delayed connect error: Connection refused",
            response.Body);
        var line = await log.NextAsync();
        Assert.Equal("503 UF upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}", line);
    }

    [Fact]
    public async Task An_empty_cluster_has_no_healthy_upstream()
    {
        var log = new RecordingLog();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend");
            recipe.AccessLogs.Add(log);
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, Get);

        Assert.Equal(503, response.Status);
        Assert.Equal("no healthy upstream", response.Body);
        Assert.Equal("503 UH no_healthy_upstream", await log.NextAsync());
    }

    [Fact]
    public async Task A_route_to_a_cluster_that_is_not_there_is_503_NC()
    {
        var log = new RecordingLog();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.AccessLogs.Add(log));

        Assert.Equal(503, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        Assert.Equal("503 NC cluster_not_found", await log.NextAsync());
    }

    [Fact]
    public async Task No_route_is_404_NR_without_a_body()
    {
        var log = new RecordingLog();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Routes = "name: none\nvirtual_hosts: []\n";
            recipe.AccessLogs.Add(log);
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, Get);

        Assert.Equal(404, response.Status);
        Assert.Equal("0", response.Header("content-length"));
        Assert.Equal("404 NR route_not_found", await log.NextAsync());
    }

    [Fact]
    public async Task A_server_that_closes_without_an_answer_is_503_UC()
    {
        var log = new RecordingLog();
        await using var upstream = TestUpstream.Serving(peer => peer.ReadRequestAsync());
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.AccessLogs.Add(log);
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, Get);

        Assert.Equal(503, response.Status);
        Assert.Equal("upstream connect error or disconnect/reset before headers. reset reason: connection termination", response.Body);
        Assert.Equal("503 UC upstream_reset_before_response_started{connection_termination}", await log.NextAsync());
    }

    [Fact]
    public async Task A_server_that_resets_without_an_answer_is_503_UC()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            peer.Abort();
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        Assert.Equal(503, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
    }

    [Fact]
    public async Task A_malformed_response_is_502_UPE_and_costs_its_connection()
    {
        var log = new RecordingLog();
        await using var upstream = TestUpstream.Answering("HTTP/1.1 200 OK\r\nbad header: x\r\n\r\n");
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.AccessLogs.Add(log);
        });

        Assert.Equal(502, (await RawClient.ExchangeAsync(proxy.Address, Get)).Status);
        Assert.Equal("502 UPE upstream_reset_before_response_started{protocol_error}", await log.NextAsync());
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
    }

    [Fact]
    public async Task A_server_that_dies_in_its_response_cuts_the_client_off()
    {
        var log = new RecordingLog();
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
        });
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.AccessLogs.Add(log);
        });
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync(Get);
        var all = await client.ReadToEndAsync();

        Assert.EndsWith("half", all);
        Assert.Equal("200 UC upstream_reset_after_response_started{connection_termination}", await log.NextAsync());
    }

    [Fact]
    public async Task A_client_that_goes_away_takes_the_request_upstream_with_it()
    {
        var log = new RecordingLog();
        // Until the request is there, a client that leaves costs the server nothing: the connection goes to the pool, and stays.
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            received.SetResult();
            await peer.WaitForCloseAsync();
        });
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.AccessLogs.Add(log);
        });
        using (var client = await RawClient.ConnectAsync(proxy.Address))
        {
            await client.SendAsync(Get);
            await received.Task;
        }

        Assert.Equal("0 DC downstream_remote_disconnect", await log.NextAsync());
        await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
        await proxy.EventuallyAsync("http.in.downstream_cx_active", 0);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.0\r\nHost: a\r\n\r\n", 426)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", 403)]
    [InlineData("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 404)]
    public async Task What_is_not_acceptable_is_refused_and_never_forwarded(string request, int status)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        Assert.Equal(status, (await RawClient.ExchangeAsync(proxy.Address, request)).Status);
        Assert.Empty(upstream.Heads);
    }

    [Fact]
    public async Task A_malformed_request_closes_the_connection_after_the_answer()
    {
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend"));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        await client.SendAsync("GET / HTTP/1.1\r\nHost : a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        var all = await client.ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 400 ", all);
        Assert.Contains("connection: close\r\n", all);
        Assert.EndsWith("Bad Request", all);
    }

    [Fact]
    public async Task A_head_over_the_limit_is_431()
    {
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend"));

        var response = await RawClient.ExchangeAsync(proxy.Address, $"GET / HTTP/1.1\r\nHost: a\r\nx: {new string('y', 70_000)}\r\n\r\n");

        Assert.Equal(431, response.Status);
    }

    [Fact]
    public async Task Broken_chunks_in_an_upload_are_400()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        var response = await RawClient.ExchangeAsync(proxy.Address, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");

        Assert.Equal(400, response.Status);
    }

    [Fact]
    public async Task A_grpc_request_that_fails_gets_a_trailers_only_response()
    {
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend"));

        var response = await RawClient.ExchangeAsync(proxy.Address, "POST /s/m HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc+proto\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal(200, response.Status);
        Assert.Equal("14", response.Header("grpc-status"));
        Assert.Equal("no healthy upstream", response.Header("grpc-message"));
        Assert.Equal("application/grpc", response.Header("content-type"));
    }

    [Fact]
    public async Task A_full_pending_queue_is_503_UO_and_says_overloaded()
    {
        await using var upstream = TestUpstream.Serving(peer => peer.WaitForCloseAsync());
        await using var proxy = EngineUnderTest.Start(recipe =>
            recipe.Cluster("backend", upstream.Address).Limits = new() { MaxConnections = 1, MaxPendingRequests = 1 });
        using var first = await RawClient.ConnectAsync(proxy.Address);
        using var second = await RawClient.ConnectAsync(proxy.Address);
        await first.SendAsync(Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_pending_total", 1);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_pending_active", 0);
        await second.SendAsync(Get);
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_pending_active", 1);

        var response = await RawClient.ExchangeAsync(proxy.Address, Get);

        Assert.Equal(503, response.Status);
        Assert.Equal("true", response.Header("x-envoy-overloaded"));
        await proxy.EventuallyAsync("cluster.backend.upstream_rq_pending_overflow", 1);
    }

    [Fact]
    public async Task An_idle_connection_that_the_server_closed_is_not_used_again()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.SendAsync(TestUpstream.Hello);
        });
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        for (var i = 0; i < 20; i++)
        {
            await client.SendAsync(Get);
            Assert.Equal(200, (await client.ReadResponseAsync()).Status);
            await proxy.EventuallyAsync("cluster.backend.upstream_cx_active", 0);
        }

        Assert.Equal(20, upstream.Connections);
    }
}
