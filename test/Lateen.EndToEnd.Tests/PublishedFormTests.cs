using System.Net;
using System.Security.Cryptography.X509Certificates;
using Lateen.EndToEnd.Tests.RealPeers;
using Lateen.Testing;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace Lateen.EndToEnd.Tests;

/// <summary>
/// Static files of the forms that Envoy publishes, given to the program as they are: served to an upstream on this machine, or refused by the path of what
/// is not supported. What differs from the published files are addresses, which would be of other machines, and ports, which would be fixed.
/// </summary>
public sealed class PublishedFormTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("lateen-published-").FullName;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact(Timeout = 60_000)]
    public async Task The_quick_start_is_served_a_site_by_its_name_over_TLS_with_the_host_rewritten()
    {
        await using var site = await Site.StartAsync(HttpProtocols.Http1, hasTls: true);
        await using var proxy = ProgramUnderTest.Start("proxy", Programs.Proxy, ["-c", Write(QuickStart(site.Port)), "--concurrency", "1"]);
        var (_, body) = await GetAsync(proxy, "/docs?page=1");

        // Whom the client asked for is of no matter to the site: it is asked by its own name, in the handshake and in the request.
        Assert.Equal("localhost over Tls13 for localhost: /docs?page=1", body);
        var log = await proxy.WaitForLineAsync("\"GET /docs?page=1 HTTP/1.1\" 200", Cancel);
        Assert.EndsWith($"\"localhost\" \"127.0.0.1:{site.Port}\"", log, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_front_proxy_is_served_with_routes_to_services_by_prefix_over_HTTP_2()
    {
        await using var first = await Site.StartAsync(HttpProtocols.Http2, hasTls: false);
        await using var second = await Site.StartAsync(HttpProtocols.Http2, hasTls: false);
        await using var proxy = ProgramUnderTest.Start("proxy", Programs.Proxy, ["-c", Write(FrontProxy(first.Port, second.Port)), "--concurrency", "1"]);
        var (address, body) = await GetAsync(proxy, "/service/1");

        Assert.Equal($"{address}: /service/1", body);
        using var client = new HttpClient();
        Assert.Equal($"{address}: /service/2", await client.GetStringAsync($"http://{address}/service/2", Cancel));
        Assert.Equal((1, 1), (first.Seen, second.Seen));
        using var lost = await client.GetAsync($"http://{address}/elsewhere", Cancel);
        Assert.Equal(HttpStatusCode.NotFound, lost.StatusCode);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_demo_of_the_image_is_refused_by_the_one_field_that_is_not_supported()
    {
        var (code, output) = await ProgramUnderTest.RunAsync(Programs.Proxy, ["-c", Write(ImageDemo)], Cancel);

        Assert.Equal(1, code);
        var complaint = Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("static_resources.listeners[1].filter_chains[0].filters[0].typed_config.local_reply_config: ", complaint, StringComparison.Ordinal);
    }

    private string Write(string text)
    {
        var path = Path.Combine(_folder, "envoy.yaml");
        File.WriteAllText(path, text);
        return path;
    }

    private static async Task<(IPEndPoint Address, string Body)> GetAsync(ProgramUnderTest proxy, string path)
    {
        var line = await proxy.WaitForLineAsync("listener 'listener_0' listens on", Cancel);
        var address = IPEndPoint.Parse(line[(line.LastIndexOf(' ') + 1)..]);
        await proxy.WaitForLineAsync("serving", Cancel);
        using var client = new HttpClient();
        return (address, await client.GetStringAsync($"http://{address}{path}", Cancel));
    }

    /// <summary>The form of docs/root/start/quick-start/_include/envoy-demo.yaml of Envoy: a site by DNS, TLS with SNI and no roots to verify by.</summary>
    private static string QuickStart(int port) => $$"""
        static_resources:

          listeners:
          - name: listener_0
            address:
              socket_address:
                address: 127.0.0.1
                port_value: 0
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  stat_prefix: ingress_http
                  access_log:
                  - name: envoy.access_loggers.stdout
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
                  route_config:
                    name: local_route
                    virtual_hosts:
                    - name: site
                      domains: ["*"]
                      routes:
                      - match:
                          prefix: "/"
                        route:
                          host_rewrite_literal: localhost
                          cluster: site

          clusters:
          - name: site
            type: LOGICAL_DNS
            # An IPv6 network wants another family.
            dns_lookup_family: V4_ONLY
            load_assignment:
              cluster_name: site
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address:
                      socket_address:
                        address: localhost
                        port_value: {{port}}
            transport_socket:
              name: envoy.transport_sockets.tls
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
                sni: localhost
        """;

    /// <summary>The form of Envoy's front-proxy example: two services by name, each over HTTP/2, and an admin address.</summary>
    private static string FrontProxy(int first, int second) => $$"""
        static_resources:
          listeners:
          - name: listener_0
            address:
              socket_address:
                address: 127.0.0.1
                port_value: 0
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  codec_type: AUTO
                  stat_prefix: ingress_http
                  route_config:
                    name: local_route
                    virtual_hosts:
                    - name: backend
                      domains:
                      - "*"
                      routes:
                      - match:
                          prefix: "/service/1"
                        route:
                          cluster: service1
                      - match:
                          prefix: "/service/2"
                        route:
                          cluster: service2
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          clusters:
          {{Service("service1", first)}}
          {{Service("service2", second)}}
        admin:
          address:
            socket_address:
              address: 127.0.0.1
              port_value: 0
        """;

    private static string Service(string name, int port) => $$"""
        - name: {{name}}
            type: STRICT_DNS
            dns_lookup_family: V4_ONLY
            lb_policy: ROUND_ROBIN
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config:
                  http2_protocol_options: {}
            load_assignment:
              cluster_name: {{name}}
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address:
                      socket_address:
                        address: localhost
                        port_value: {{port}}
        """;

    /// <summary>The form of configs/envoy-demo.yaml, which Envoy's image starts with: a listener that proxies to another, which answers with a page of its own.</summary>
    private const string ImageDemo = """
        static_resources:
          listeners:
          - name: listener_0
            address:
              socket_address:
                address: 127.0.0.1
                port_value: 0
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  codec_type: AUTO
                  stat_prefix: ingress_http
                  route_config:
                    name: proxy
                    virtual_hosts:
                    - name: app
                      domains:
                      - "*"
                      routes:
                      - match:
                          prefix: "/"
                        route:
                          cluster: loopback
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          - name: listener_1
            address:
              socket_address:
                protocol: TCP
                address: 127.0.0.1
                port_value: 0
            filter_chains:
            - filters:
              - name: envoy.filters.network.http_connection_manager
                typed_config:
                  "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                  codec_type: AUTO
                  stat_prefix: loopback_http
                  local_reply_config:
                    mappers:
                    - filter:
                        header_filter:
                          header:
                            name: ":method"
                            string_match:
                              exact: "GET"
                      body_format_override:
                        text_format_source:
                          inline_string: |
                            <html><body><h1>A page of the proxy's own</h1></body></html>
                        content_type: "text/html; charset=UTF-8"
                  route_config:
                    name: local_route
                  http_filters:
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
          clusters:
          - name: loopback
            type: STATIC
            lb_policy: ROUND_ROBIN
            load_assignment:
              cluster_name: loopback
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address:
                      socket_address:
                        address: 127.0.0.1
                        port_value: 1
        """;

    /// <summary>Answers with whom it was asked for, how, and the path.</summary>
    private sealed class Site(WebApplication app) : IAsyncDisposable
    {
        private int _seen;

        public int Port => new Uri(app.Urls.First()).Port;

        public int Seen => Volatile.Read(ref _seen);

        public static async Task<Site> StartAsync(HttpProtocols protocols, bool hasTls)
        {
            using var authority = new TestAuthority();
            var (certificate, key) = authority.Issue("localhost");
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseKestrelHttpsConfiguration();
            builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = protocols;
                // With a selector Kestrel keeps the name that the client asked for.
                if (hasTls) listen.UseHttps(https => https.ServerCertificateSelector = (_, _) => X509Certificate2.CreateFromPem(certificate, key));
            }));
            var app = builder.Build();
            var site = new Site(app);
            app.Run(context =>
            {
                Interlocked.Increment(ref site._seen);
                var handshake = context.Features.Get<Microsoft.AspNetCore.Connections.Features.ITlsHandshakeFeature>();
                var how = handshake is null ? "" : $" over {handshake.Protocol} for {handshake.HostName}";
                return context.Response.WriteAsync($"{context.Request.Host}{how}: {context.Request.Path}{context.Request.QueryString}");
            });
            await app.StartAsync();
            return site;
        }

        public ValueTask DisposeAsync() => app.DisposeAsync();
    }
}
