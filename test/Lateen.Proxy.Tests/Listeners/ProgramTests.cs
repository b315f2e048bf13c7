using System.Net;
using System.Text.RegularExpressions;
using Lateen.Proxy.Tests.Harness;
using Lateen.Testing;

namespace Lateen.Proxy.Tests.Listeners;

/// <summary>The executable, as a process of its own.</summary>
public sealed partial class ProgramTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_static_bootstrap_serves_on_free_ports_and_ends_in_order_on_SIGTERM()
    {
        await using var upstream = TestUpstream.Answering();
        using var folder = new TemporaryFolder();
        var config = folder.Write("envoy.yaml", Bootstrap(upstream.Address.Port));
        var adminPath = folder.PathOf("admin.txt");
        await using var proxy = ProgramUnderTest.Start("proxy", Programs.Proxy, ["-c", config, "--concurrency", "1", "--admin-address-path", adminPath, "--drain-time-s", "10"]);
        var address = AddressIn(await proxy.WaitForLineAsync("listener 'main' listens on", Cancel));
        await proxy.WaitForLineAsync("serving", Cancel);

        Assert.Equal("hello", (await RawClient.ExchangeAsync(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Body);
        var admin = IPEndPoint.Parse(await File.ReadAllTextAsync(adminPath, Cancel));
        Assert.Equal(200, (await RawClient.ExchangeAsync(admin, "GET /ready HTTP/1.1\r\nHost: localhost\r\n\r\n")).Status);
        Assert.Contains($"127.0.0.1:{address.Port}", (await RawClient.ExchangeAsync(admin, "GET /listeners HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body);

        await proxy.SignalAsync("TERM");
        Assert.Equal(0, await proxy.WaitForExitAsync(Cancel));
    }

    [Theory]
    [InlineData("", false, false)]
    [InlineData("?inboundonly", false, true)]
    [InlineData("?graceful", true, true)]
    [InlineData("?graceful&inboundonly", true, true)]
    public async Task Drained_listeners_refuse_new_connections_or_ask_their_clients_to_leave_first(string query, bool inboundListens, bool outboundListens)
    {
        await using var upstream = TestUpstream.Answering();
        using var folder = new TemporaryFolder();
        var text = Bootstrap(upstream.Address.Port).Replace("- name: main", "- name: inner\n    traffic_direction: INBOUND");
        var outer = text[text.IndexOf("  - name: inner", StringComparison.Ordinal)..text.IndexOf("  clusters:", StringComparison.Ordinal)];
        var config = folder.Write("envoy.yaml", text.Replace("  clusters:", outer.Replace("inner", "outer").Replace("INBOUND", "OUTBOUND") + "  clusters:"));
        var adminPath = folder.PathOf("admin.txt");
        await using var proxy = ProgramUnderTest.Start("proxy", Programs.Proxy, ["-c", config, "--concurrency", "1", "--admin-address-path", adminPath, "--drain-time-s", "600"]);
        IPEndPoint inbound = AddressIn(await proxy.WaitForLineAsync("listener 'inner' listens on", Cancel)), outbound = AddressIn(await proxy.WaitForLineAsync("listener 'outer' listens on", Cancel));
        await proxy.WaitForLineAsync("serving", Cancel);
        var admin = IPEndPoint.Parse(await File.ReadAllTextAsync(adminPath, Cancel));
        using var held = await RawClient.ConnectAsync(inbound);
        await held.SendAsync(Get);
        Assert.True((await held.ReadResponseAsync()).KeepsAlive);

        Assert.Equal("OK\n", (await RawClient.ExchangeAsync(admin, $"POST /drain_listeners{query} HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body);

        // Sockets are closed by their reactor, behind what it had to do before: the exchange on the connection that lives on.
        await held.SendAsync(Get);
        var last = await held.ReadResponseAsync();
        Assert.Equal((200, false), (last.Status, last.KeepsAlive));
        Assert.Equal(inboundListens ? "close" : null, await KeepsAliveAsync(inbound));
        Assert.Equal(outboundListens ? query.Contains("inboundonly", StringComparison.Ordinal) ? "keep" : "close" : null, await KeepsAliveAsync(outbound));
    }

    [Fact]
    public async Task A_second_signal_ends_a_drain_at_once()
    {
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            await peer.ReadRequestAsync();
            await peer.WaitForCloseAsync();
        });
        using var folder = new TemporaryFolder();
        var config = folder.Write("envoy.yaml", Bootstrap(upstream.Address.Port));
        await using var proxy = ProgramUnderTest.Start("proxy", Programs.Proxy, ["-c", config, "--concurrency", "1", "--drain-time-s", "600"]);
        using var client = await RawClient.ConnectAsync(AddressIn(await proxy.WaitForLineAsync("listener 'main' listens on", Cancel)));
        await client.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        while (upstream.Heads.IsEmpty) await Task.Yield();

        await proxy.SignalAsync("TERM");
        await proxy.WaitForLineAsync("draining", Cancel);
        await proxy.SignalAsync("TERM");

        Assert.Equal(0, await proxy.WaitForExitAsync(Cancel));
    }

    [Fact]
    public async Task Validate_says_OK_or_names_the_field()
    {
        using var folder = new TemporaryFolder();
        var good = folder.Write("good.yaml", Bootstrap(1));
        var bad = folder.Write("bad.yaml", Bootstrap(1).Replace("connect_timeout", "conect_timeout"));

        var (goodCode, goodOutput) = await ProgramUnderTest.RunAsync(Programs.Proxy, ["-c", good, "--mode", "validate"], Cancel);
        var (badCode, badOutput) = await ProgramUnderTest.RunAsync(Programs.Proxy, ["-c", bad, "--mode", "validate"], Cancel);

        Assert.True(goodCode == 0, goodOutput);
        Assert.Contains("OK", goodOutput);
        Assert.Equal(1, badCode);
        Assert.Contains("static_resources.clusters[0].conect_timeout", badOutput);
    }

    [Fact]
    public async Task An_unknown_filter_is_refused_by_name()
    {
        using var folder = new TemporaryFolder();
        var config = folder.Write("lua.yaml", Bootstrap(1).Replace("- name: envoy.filters.http.router", "- name: envoy.filters.http.lua\n            typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua}\n          - name: envoy.filters.http.router"));

        var (code, output) = await ProgramUnderTest.RunAsync(Programs.Proxy, ["-c", config, "--mode", "validate"], Cancel);

        Assert.Equal(1, code);
        Assert.Contains("envoy.extensions.filters.http.lua.v3.Lua", output);
    }

    [Theory]
    [InlineData(2, "-c FILE is required")]
    [InlineData(2, "unknown option --base-id", "-c", "x", "--base-id", "1")]
    [InlineData(2, "--concurrency: '0'", "-c", "x", "--concurrency", "0")]
    [InlineData(0, "lateen-proxy 0.1.0", "--version")]
    [InlineData(0, "Usage:", "--help")]
    [InlineData(1, "/no/such/file", "-c", "/no/such/file")]
    public async Task The_command_line_is_answered_with_the_right_code(int expected, string text, params string[] arguments)
    {
        var (code, output) = await ProgramUnderTest.RunAsync(Programs.Proxy, arguments, Cancel);

        Assert.Equal(expected, code);
        Assert.Contains(text, output);
    }

    [Fact]
    public async Task A_static_listener_that_cannot_bind_ends_the_start_and_says_how_to_mend_it()
    {
        using var taken = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        using var folder = new TemporaryFolder();
        var config = folder.Write("envoy.yaml", Bootstrap(1, ((IPEndPoint)taken.LocalEndPoint!).Port));

        var (code, output) = await ProgramUnderTest.RunAsync(Programs.Proxy, ["-c", config], Cancel);

        Assert.Equal(1, code);
        Assert.Contains("AddressInUse", output);
    }

    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// <summary>What becomes of a connection after its request; null: there is none to be had.</summary>
    private static async Task<string?> KeepsAliveAsync(IPEndPoint address)
    {
        try
        {
            return (await RawClient.ExchangeAsync(address, Get)).KeepsAlive ? "keep" : "close";
        }
        catch (System.Net.Sockets.SocketException)
        {
            return null;
        }
    }

    private static IPEndPoint AddressIn(string line) => IPEndPoint.Parse(AddressPattern().Match(line).Value);

    private static string Bootstrap(int upstreamPort, int port = 0) => $$$"""
        admin:
          address: {socket_address: {address: 127.0.0.1, port_value: 0}}
        static_resources:
          listeners:
          - name: main
            address:
              socket_address:
                address: 127.0.0.1
                port_value: {{{port}}}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: ingress
                  route_config:
                    name: local
                    virtual_hosts:
                    - name: all
                      domains: ["*"]
                      routes:
                      - match: {prefix: "/"}
                        route: {cluster: backend}
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          clusters:
          - name: backend
            type: STATIC
            connect_timeout: 1s
            load_assignment:
              cluster_name: backend
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address:
                      socket_address:
                        address: 127.0.0.1
                        port_value: {{{upstreamPort}}}
        """;

    [GeneratedRegex(@"127\.0\.0\.1:\d+")]
    private static partial Regex AddressPattern();
}
