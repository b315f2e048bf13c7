using System.Collections.Immutable;
using CsCheck;
using Envoy.Config.Bootstrap.V3;
using Envoy.Config.Cluster.V3;
using Envoy.Config.Core.V3;
using Envoy.Config.Endpoint.V3;
using Envoy.Config.Route.V3;
using Envoy.Extensions.Filters.Network.HttpConnectionManager.V3;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Testing;
using Lateen.Xds.Text;

namespace Lateen.Xds.Tests.Text;

public sealed class ProtoYamlReaderTests
{
    [Fact]
    public void Every_fault_of_a_file_is_reported_with_path_place_and_what_was_meant()
    {
        string folder = Path.Combine(Programs.Root, "test", "Lateen.Xds.Tests", "Text", "Golden");
        string golden = Path.Combine(folder, "faults.golden");
        ProtoYamlReader.ReadText<Bootstrap>(File.ReadAllText(Path.Combine(folder, "faults.yaml")), out ImmutableArray<ProtoFault> faults);
        string actual = string.Concat(faults.Select(static fault => fault + "\n"));
#pragma warning disable RS0030 // A test is an executable: ./test.sh --update-golden speaks to it through its environment.
        if (Environment.GetEnvironmentVariable("LATEEN_UPDATE_GOLDEN") == "1")
#pragma warning restore RS0030
        {
            File.WriteAllText(golden, actual);
        }

        Assert.Equal(File.ReadAllText(golden), actual);
    }

    [Fact]
    public void A_bootstrap_in_envoys_published_form_is_read_without_a_fault()
    {
        Bootstrap bootstrap = Read<Bootstrap>(Published);
        HttpConnectionManager manager = bootstrap.StaticResources.Listeners[0].FilterChains[0].Filters[0].TypedConfig.Unpack<HttpConnectionManager>();
        Assert.Equal("www.envoyproxy.io", manager.RouteConfig.VirtualHosts[0].Routes[0].Route_.HostRewriteLiteral);
        Assert.Equal(Cluster.Types.DiscoveryType.LogicalDns, bootstrap.StaticResources.Clusters[0].Type);
        Assert.Equal(10000u, bootstrap.StaticResources.Listeners[0].Address.SocketAddress.PortValue);
    }

    [Fact]
    public void Snake_case_and_camel_case_name_the_same_field()
    {
        Assert.Equal(
            Read<Cluster>("connect_timeout: 0.25s\nload_assignment: {cluster_name: a}"),
            Read<Cluster>("connectTimeout: 0.25s\nloadAssignment: {clusterName: a}"));
    }

    [Theory]
    [InlineData("0.25s", 0, 250_000_000)]
    [InlineData("300s", 300, 0)]
    [InlineData("-1.5s", -1, -500_000_000)]
    [InlineData("0.000000001s", 0, 1)]
    [InlineData("315576000000s", 315_576_000_000, 0)]
    public void Durations_are_read(string text, long seconds, int nanos)
    {
        Assert.Equal(new Duration { Seconds = seconds, Nanos = nanos }, Read<Cluster>($"connect_timeout: {text}").ConnectTimeout);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("1m")]
    [InlineData("1.s")]
    [InlineData(".5s")]
    [InlineData("1.0000000001s")]
    [InlineData("315576000001s")]
    [InlineData("{}")]
    [InlineData("+1s")]
    public void What_is_no_duration_is_a_fault(string text)
    {
        Assert.Equal("connect_timeout", Assert.Single(Faults<Cluster>($"connect_timeout: {text}")).Path);
    }

    [Fact]
    public void Wrappers_are_read_as_the_bare_value_and_null_is_not_given()
    {
        Cluster cluster = Read<Cluster>("per_connection_buffer_limit_bytes: 0\nmax_requests_per_connection: null\nleast_request_lb_config: {choice_count: \"3\"}");
        Assert.Equal(0u, cluster.PerConnectionBufferLimitBytes);
        Assert.Null(cluster.MaxRequestsPerConnection);
        Assert.Equal(3u, cluster.LeastRequestLbConfig.ChoiceCount);
    }

    [Fact]
    public void Enums_are_read_by_name_and_by_number()
    {
        Assert.Equal(Cluster.Types.LbPolicy.Random, Read<Cluster>("lb_policy: RANDOM").LbPolicy);
        Assert.Equal(Cluster.Types.LbPolicy.Random, Read<Cluster>("lb_policy: 3").LbPolicy);
        Assert.Contains("did you mean 'ROUND_ROBIN'?", Assert.Single(Faults<Cluster>("lb_policy: round_robbin")).Message, StringComparison.Ordinal);
        Assert.Contains("'4' is none of", Assert.Single(Faults<Cluster>("lb_policy: 4")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Structs_hold_any_shape()
    {
        Metadata metadata = Read<Metadata>("filter_metadata: {istio: {services: [{host: a, port: 80}], on: true, none: null}}");
        Struct istio = metadata.FilterMetadata["istio"];
        Assert.Equal("a", istio.Fields["services"].ListValue.Values[0].StructValue.Fields["host"].StringValue);
        Assert.Equal(80, istio.Fields["services"].ListValue.Values[0].StructValue.Fields["port"].NumberValue);
        Assert.True(istio.Fields["on"].BoolValue);
        Assert.Equal(Value.KindOneofCase.NullValue, istio.Fields["none"].KindCase);
    }

    [Fact]
    public void Bytes_are_read_from_both_base64_alphabets()
    {
        Assert.Equal(ByteString.CopyFrom(0xfb, 0xff), Read<DataSource>("inline_bytes: '+/8='").InlineBytes);
        Assert.Equal(ByteString.CopyFrom(0xfb, 0xff), Read<DataSource>("inline_bytes: '-_8'").InlineBytes);
        Assert.Single(Faults<DataSource>("inline_bytes: 'a*'"));
    }

    [Theory]
    [InlineData("port_value: 4294967296")]
    [InlineData("port_value: -1")]
    [InlineData("port_value: 1.5")]
    [InlineData("port_value: eighty")]
    [InlineData("port_value: [80]")]
    [InlineData("port_value: true")]
    public void Numbers_out_of_range_or_of_another_kind_are_faults(string text)
    {
        Assert.Equal("port_value", Assert.Single(Faults<SocketAddress>(text)).Path);
    }

    [Theory]
    [InlineData("port_value: 1e3", 1000u)]
    [InlineData("port_value: '80'", 80u)]
    [InlineData("port_value: 0x50", 80u)]
    [InlineData("port_value: 80.0", 80u)]
    public void Whole_numbers_may_be_written_as_text_or_without_fraction(string text, uint expected)
    {
        Assert.Equal(expected, Read<SocketAddress>(text).PortValue);
    }

    [Fact]
    public void Null_in_a_list_is_a_fault()
    {
        Assert.Equal("lb_endpoints[1]", Assert.Single(Faults<LocalityLbEndpoints>("lb_endpoints: [{}, null]")).Path);
        Assert.Equal("domains[0]", Assert.Single(Faults<VirtualHost>("domains: [null]")).Path);
    }

    [Fact]
    public void Well_known_types_inside_any_stand_under_value()
    {
        VirtualHost host = Read<VirtualHost>("typed_per_filter_config: {x: {'@type': type.googleapis.com/google.protobuf.Duration, value: 2s}}");
        Assert.Equal(2, host.TypedPerFilterConfig["x"].Unpack<Duration>().Seconds);
    }

    [Fact]
    public void Faults_are_bounded()
    {
        string text = string.Concat(Enumerable.Range(0, 1000).Select(static i => $"x{i}: 1\n"));
        Assert.Equal(100, Faults<Cluster>(text).Length);
    }

    [Fact]
    public void What_is_written_reads_back_equal()
    {
        Bootstrap bootstrap = Read<Bootstrap>(Published);
        Assert.Equal(bootstrap, Read<Bootstrap>(ProtoJson.Default.WriteJson(bootstrap)));
        Assert.Equal(bootstrap, Read<Bootstrap>(ProtoJson.Default.WriteYaml(bootstrap)));
        Assert.Equal(bootstrap, Read<Bootstrap>(ProtoJson.CamelCase.WriteJson(bootstrap)));
    }

    [Fact]
    public void Our_json_is_what_protobufs_own_parser_reads()
    {
        Cluster cluster = Read<Cluster>(
            """
            name: a
            type: EDS
            connect_timeout: 0.000001s
            dns_refresh_rate: 5s
            respect_dns_ttl: true
            lb_policy: LEAST_REQUEST
            least_request_lb_config: {choice_count: 0, active_request_bias: {default_value: 1.5}}
            metadata: {filter_metadata: {b: {x: 1, y: [null, "s"]}, a: {}}}
            common_lb_config: {healthy_panic_threshold: {value: 0.5}}
            """);
        Assert.Equal(cluster, JsonParser.Default.Parse<Cluster>(ProtoJson.Default.WriteJson(cluster)));
        Assert.Equal(JsonFormatter.Default.Format(cluster).Replace(" ", string.Empty, StringComparison.Ordinal), ProtoJson.CamelCase.WriteJson(cluster, indented: false).Replace("{\"a\":{},\"b\":{\"x\":1,\"y\":[null,\"s\"]}}", "{\"b\":{\"x\":1,\"y\":[null,\"s\"]},\"a\":{}}", StringComparison.Ordinal));
    }

    [Fact]
    public void An_any_of_a_foreign_type_is_written_with_its_bytes()
    {
        var any = new Any { TypeUrl = "type.googleapis.com/some.Other", Value = ByteString.CopyFrom(1, 2) };
        Assert.Equal("{\"@type\":\"type.googleapis.com/some.Other\",\"value\":\"AQI=\"}", ProtoJson.Default.WriteJson(any, indented: false));
    }

    [Fact]
    public void Random_bytes_in_an_any_are_shown_or_shown_as_bytes()
    {
        Gen.Byte.Array[0, 200].Sample(
            static bytes => ProtoJson.Default.WriteJson(new Any { TypeUrl = XdsTypeUrls.Listener, Value = ByteString.CopyFrom(bytes) }).Length > 0, iter: 50_000);
    }

    /// <summary>A stack that runs out ends the process, whoever asked.</summary>
    [Fact]
    public void What_nests_deeper_than_parsers_go_is_shown_as_bytes()
    {
        byte[] permission = [];
        // Permission: not_rule = 8.
        for (int depth = 0; depth < 3000; depth++) permission = Inside(8, permission);
        // RBAC: rules = 1, policies = 2 (value = 2), permissions = 1.
        byte[] rbac = Inside(1, Inside(2, Inside(2, Inside(1, permission))));
        var deep = new Any { TypeUrl = XdsTypeUrls.Prefix + "envoy.extensions.filters.http.rbac.v3.RBAC", Value = ByteString.CopyFrom(rbac) };
        Assert.Contains($"\"value\":\"{Convert.ToBase64String(rbac)[..8]}", ProtoJson.Default.WriteJson(deep, indented: false), StringComparison.Ordinal);
    }

    private static byte[] Inside(int field, byte[] message)
    {
        var stream = new MemoryStream();
        using var output = new CodedOutputStream(stream);
        output.WriteTag(field, WireFormat.WireType.LengthDelimited);
        output.WriteBytes(ByteString.CopyFrom(message));
        output.Flush();
        return stream.ToArray();
    }

    private static T Read<T>(string text)
        where T : class, IMessage<T>, new()
    {
        T? message = ProtoYamlReader.ReadText<T>(text, out ImmutableArray<ProtoFault> faults);
        Assert.Empty(faults);
        return message!;
    }

    private static ImmutableArray<ProtoFault> Faults<T>(string text)
        where T : class, IMessage<T>, new()
    {
        ProtoYamlReader.ReadText<T>(text, out ImmutableArray<ProtoFault> faults);
        return faults;
    }

    private const string Published =
        """
        admin:
          address: {socket_address: {address: 127.0.0.1, port_value: 9901}}
        static_resources:
          listeners:
          - name: listener_0
            address:
              socket_address: {address: 0.0.0.0, port_value: 10000}
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
                    - name: local_service
                      domains: ["*"]
                      routes:
                      - match: {prefix: "/"}
                        route: {host_rewrite_literal: www.envoyproxy.io, cluster: service_envoyproxy_io}
          clusters:
          - name: service_envoyproxy_io
            type: LOGICAL_DNS
            dns_lookup_family: V4_ONLY
            connect_timeout: 0.25s
            load_assignment:
              cluster_name: service_envoyproxy_io
              endpoints:
              - lb_endpoints:
                - endpoint:
                    address: {socket_address: {address: www.envoyproxy.io, port_value: 80}}
            typed_extension_protocol_options:
              envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
                "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
                explicit_http_config: {http2_protocol_options: {}}
        """;
}
