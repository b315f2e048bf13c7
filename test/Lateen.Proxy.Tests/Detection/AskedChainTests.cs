using System.Net;
using Envoy.Service.Auth.V3;
using Google.Rpc;
using Lateen.Proxy.Tests.Filters.ExtAuthz;
using Lateen.Proxy.Tests.Harness;
using Microsoft.Extensions.Time.Testing;

namespace Lateen.Proxy.Tests.Detection;

/// <summary>A port of unknown protocol whose TCP chain has filters that may refuse: they are asked about silent clients, and only about those.</summary>
public sealed class AskedChainTests
{
    private const string DeniesAll =
        """      - {name: rbac, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.rbac.v3.RBAC, stat_prefix: tcp., rules: {}}}""" + "\n";

    private const string AtMostOne =
        """      - {name: limit, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.connection_limit.v3.ConnectionLimit, stat_prefix: one, max_connections: 1}}""" + "\n";

    private const string Asks =
        """      - {name: ext, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.network.ext_authz.v3.ExtAuthz, stat_prefix: tcp., grpc_service: {envoy_grpc: {cluster_name: authz}, timeout: 600s}, transport_api_version: V3}}""" + "\n";

    private static readonly CheckResponse Yes = new() { Status = new Status() };
    private static readonly CheckResponse No = new() { Status = new Status { Code = 7 } };

    private readonly FakeTimeProvider _time = new();

    [Fact(Timeout = 60_000)]
    public async Task A_silent_client_is_asked_about_and_then_hears_the_server()
    {
        await using var authz = await AuthorizationServer.StartAsync(Yes);
        await using var banner = Greeting();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(web, banner, Asks, authz.Address), time: _time);
        using var client = await SilentClientAsync(proxy);

        Assert.Equal("220 ready\r\n", await client.ReadAtLeastAsync(11));

        Assert.Single(authz.Requests);
        await proxy.EventuallyAsync("ext_authz.tcp.ok", 1);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_silent_client_that_the_service_denies_is_closed_and_logged()
    {
        await using var authz = await AuthorizationServer.StartAsync(No);
        await using var banner = Greeting();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(web, banner, Asks, authz.Address), time: _time);
        using var client = await SilentClientAsync(proxy);
        await proxy.EventuallyAsync("ext_authz.tcp.denied", 1);
        await proxy.SettleAsync();
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("", await client.ReadToEndAsync());

        string line = await proxy.Log.NextAsync();
        Assert.StartsWith("UAEX ", line, StringComparison.Ordinal);
        Assert.Contains("ext_authz_denied", line, StringComparison.Ordinal);
        Assert.Equal(0, banner.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_silent_client_that_rules_deny_is_closed_and_logged()
    {
        await using var banner = Greeting();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(web, banner, DeniesAll), time: _time);
        using var client = await SilentClientAsync(proxy);
        await proxy.EventuallyAsync("tcp.rbac.denied", 1);
        await proxy.SettleAsync();
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("", await client.ReadToEndAsync());

        Assert.Contains("rbac_access_denied_matched_policy[none]", await proxy.Log.NextAsync(), StringComparison.Ordinal);
        Assert.Equal(0, banner.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_client_that_rules_deny_and_that_says_no_more_is_closed_and_logged()
    {
        await using var banner = Greeting();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(web, banner, DeniesAll), time: _time);
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        client.ShutdownSend();

        Assert.Equal("", await client.ReadToEndAsync());

        Assert.Contains("rbac_access_denied_matched_policy[none]", await proxy.Log.NextAsync(), StringComparison.Ordinal);
        Assert.Equal(0, banner.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_silent_client_takes_a_place_and_the_next_one_has_none()
    {
        await using var banner = Greeting();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(web, banner, AtMostOne), time: _time);
        using (var first = await SilentClientAsync(proxy))
        {
            Assert.Equal("220 ready\r\n", await first.ReadAtLeastAsync(11));
            using var second = await SilentClientAsync(proxy);
            await proxy.EventuallyAsync("connection_limit.one.limited_connections", 1);
            await proxy.SettleAsync();
            _time.Advance(TimeSpan.FromSeconds(1));

            Assert.Equal("", await second.ReadToEndAsync());
            Assert.Contains("connection_limit", await proxy.Log.NextAsync(), StringComparison.Ordinal);
        }

        await proxy.EventuallyAsync("connection_limit.one.active_connections", 0);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_request_that_comes_while_the_service_thinks_or_after_it_denied_is_the_http_chain_s(bool isAnswered)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource<CheckResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var authz = await AuthorizationServer.StartAsync((_, _) =>
        {
            asked.SetResult();
            return answer.Task;
        });
        await using var banner = Greeting();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(web, banner, AtMostOne + Asks, authz.Address, isLogged: true), time: _time);
        using var client = await SilentClientAsync(proxy);
        await asked.Task.WaitAsync(TestContext.Current.CancellationToken);
        if (isAnswered)
        {
            answer.SetResult(No);
            await proxy.EventuallyAsync("ext_authz.tcp.denied", 1);
        }

        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");

        Assert.Equal("hello", (await client.ReadResponseAsync()).Body);
        await proxy.EventuallyAsync("ext_authz.tcp.active", 0);
        await proxy.EventuallyAsync("connection_limit.one.active_connections", 0);
        Assert.Equal(0, banner.Connections);
        answer.TrySetResult(Yes);
        client.Dispose();
        // What was said of it as a connection of TCP is nothing that its log tells.
        Assert.Matches(@"^- \d+/\d+ sni= to= from=127\.0\.0\.1:\d+ chain=http $", await proxy.Log.NextAsync());
    }

    [Fact(Timeout = 60_000)]
    public async Task A_request_that_comes_at_once_is_nothing_that_the_filters_of_tcp_hear_of()
    {
        await using var banner = Greeting();
        await using var web = TestUpstream.Answering();
        await using var proxy = await BootstrappedProxy.StartAsync(Yaml(web, banner, DeniesAll), time: _time);

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Body);

        Assert.Equal(0, proxy.Registry.Find("tcp.rbac.denied") ?? 0);
    }

    /// <summary>A client that says nothing for longer than the grace.</summary>
    private async Task<RawClient> SilentClientAsync(BootstrappedProxy proxy)
    {
        var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await proxy.EventuallyAsync("listener.127.0.0.1_0.downstream_pre_cx_active", 1);
        await proxy.SettleAsync();
        _time.Advance(TimeSpan.FromMilliseconds(150));
        return client;
    }

    private static TestUpstream Greeting() => TestUpstream.Serving(static async peer =>
    {
        await peer.SendAsync("220 ready\r\n");
        await peer.WaitForCloseAsync();
    });

    private static string Yaml(TestUpstream web, TestUpstream tcp, string filters, IPEndPoint? authz = null, bool isLogged = false) =>
        TcpYaml.Listeners(TcpYaml.Listener(
            "tcp",
            TcpYaml.Chain(TcpYaml.Http("web"), "transport_protocol: raw_buffer, application_protocols: [http/1.0, http/1.1, h2c]", "http"),
            """
            listener_filters:
            - {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}
            - {name: http, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}}
            listener_filters_timeout: 0s

            """ + (isLogged ? TcpYaml.Log : "") + """

            default_filter_chain:
              name: tcp
              filters:

            """ + filters + TcpYaml.Proxy("tcp")))
        + TcpYaml.Clusters(
            TcpYaml.Cluster("web", "", web.Address),
            TcpYaml.Cluster("tcp", "", tcp.Address),
            TcpYaml.Cluster(
                "authz",
                """typed_extension_protocol_options: {envoy.extensions.upstreams.http.v3.HttpProtocolOptions: {"@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions, explicit_http_config: {http2_protocol_options: {}}}}""",
                authz ?? TestUpstream.NobodyThere()));
}
