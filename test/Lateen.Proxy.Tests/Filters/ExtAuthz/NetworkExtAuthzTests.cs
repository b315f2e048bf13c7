using System.Net;
using Envoy.Service.Auth.V3;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Filters.ExtAuthz;

/// <summary>The network filter in a running proxy, and a gRPC service that it asks about connections.</summary>
public sealed class NetworkExtAuthzTests
{
    private const string Request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    private static readonly CheckResponse Yes = new() { Status = new Status() };
    private static readonly CheckResponse No = new() { Status = new Status { Code = 7 } };

    [Fact]
    public async Task A_connection_that_the_service_allows_is_served_and_the_service_saw_both_of_its_ends()
    {
        await using var authz = await AuthorizationServer.StartAsync(Yes);
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address));

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), Request)).Body);

        var attributes = Assert.Single(authz.Requests).Attributes;
        Assert.Equal("127.0.0.1", attributes.Source.Address.SocketAddress.Address);
        Assert.Equal((uint)proxy.AddressOf("tcp").Port, attributes.Destination.Address.SocketAddress.PortValue);
        Assert.Equal("", attributes.Source.Principal);
        Assert.Null(attributes.Request);
        await proxy.EventuallyAsync("ext_authz.tcp.ok", 1);
        await proxy.EventuallyAsync("ext_authz.tcp.total", 1);
        await proxy.EventuallyAsync("ext_authz.tcp.active", 0);
        await proxy.EventuallyAsync("ext_authz.tcp.cx_closed", 0);
    }

    [Fact]
    public async Task A_connection_that_the_service_denies_is_closed_and_the_server_never_hears_of_it()
    {
        await using var authz = await AuthorizationServer.StartAsync(No);
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address));

        await IsClosedAsync(proxy);

        string line = await proxy.Log.NextAsync();
        Assert.StartsWith("UAEX ", line, StringComparison.Ordinal);
        Assert.Contains("ext_authz_denied", line, StringComparison.Ordinal);
        await proxy.EventuallyAsync("ext_authz.tcp.denied", 1);
        await proxy.EventuallyAsync("ext_authz.tcp.cx_closed", 1);
        Assert.Equal(0, upstream.Connections);
    }

    [Fact]
    public async Task No_byte_moves_in_either_direction_before_the_service_has_answered()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource<CheckResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var authz = await AuthorizationServer.StartAsync((_, _) =>
        {
            asked.SetResult();
            return answer.Task;
        });
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.SendAsync("220 ready\r\n");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        // What a client says early, and that it says no more, is kept for the server.
        await client.SendAsync("quit\r\n");
        await asked.Task.WaitAsync(TestContext.Current.CancellationToken);
        await proxy.EventuallyAsync("ext_authz.tcp.active", 1);
        Assert.Equal(0, upstream.Connections);

        answer.SetResult(Yes);

        Assert.Equal("220 ready\r\n", await client.ReadAtLeastAsync(11));
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("failure_mode_allow: true, ", true)]
    public async Task No_answer_in_time_is_a_no_unless_the_configuration_says_otherwise(string options, bool isServed)
    {
        await using var authz = await AuthorizationServer.StartAsync(static async (_, context) =>
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken); // No clock: an authorizer that never answers, until its caller gives up.
            return Yes;
        });
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address, options, timeout: "0.05s"));

        if (isServed) Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), Request)).Body);
        else await IsClosedAsync(proxy);

        await proxy.EventuallyAsync("ext_authz.tcp.error", 1);
        await proxy.EventuallyAsync("ext_authz.tcp.failure_mode_allowed", isServed ? 1 : 0);
        await proxy.EventuallyAsync("ext_authz.tcp.active", 0);
        if (!isServed) Assert.Contains("ext_authz_error", await proxy.Log.NextAsync(), StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_proxy_ends_while_somebody_is_asked_and_a_client_that_left_costs_nothing_more_than_its_question()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var authz = await AuthorizationServer.StartAsync(async (_, context) =>
        {
            asked.TrySetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken); // No clock: an authorizer that never answers, until its caller gives up.
            return Yes;
        });
        await using var upstream = TestUpstream.Answering();
        await using (var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address, timeout: "600s")))
        {
            using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
            using (var leaving = await RawClient.ConnectAsync(proxy.AddressOf("tcp"))) await asked.Task.WaitAsync(TestContext.Current.CancellationToken);
            await proxy.EventuallyAsync("ext_authz.tcp.active", 2);
        }

        Assert.Equal(0, upstream.Connections);
    }

    [Fact]
    public async Task Nobody_to_ask_and_answers_that_are_none_are_a_no()
    {
        var answers = new Queue<Func<Task<CheckResponse>>>([
            static () => throw new Grpc.Core.RpcException(new Grpc.Core.Status(Grpc.Core.StatusCode.Unavailable, "down")),
            static () => Task.FromResult(new CheckResponse { Status = new Status(), ErrorResponse = new DeniedHttpResponse() }),
        ]);
        await using var authz = await AuthorizationServer.StartAsync((_, _) => answers.Dequeue()());
        await using var upstream = TestUpstream.Answering();
        await using (var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address)))
        {
            await IsClosedAsync(proxy);
            await IsClosedAsync(proxy);
            await proxy.EventuallyAsync("ext_authz.tcp.error", 2);
        }

        // Nobody listens there; and a cluster that the configuration does not have.
        await using (var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, new IPEndPoint(IPAddress.Loopback, 1)))) await IsClosedAsync(proxy);
        await using (var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address, cluster: "nowhere"))) await IsClosedAsync(proxy);
        Assert.Equal(0, upstream.Connections);
    }

    [Theory]
    [InlineData("127.0.0.0", 1)]
    [InlineData("10.0.0.0", 0)]
    public async Task Only_connections_that_a_shadow_policy_marked_are_asked_about(string block, int questions)
    {
        await using var authz = await AuthorizationServer.StartAsync(Yes);
        await using var upstream = TestUpstream.Answering();
        string marks = $$$"""
              - name: rbac
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC, stat_prefix: tcp., shadow_rules_stat_prefix: istio_ext_authz_, shadow_rules: {action: DENY, policies: {istio-ext-authz-p: {permissions: [{any: true}], principals: [{direct_remote_ip: {address_prefix: {{{block}}}, prefix_len: 8} }] } } } }

        """;
        const string gate = "filter_enabled_metadata: {filter: envoy.filters.network.rbac, path: [{key: istio_ext_authz_shadow_effective_policy_id}], value: {string_match: {prefix: istio-ext-authz}}}, ";
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address, gate, before: marks));

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), Request)).Body);

        Assert.Equal(questions, authz.Requests.Count);
        await proxy.EventuallyAsync("ext_authz.tcp.disabled", 1 - questions);
    }

    [Fact]
    public async Task What_a_service_notes_is_there_for_the_filters_behind_it()
    {
        await using var authz = await AuthorizationServer.StartAsync(new CheckResponse { Status = new Status(), DynamicMetadata = new Struct { Fields = { ["tier"] = Value.ForString("gold") } } });
        await using var upstream = TestUpstream.Answering();
        string Rules(string tier) => $$$"""
              - name: rbac
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC, stat_prefix: tcp., rules: {policies: {p: {permissions: [{metadata: {filter: envoy.filters.network.ext_authz, path: [{key: tier}], value: {string_match: {exact: {{{tier}}} } } } }], principals: [{any: true}] } } } }

        """;
        await using (var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address, after: Rules("gold"))))
            Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), Request)).Body);
        await using (var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, authz.Address, after: Rules("silver")))) await IsClosedAsync(proxy);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_service_is_told_who_a_client_is_only_when_its_certificate_was_verified(bool isKnown)
    {
        using var authority = new TestAuthority();
        using var stranger = new TestAuthority("Other Root");
        await using var authz = await AuthorizationServer.StartAsync(Yes);
        await using var upstream = TestUpstream.Answering();
        string tls = TlsYaml.DownstreamContext(
            $"require_client_certificate: true, common_tls_context: {{tls_certificates: [{TlsYaml.Inline(authority.Issue(["spiffe://td/ns/shop/sa/db", "a.test"]))}], "
            + $"validation_context: {{trusted_ca: {{inline_string: {TlsYaml.Quoted(authority.Pem)}}}, trust_chain_verification: ACCEPT_UNTRUSTED}}}}");
        await using var proxy = await BootstrappedProxy.StartAsync(
            Yaml(upstream.Address, authz.Address, "include_peer_certificate: true, include_tls_session: true, ", chainOptions: $"transport_socket: {tls}"));
        using var certificate = (isKnown ? authority : stranger).Issue(["spiffe://td/ns/shop/sa/web"]).ToX509();
        using var client = await TlsClient.ConnectAsync(proxy.AddressOf("tcp"), certificate);

        Assert.Equal("HTTP/1.1 200hello", await client.GetAsync());

        var attributes = Assert.Single(authz.Requests).Attributes;
        Assert.Equal(isKnown ? "spiffe://td/ns/shop/sa/web" : "", attributes.Source.Principal);
        Assert.Equal("spiffe://td/ns/shop/sa/db", attributes.Destination.Principal);
        Assert.Equal("a.test", attributes.TlsSession.Sni);
        Assert.Contains("BEGIN%20CERTIFICATE", attributes.Source.Certificate, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{stat_prefix: ''}", "stat_prefix: is required")]
    [InlineData("{stat_prefix: a}", "grpc_service: is required")]
    [InlineData("{stat_prefix: a, grpc_service: {timeout: 1s}}", "grpc_service.envoy_grpc.cluster_name: is required")]
    [InlineData("{stat_prefix: a, grpc_service: {envoy_grpc: {cluster_name: c, authority: 'a b'}}}", "grpc_service.envoy_grpc.authority: 'a b' is not a host")]
    [InlineData("{stat_prefix: a, grpc_service: {envoy_grpc: {cluster_name: c}}, transport_api_version: V2}", "transport_api_version: must be V3")]
    [InlineData("{stat_prefix: a, grpc_service: {envoy_grpc: {cluster_name: c}}, filter_enabled_metadata: {}}", "filter_enabled_metadata.filter: is required")]
    public void A_faulty_configuration_is_refused_by_its_path(string config, string error)
    {
        string filter = $"      - name: ext\n        typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.network.ext_authz.v3.ExtAuthz, {config[1..]}\n";
        string yaml = TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(filter + TcpYaml.Proxy("backend"))));
        Assert.Contains(BootstrappedProxy.ErrorsOf(yaml), one => one.Contains(".typed_config." + error, StringComparison.Ordinal));
    }

    private static async Task IsClosedAsync(BootstrappedProxy proxy)
    {
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync("ping");
        Assert.Equal("", (await client.ReadToEndAsync()).Replace("RST", "", StringComparison.Ordinal));
    }

    private static string Yaml(
        IPEndPoint backend, IPEndPoint authz, string options = "", string timeout = "5s", string cluster = "authz", string before = "", string after = "", string chainOptions = "") =>
        TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(
            before
            + $$$"""
                  - name: ext
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.ext_authz.v3.ExtAuthz, stat_prefix: tcp., {{{options}}}grpc_service: {envoy_grpc: {cluster_name: {{{cluster}}}}, timeout: {{{timeout}}}}, transport_api_version: V3}

            """
            + after + TcpYaml.Proxy("backend"), options: chainOptions)))
        + TcpYaml.Clusters(
            TcpYaml.Cluster("backend", "", backend),
            TcpYaml.Cluster(
                "authz",
                """typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}""",
                authz));
}
