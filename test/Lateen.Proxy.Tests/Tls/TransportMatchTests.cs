using Envoy.Config.Endpoint.V3;
using Lateen.Proxy.Tests.Configuration;
using Lateen.Proxy.Tests.Harness;
using Lateen.Xds;
using static Lateen.Proxy.Tests.Tls.TlsYaml;

namespace Lateen.Proxy.Tests.Tls;

/// <summary>Clusters whose endpoints are connected to in different ways (<c>transport_socket_matches</c>), and what their handshakes offer (<c>istio.alpn</c>).</summary>
public sealed class TransportMatchTests : IDisposable
{
    private const string Alpn =
        "{name: istio.alpn, typed_config: {\"@type\": type.googleapis.com/istio.envoy.config.filter.http.alpn.v2alpha1.FilterConfig, "
        + "alpn_override: [{upstream_protocol: HTTP11, alpn_override: [istio-http/1.1, istio, http/1.1]}, {upstream_protocol: HTTP2, alpn_override: [istio-h2, istio, h2]}]}}, ";

    private readonly TestAuthority _authority = new();

    public void Dispose() => _authority.Dispose();

    [Fact]
    public async Task Endpoint_that_says_so_gets_TLS_and_the_other_of_the_cluster_plaintext()
    {
        await using var encrypted = new TlsUpstream(_authority.Issue(["a.test"]), protocol: "istio");
        await using var plain = new TlsUpstream(_authority.Issue(["a.test"]), takesPlaintext: true, protocol: "istio");
        await using var proxy = await StartAsync();
        await proxy.ApplyAsync(XdsTypeUrls.ClusterLoadAssignment, Endpoints((encrypted.Port, true), (plain.Port, false)));
        var answers = new HashSet<string>();
        for (var i = 0; i < 4; i++) answers.Add(await GetAsync(proxy));
        Assert.Equal(["mesh.test", "plaintext"], answers.Order());
        Assert.Empty(plain.Handshakes);
    }

    [Fact]
    public async Task Connections_follow_when_an_endpoint_turns_to_TLS_and_back_although_idle_ones_of_the_other_kind_are_there()
    {
        await using var upstream = new TlsUpstream(_authority.Issue(["a.test"]), takesPlaintext: true, protocol: "istio");
        await using var proxy = await StartAsync(concurrency: 1);
        foreach (var isTls in (bool[])[false, true, false, true])
        {
            await proxy.ApplyAsync(XdsTypeUrls.ClusterLoadAssignment, Endpoints((upstream.Port, isTls)));
            for (var i = 0; i < 2; i++) Assert.Equal(isTls ? "mesh.test" : "plaintext", await GetAsync(proxy));
        }

        Assert.Equal(2, upstream.Handshakes.Count);
    }

    [Fact]
    public async Task Server_of_another_authority_is_refused_where_its_endpoint_says_TLS()
    {
        using var foreign = new TestAuthority("Foreign Root");
        await using var upstream = new TlsUpstream(foreign.Issue(["a.test"]), takesPlaintext: true, protocol: "istio");
        await using var proxy = await StartAsync();
        await proxy.ApplyAsync(XdsTypeUrls.ClusterLoadAssignment, Endpoints((upstream.Port, true)));
        Assert.Contains("TLS_error:", await GetAsync(proxy), StringComparison.Ordinal);
        Assert.True(proxy.Registry.Find("cluster.backend.ssl.fail_verify_error") >= 1);
    }

    [Theory]
    [InlineData("http_protocol_options", "istio-http/1.1", "")]
    [InlineData("http_protocol_options", "istio", "alpn_override: 'false'")]
    public async Task What_a_handshake_offers_is_the_requests_unless_the_cluster_forbids_it(string options, string expected, string metadata)
    {
        await using var upstream = new TlsUpstream(_authority.Issue(["a.test"]), protocol: expected);
        await using var proxy = await StartAsync(filters: Alpn, options: options, metadata: metadata);
        await proxy.ApplyAsync(XdsTypeUrls.ClusterLoadAssignment, Endpoints((upstream.Port, true)));
        Assert.Equal("mesh.test", await GetAsync(proxy));
        Assert.Equal(expected, upstream.Handshakes.Single().Protocol);
    }

    [Fact]
    public async Task Handshake_for_HTTP_2_offers_its_own_protocols()
    {
        await using var upstream = new TlsUpstream(_authority.Issue(["a.test"]), protocol: "istio-h2");
        await using var proxy = await StartAsync(filters: Alpn, options: "http2_protocol_options");
        await proxy.ApplyAsync(XdsTypeUrls.ClusterLoadAssignment, Endpoints((upstream.Port, true)));
        // The server speaks no HTTP/2: what counts is what the handshake agreed on.
        _ = await GetAsync(proxy);
        Assert.Equal("istio-h2", upstream.Handshakes.First().Protocol);
    }

    [Fact]
    public void Matches_that_cannot_be_chosen_between_are_refused_with_their_path()
    {
        const string Path = "static_resources.clusters[0].transport_socket_matches";
        Assert.Equal(
            [$"{Path}[1].name: 'a' stands there twice", $"{Path}[2].name: is required", $"{Path}[3].transport_socket: is required"],
            ErrorsOf("{name: a, transport_socket: {name: envoy.transport_sockets.raw_buffer}}, {name: a, transport_socket: {name: envoy.transport_sockets.raw_buffer}}, "
                + "{transport_socket: {name: envoy.transport_sockets.raw_buffer}}, {name: b}"));
    }

    [Fact]
    public void More_than_16_matches_are_refused()
    {
        static string Many(int count) => string.Join(", ", Enumerable.Range(0, count).Select(i => $"{{name: m{i}, transport_socket: {{name: envoy.transport_sockets.raw_buffer}}}}"));
        Assert.Equal(["static_resources.clusters[0].transport_socket_matches: 17 are too many, at most 16"], ErrorsOf(Many(17)));
        Setup.Read(Bootstrap(Many(16)));
    }

    private static string[] ErrorsOf(string matches) => Setup.ErrorsOf(Bootstrap(matches));

    private static string Bootstrap(string matches) => $"static_resources: {{clusters: [{{name: c, transport_socket_matches: [{matches}]}}]}}";

    private static async Task<string> GetAsync(ConfiguredProxy proxy) =>
        (await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: whatever.test\r\nConnection: close\r\n\r\n")).Body;

    private static XdsResource Endpoints(params (int Port, bool IsTls)[] endpoints)
    {
        var list = endpoints.Select(static endpoint =>
            $"{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {endpoint.Port}}}}}}}"
            + (endpoint.IsTls ? ", metadata: {filter_metadata: {envoy.transport_socket_match: {tlsMode: istio}}}}" : "}"));
        return XdsResource.FromMessage("backend", Setup.Proto<ClusterLoadAssignment>($"{{cluster_name: backend, endpoints: [{{lb_endpoints: [{string.Join(", ", list)}]}}]}}"));
    }

    private Task<ConfiguredProxy> StartAsync(int concurrency = 2, string filters = "", string options = "http_protocol_options", string metadata = "")
    {
        var tls = UpstreamContext($"sni: mesh.test, common_tls_context: {{alpn_protocols: [istio], validation_context: {{trusted_ca: {{inline_string: {Quoted(_authority.Pem)}}}}}}}");
        return ConfiguredProxy.StartAsync(
            ProxyToBackend(
                $$$$"""
                type: EDS
                lb_policy: ROUND_ROBIN
                eds_cluster_config: {eds_config: {ads: {}, resource_api_version: V3, initial_fetch_timeout: 0s}}
                metadata: {filter_metadata: {istio: { {{{{metadata}}}} } } }
                typed_extension_protocol_options: {{{{Protocol(options)}}}}
                transport_socket_matches:
                - {name: tlsMode-istio, match: {tlsMode: istio}, transport_socket: {{{{tls}}}}}
                - {name: tlsMode-disabled, match: {}, transport_socket: {name: envoy.transport_sockets.raw_buffer}}
                """,
                filters),
            concurrency);
    }
}
