using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class ForwardingTests
{
    [Fact]
    public async Task Get_is_answered_by_the_upstream_with_the_headers_that_Envoy_adds()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET /a?b=c HTTP/1.1\r\nHost: shop\r\nX-Kept: Yes\r\n\r\n");

        Assert.Equal(200, response.Status);
        Assert.Equal("hello", response.Body);
        Assert.Equal("lateen", response.Header("server"));
        Assert.NotNull(response.Header("date"));
        Assert.NotNull(response.Header("x-envoy-upstream-service-time"));
        var head = Assert.Single(upstream.Heads);
        Assert.StartsWith("GET /a?b=c HTTP/1.1\r\nhost: shop\r\n", head, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("X-Kept: Yes\r\n", head);
        Assert.Contains("x-forwarded-proto: http\r\n", head);
        Assert.Contains("x-envoy-expected-rq-timeout-ms: 15000\r\n", head);
        Assert.Matches("x-request-id: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\r\n", head);
    }

    [Fact]
    public async Task Requests_of_one_client_follow_each_other_on_one_connection_upstream()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Cluster("backend", upstream.Address));
        using var client = await RawClient.ConnectAsync(proxy.Address);

        for (var i = 0; i < 5; i++)
        {
            await client.SendAsync("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
            Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        }

        Assert.Equal(1, upstream.Connections);
        Assert.Equal(5, upstream.Heads.Count);
    }
}
