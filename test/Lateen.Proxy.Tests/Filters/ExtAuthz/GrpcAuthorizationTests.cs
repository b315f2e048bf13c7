using Envoy.Config.Core.V3;
using Envoy.Service.Auth.V3;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Lateen.Proxy.Tests.Harness;
using Status = Google.Rpc.Status;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>Services that speak gRPC: what they see of a request, what they change, and what is no answer of theirs.</summary>
public sealed class GrpcAuthorizationTests
{
    private const string Service = """
        grpc_service: {envoy_grpc: {cluster_name: authz}, timeout: 5s}
        transport_api_version: V3
        """;

    private const string Yes = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

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
        await using var mesh = AuthorizedMesh.Start(Service + "\nwith_request_body: {max_request_bytes: 100}", authz.Address, grpc: true);

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
        await using var mesh = AuthorizedMesh.Start(Service, authz.Address, grpc: true);

        var response = await mesh.GetAsync();

        Assert.Equal((402, "{}", "unpaid", "application/json"), (response.Status, response.Body, response.Header("x-why"), response.Header("content-type")));
        Assert.Equal("402 UAEX ext_authz_denied", await mesh.Log.NextAsync());
    }

    [Fact]
    public async Task A_grpc_no_without_more_words_is_403_and_a_grpc_client_is_told_in_its_own_way()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status { Code = 16 } });
        await using var mesh = AuthorizedMesh.Start(Service, authz.Address, grpc: true);

        Assert.Equal(403, (await mesh.GetAsync()).Status);
        var response = await mesh.SendAsync("POST / HTTP/1.1\r\nHost: s\r\ncontent-type: application/grpc\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal((200, "7"), (response.Status, response.Header("grpc-status")));
    }

    [Fact]
    public async Task A_request_without_content_is_not_told_to_be_a_part_of_the_one_before_it()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status() });
        await using var mesh = AuthorizedMesh.Start(Service + "\nwith_request_body: {max_request_bytes: 2, allow_partial_message: true}", authz.Address, grpc: true);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);

        await client.SendAsync("POST / HTTP/1.1\r\nHost: s\r\nContent-Length: 4\r\n\r\nbody");
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: s\r\n\r\n");
        Assert.Equal(200, (await client.ReadResponseAsync()).Status);

        Assert.Equal(
            [("bo", "true"), ("", "false")],
            authz.Requests.Select(static one => (one.Attributes.Request.Http.Body, one.Attributes.Request.Http.Headers["x-envoy-auth-partial-body"])));
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    public async Task Content_of_a_no_that_can_have_none_does_not_become_the_next_answer(int status)
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse
        {
            Status = new Status { Code = 7 },
            DeniedResponse = new DeniedHttpResponse { Status = new Envoy.Type.V3.HttpStatus { Code = (Envoy.Type.V3.StatusCode)status }, Body = "HTTP/1.1 200 OK\r\n\r\n" },
        });
        await using var mesh = AuthorizedMesh.Start(Service, authz.Address, grpc: true);
        using var client = await RawClient.ConnectAsync(mesh.Proxy.Address);
        await client.SendAsync("GET / HTTP/1.1\r\nHost: s\r\n\r\nGET / HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n");

        string answers = await client.ReadToEndAsync();

        Assert.DoesNotContain(" 200 ", answers, StringComparison.Ordinal);
        Assert.Equal(2, answers.Split($"HTTP/1.1 {status} ").Length - 1);
    }

    [Fact]
    public async Task Whatever_is_no_answer_of_a_grpc_service_fails_closed()
    {
        var answers = new Queue<Func<Task<CheckResponse>>>([
            static () => throw new RpcException(new Grpc.Core.Status(StatusCode.Internal, "broken")),
            static () => throw new RpcException(new Grpc.Core.Status(StatusCode.Unavailable, "down")),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), ErrorResponse = new DeniedHttpResponse() }),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), OkResponse = new OkHttpResponse { Headers = { Option("bad name", "x") } } }),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), OkResponse = new OkHttpResponse { Headers = { Option("x", "a\r\nb: c") } } }),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), OkResponse = new OkHttpResponse { HeadersToRemove = { Enumerable.Range(0, 300).Select(static i => $"h{i}") } } }),
            static () => Task.FromResult(new CheckResponse { Status = new Status { Message = new string('x', 300_000) } }),
        ]);
        var count = answers.Count;
        await using var authz = await AuthorizationServer.StartAsync((_, _) => answers.Dequeue()());
        await using var mesh = AuthorizedMesh.Start(Service, authz.Address, grpc: true);

        for (var i = 0; i < count; i++) Assert.Equal((i, 403), (i, (await mesh.GetAsync()).Status));

        Assert.Empty(mesh.Upstream.Heads);
        await mesh.Proxy.EventuallyAsync("http.in.ext_authz.error", count);
    }

    [Fact]
    public async Task A_grpc_service_behind_http1_or_that_is_not_grpc_fails_closed()
    {
        await using var notGrpc = await KestrelUpstream.StartAsync(Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2, static _ => { });
        await using (var mesh = AuthorizedMesh.Start(Service, notGrpc.Address, grpc: true)) Assert.Equal(403, (await mesh.GetAsync()).Status);
        await using var plain = TestUpstream.Answering(Yes);
        await using (var mesh = AuthorizedMesh.Start(Service, plain.Address)) Assert.Equal(403, (await mesh.GetAsync()).Status);
    }

    [Fact]
    public async Task A_grpc_service_gets_content_as_bytes_and_only_the_fields_that_it_may_see()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status() });
        await using var mesh = AuthorizedMesh.Start(Service + """

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
        await using var mesh = AuthorizedMesh.Start(Service + "\nmetadata_context_namespaces: [envoy.filters.http.rbac, none]", authz.Address, before: marker, after: reader, grpc: true);

        await mesh.SendAsync("GET / HTTP/1.1\r\nHost: s\r\nx-mark: m\r\n\r\n");

        var context = Assert.Single(authz.Requests).Attributes.MetadataContext;
        Assert.Equal("m", Assert.Single(context.FilterMetadata).Value.Fields["istio_ext_authz_shadow_effective_policy_id"].StringValue);
        Assert.Equal("5 a true", reader.Seen);
    }

    private static HeaderValueOption Option(string name, string value, bool? append = null) => new() { Header = new HeaderValue { Key = name, Value = value }, Append = append };
}
