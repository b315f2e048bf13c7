using System.Net;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Tests.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>The filter in a running engine, with real services to ask: yes, no, silence, nonsense, and clients that do not wait.</summary>
public sealed class ExtAuthzFilterTests
{
    private const string Http = """
        http_service:
          server_uri: {uri: "http://authz.example:9000", cluster: authz, timeout: 5s}
        """;

    private const string Yes = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    private const string No = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\ncontent-type: text/x-no\r\nwww-authenticate: Custom\r\nx-reason: because\r\n\r\nno";

    [Fact]
    public async Task A_yes_lets_the_request_pass_and_the_service_saw_what_it_is_to_see()
    {
        await using var authz = TestUpstream.Answering(Yes);
        await using var mesh = AuthorizedMesh.Start(Http + """

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
        await using var mesh = AuthorizedMesh.Start(Http, authz.Address);

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
        await using var mesh = AuthorizedMesh.Start(Http + "\n  authorization_response: {allowed_client_headers: {patterns: [{exact: x-other}]}}", authz.Address);

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
        await using var mesh = AuthorizedMesh.Start(Http + """

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
        await using var mesh = AuthorizedMesh.Start(Http + "\n  authorization_response: {allowed_client_headers_on_success: {patterns: [{exact: x-client}]}}", authz.Address);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync(AuthorizedMesh.Get);
        Assert.Equal("c", (await client.ReadResponseAsync()).Header("x-client"));
        await client.SendAsync(AuthorizedMesh.Get);
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
        await using var mesh = AuthorizedMesh.Start(Http, authz.Address);

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
        await using (var mesh = AuthorizedMesh.Start(Http, closing.Address)) Assert.Equal(403, (await mesh.GetAsync()).Status);
        await using (var mesh = AuthorizedMesh.Start(Http, TestUpstream.NobodyThere())) Assert.Equal(403, (await mesh.GetAsync()).Status);
        await using (var mesh = AuthorizedMesh.Start(Http.Replace("cluster: authz", "cluster: nowhere", StringComparison.Ordinal), closing.Address))
            Assert.Equal(403, (await mesh.GetAsync()).Status);
    }

    [Fact]
    public async Task The_answer_to_an_error_is_the_configurations()
    {
        await using var mesh = AuthorizedMesh.Start(Http + "\nstatus_on_error: {code: ServiceUnavailable}", TestUpstream.NobodyThere());
        Assert.Equal(503, (await mesh.GetAsync()).Status);
    }

    [Fact]
    public async Task Failure_mode_allow_lets_requests_pass_and_says_so()
    {
        await using var mesh = AuthorizedMesh.Start(Http + "\nfailure_mode_allow: true\nfailure_mode_allow_header_add: true", TestUpstream.NobodyThere());

        Assert.Equal(200, (await mesh.GetAsync()).Status);

        Assert.Contains("x-envoy-auth-failure-mode-allowed: true", Assert.Single(mesh.Upstream.Heads), StringComparison.Ordinal);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.failure_mode_allowed", 1);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.error", 1);
    }

    [Fact]
    public async Task What_only_the_filter_may_say_of_an_authorization_a_client_cannot()
    {
        await using var authz = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
        await using var mesh = AuthorizedMesh.Start(Http + "\nfailure_mode_allow: true\nfailure_mode_allow_header_add: true\nallowed_headers: {patterns: [{prefix: x-}]}", authz.Address);

        Assert.Equal(200, (await mesh.SendAsync("GET / HTTP/1.1\r\nHost: s\r\nx-envoy-auth-failure-mode-allowed: true\r\nx-envoy-auth-partial-body: false\r\n\r\n")).Status);

        Assert.DoesNotContain("x-envoy-auth-", Assert.Single(mesh.Upstream.Heads), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("x-envoy-auth-", Assert.Single(authz.Heads), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A CONNECT has no path: whoever would be asked about a GET in its place lets pass something else than what is asked for.</summary>
    [Fact]
    public async Task No_service_of_HTTP_is_asked_about_a_tunnel_and_nobody_may_open_one()
    {
        await using var authz = TestUpstream.Answering(Yes);
        await using var mesh = AuthorizedMesh.Start(Http + "\nfailure_mode_allow: true", authz.Address);

        Assert.Equal(403, (await mesh.SendAsync("CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example:443\r\n\r\n")).Status);
        Assert.Equal("403 UAEX ext_authz_error", await mesh.Log.NextAsync());
        Assert.Empty(authz.Heads);
    }

    [Fact]
    public async Task A_service_that_is_silent_fails_closed_when_its_time_is_up()
    {
        var clock = new FakeTimeProvider();
        await using var authz = Silent();
        await using var mesh = AuthorizedMesh.Start(Http, authz.Address, recipe => recipe.TimeProvider = clock);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync(AuthorizedMesh.Get);
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
        await using var mesh = AuthorizedMesh.Start(Http, authz.Address);
        using (var client = await RawClient.ConnectAsync(mesh.Proxy.Address))
        {
            await client.SendAsync(AuthorizedMesh.Get);
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
        var mesh = AuthorizedMesh.Start(Http, authz.Address);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync(AuthorizedMesh.Get);
        while (authz.Heads.IsEmpty) await Task.Yield();
        await mesh.DisposeAsync();
    }

    [Fact]
    public async Task Streams_of_one_http2_connection_wait_each_for_its_own_answer()
    {
        await using var authz = TestUpstream.Answering(static head => head.StartsWith("GET /no", StringComparison.Ordinal) ? No : Yes);
        await using var mesh = AuthorizedMesh.Start(Http, authz.Address);
        using var client = new HttpClient();

        var statuses = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{mesh.Proxy.Address}/{(i % 2 == 0 ? "yes" : "no")}")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            return (int)response.StatusCode;
        }));

        Assert.Equal(Enumerable.Range(0, 100).Select(static i => i % 2 == 0 ? 200 : 401), statuses);
        await mesh.Proxy.EventuallyAsync("cluster.authz.upstream_rq_active", 0);
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
        await using var mesh = AuthorizedMesh.Start(Http, authz.Address);
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
        await using var mesh = AuthorizedMesh.Start(Http + "\nwith_request_body: {max_request_bytes: 12}", authz.Address, server: server);

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
        await using var mesh = AuthorizedMesh.Start(Http + "\nwith_request_body: {max_request_bytes: 1000, allow_partial_message: true}", authz.Address, server: server);

        var response = await mesh.SendAsync($"POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 200000\r\n\r\n{new string('x', 200_000)}");

        Assert.Equal((200, 200_000), (response.Status, response.Body.Length));
    }

    [Fact]
    public async Task A_connection_serves_on_after_a_no_to_content_that_was_taken_whole()
    {
        await using var authz = TestUpstream.Answering(static head => head.StartsWith("POST", StringComparison.Ordinal) ? No : Yes);
        await using var mesh = AuthorizedMesh.Start(Http + "\nwith_request_body: {max_request_bytes: 100}", authz.Address);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 4\r\n\r\nbody");
        var refused = await client.ReadResponseAsync();
        Assert.Equal((401, true), (refused.Status, refused.KeepsAlive));
        await client.SendAsync(AuthorizedMesh.Get);
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
    }

    [Fact]
    public async Task Only_requests_that_an_earlier_filter_marked_are_asked_about_where_the_configuration_says_so()
    {
        await using var authz = TestUpstream.Answering(No);
        var marker = new MarkingFilter();
        await using var mesh = AuthorizedMesh.Start(Http + """

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
        await using var mesh = AuthorizedMesh.Start(
            Http + "\n  authorization_response: {allowed_upstream_headers: {patterns: [{exact: x-tenant}]}}\nclear_route_cache: true",
            authz.Address,
            recipe => recipe.DivertTenants(other.Address));
        Assert.Equal("other", (await mesh.GetAsync()).Body);
    }

    [Fact]
    public async Task Questions_by_http_on_warm_connections_allocate_nothing()
    {
        await using var authz = TestUpstream.Answering(Yes);
        // The log of tests makes a string of each exchange.
        await using var mesh = AuthorizedMesh.Start(Http, authz.Address, static recipe => recipe.AccessLogs.Clear());
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        async Task Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await client.SendAsync(AuthorizedMesh.Get);
                Assert.Equal(200, (await client.ReadResponseAsync()).Status);
            }
        }

        await Run(300);
        var best = await ReactorAllocation.LeastAsync(mesh.Proxy.Engine.Reactors[0], () => Run(300));

        Assert.True(best <= 0, $"{best} bytes in 300 requests");
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
        Assert.Null(AuthorizedMesh.Compile(yaml, errors));
        Assert.StartsWith(complaint, errors.All[0].ToString(), StringComparison.Ordinal);
    }

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
}
