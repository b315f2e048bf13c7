using System.Globalization;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>CONNECT tunnels between curl or Node and servers that know nothing of them, through proxies that send them on and one that ends them.</summary>
public sealed class TunnelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-tunnel-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory(Timeout = 60_000)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Curl_reaches_a_plain_server_and_one_of_TLS_through_two_proxies(int between)
    {
        using var authority = new TestAuthority();
        await using var plain = await WebServer.StartAsync();
        await using var secret = await WebServer.StartAsync(authority.Issue("secret.test"));
        await using var exit = Start("exit", Exit(("plain.test:80", plain.Port), ("secret.test:443", secret.Port)));
        await using var entry = Start("entry", Entry(await PortAsync(exit), between));
        var trusted = Path.Combine(_folder, "authority.pem");
        await File.WriteAllTextAsync(trusted, authority.Certificate, Cancel);
        var port = await PortAsync(entry);

        Assert.Equal("GET /hello 200 200", await CurlAsync(port, "http://plain.test/hello"));
        // The certificate is the server's own: nobody between the two can read or change what is said.
        Assert.Equal("GET /hello 200 200", await CurlAsync(port, "https://secret.test/hello", "--cacert", trusted));
        var (code, output) = await ProgramUnderTest.RunAsync("curl", ["-sS", "--proxytunnel", "-x", $"http://127.0.0.1:{port}", "http://elsewhere.test/"], Cancel);
        Assert.Equal((56, true), (code, output.Contains("404", StringComparison.Ordinal)));
        var log = await exit.WaitForLineAsync("secret.test:443", Cancel);
        Assert.Contains($"\"CONNECT - HTTP/{(between == 1 ? "1.1" : "2")}\" 200", log, StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_client_of_HTTP_2_reaches_a_server_through_a_proxy_of_another_make(int between)
    {
        Assert.SkipWhen(Tools.WhyWithout("node", "nodejs") is not null, Tools.WhyWithout("node", "nodejs") ?? "");
        var peer = Path.Combine(Programs.Root, "test", "peers", "connect", "peer.js");
        await using var server = await WebServer.StartAsync();
        await using var exit = ProgramUnderTest.Start("exit", "node", [peer, "serve", Number(between), Number(server.Port)]);
        await using var entry = Start("entry", Entry(await PortAsync(exit, "listening on "), between));

        var output = await Tools.RunAsync("node", "nodejs", [peer, "get", Number(await PortAsync(entry)), "plain.test:80", "/bytes/300000"], Cancel);

        Assert.Contains("answered 200", output, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200 OK", output, StringComparison.Ordinal);
        Assert.True(output.Length > 300_000, output);
        await exit.WaitForLineAsync("asked for plain.test:80", Cancel);
    }

    private static async Task<string> CurlAsync(int proxy, string url, params string[] more) => (await Tools.RunAsync(
        "curl", "curl", ["-sS", "--proxytunnel", "-x", $"http://127.0.0.1:{proxy}", "-w", " %{http_connect} %{response_code}", .. more, url], Cancel)).Trim();

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<int> PortAsync(ProgramUnderTest program, string before = "listener 'tunnels' listens on 127.0.0.1:")
    {
        var line = await program.WaitForLineAsync(before, Cancel);
        return int.Parse(line.AsSpan(line.IndexOf(before, StringComparison.Ordinal) + before.Length), CultureInfo.InvariantCulture);
    }

    private ProgramUnderTest Start(string name, string bootstrap)
    {
        var path = Path.Combine(_folder, $"{name}.yaml");
        File.WriteAllText(path, bootstrap);
        return ProgramUnderTest.Start(name, Programs.Proxy, ["-c", path, "--concurrency", "1"]);
    }

    /// <summary>Ends tunnels, each at a server of its own.</summary>
    private static string Exit(params (string Authority, int Port)[] servers) => Bootstrap(
        string.Join('\n', servers.Select(static (server, number) => $$$"""
                          - name: "{{{number}}}"
                            domains: ["{{{server.Authority}}}"]
                            routes:
                            - match: {connect_matcher: {}}
                              route:
                                cluster: "{{{server.Port}}}"
                                upgrade_configs:
                                - {upgrade_type: CONNECT, connect_config: {}}
            """)),
        string.Join('\n', servers.Select(static server => Cluster(Number(server.Port), server.Port, isHttp2: false))));

    /// <summary>Sends all tunnels on to the next proxy.</summary>
    private static string Entry(int next, int version) => Bootstrap(
        """
                          - name: all
                            domains: ["*"]
                            routes:
                            - match: {connect_matcher: {}}
                              route: {cluster: next}
        """,
        Cluster("next", next, isHttp2: version == 2));

    private static string Bootstrap(string virtualHosts, string clusters) => $$"""
        static_resources:
          listeners:
          - name: tunnels
            address:
              socket_address: {address: 127.0.0.1, port_value: 0}
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: tunnels
                  upgrade_configs: [{upgrade_type: CONNECT}]
                  access_log:
                  - name: envoy.access_loggers.stdout
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog}
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
                  route_config:
                    virtual_hosts:
        {{virtualHosts}}
          clusters:
        {{clusters}}
        """;

    private static string Cluster(string name, int port, bool isHttp2) => $$"""
          - name: "{{name}}"
            {{(isHttp2 ? "http2_protocol_options: {}" : "")}}
            load_assignment:
              cluster_name: "{{name}}"
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address:
                      socket_address: {address: 127.0.0.1, port_value: {{port}} }
        """;
}
