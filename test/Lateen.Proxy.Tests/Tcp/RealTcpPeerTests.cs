using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;
using Lateen.Testing;

namespace Lateen.Proxy.Tests.Tcp;

/// <summary>Programs that we did not write, through TCP proxying: Redis, HAProxy's PROXY headers in both directions, OpenSSL by SNI.</summary>
public sealed class RealTcpPeerTests
{
    private const string Sniffers = """
        listener_filters_timeout: 0s
        continue_on_listener_filters_timeout: true
        listener_filters:
        - {name: tls, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}
        - {name: http, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}}
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Redis_cli_talks_to_redis_through_a_port_of_unknown_protocol()
    {
        Assert.SkipWhen(!IsThere("/usr/bin/redis-server"), "redis-server is not installed; install the Debian package redis-server");
        using var folder = new TemporaryFolder();
        var socket = folder.PathOf("redis.sock");
        await using var redis = ProgramUnderTest.Start("redis", "/usr/bin/redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--dir", folder.PathOf(".")]);
        await redis.WaitForLineAsync("eady to accept connections", Cancel);
        await using var web = TestUpstream.Answering();
        var yaml = TcpYaml.Listeners(TcpYaml.Listener(
                "tcp", TcpYaml.Chain(TcpYaml.Http("web"), "transport_protocol: raw_buffer, application_protocols: [http/1.1, h2c]", "http"),
                Sniffers + "\ndefault_filter_chain:\n  name: tcp\n  filters:\n" + TcpYaml.Proxy("redis")))
            + TcpYaml.Clusters(TcpYaml.Cluster("web", "", web.Address))
            + $"  - name: redis\n    type: STATIC\n    load_assignment: {{cluster_name: redis, endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{pipe: {{path: {socket}}}}}}}}}]}}]}}\n";
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        var port = proxy.AddressOf("tcp").Port.ToString();

        Assert.Equal("PONG", await RedisAsync(port, "PING"));
        Assert.Equal("OK", await RedisAsync(port, "SET", "sail", "lateen"));
        Assert.Equal("lateen", await RedisAsync(port, "GET", "sail"));
        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), "GET / HTTP/1.1\r\nHost: a\r\n\r\n")).Body);
    }

    [Theory]
    [InlineData("send-proxy")]
    [InlineData("send-proxy-v2")]
    public async Task HAProxy_tells_whose_connection_it_is(string option)
    {
        Assert.SkipWhen(!IsThere("/usr/sbin/haproxy"), "haproxy is not installed; install the Debian package haproxy");
        await using var upstream = TestUpstream.Serving(async peer => await peer.SendAsync(await peer.ReadExactlyAsync(4)));
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address, listenerOptions: ProxyFilter()));
        using var folder = new TemporaryFolder();
        var port = FreePorts.Take(1)[0];
        await using var haproxy = await StartHAProxyAsync(folder, $"bind 127.0.0.1:{port}", $"server s {proxy.AddressOf("tcp")} {option}", port);

        using var client = await ConnectAsync(port);
        await client.SendAsync("ping"u8.ToArray(), Cancel);
        var buffer = new byte[8];
        Assert.Equal(4, await client.ReceiveAsync(buffer, Cancel));
        client.Dispose();
        Assert.Contains($" from={client.LocalEndPointBefore} ", await proxy.Log.NextAsync());
    }

    [Theory]
    [InlineData("V1")]
    [InlineData("V2")]
    public async Task HAProxy_understands_whose_connection_it_gets(string version)
    {
        Assert.SkipWhen(!IsThere("/usr/sbin/haproxy"), "haproxy is not installed; install the Debian package haproxy");
        // The server behind HAProxy is told by HAProxy what HAProxy was told by us.
        await using var upstream = TestUpstream.Serving(async peer =>
        {
            var line = await peer.ReadExactlyAsync(5);
            while (!line.EndsWith('\n')) line += await peer.ReadExactlyAsync(1);
            await peer.SendAsync(line);
        });
        using var folder = new TemporaryFolder();
        var port = FreePorts.Take(1)[0];
        await using var haproxy = await StartHAProxyAsync(folder, $"bind 127.0.0.1:{port} accept-proxy", $"server s {upstream.Address} send-proxy", port);
        var transport = $$$"""
            transport_socket:
              name: proxy
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport
                config: {version: {{{version}}}}
                transport_socket: {name: raw, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}
            """;
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(new IPEndPoint(IPAddress.Loopback, port), clusterOptions: transport));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));

        Assert.Equal($"PROXY TCP4 127.0.0.1 127.0.0.1 {client.LocalPort} {proxy.AddressOf("tcp").Port}\r\n", await client.ReadToEndAsync());
    }

    [Theory]
    [InlineData(true, "GET / HTTP/1.1\r\n\r\n", false)]
    [InlineData(false, "no header", true)]
    [InlineData(false, "PROXY TCP4 nonsense\r\n", false)]
    [InlineData(true, "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\nno header", true)]
    public async Task A_connection_is_served_as_its_header_and_the_configuration_allow(bool isRequired, string bytes, bool isServed)
    {
        await using var upstream = TestUpstream.Serving(async peer => await peer.SendAsync(await peer.ReadExactlyAsync(9)));
        await using var proxy = await BootstrappedProxy.StartAsync(
            TcpYaml.Simple(upstream.Address, listenerOptions: ProxyFilter(isRequired ? "" : ", allow_requests_without_proxy_protocol: true")));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync(bytes);

        Assert.Equal(isServed ? "no header" : "", (await client.ReadToEndAsync()).Replace("RST", "", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_version_that_is_not_allowed_is_closed_and_counted()
    {
        await using var upstream = TestUpstream.Serving(static peer => peer.SendAsync("in"));
        await using var proxy = await BootstrappedProxy.StartAsync(TcpYaml.Simple(upstream.Address, listenerOptions: ProxyFilter(", disallowed_versions: [V1]")));
        using var client = await RawClient.ConnectAsync(proxy.AddressOf("tcp"));
        await client.SendAsync("PROXY UNKNOWN\r\n");

        Assert.Equal("RST", await client.ReadToEndAsync());
        await proxy.EventuallyAsync("proxy_proto.versions.v1.disallowed", 1);
    }

    [Fact]
    public async Task The_client_that_a_PROXY_header_tells_is_the_one_that_http_forwards_and_chains_are_chosen_by()
    {
        await using var web = TestUpstream.Answering();
        await using var other = TestUpstream.Answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nother");
        var yaml = TcpYaml.Listeners(TcpYaml.Listener(
                "tcp",
                TcpYaml.Chain(TcpYaml.Http("web").Replace("stat_prefix: h", "stat_prefix: h\n          use_remote_address: true"), "source_prefix_ranges: [{address_prefix: 192.0.2.0, prefix_len: 24}]") + "\n"
                + TcpYaml.Chain(TcpYaml.Http("other"), "destination_port: 443"),
                ProxyFilter()))
            + TcpYaml.Clusters(TcpYaml.Cluster("web", "", web.Address), TcpYaml.Cluster("other", "", other.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        const string request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

        Assert.Equal("hello", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), "PROXY TCP4 192.0.2.9 198.51.100.7 1 80\r\n" + request)).Body);
        Assert.Contains("x-forwarded-for: 192.0.2.9\r\n", web.Heads.Single(), StringComparison.OrdinalIgnoreCase);
        Assert.Equal("other", (await RawClient.ExchangeAsync(proxy.AddressOf("tcp"), "PROXY TCP4 192.0.2.9 198.51.100.7 1 443\r\n" + request)).Body);
    }

    [Fact]
    public async Task S_client_reaches_the_server_that_its_name_asks_for_and_sees_that_server_s_certificate()
    {
        Assert.SkipWhen(!IsThere("/usr/bin/openssl"), "openssl is not installed; install the Debian package openssl");
        using var authority = new TestAuthority();
        await using var a = TlsServer(authority, "a.test");
        await using var b = TlsServer(authority, "b.deep.test");
        var yaml = TcpYaml.Listeners(TcpYaml.Listener(
                "tcp",
                TcpYaml.Chain(TcpYaml.Proxy("a"), "transport_protocol: tls, server_names: [a.test]", "a") + "\n"
                + TcpYaml.Chain(TcpYaml.Proxy("b"), "transport_protocol: tls, server_names: ['*.test']", "b"),
                "listener_filters:\n- {name: tls, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}}"))
            + TcpYaml.Clusters(TcpYaml.Cluster("a", "", a.Address), TcpYaml.Cluster("b", "", b.Address));
        await using var proxy = await BootstrappedProxy.StartAsync(yaml);
        using var folder = new TemporaryFolder();
        var roots = folder.Write("roots.pem", authority.Pem);
        foreach (var name in new[] { "a.test", "b.deep.test" })
        {
            var (code, output) = await ProgramUnderTest.RunAsync("/usr/bin/openssl",
                ["s_client", "-connect", proxy.AddressOf("tcp").ToString(), "-servername", name, "-verify_hostname", name, "-CAfile", roots, "-verify_return_error", "-quiet", "-ign_eof"], Cancel);
            Assert.True(code == 0, output);
            Assert.Contains($"this is {name}", output);
            Assert.Contains($"sni={name} ", await proxy.Log.NextAsync());
        }

        var (refused, _) = await ProgramUnderTest.RunAsync("/usr/bin/openssl", ["s_client", "-connect", proxy.AddressOf("tcp").ToString(), "-servername", "c.example"], Cancel);
        Assert.NotEqual(0, refused);
        await proxy.EventuallyAsync("listener.127.0.0.1_0.no_filter_chain_match", 1);
        await proxy.EventuallyAsync("tls_inspector.sni_found", 3);
    }

    private static string ProxyFilter(string options = "") =>
        $"listener_filters:\n- {{name: proxy, typed_config: {{\"@type\": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol{options}}}}}";

    private static bool IsThere(string program) => File.Exists(program);

    private static async Task<string> RedisAsync(string port, params string[] command)
    {
        var (code, output) = await ProgramUnderTest.RunAsync("/usr/bin/redis-cli", ["-h", "127.0.0.1", "-p", port, .. command], Cancel);
        Assert.True(code == 0, output);
        return output.Trim();
    }

    private static async Task<ProgramUnderTest> StartHAProxyAsync(TemporaryFolder folder, string bind, string server, int port)
    {
        var config = folder.Write("haproxy.cfg", $"""
            defaults
              mode tcp
              timeout connect 5s
              timeout client 30s
              timeout server 30s
            frontend f
              {bind}
              default_backend b
            backend b
              {server}

            """);
        var haproxy = ProgramUnderTest.Start("haproxy", "/usr/sbin/haproxy", ["-V", "-db", "-f", config]);
        // It says nothing when it listens, and a trial connection would be one that the test sees: the kernel is asked.
        while (!File.ReadAllText("/proc/net/tcp").Contains($"0100007F:{port:X4} 00000000:0000 0A", StringComparison.Ordinal))
        {
            Cancel.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        return haproxy;
    }

    private static async Task<NamedSocket> ConnectAsync(int port)
    {
        var socket = new NamedSocket();
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), Cancel);
        socket.LocalEndPointBefore = socket.LocalEndPoint;
        return socket;
    }

    private static TestUpstream TlsServer(TestAuthority authority, string name)
    {
        var certificate = authority.Issue([name]).ToX509();
        return TestUpstream.Serving(async peer =>
        {
            await using var tls = new SslStream(peer.Stream());
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, Cancel);
            await tls.WriteAsync(Encoding.ASCII.GetBytes($"this is {name}\n"), Cancel);
            await tls.ShutdownAsync();
        });
    }

    /// <summary>A socket that remembers its address when it is closed.</summary>
    private sealed class NamedSocket() : Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    {
        public EndPoint? LocalEndPointBefore { get; set; }
    }
}
