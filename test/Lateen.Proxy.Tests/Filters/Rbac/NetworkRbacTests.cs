using System.Net;
using System.Security.Cryptography.X509Certificates;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>The network filter in a running proxy: connections are let through or closed before anything of them is passed on.</summary>
public sealed class NetworkRbacTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly TestAuthority _stranger = new("Other Root");

    public void Dispose()
    {
        _authority.Dispose();
        _stranger.Dispose();
    }

    [Fact]
    public async Task A_connection_that_is_denied_is_closed_and_the_server_never_hears_of_it()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, "{rules: {action: DENY, policies: {p: {permissions: [{any: true}], principals: [{direct_remote_ip: {address_prefix: 127.0.0.0, prefix_len: 8}}]}}}}"));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync("ping");

        Assert.Equal("", (await client.ReadToEndAsync()).Replace("RST", "", StringComparison.Ordinal));

        Assert.Contains("rbac_access_denied_matched_policy[p]", await proxy.Log.NextAsync(), StringComparison.Ordinal);
        await proxy.EventuallyAsync("tcp.rbac.denied", 1);
        Assert.Equal(0, upstream.Connections);
    }

    [Fact]
    public async Task Where_the_policy_is_written_that_closed_a_connection_stands_in_the_log_and_the_statistics()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, """
            {rules: {action: DENY, policies: {p: {permissions: [{any: true}], principals: [{any: true}]}},
             audit_logging_options: {logger_configs: [{audit_logger: {name: lateen.policy_places, typed_config: {"@type": type.googleapis.com/google.protobuf.Struct, value: {p: "redis.yaml:12"}}}, is_optional: true}]}}}
            """));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));

        Assert.Equal("", (await client.ReadToEndAsync()).Replace("RST", "", StringComparison.Ordinal));

        Assert.Contains("rbac_access_denied_matched_policy[p]{redis.yaml:12}", await proxy.Log.NextAsync(), StringComparison.Ordinal);
        await proxy.EventuallyAsync("tcp.rbac.policy.p.denied", 1);
    }

    [Fact]
    public async Task A_connection_that_is_allowed_is_served_and_counted()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, """
            {rules: {policies: {p: {permissions: [{any: true}], principals: [{any: true}]}}},
             shadow_rules: {policies: {}}, shadow_rules_stat_prefix: istio_dry_run_allow_}
            """));

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Body);

        await proxy.EventuallyAsync("tcp.rbac.allowed", 1);
        await proxy.EventuallyAsync("tcp.rbac.istio_dry_run_allow_.shadow_denied", 1);
    }

    [Fact]
    public async Task A_server_that_speaks_first_is_not_heard_by_a_client_that_is_denied()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.SendAsync("220 secret\r\n");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, "{rules: {}}", Inspector));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        client.ShutdownSend();

        Assert.DoesNotContain("secret", await client.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(0, upstream.Connections);
    }

    [Fact]
    public async Task A_server_that_speaks_first_is_heard_by_a_silent_client_that_is_allowed()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.SendAsync("220 ready\r\n");
            await peer.WaitForCloseAsync();
        });
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(upstream.Address, "{rules: {policies: {p: {permissions: [{any: true}], principals: [{any: true}]}}}}", Inspector));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));

        Assert.Equal("220 ready\r\n", await client.ReadAtLeastAsync(11));
    }

    [Theory]
    [InlineData("spiffe://td/ns/shop/sa/web", true)]
    [InlineData("spiffe://td/ns/shop/sa/other", false)]
    [InlineData(null, false)]
    public async Task Who_a_peer_is_says_its_verified_certificate(string? id, bool isAllowed)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(MutualTls(upstream.Address, requires: false));
        using var certificate = id is null ? null : _authority.Issue([id]).ToX509();
        await Check(proxy, certificate, isAllowed);
    }

    [Fact]
    public async Task A_certificate_of_strangers_has_no_names_even_where_it_is_let_in()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(MutualTls(upstream.Address, requires: false, acceptsAny: true));
        using var known = _authority.Issue(["spiffe://td/ns/shop/sa/web"]).ToX509();
        using var stranger = _stranger.Issue(["spiffe://td/ns/shop/sa/web"]).ToX509();

        await Check(proxy, known, isAllowed: true);
        await Check(proxy, stranger, isAllowed: false);
    }

    [Theory]
    [InlineData("rules: {policies: {p: {permissions: [{any: true}], principals: [{any: true}]}}}, enforcement_type: CONTINUOUS", "enforcement_type: only ONE_TIME_ON_FIRST_BYTE")]
    [InlineData("rules: {policies: {p: {permissions: [{header: {name: x}}], principals: [{any: true}]}}}", "rules.policies[\"p\"].permissions[0].header: is of HTTP requests")]
    [InlineData("rules: {policies: {p: {permissions: [{any: true}], principals: [{any: true}]}}}, stat_prefix: ''", "stat_prefix: is required")]
    public void What_connections_cannot_have_is_refused_by_its_path(string config, string error)
    {
        string yaml = Yaml(new IPEndPoint(IPAddress.Loopback, 1), "{" + config + "}");
        Assert.Contains(BootstrappedProxy.ErrorsOf(yaml), one => one.Contains(".typed_config." + error, StringComparison.Ordinal));
    }

    private const string Inspector = """
        listener_filters:
        - {name: http, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}}
        """;

    private static string Filter(string rules) =>
        $$$"""
              - name: rbac
                typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC, {{{(rules.Contains("stat_prefix: ''", StringComparison.Ordinal) ? "" : "stat_prefix: tcp., ")}}}{{{rules.Trim()[1..]}}}

        """;

    private static string Yaml(IPEndPoint backend, string rules, string listenerOptions = "") =>
        TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(Filter(rules.ReplaceLineEndings(" ")) + TcpYaml.Proxy("backend")), listenerOptions))
        + TcpYaml.Clusters(TcpYaml.Cluster("backend", "", backend));

    private static async Task Check(BootstrappedProxy proxy, X509Certificate2? certificate, bool isAllowed)
    {
        try
        {
            using var client = await TlsClient.ConnectAsync(proxy.AddressOf("tcp"), certificate);
            Assert.Equal("HTTP/1.1 200hello", await client.GetAsync());
            Assert.True(isAllowed);
        }
        catch (IOException)
        {
            Assert.False(isAllowed);
        }
    }

    private string MutualTls(IPEndPoint backend, bool requires, bool acceptsAny = false)
    {
        string context = $"common_tls_context: {{tls_certificates: [{TlsYaml.Inline(_authority.Issue(["a.test"]))}], "
            + $"validation_context: {{trusted_ca: {{inline_string: {TlsYaml.Quoted(_authority.Pem)}}}{(acceptsAny ? ", trust_chain_verification: ACCEPT_UNTRUSTED" : "")}}}}}, "
            + $"require_client_certificate: {(requires ? "true" : "false")}";
        const string Rules = "{rules: {policies: {p: {permissions: [{any: true}], principals: [{authenticated: {principal_name: {exact: 'spiffe://td/ns/shop/sa/web'}}}]}}}}";
        return TcpYaml.Listeners(TcpYaml.Listener("tcp", TcpYaml.Chain(Filter(Rules) + TcpYaml.Proxy("backend"), options: $"transport_socket: {TlsYaml.DownstreamContext(context)}")))
            + TcpYaml.Clusters(TcpYaml.Cluster("backend", "", backend));
    }
}
