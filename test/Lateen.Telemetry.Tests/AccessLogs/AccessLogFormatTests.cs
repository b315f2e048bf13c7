using System.Text;
using System.Text.Json;
using Lateen.Telemetry.AccessLogs;

namespace Lateen.Telemetry.Tests.AccessLogs;

public sealed class AccessLogFormatTests
{
    [Fact]
    public void Istios_text_format_prints_a_served_request()
    {
        Assert.Equal(
            "[2026-01-02T03:04:05.678Z] \"GET /reviews/7?user=jason&empty= HTTP/1.1\" 200 - via_upstream - \"-\" 0 358 15 12 \"10.0.0.9\" \"curl/8.0\" "
            + "\"0123-4567\" \"reviews:9080\" \"127.0.0.1:9081\" outbound|9080||reviews.shop 127.0.0.1:40000 [::1]:15001 10.0.0.9:50000 - default\n",
            Formats.Text(DefaultFormats.IstioText).Format(new FakeRecord()));
    }

    [Fact]
    public void Istios_json_format_has_its_24_keys_in_order_and_numbers_as_numbers()
    {
        var line = Formats.Json(DefaultFormats.IstioJson).Format(new FakeRecord());
        using var document = JsonDocument.Parse(line);

        Assert.EndsWith("}\n", line, StringComparison.Ordinal);
        Assert.Equal(
            [
                "start_time", "route_name", "method", "path", "protocol", "response_code", "response_flags", "response_code_details",
                "connection_termination_details", "bytes_received", "bytes_sent", "duration", "upstream_service_time", "x_forwarded_for",
                "user_agent", "request_id", "authority", "upstream_host", "upstream_cluster", "upstream_local_address",
                "downstream_local_address", "downstream_remote_address", "requested_server_name", "upstream_transport_failure_reason",
            ],
            document.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal(200, document.RootElement.GetProperty("response_code").GetInt32());
        Assert.Equal(15, document.RootElement.GetProperty("duration").GetInt32());
        Assert.Equal("12", document.RootElement.GetProperty("upstream_service_time").GetString());
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("requested_server_name").ValueKind);
    }

    [Theory]
    [InlineData("%PROTOCOL%", "HTTP/1.1")]
    [InlineData("%RESPONSE_CODE%", "200")]
    [InlineData("%RESPONSE_FLAGS%", "-")]
    [InlineData("%REQUEST_DURATION%", "1")]
    [InlineData("%REQUEST_TX_DURATION%", "2")]
    [InlineData("%RESPONSE_DURATION%", "14")]
    [InlineData("%RESPONSE_TX_DURATION%", "1")]
    [InlineData("%COMMON_DURATION(US_TX_BEG:US_RX_BEG:us)%", "12500")]
    [InlineData("%COMMON_DURATION(DS_RX_BEG:US_TX_BEG:ns)%", "1500000")]
    [InlineData("%COMMON_DURATION(US_CX_BEG:US_CX_END:ms)%", "-")]
    [InlineData("%UPSTREAM_CONNECTION_POOL_READY_DURATION%", "-")]
    [InlineData("%ROUNDTRIP_DURATION%", "-")]
    [InlineData("%DOWNSTREAM_REMOTE_ADDRESS%", "10.0.0.9:50000")]
    [InlineData("%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "10.0.0.9")]
    [InlineData("%DOWNSTREAM_REMOTE_PORT%", "50000")]
    [InlineData("%DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%", "::1")]
    [InlineData("%DOWNSTREAM_LOCAL_PORT%", "15001")]
    [InlineData("%DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT%", "/run/mesh:1.sock")]
    [InlineData("%DOWNSTREAM_DIRECT_LOCAL_PORT%", "-")]
    [InlineData("%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "127.0.0.1:50001")]
    [InlineData("%UPSTREAM_HOST%", "127.0.0.1:9081")]
    [InlineData("%UPSTREAM_REQUEST_ATTEMPT_COUNT%", "1")]
    [InlineData("%CONNECTION_ID%", "77")]
    [InlineData("%UPSTREAM_CONNECTION_ID%", "0")]
    [InlineData("%REQ(:METHOD)%", "GET")]
    [InlineData("%REQ(:SCHEME)%", "http")]
    [InlineData("%REQ(Host)%", "reviews:9080")]
    [InlineData("%REQ(X-Missing?User-Agent)%", "curl/8.0")]
    [InlineData("%REQ(X-Missing?:PATH)%", "/reviews/7?user=jason&empty=")]
    [InlineData("%REQ(X-Missing?X-Other)%", "-")]
    [InlineData("%REQ(USER-AGENT):4%", "curl")]
    [InlineData("%REQ(USER-AGENT):0%", "")]
    [InlineData("%BYTES_SENT:2%", "35")]
    [InlineData("%REQ_WITHOUT_QUERY(:PATH)%", "/reviews/7")]
    [InlineData("%REQ_WITHOUT_QUERY(X-ENVOY-ORIGINAL-PATH?:PATH)%", "/reviews/7")]
    [InlineData("%PATH%", "/reviews/7?user=jason&empty=")]
    [InlineData("%PATH(NQ)%", "/reviews/7")]
    [InlineData("%PATH(NQ:PATH)%", "/reviews/7")]
    [InlineData("%PATH(WQ:ORIG)%", "-")]
    [InlineData("%QUERY_PARAM(user)%", "jason")]
    [InlineData("%QUERY_PARAM(empty)%", "")]
    [InlineData("%QUERY_PARAM(use)%", "-")]
    [InlineData("%RESP(:STATUS)%", "200")]
    [InlineData("%RESP(x-envoy-upstream-service-time)%", "12")]
    [InlineData("%TRAILER(x)%", "-")]
    [InlineData("%GRPC_STATUS%", "-")]
    [InlineData("%ACCESS_LOG_TYPE%", "DownstreamEnd")]
    [InlineData("%DOWNSTREAM_TLS_VERSION% %UPSTREAM_PEER_URI_SAN% %DOWNSTREAM_PEER_CERT_V_START(%Y)%", "- - -")]
    [InlineData("%FILTER_STATE(a:PLAIN)%", "-")]
    [InlineData("100%% plain\n", "100% plain\n")]
    public void Operators_print_what_the_exchange_knows(string format, string expected)
    {
        Assert.Equal(expected, Formats.Text(format).Format(new FakeRecord()));
    }

    [Theory]
    [InlineData("%START_TIME%", "2026-01-02T03:04:05.678Z")]
    [InlineData("%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%", "2026-01-02T03:04:05.678Z")]
    [InlineData("%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%", "2026/01/02T03:04:05+0000 1767323045")]
    [InlineData("%START_TIME(%s.%3f)%", "1767323045.678")]
    [InlineData("%START_TIME(%s.%9f)%", "1767323045.678901000")]
    [InlineData("%START_TIME(%3s %6s %9s)%", "1767323045678 1767323045678901 1767323045678901000")]
    [InlineData("%START_TIME(%a %A %b %B %e %j %y %I%p %D %T %F %R %%)%", "Fri Friday Jan January  2 002 26 03AM 01/02/26 03:04:05 2026-01-02 03:04 %")]
    [InlineData("%START_TIME(%d/%b/%Y:%H:%M:%S %z)%", "02/Jan/2026:03:04:05 +0000")]
    [InlineData("%START_TIME(%E4Y %E6S %f)%", "2026 05.678901 678901000")]
    [InlineData("%START_TIME(%H:%M):3%", "03:")]
    public void Times_print_as_strftime_does(string format, string expected)
    {
        Assert.Equal(expected, Formats.Text(format).Format(new FakeRecord()));
    }

    [Fact]
    public void Flags_print_short_and_long_in_envoys_order()
    {
        var record = new FakeRecord { Flags = ResponseFlags.UpstreamRetryLimitExceeded | ResponseFlags.UpstreamConnectionFailure };

        Assert.Equal(
            "UF,URX UpstreamConnectionFailure,UpstreamRetryLimitExceeded", Formats.Text("%RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%").Format(record));
    }

    [Fact]
    public void Every_flag_has_a_short_and_a_long_name_of_its_own_and_all_fit_together()
    {
        var all = Enum.GetValues<ResponseFlags>().Where(flag => flag != ResponseFlags.None).ToArray();
        Span<byte> text = new byte[ResponseFlagNames.MaxLength];
        var set = all.Aggregate((a, b) => a | b);

        Assert.Equal(all.Length, ResponseFlagNames.ToText(set).Split(',').Distinct().Count());
        Assert.Equal(
            all.Select(flag => flag.ToString()),
            Encoding.ASCII.GetString(text[..ResponseFlagNames.Write(set, text, useLongNames: true)]).Split(','));
        Assert.All(all, flag => Assert.True(ResponseFlagNames.TryParse(ResponseFlagNames.ToText(flag), out var parsed) && parsed == flag));
    }

    [Theory]
    [InlineData("application/grpc", null, 200, "Unknown UNKNOWN 2")]
    [InlineData("application/grpc+proto", "14", 200, "Unavailable UNAVAILABLE 14")]
    [InlineData("application/grpc;x=y", null, 503, "Unavailable UNAVAILABLE 14")]
    [InlineData("application/grpc", "99", 200, "99 99 99")]
    [InlineData("application/grpcx", "14", 200, "- - -")]
    public void Grpc_status_is_printed_for_grpc_only(string contentType, string? trailer, int status, string expected)
    {
        var record = new FakeRecord();
        record.RequestHeaders["content-type"] = contentType;
        record.Numbers[AccessLogNumber.ResponseCode] = status;
        if (trailer is not null)
            record.ResponseTrailers["grpc-status"] = trailer;

        Assert.Equal(expected, Formats.Text("%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS_NUMBER%").Format(record));
    }

    [Fact]
    public void Facts_of_the_process_are_fixed_when_the_format_is_compiled()
    {
        var context = new AccessLogContext { HostName = "node-1", Environment = name => name == "ZONE" ? "eu-1" : null };

        Assert.Equal("node-1 eu-1 -", Formats.Text("%HOSTNAME% %ENVIRONMENT(ZONE)% %ENVIRONMENT(NONE)%", context).Format(new FakeRecord()));
    }

    [Fact]
    public void Metadata_keeps_its_type_in_json_and_is_text_in_text()
    {
        var record = new FakeRecord
        {
            Metadata = (new AccessLogMetadata(AccessLogMetadataSource.Cluster, "istio", ["services"]), "[{\"host\":\"a\"}]", true),
        };

        Assert.Equal("[{\"host\":\"a\"}]", Formats.Text("%CLUSTER_METADATA(istio:services)%").Format(record));
        Assert.Equal("{\"s\":[{\"host\":\"a\"}],\"d\":null}\n", Formats.Json("""{"s":"%METADATA(CLUSTER:istio:services)%","d":"%DYNAMIC_METADATA(istio:services)%"}""").Format(record));
    }

    [Fact]
    public void A_peer_cannot_start_a_new_line_or_drive_a_terminal()
    {
        var record = new FakeRecord();
        record.RequestHeaders["user-agent"] = "a\nb\u001b[31m\u007fc";

        Assert.Equal("a\\x0ab\\x1b[31m\\x7fc", Formats.Text("%REQ(USER-AGENT)%").Format(record));
    }

    [Theory]
    [InlineData("q\"b\\n\n\t\u0001", "q\"b\\n\n\t\u0001")]
    [InlineData("\u00c3\u00a9", "é")]
    [InlineData("\u00e9", "é")]
    [InlineData("\u00ff\u00fe", "ÿþ")]
    public void Json_stays_valid_whatever_octets_a_peer_sends(string latin1, string expected)
    {
        var record = new FakeRecord();
        record.RequestHeaders["user-agent"] = latin1;

        using var document = JsonDocument.Parse(Formats.Json("""{"ua":"%REQ(USER-AGENT)%","both":"<%REQ(USER-AGENT)%>"}""").Format(record));

        Assert.Equal(expected, document.RootElement.GetProperty("ua").GetString());
        Assert.Equal($"<{expected}>", document.RootElement.GetProperty("both").GetString());
    }

    [Fact]
    public void Truncation_never_leaves_half_a_character()
    {
        var record = new FakeRecord();
        record.RequestHeaders["user-agent"] = "a\u00c3\u00a9b";

        Assert.Equal("a", Formats.Text("%REQ(USER-AGENT):2%").Format(record));
        Assert.Equal("aé", Formats.Text("%REQ(USER-AGENT):3%").Format(record));
    }

    [Fact]
    public void Json_keeps_nesting_lists_and_values_that_are_no_strings()
    {
        Assert.Equal(
            "{\"a\":{\"b\":[\"GET\",200,\"x 200\"],\"n\":1.5,\"t\":true,\"z\":null},\"e\":\"\"}\n",
            Formats.Json("""{"a":{"b":["%REQ(:METHOD)%","%RESPONSE_CODE%","x %RESPONSE_CODE%"],"n":1.5,"t":true,"z":null},"e":""}""").Format(new FakeRecord()));
    }

    [Fact]
    public void Empty_values_can_be_left_out()
    {
        Assert.Equal("200[]", Formats.Text("%RESPONSE_CODE%[%REQ(X-None)%]", omitsEmpty: true).Format(new FakeRecord()));
        Assert.Equal(
            "{\"code\":200,\"in\":{\"s\":\"a\"}}\n",
            Formats.Json("""{"none":"%REQ(X-None)%","code":"%RESPONSE_CODE%","in":{"n":"%TRACE_ID%","s":"a%TRACE_ID%"}}""", omitsEmpty: true).Format(new FakeRecord()));
    }

    [Theory]
    [InlineData("a %NOPE% b", 2, "%NOPE%")]
    [InlineData("%CEL(request.path)%", 0, "%CEL%")]
    [InlineData("%PROTOCOL(x)%", 0, "takes no argument")]
    [InlineData("%REQ%", 0, "needs the name of a header")]
    [InlineData("%REQ()%", 0, "needs the name of a header")]
    [InlineData("%REQ(a b)%", 0, "names no header")]
    [InlineData("%REQ(a?)%", 0, "names no header")]
    [InlineData("12345%REQ(a", 5, "no closing bracket")]
    [InlineData("%PROTOCOL", 0, "not closed")]
    [InlineData("%PROTOCOL:x%", 0, "without a length")]
    [InlineData("%REQ(A):99999999999%", 0, "without a length")]
    [InlineData("50% off", 2, "'%%'")]
    [InlineData("%START_TIME(%Q)%", 0, "'%Q'")]
    [InlineData("%START_TIME(%E3f)%", 0, "'%E3f'")]
    [InlineData("%COMMON_DURATION(DS_RX_BEG:DS_RX_END)%", 0, "START:END:PRECISION")]
    [InlineData("%COMMON_DURATION(DS_RX_BEG:NOW:ms)%", 0, "START:END:PRECISION")]
    [InlineData("%GRPC_STATUS(LOUD)%", 0, "SNAKE_STRING")]
    [InlineData("%PATH(XX)%", 0, "WQ or NQ")]
    [InlineData("%METADATA(NODE:a:b)%", 0, "VIRTUAL_HOST")]
    [InlineData("%FILTER_STATE(a:LOUD)%", 0, "PLAIN, TYPED or FIELD")]
    [InlineData("%QUERY_PARAM%", 0, "query parameter")]
    [InlineData("%ENVIRONMENT()%", 0, "variable")]
    public void A_format_that_cannot_be_compiled_is_refused_with_operator_and_position(string format, int position, string reason)
    {
        Assert.Null(AccessLogFormat.CompileText(format, new AccessLogContext(), out var error));

        Assert.Equal(position, error!.Position);
        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_json_format_is_refused_with_the_keys_that_lead_to_the_error()
    {
        using var document = JsonDocument.Parse("""{"a":{"b":["x","%NOPE%"]}}""");

        Assert.Null(AccessLogFormat.CompileJson(document.RootElement, new AccessLogContext(), out var error));

        Assert.Equal("a.b[1]: operator %NOPE% is not known (at position 0)", error!.ToString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_line_that_does_not_fit_is_not_written_at_any_size_too_small(bool isJson)
    {
        var format = isJson ? Formats.Json(DefaultFormats.IstioJson) : Formats.Text(DefaultFormats.IstioText);
        var record = new FakeRecord { Flags = ResponseFlags.NoRouteFound };
        record.RequestHeaders["user-agent"] = "\n\"\u00c3\u00a9";
        var whole = Encoding.UTF8.GetBytes(format.Format(record));

        for (var size = 0; size < whole.Length; size++)
            Assert.False(format.TryWrite(record, new byte[size], out _), $"{size} of {whole.Length}");
        Assert.True(format.TryWrite(record, new byte[whole.Length], out var written));
        Assert.Equal(whole.Length, written);
    }

    [Theory]
    [InlineData(DefaultFormats.EnvoyText)]
    [InlineData(DefaultFormats.IstioText)]
    public void Default_formats_print_dashes_when_nothing_is_known(string format)
    {
        var line = Formats.Text(format).Format(new Nothing());

        Assert.DoesNotContain("%", line, StringComparison.Ordinal);
        Assert.StartsWith("[1970-01-01T00:00:00.000Z] \"- - -\" 0 - ", line, StringComparison.Ordinal);
    }

    private sealed class Nothing : IAccessLogRecord
    {
        public long StartMicroseconds => 0;

        public ResponseFlags Flags => ResponseFlags.None;

        public long Moment(AccessLogMoment moment)
        {
            return -1;
        }

        public long Number(AccessLogNumber number)
        {
            return -1;
        }

        public ReadOnlySpan<byte> Text(AccessLogText text)
        {
            return default;
        }

        public ReadOnlySpan<byte> Address(AccessLogAddress address)
        {
            return default;
        }

        public bool TryGetRequestHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
        {
            value = default;
            return false;
        }

        public bool TryGetResponseHeader(AccessLogHeader header, out ReadOnlySpan<byte> value)
        {
            value = default;
            return false;
        }
    }
}
