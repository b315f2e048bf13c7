using System.Globalization;
using System.Net;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;
using Lateen.Testing;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>Two shipped proxies with identities of their own, mutual TLS between them, certificates that live for seconds, and requests all the while.</summary>
[Collection(nameof(RunsAlone))]
public sealed class RotationUnderLoadTests : IDisposable
{
    private const int Renewals = 4;

    private readonly TestAuthority _root = new("Mesh Root");
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _folder.Dispose();
        _root.Dispose();
    }

    [Fact(Timeout = 180_000)]
    public async Task Certificates_of_seconds_are_renewed_and_an_authority_that_is_away_is_outlived_without_a_failed_request()
    {
        await using var authority = await AuthorityOverSockets.StartAsync(_root);
        await using var back = await StartAsync("back", authority.Port, Inbound, string.Empty);
        await using var front = await StartAsync("front", authority.Port, Outbound, ToBack(back.Address.Port));
        await back.WaitForCertificatesAsync(1, Cancel);
        await front.WaitForCertificatesAsync(1, Cancel);

        await using var load = SteadyLoad.Start(new Uri($"http://127.0.0.1:{front.Address.Port}/"), requestsPerSecond: 100, connections: 8);
        await back.WaitForCertificatesAsync(1 + Renewals, Cancel);
        await front.WaitForCertificatesAsync(1 + Renewals, Cancel);
        await authority.StopAsync();
        // Whichever is due first: the certificate of the other may be half a life older, and must not end under the load.
        await await Task.WhenAny(
            back.Program.WaitForLineAsync("its renewal failed and is tried again", Cancel), front.Program.WaitForLineAsync("its renewal failed and is tried again", Cancel));
        await load.AfterAsync(50, Cancel);
        var result = await load.StopAsync();

        Assert.True(result.Failed == 0, result.Reasons);
        Assert.True(result.Answered > 300, $"only {result.Answered} requests were answered");
        var metrics = await back.GetAsync("/stats/prometheus");
        Assert.Contains("source_principal=\"spiffe://cluster.local/ns/shop/sa/front\"", metrics, StringComparison.Ordinal);
        Assert.Contains("destination_principal=\"spiffe://cluster.local/ns/shop/sa/back\"", metrics, StringComparison.Ordinal);
        Assert.Contains("connection_security_policy=\"mutual_tls\"", metrics, StringComparison.Ordinal);
        Assert.True(await back.StatAsync("listener.127.0.0.1_0.ssl.handshake") > Renewals);

        // Loudly, when it is over: and refused from then on, because a certificate that has ended proves nothing.
        await back.Program.WaitForLineAsync("ENDED at", Cancel);
        var dump = await back.GetAsync("/config_dump");
        Assert.DoesNotContain("PRIVATE KEY", dump, StringComparison.Ordinal);
        Assert.DoesNotContain("a-token", dump, StringComparison.Ordinal);
        Assert.DoesNotContain("a-token", back.Program.Output, StringComparison.Ordinal);
        var certificates = await back.GetAsync("/certs");
        Assert.Contains("spiffe://cluster.local/ns/shop/sa/back", certificates, StringComparison.Ordinal);
        Assert.Contains("ca_cert", certificates, StringComparison.Ordinal);
    }

    private static readonly string Inbound = $"""
        name: main
        address:
          socket_address:
            address: 127.0.0.1
            port_value: 0
        traffic_direction: INBOUND
        filter_chains:
        - transport_socket: {DownstreamContext(IdentityYaml.Server)}
          filters:
          - name: http
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: main
              route_config:
                virtual_hosts:
                - name: a
                  domains: ['*']
                  routes:
                  - match:
                      prefix: /
                    direct_response:
                      status: 200
                      body:
                        inline_string: hello
              http_filters:
              - name: istio.stats
                typed_config:
                  "@type": type.googleapis.com/stats.PluginConfig
              - name: router
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
        """;

    private const string Outbound = """
        name: main
        address:
          socket_address:
            address: 127.0.0.1
            port_value: 0
        filter_chains:
        - filters:
          - name: http
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
              stat_prefix: main
              route_config:
                virtual_hosts:
                - name: a
                  domains: ['*']
                  routes:
                  - match:
                      prefix: /
                    route:
                      cluster: back
              http_filters:
              - name: router
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
        """;

    /// <summary>Connections serve few requests, so that new ones are made with each certificate.</summary>
    private static string ToBack(int port)
    {
        var context = IdentityYaml.Client
            .Replace("sni: istiod.istio-system.svc, ", string.Empty, StringComparison.Ordinal).Replace("alpn_protocols: [h2], ", string.Empty, StringComparison.Ordinal)
            .Replace("{san_type: DNS, matcher: {exact: istiod.istio-system.svc}}", "{san_type: URI, matcher: {exact: 'spiffe://cluster.local/ns/shop/sa/back'}}", StringComparison.Ordinal);
        return IdentityYaml.Cluster(port, context, "back").Replace("  http2_protocol_options: {}\n", """
              typed_extension_protocol_options:
                envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                  "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                  common_http_protocol_options:
                    max_requests_per_connection: 10
                  explicit_http_config:
                    http_protocol_options: {}

            """, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Stream_to_the_control_plane_begins_with_the_first_certificate_and_brings_new_roots_before_anything_is_signed_by_them()
    {
        using var next = new TestAuthority("Next Root");
        await using var authority = await AuthorityOverSockets.StartAsync(_root);
        authority.Roots = _root.Pem + next.Pem;
        var admin = _folder.PathOf("admin");
        var yaml = "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}\n"
            + IdentityYaml.Bootstrap(IdentityYaml.Extension(IdentityYaml.Inline(_root)), IdentityYaml.Cluster(authority.Port)) + AgentUnderTest.Ads;
        await using var program = ProgramUnderTest.Start("proxy", Programs.Proxy, ["-c", _folder.Write("proxy.yaml", yaml), "--concurrency", "1", "--admin-address-path", admin]);

        var acknowledged = await authority.RootsAcknowledged.WaitAsync(Cancel);

        // The stream showed the very certificate that was issued before it, and said yes to the roots.
        Assert.Equal(("Bearer a-token", string.Empty), Assert.Single(authority.Asked));
        Assert.NotEmpty(acknowledged.Serial);
        Assert.Equal(string.Empty, acknowledged.Error);
        var certificates = (await RawClient.ExchangeAsync(IPEndPoint.Parse(await File.ReadAllTextAsync(admin, Cancel)), "GET /certs HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body;
        Assert.Contains(acknowledged.Serial.TrimStart('0'), certificates, StringComparison.Ordinal);
        Assert.Contains(next.Root.SerialNumber.ToLowerInvariant().TrimStart('0'), certificates, StringComparison.Ordinal);
    }

    private async Task<MeshProxy> StartAsync(string account, int authority, string listener, string clusters)
    {
        var extension = IdentityYaml.Extension(IdentityYaml.Inline(_root), more: "certificate_lifetime: 8s").Replace("service_account: web", $"service_account: {account}", StringComparison.Ordinal);
        var yaml = "admin: {address: {socket_address: {address: 127.0.0.1, port_value: 0}}}\n"
            + IdentityYaml.Bootstrap(extension, IdentityYaml.Cluster(authority) + "\n" + clusters, "- " + listener.Replace("\n", "\n  ", StringComparison.Ordinal));
        var admin = _folder.PathOf($"{account}.admin");
        var program = ProgramUnderTest.Start(account, Programs.Proxy, ["-c", _folder.Write($"{account}.yaml", yaml), "--concurrency", "1", "--admin-address-path", admin, "--drain-time-s", "1"]);
        var line = await program.WaitForLineAsync("listener 'main' listens on", Cancel);
        var address = IPEndPoint.Parse(line[(line.LastIndexOf(' ') + 1)..]);
        await program.WaitForLineAsync("serving", Cancel);
        return new MeshProxy(program, address, IPEndPoint.Parse(await File.ReadAllTextAsync(admin, Cancel)));
    }

    private sealed record MeshProxy(ProgramUnderTest Program, IPEndPoint Address, IPEndPoint Admin) : IAsyncDisposable
    {
        public async Task<string> GetAsync(string path) => (await RawClient.ExchangeAsync(Admin, $"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).Body;

        public async Task<long> StatAsync(string name)
        {
            var line = (await GetAsync("/stats")).Split('\n').FirstOrDefault(one => one.StartsWith(name + ": ", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line[(name.Length + 2)..], CultureInfo.InvariantCulture);
        }

        /// <summary>Each certificate is a line of the log.</summary>
        public Task<string> WaitForCertificatesAsync(int count, CancellationToken cancel)
        {
            var seen = 0;
            return Program.WaitForLineAsync(line => line.Contains(", renewed at ", StringComparison.Ordinal) && ++seen >= count, $"{count} certificates", cancel);
        }

        public ValueTask DisposeAsync() => Program.DisposeAsync();
    }
}
