using System.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Listeners;
using Lateen.Proxy.Tests.Harness;

namespace Lateen.Proxy.Tests.Forwarding;

public sealed class HeaderTests
{
    [Theory]
    [InlineData("", "127.0.0.1", "true")]
    [InlineData("X-Forwarded-For: 9.9.9.9\r\n", "9.9.9.9,127.0.0.1", null)]
    public async Task The_edge_appends_the_client_to_x_forwarded_for(string sent, string expected, string? isInternal)
    {
        var head = await SeenAsync(recipe => recipe.ClientAddress = new() { UseRemoteAddress = true }, sent);

        Assert.Equal(expected, Value(head, "x-forwarded-for"));
        Assert.Equal(isInternal, Value(head, "x-envoy-internal"));
    }

    [Fact]
    public async Task Behind_an_edge_x_forwarded_for_is_left_alone()
    {
        var head = await SeenAsync(static _ => { }, "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-Proto: https\r\n");

        Assert.Equal("9.9.9.9", Value(head, "x-forwarded-for"));
        Assert.Equal("https", Value(head, "x-forwarded-proto"));
    }

    [Fact]
    public async Task External_requests_may_not_tell_the_proxy_what_to_do()
    {
        var head = await SeenAsync(recipe => recipe.ClientAddress = new() { UseRemoteAddress = true, InternalRanges = [IPNetwork.Parse("10.0.0.0/8")] },
            "x-envoy-retry-on: 5xx\r\nx-envoy-internal: true\r\nx-envoy-upstream-rq-timeout-ms: 1\r\nx-request-id: mine\r\nx-envoy-original-path: /x\r\n");

        Assert.Null(Value(head, "x-envoy-retry-on"));
        Assert.Null(Value(head, "x-envoy-internal"));
        Assert.Null(Value(head, "x-envoy-original-path"));
        Assert.NotEqual("mine", Value(head, "x-request-id"));
        Assert.Equal("127.0.0.1", Value(head, "x-envoy-external-address"));
        Assert.Equal("15000", Value(head, "x-envoy-expected-rq-timeout-ms"));
    }

    [Fact]
    public async Task Internal_requests_may_set_their_timeout()
    {
        var head = await SeenAsync(recipe => recipe.ClientAddress = new() { UseRemoteAddress = true }, "x-envoy-upstream-rq-timeout-ms: 77700\r\nx-request-id: mine\r\n");

        Assert.Null(Value(head, "x-envoy-upstream-rq-timeout-ms"));
        Assert.Equal("77700", Value(head, "x-envoy-expected-rq-timeout-ms"));
        Assert.Equal("mine", Value(head, "x-request-id"));
    }

    [Fact]
    public async Task An_external_request_id_is_kept_when_the_configuration_says_so()
    {
        var head = await SeenAsync(recipe =>
        {
            recipe.ClientAddress = new() { UseRemoteAddress = true, InternalRanges = [IPNetwork.Parse("10.0.0.0/8")] };
            recipe.RequestId = new() { PreserveExternal = true };
        }, "x-request-id: mine\r\n");

        Assert.Equal("mine", Value(head, "x-request-id"));
    }

    [Fact]
    public async Task Hop_by_hop_fields_are_not_passed_on()
    {
        var head = await SeenAsync(static _ => { }, "Connection: keep-alive, x-mine\r\nx-mine: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\n");

        foreach (var name in new[] { "x-mine", "keep-alive", "proxy-connection", "te" }) Assert.Null(Value(head, name));
    }

    [Fact]
    public async Task The_server_header_is_overwritten_or_kept_as_configured()
    {
        await using var upstream = TestUpstream.Answering("HTTP/1.1 200 OK\r\nserver: theirs\r\ncontent-length: 0\r\n\r\n");
        foreach (var (mode, expected) in new[] { (ServerHeaderTransformation.Overwrite, "lateen"), (ServerHeaderTransformation.AppendIfAbsent, "theirs"), (ServerHeaderTransformation.PassThrough, "theirs") })
        {
            await using var proxy = EngineUnderTest.Start(recipe =>
            {
                recipe.Cluster("backend", upstream.Address);
                recipe.ServerHeader = mode;
            });
            Assert.Equal(expected, (await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Header("server"));
        }
    }

    [Fact]
    public async Task A_rewritten_path_leaves_the_original_in_a_header()
    {
        var head = await SeenAsync(recipe => recipe.Routes = """
            name: test
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: "/"}
                route: {cluster: backend, prefix_rewrite: "/new/", host_rewrite_literal: other.example}
                request_headers_to_add: [{header: {key: x-client, value: "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}}]
            """, "", "/a?b");

        Assert.StartsWith("GET /new/a?b HTTP/1.1\r\n", head);
        Assert.Equal("other.example", Value(head, "host"));
        Assert.Equal("/a?b", Value(head, "x-envoy-original-path"));
        Assert.Equal("127.0.0.1", Value(head, "x-client"));
    }

    [Fact]
    public async Task Redirects_and_direct_responses_ask_nobody()
    {
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Routes = """
            name: test
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: "/old"}
                redirect: {path_redirect: /new, response_code: FOUND}
              - match: {prefix: "/"}
                direct_response: {status: 418, body: {inline_string: teapot}}
            """);

        var redirect = await RawClient.ExchangeAsync(proxy.Address, "GET /old?q=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n");
        var direct = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n");

        Assert.Equal(302, redirect.Status);
        Assert.Equal("http://shop.example/new?q=1", redirect.Header("location"));
        Assert.Equal(418, direct.Status);
        Assert.Equal("teapot", direct.Body);
        Assert.True(direct.KeepsAlive);
    }

    [Theory]
    [InlineData(HostPortStripping.None, false, "shop.example:99", "shop.example:99")]
    [InlineData(HostPortStripping.Any, false, "Shop.example:99", "Shop.example")]
    [InlineData(HostPortStripping.Matching, false, "shop.example:99", "shop.example:99")]
    [InlineData(HostPortStripping.None, true, "shop.example.:99", "shop.example:99")]
    [InlineData(HostPortStripping.Any, true, "shop.example.", "shop.example")]
    public async Task Port_and_trailing_dot_of_the_host_are_stripped_as_configured(HostPortStripping port, bool dot, string sent, string seen)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.StripHostPort = port;
            recipe.StripTrailingHostDot = dot;
        });

        await RawClient.ExchangeAsync(proxy.Address, $"GET / HTTP/1.1\r\nHost: {sent}\r\n\r\n");

        Assert.Equal(seen, Value(Assert.Single(upstream.Heads), "host"));
    }

    [Fact]
    public async Task A_virtual_host_that_requires_tls_redirects_plain_requests_even_without_a_route()
    {
        await using var proxy = EngineUnderTest.Start(recipe => recipe.Routes = """
            name: test
            virtual_hosts:
            - name: all
              domains: ["*"]
              require_tls: ALL
            """);

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET /a?b=1 HTTP/1.1\r\nHost: shop.example\r\n\r\n");

        Assert.Equal(301, response.Status);
        Assert.Equal("https://shop.example/a?b=1", response.Header("location"));
    }

    [Theory]
    [InlineData("", "user-agent: shop\r\n")]
    [InlineData("User-Agent: curl\r\n", "User-Agent: curl\r\n")]
    public async Task Proxy_that_is_to_add_a_user_agent_says_who_asks(string sent, string agent)
    {
        var head = await SeenAsync(
            recipe =>
            {
                recipe.AddUserAgent = true;
                recipe.Node = new LocalNode("shop", "shop-1");
            },
            sent + "x-envoy-downstream-service-node: liar\r\n");

        Assert.Contains(agent, head);
        Assert.Contains("x-envoy-downstream-service-cluster: shop\r\n", head);
        Assert.Contains("x-envoy-downstream-service-node: shop-1\r\n", head);
        Assert.DoesNotContain("downstream-service", await SeenAsync(static _ => { }, string.Empty));
    }

    [Fact]
    public async Task Via_is_appended_both_ways()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            recipe.Via = "1.1 edge";
        });

        var response = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: a\r\nVia: 1.1 other\r\n\r\n");

        Assert.Equal("1.1 edge", response.Header("via"));
        Assert.Equal("1.1 other,1.1 edge", Value(Assert.Single(upstream.Heads), "via"));
    }

    private static async Task<string> SeenAsync(Action<EngineRecipe> configure, string headers, string path = "/")
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            configure(recipe);
        });
        await RawClient.ExchangeAsync(proxy.Address, $"GET {path} HTTP/1.1\r\nHost: shop\r\n{headers}\r\n");
        return Assert.Single(upstream.Heads);
    }

    private static string? Value(string head, string name) => new RawResponse(head).Header(name);
}
