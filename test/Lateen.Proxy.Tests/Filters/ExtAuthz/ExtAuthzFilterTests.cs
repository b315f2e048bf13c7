using System.Net;
using System.Text;
using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters;
using Lateen.Proxy.Filters.ExtAuthz;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Tests.Harness;
using Lateen.Xds.Text;
using Microsoft.Extensions.Time.Testing;
using Config = Envoy.Extensions.Filters.Http.ExtAuthz.V3.ExtAuthz;
using Status = Google.Rpc.Status;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>The filter in a running engine, with real services to ask: yes, no, silence, nonsense, and clients that do not wait.</summary>
public sealed class ExtAuthzFilterTests
{
    private const string Http = """
        http_service:
          server_uri: {uri: "http://authz.example:9000", cluster: authz, timeout: 5s}
        """;

    private const string Grpc = """
        grpc_service: {envoy_grpc: {cluster_name: authz}, timeout: 5s}
        transport_api_version: V3
        """;

    private const string Yes = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    private const string No = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\ncontent-type: text/x-no\r\nwww-authenticate: Custom\r\nx-reason: because\r\n\r\nno";

    [Fact]
    public async Task A_yes_lets_the_request_pass_and_the_service_saw_what_it_is_to_see()
    {
        await using var authz = TestUpstream.Answering(Yes);
        await using var mesh = Mesh.Start(Http + """

              path_prefix: /check
              authorization_request: {allowed_headers: {patterns: [{exact: x-tenant}, {prefix: x-id-}]}, headers_to_add: [{key: x-from, value: lateen}]}
            """, authz.Address);

        var response = await mesh.SendAsync("GET /a?b=c HTTP/1.1\r\nHost: shop.example\r\nX-Tenant: t\r\nX-Id-1: 1\r\nx-secret: s\r\nAuthorization: Basic x\r\n\r\n");

        Assert.Equal(200, response.Status);
        var asked = Assert.Single(authz.Heads);
        Assert.StartsWith("GET /check/a?b=c HTTP/1.1\r\n", asked, StringComparison.Ordinal);
        Assert.Contains("\r\nhost: shop.example\r\n", asked, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("\r\nX-Tenant: t\r\n", asked, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Id-1: 1\r\n", asked, StringComparison.Ordinal);
        Assert.Contains("\r\nx-from: lateen\r\n", asked, StringComparison.Ordinal);
        Assert.Contains("\r\nAuthorization: Basic x\r\n", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("x-secret", asked, StringComparison.Ordinal);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.ok", 1);
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_rq_200", 1);
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_rq_active", 0);
    }

    [Fact]
    public async Task A_no_is_the_clients_answer_with_its_status_fields_and_body()
    {
        await using var authz = TestUpstream.Answering(No);
        await using var mesh = Mesh.Start(Http, authz.Address);

        var response = await mesh.GetAsync();

        Assert.Equal((401, "no"), (response.Status, response.Body));
        Assert.Equal("text/x-no", response.Header("content-type"));
        Assert.Equal("Custom", response.Header("www-authenticate"));
        Assert.Equal("because", response.Header("x-reason"));
        Assert.Equal("401 UAEX ext_authz_denied", await mesh.Log.NextAsync());
        Assert.Empty(mesh.Upstream.Heads);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.denied", 1);
    }

    [Fact]
    public async Task Of_a_no_the_client_sees_the_fields_that_the_configuration_names_and_those_it_cannot_do_without()
    {
        await using var authz = TestUpstream.Answering(No);
        await using var mesh = Mesh.Start(Http + "\n  authorization_response: {allowed_client_headers: {patterns: [{exact: x-other}]}}", authz.Address);

        var response = await mesh.GetAsync();

        Assert.Equal("Custom", response.Header("www-authenticate"));
        Assert.Null(response.Header("x-reason"));
    }

    [Fact]
    public async Task Of_a_yes_the_server_and_the_client_see_the_fields_that_the_configuration_names()
    {
        await using var authz = TestUpstream.Answering(
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-user: alice\r\nx-role: a\r\nx-role: b\r\nx-list: z\r\nx-client: c\r\nx-other: o\r\nset-cookie: s=1\r\n"
            + "x-envoy-auth-headers-to-remove: x-gone, Host\r\n\r\n");
        await using var mesh = Mesh.Start(Http + """

              authorization_response:
                allowed_upstream_headers: {patterns: [{exact: x-user}, {exact: x-role}]}
                allowed_upstream_headers_to_append: {patterns: [{exact: x-list}]}
                allowed_client_headers_on_success: {patterns: [{prefix: x-client}, {exact: set-cookie}]}
            """, authz.Address);

        var response = await mesh.SendAsync("GET / HTTP/1.1\r\nHost: shop\r\nx-user: mallory\r\nx-role: root\r\nx-list: y\r\nx-gone: g\r\n\r\n");

        Assert.Equal(200, response.Status);
        Assert.Equal("c", response.Header("x-client"));
        Assert.Equal("s=1", response.Header("set-cookie"));
        Assert.Null(response.Header("x-other"));
        var seen = Assert.Single(mesh.Upstream.Heads);
        Assert.Contains("\r\nx-user: alice\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("\r\nx-role: a\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("\r\nx-role: b\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("\r\nx-list: y\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("\r\nx-list: z\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("host: shop", seen, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("mallory", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("root", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("x-gone", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("x-other", seen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_of_one_answer_do_not_reach_the_next_request_on_the_connection()
    {
        var first = true;
        await using var authz = TestUpstream.Answering(_ =>
        {
            var answer = first ? "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-client: c\r\n\r\n" : Yes;
            first = false;
            return answer;
        });
        await using var mesh = Mesh.Start(Http + "\n  authorization_response: {allowed_client_headers_on_success: {patterns: [{exact: x-client}]}}", authz.Address);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync(Mesh.Get);
        Assert.Equal("c", (await client.ReadResponseAsync()).Header("x-client"));
        await client.SendAsync(Mesh.Get);
        Assert.Null((await client.ReadResponseAsync()).Header("x-client"));
    }

    [Theory]
    [InlineData("HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")]
    [InlineData("nonsense\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\ncontent-length: 300000\r\n\r\n")]
    public async Task What_is_no_answer_fails_closed(string nonsense)
    {
        if (nonsense.Contains("300000", StringComparison.Ordinal)) nonsense += new string('x', 300_000);
        await using var authz = TestUpstream.Answering(nonsense);
        await using var mesh = Mesh.Start(Http, authz.Address);

        var response = await mesh.GetAsync();

        Assert.Equal((403, ""), (response.Status, response.Body));
        Assert.Equal("403 UAEX ext_authz_error", await mesh.Log.NextAsync());
        Assert.Empty(mesh.Upstream.Heads);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.error", 1);
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_rq_active", 0);
    }

    [Fact]
    public async Task A_service_that_closes_the_connection_or_is_not_there_fails_closed()
    {
        await using var closing = TestUpstream.Serving(static async peer => await peer.ReadHeadAsync());
        await using (var mesh = Mesh.Start(Http, closing.Address)) Assert.Equal(403, (await mesh.GetAsync()).Status);
        await using (var mesh = Mesh.Start(Http, TestUpstream.NobodyThere())) Assert.Equal(403, (await mesh.GetAsync()).Status);
        await using (var mesh = Mesh.Start(Http.Replace("cluster: authz", "cluster: nowhere", StringComparison.Ordinal), closing.Address))
            Assert.Equal(403, (await mesh.GetAsync()).Status);
    }

    [Fact]
    public async Task The_answer_to_an_error_is_the_configurations()
    {
        await using var mesh = Mesh.Start(Http + "\nstatus_on_error: {code: ServiceUnavailable}", TestUpstream.NobodyThere());
        Assert.Equal(503, (await mesh.GetAsync()).Status);
    }

    [Fact]
    public async Task Failure_mode_allow_lets_requests_pass_and_says_so()
    {
        await using var mesh = Mesh.Start(Http + "\nfailure_mode_allow: true\nfailure_mode_allow_header_add: true", TestUpstream.NobodyThere());

        Assert.Equal(200, (await mesh.GetAsync()).Status);

        Assert.Contains("x-envoy-auth-failure-mode-allowed: true", Assert.Single(mesh.Upstream.Heads), StringComparison.Ordinal);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.failure_mode_allowed", 1);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.error", 1);
    }

    [Fact]
    public async Task A_service_that_is_silent_fails_closed_when_its_time_is_up()
    {
        var clock = new FakeTimeProvider();
        await using var authz = Silent();
        await using var mesh = Mesh.Start(Http, authz.Address, recipe => recipe.TimeProvider = clock);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync(Mesh.Get);
        while (authz.Heads.IsEmpty) await Task.Yield();
        await mesh.Proxy.SettleAsync();

        clock.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal(403, (await client.ReadResponseAsync()).Status);
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_rq_timeout", 1);
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_cx_active", 0);
    }

    [Fact]
    public async Task A_client_that_goes_away_takes_its_question_with_it()
    {
        await using var authz = Silent();
        await using var mesh = Mesh.Start(Http, authz.Address);
        using (var client = await RawClient.ConnectAsync(mesh.Proxy.Address))
        {
            await client.SendAsync(Mesh.Get);
            while (authz.Heads.IsEmpty) await Task.Yield();
            client.Abort();
        }

        Assert.Equal("0 DC downstream_remote_disconnect", await mesh.Log.NextAsync());
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_cx_active", 0);
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_rq_active", 0);
        Assert.Empty(mesh.Upstream.Heads);
    }

    [Fact]
    public async Task A_proxy_that_ends_while_it_waits_for_an_answer_ends_without_a_defect()
    {
        await using var authz = Silent();
        var mesh = Mesh.Start(Http, authz.Address);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync(Mesh.Get);
        while (authz.Heads.IsEmpty) await Task.Yield();
        await mesh.DisposeAsync();
    }

    [Fact]
    public async Task Answers_in_small_pieces_are_put_together()
    {
        await using var authz = TestUpstream.Serving(static async peer =>
        {
            while (await peer.ReadRequestAsync() is not null)
            {
                foreach (var one in No) await peer.SendAsync(one.ToString());
            }
        });
        await using var mesh = Mesh.Start(Http, authz.Address);
        Assert.Equal((401, "no"), await StatusAndBodyAsync(mesh.GetAsync()));
    }

    [Fact]
    public async Task The_service_gets_the_content_and_so_does_the_server_to_the_last_octet()
    {
        await using var authz = TestUpstream.Serving(static async peer =>
        {
            while (await peer.ReadRequestAsync() is { } request)
                await peer.SendAsync(request.Body == "some=content" && request.Head.Contains("x-envoy-auth-partial-body: false", StringComparison.Ordinal) ? Yes : No);
        });
        await using var server = Echo();
        await using var mesh = Mesh.Start(Http + "\nwith_request_body: {max_request_bytes: 12}", authz.Address, server: server);

        Assert.Equal((200, "some=content"), await StatusAndBodyAsync(mesh.SendAsync("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 12\r\n\r\nsome=content")));
        Assert.Equal((200, "some=content"), await StatusAndBodyAsync(
            mesh.SendAsync("POST / HTTP/1.1\r\nHost: s\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nsome=\r\n7\r\ncontent\r\n0\r\n\r\n")));
        Assert.Equal((413, "Payload Too Large"), await StatusAndBodyAsync(mesh.SendAsync("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 13\r\n\r\nsome=content!")));
    }

    [Fact]
    public async Task Of_larger_content_the_service_gets_the_beginning_where_that_will_do_and_the_server_all_of_it()
    {
        await using var authz = TestUpstream.Serving(static async peer =>
        {
            while (await peer.ReadRequestAsync() is { } request)
                await peer.SendAsync(request.Body == new string('x', 1000) && request.Head.Contains("x-envoy-auth-partial-body: true", StringComparison.Ordinal) ? Yes : No);
        });
        await using var server = Echo();
        await using var mesh = Mesh.Start(Http + "\nwith_request_body: {max_request_bytes: 1000, allow_partial_message: true}", authz.Address, server: server);

        var response = await mesh.SendAsync($"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 200000\r\n\r\n{new string('x', 200_000)}");

        Assert.Equal((200, 200_000), (response.Status, response.Body.Length));
    }

    [Fact]
    public async Task A_connection_serves_on_after_a_no_to_content_that_was_taken_whole()
    {
        await using var authz = TestUpstream.Answering(static head => head.StartsWith("POST", StringComparison.Ordinal) ? No : Yes);
        await using var mesh = Mesh.Start(Http + "\nwith_request_body: {max_request_bytes: 100}", authz.Address);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 4\r\n\r\nbody");
        var refused = await client.ReadResponseAsync();
        Assert.Equal((401, true), (refused.Status, refused.KeepsAlive));
        await client.SendAsync(Mesh.Get);
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
    }

    [Fact]
    public async Task Only_requests_that_an_earlier_filter_marked_are_asked_about_where_the_configuration_says_so()
    {
        await using var authz = TestUpstream.Answering(No);
        var marker = new MarkingFilter();
        await using var mesh = Mesh.Start(Http + """

            filter_enabled_metadata:
              filter: envoy.filters.http.rbac
              path: [{key: istio_ext_authz_shadow_effective_policy_id}]
              value: {string_match: {prefix: istio-ext-authz}}
            """, authz.Address, before: marker);

        Assert.Equal(200, (await mesh.GetAsync()).Status);
        Assert.Equal(401, (await mesh.SendAsync("GET / HTTP/1.1\r\nHost: s\r\nx-mark: istio-ext-authz-own\r\n\r\n")).Status);
        Assert.Equal(200, (await mesh.SendAsync("GET / HTTP/1.1\r\nHost: s\r\nx-mark: other\r\n\r\n")).Status);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.disabled", 2);
    }

    [Fact]
    public async Task A_route_is_chosen_again_by_what_the_service_added()
    {
        await using var authz = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-tenant: other\r\n\r\n");
        await using var other = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother");
        await using var mesh = Mesh.Start(
            Http + "\n  authorization_response: {allowed_upstream_headers: {patterns: [{exact: x-tenant}]}}\nclear_route_cache: true",
            authz.Address,
            recipe =>
            {
                recipe.Cluster("other", other.Address);
                recipe.Routes = """
                    name: test
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                      - match: {prefix: "/", headers: [{name: x-tenant, string_match: {exact: other}}]}
                        route: {cluster: other}
                      - match: {prefix: "/"}
                        route: {cluster: backend}
                    """;
            });
        Assert.Equal("other", (await mesh.GetAsync()).Body);
    }

    [Fact]
    public async Task Questions_by_http_on_warm_connections_allocate_nothing()
    {
        await using var authz = TestUpstream.Answering(Yes);
        // The log of tests makes a string of each exchange.
        await using var mesh = Mesh.Start(Http, authz.Address, static recipe => recipe.AccessLogs.Clear());
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        async Task Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await client.SendAsync(Mesh.Get);
                Assert.Equal(200, (await client.ReadResponseAsync()).Status);
            }
        }

        Task<long> Allocated() => mesh.Proxy.Engine.Reactors[0].InvokeAsync(GC.GetAllocatedBytesForCurrentThread);
        await Run(300);
        var best = long.MaxValue;
        for (var round = 0; round < 3 && best > 0; round++)
        {
            var before = await Allocated();
            await Run(300);
            var after = await Allocated();
            best = Math.Min(best, after - before - (await Allocated() - after));
        }

        Assert.True(best <= 0, $"{best} bytes in 300 requests");
    }

    [Fact]
    public async Task A_grpc_service_sees_the_request_and_changes_it_on_both_ways()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse
        {
            Status = new Status(),
            OkResponse = new OkHttpResponse
            {
                Headers = { Option("x-user", "alice"), Option("x-list", "b", append: true), Option(":path", "/evil"), Option("host", "evil") },
                HeadersToRemove = { "x-gone", "content-length" },
                ResponseHeadersToAdd = { Option("x-checked", "yes") },
                QueryParametersToSet = { new QueryParameter { Key = "user", Value = "a b" } },
                QueryParametersToRemove = { "secret" },
            },
        });
        await using var mesh = Mesh.Start(Grpc + "\nwith_request_body: {max_request_bytes: 100}", authz.Address, grpc: true);

        var response = await mesh.SendAsync(
            "POST /a?secret=1&x=y HTTP/1.1\r\nHost: shop.example\r\nx-user: mallory\r\nx-list: a\r\nX-Gone: g\r\nx-two: 1\r\nx-two: 2\r\nContent-Length: 4\r\n\r\nbody");

        Assert.Equal((200, "yes"), (response.Status, response.Header("x-checked")));
        var seen = Assert.Single(mesh.Upstream.Heads);
        Assert.StartsWith("POST /a?x=y&user=a%20b HTTP/1.1\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("\r\nx-user: alice\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("\r\nx-list: a\r\n", seen, StringComparison.Ordinal);
        Assert.Contains("\r\nx-list: b\r\n", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("x-gone", seen, StringComparison.OrdinalIgnoreCase);

        var attributes = Assert.Single(authz.Requests).Attributes;
        var http = attributes.Request.Http;
        Assert.Equal(("POST", "/a?secret=1&x=y", "shop.example", "http", "HTTP/1.1", "body", 4L), (http.Method, http.Path, http.Host, http.Scheme, http.Protocol, http.Body, http.Size));
        Assert.Equal(("1,2", "/a?secret=1&x=y", "false"), (http.Headers["x-two"], http.Headers[":path"], http.Headers["x-envoy-auth-partial-body"]));
        Assert.Equal("127.0.0.1", attributes.Source.Address.SocketAddress.Address);
        Assert.Equal((uint)mesh.Proxy.Address.Port, attributes.Destination.Address.SocketAddress.PortValue);
        Assert.Equal("", attributes.Source.Principal);
    }

    [Fact]
    public async Task A_grpc_no_is_the_clients_answer()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse
        {
            Status = new Status { Code = 7 },
            DeniedResponse = new DeniedHttpResponse
            {
                Status = new Envoy.Type.V3.HttpStatus { Code = Envoy.Type.V3.StatusCode.PaymentRequired },
                Headers = { Option("x-why", "unpaid"), Option("content-type", "application/json") },
                Body = "{}",
            },
        });
        await using var mesh = Mesh.Start(Grpc, authz.Address, grpc: true);

        var response = await mesh.GetAsync();

        Assert.Equal((402, "{}", "unpaid", "application/json"), (response.Status, response.Body, response.Header("x-why"), response.Header("content-type")));
        Assert.Equal("402 UAEX ext_authz_denied", await mesh.Log.NextAsync());
    }

    [Fact]
    public async Task A_grpc_no_without_more_words_is_403_and_a_grpc_client_is_told_in_its_own_way()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status { Code = 16 } });
        await using var mesh = Mesh.Start(Grpc, authz.Address, grpc: true);

        Assert.Equal(403, (await mesh.GetAsync()).Status);
        var response = await mesh.SendAsync("POST / HTTP/1.1\r\nHost: s\r\ncontent-type: application/grpc\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal((200, "7"), (response.Status, response.Header("grpc-status")));
    }

    [Fact]
    public async Task Whatever_is_no_answer_of_a_grpc_service_fails_closed()
    {
        var answers = new Queue<Func<Task<CheckResponse>>>([
            static () => throw new RpcException(new global::Grpc.Core.Status(StatusCode.Internal, "broken")),
            static () => throw new RpcException(new global::Grpc.Core.Status(StatusCode.Unavailable, "down")),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), ErrorResponse = new DeniedHttpResponse() }),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), OkResponse = new OkHttpResponse { Headers = { Option("bad name", "x") } } }),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), OkResponse = new OkHttpResponse { Headers = { Option("x", "a\r\nb: c") } } }),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), OkResponse = new OkHttpResponse { HeadersToRemove = { Enumerable.Range(0, 300).Select(static i => $"h{i}") } } }),
            static () => Task.FromResult(new CheckResponse { Status = new Status { Message = new string('x', 300_000) } }),
        ]);
        var count = answers.Count;
        await using var authz = await AuthorizationServer.StartAsync((_, _) => answers.Dequeue()());
        await using var mesh = Mesh.Start(Grpc, authz.Address, grpc: true);

        for (var i = 0; i < count; i++) Assert.Equal((i, 403), (i, (await mesh.GetAsync()).Status));

        Assert.Empty(mesh.Upstream.Heads);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.error", count);
    }

    [Fact]
    public async Task A_grpc_service_behind_http1_or_that_is_not_grpc_fails_closed()
    {
        await using var notGrpc = await KestrelUpstream.StartAsync(Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2, static _ => { });
        await using (var mesh = Mesh.Start(Grpc, notGrpc.Address, grpc: true)) Assert.Equal(403, (await mesh.GetAsync()).Status);
        await using var plain = TestUpstream.Answering(Yes);
        await using (var mesh = Mesh.Start(Grpc, plain.Address)) Assert.Equal(403, (await mesh.GetAsync()).Status);
    }

    [Fact]
    public async Task A_grpc_service_gets_content_as_bytes_and_only_the_fields_that_it_may_see()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status() });
        await using var mesh = Mesh.Start(Grpc + """

            with_request_body: {max_request_bytes: 100, pack_as_bytes: true}
            allowed_headers: {patterns: [{prefix: x-}]}
            disallowed_headers: {patterns: [{exact: x-secret}]}
            """, authz.Address, grpc: true);

        await mesh.SendAsync("POST / HTTP/1.1\r\nHost: s\r\nX-A: a\r\nx-secret: s\r\nContent-Length: 2\r\n\r\n\u00ff\u00fe");

        var http = Assert.Single(authz.Requests).Attributes.Request.Http;
        Assert.Equal(new byte[] { 0xFF, 0xFE }, http.RawBody.ToByteArray());
        Assert.Equal("a", http.Headers["x-a"]);
        Assert.False(http.Headers.ContainsKey("x-secret"));
        Assert.False(http.Headers.ContainsKey(":path"));
    }

    [Fact]
    public async Task Metadata_go_to_the_service_and_come_back_from_it()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse
        {
            Status = new Status(),
            DynamicMetadata = new Struct { Fields = { ["level"] = Value.ForNumber(5), ["tags"] = Value.ForList(Value.ForString("a"), Value.ForBool(true)) } },
        });
        var marker = new MarkingFilter();
        var reader = new ReadingFilter();
        await using var mesh = Mesh.Start(Grpc + "\nmetadata_context_namespaces: [envoy.filters.http.rbac, none]", authz.Address, before: marker, after: reader, grpc: true);

        await mesh.SendAsync("GET / HTTP/1.1\r\nHost: s\r\nx-mark: m\r\n\r\n");

        var context = Assert.Single(authz.Requests).Attributes.MetadataContext;
        Assert.Equal("m", Assert.Single(context.FilterMetadata).Value.Fields["istio_ext_authz_shadow_effective_policy_id"].StringValue);
        Assert.Equal("5 a true", reader.Seen);
    }

    [Theory]
    [InlineData("{}", "ext: needs a service to ask: http_service or grpc_service")]
    [InlineData("http_service: {server_uri: {uri: 'http://a', timeout: 1s}}", "ext.http_service.server_uri.cluster: is required")]
    [InlineData("http_service: {server_uri: {uri: 'a', cluster: a, timeout: 1s}}", "ext.http_service.server_uri.uri: must be an address such as http://authz.example")]
    [InlineData("http_service: {server_uri: {uri: 'http://a', cluster: a}}", "ext.http_service.server_uri.timeout: must be greater than 0s")]
    [InlineData("http_service: {server_uri: {uri: 'http://a', cluster: a, timeout: 1s}, path_prefix: a}", "ext.http_service.path_prefix: must begin with '/' and have no query")]
    [InlineData("http_service: {server_uri: {uri: 'http://a', cluster: a, timeout: 1s}}\ninclude_peer_certificate: true", "ext.include_peer_certificate: is of grpc_service")]
    [InlineData("grpc_service: {envoy_grpc: {}}", "ext.grpc_service.envoy_grpc.cluster_name: is required")]
    [InlineData("grpc_service: {envoy_grpc: {cluster_name: a}}\ntransport_api_version: V2", "ext.transport_api_version: must be V3")]
    [InlineData("grpc_service: {envoy_grpc: {cluster_name: a}}\nwith_request_body: {max_request_bytes: 0}", "ext.with_request_body.max_request_bytes: must be from 1 to 4194304")]
    [InlineData("grpc_service: {envoy_grpc: {cluster_name: a}}\nfilter_enabled: {default_value: {numerator: 1}}", "ext.filter_enabled: is not supported")]
    [InlineData("grpc_service: {envoy_grpc: {cluster_name: a}}\nfilter_enabled_metadata: {filter: f, path: [{key: k}], value: {null_match: {}}}", "ext.filter_enabled_metadata.value: must be string_match, bool_match or present_match")]
    [InlineData("grpc_service: {envoy_grpc: {cluster_name: a}, initial_metadata: [{key: 'a b', value: c}]}", "ext.grpc_service.initial_metadata[0].key: 'a b' is not a header that can be added")]
    [InlineData("grpc_service: {envoy_grpc: {cluster_name: a}}\nstatus_on_error: {code: Continue}", "ext.status_on_error.code: must be from 200 to 599")]
    public void What_is_wrong_or_not_supported_is_refused_with_its_path(string yaml, string complaint)
    {
        var errors = new ConfigurationErrors();
        Assert.Null(Compile(yaml, errors));
        Assert.StartsWith(complaint, errors.All[0].ToString(), StringComparison.Ordinal);
    }

    private static ExtAuthzFilter? Compile(string yaml, ConfigurationErrors errors)
    {
        var message = ProtoYamlReader.ReadText<Config>(yaml, out var faults);
        Assert.Empty(faults);
        return (ExtAuthzFilter?)new ExtAuthzCompiler().Compile("ext", Any.Pack(message!), FieldPath.Root.Field("ext"), errors);
    }

    private static HeaderValueOption Option(string name, string value, bool? append = null) => new() { Header = new HeaderValue { Key = name, Value = value }, Append = append };

    private static TestUpstream Silent() => TestUpstream.Serving(static async peer =>
    {
        await peer.ReadRequestAsync();
        await peer.WaitForCloseAsync();
    });

    private static TestUpstream Echo() => TestUpstream.Serving(static async peer =>
    {
        while (await peer.ReadRequestAsync() is { } request) await peer.SendAsync($"HTTP/1.1 200 OK\r\ncontent-length: {request.Body.Length}\r\n\r\n{request.Body}");
    });

    private static async Task<(int Status, string Body)> StatusAndBodyAsync(Task<RawResponse> response) => ((await response).Status, (await response).Body);

    /// <summary>A server behind a proxy that asks an authorization service.</summary>
    private sealed class Mesh : IAsyncDisposable
    {
        public const string Get = "GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n";

        private bool _ownsUpstream;

        public TestUpstream Upstream { get; private init; } = null!;

        public RecordingLog Log { get; } = new();

        public EngineUnderTest Proxy { get; private set; } = null!;

        public static Mesh Start(
            string yaml, IPEndPoint authz, Action<EngineRecipe>? configure = null, TestUpstream? server = null, HttpFilter? before = null, HttpFilter? after = null, bool grpc = false)
        {
            var errors = new ConfigurationErrors();
            var filter = Compile(yaml, errors);
            Assert.Equal("", errors.ToString());
            var mesh = new Mesh { Upstream = server ?? TestUpstream.Answering(), _ownsUpstream = server is null };
            mesh.Proxy = EngineUnderTest.Start(recipe =>
            {
                if (before is not null) recipe.Filters.Add(before);
                recipe.Filters.Add(filter!);
                if (after is not null) recipe.Filters.Add(after);
                recipe.AccessLogs.Add(mesh.Log);
                recipe.Cluster("backend", mesh.Upstream.Address);
                if (grpc) recipe.Cluster("authz", authz).Protocol = UpstreamProtocol.Http2;
                else recipe.Cluster("authz", authz);
                configure?.Invoke(recipe);
            });
            return mesh;
        }

        public Task<RawResponse> GetAsync() => SendAsync(Get);

        public Task<RawResponse> SendAsync(string request) => RawClient.ExchangeAsync(Proxy.Address, request);

        public async ValueTask DisposeAsync()
        {
            await Proxy.DisposeAsync();
            if (_ownsUpstream) await Upstream.DisposeAsync();
        }
    }

    /// <summary>Leaves the text that a header names where a shadow policy would.</summary>
    private sealed record MarkingFilter() : HttpFilter("marker", "test")
    {
        public override FilterStages Stages => FilterStages.Request;

        public override FilterVerdict OnRequest(HttpExchange exchange)
        {
            if (exchange.Request.Headers.TryGet("x-mark"u8, out var mark))
                exchange.Metadata.Open("envoy.filters.http.rbac"u8).Set("istio_ext_authz_shadow_effective_policy_id"u8, mark);
            return FilterVerdict.Continue;
        }
    }

    private sealed record ReadingFilter() : HttpFilter("reader", "test")
    {
        public string Seen { get; private set; } = "";

        public override FilterStages Stages => FilterStages.Request;

        public override FilterVerdict OnRequest(HttpExchange exchange)
        {
            var told = exchange.Metadata["envoy.filters.http.ext_authz"u8];
            var tags = told["tags"u8];
            Seen = $"{told["level"u8].Number} {Encoding.UTF8.GetString(tags.First.Text)} {(tags.First.Next.IsTrue ? "true" : "false")}";
            return FilterVerdict.Continue;
        }
    }
}
