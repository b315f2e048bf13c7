using System.Buffers;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Tests.Harness;
using Lateen.Telemetry.AccessLogs;
using Lateen.Telemetry.Exposition;
using Lateen.Telemetry.Statistics;
using Lateen.Xds.Text;
using Proto = Envoy.Extensions.Filters.Http.Rbac.V3;

namespace Lateen.Proxy.Tests.Filters.Rbac;

/// <summary>The HTTP filter in a running proxy: answers, logs, counters, routes of their own, shadow verdicts.</summary>
public sealed class RbacFilterTests
{
    private const string Everyone = "principals: [{any: true}]";
    private const string AllowPublic = "{rules: {action: ALLOW, policies: {public: {permissions: [{url_path: {path: {prefix: /public}}}], " + Everyone + "}}}}";
    private const string DenyAdmin = "{rules: {action: DENY, policies: {'no admin': {permissions: [{url_path: {path: {prefix: /admin}}}], " + Everyone + "}}}}";

    [Fact]
    public async Task What_no_policy_allows_is_answered_403_and_only_the_log_knows_why()
    {
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog();
        await using var proxy = Start(upstream, log, AllowPublic);

        var denied = await RawClient.ExchangeAsync(proxy.Address, "GET /private HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("403 - rbac_access_denied_matched_policy[none]", await log.NextAsync());
        var allowed = await RawClient.ExchangeAsync(proxy.Address, "GET /public HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal(403, denied.Status);
        Assert.Equal("RBAC: access denied", denied.Body);
        Assert.Equal("text/plain", denied.Header("content-type"));
        Assert.Equal(200, allowed.Status);
        Assert.Single(upstream.Heads);
        await proxy.EventuallyAsync("http.in.rbac.allowed", 1);
        await proxy.EventuallyAsync("http.in.rbac.denied", 1);
    }

    [Fact]
    public async Task A_policy_that_denies_is_named_in_the_log_without_spaces()
    {
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog();
        await using var proxy = Start(upstream, log, DenyAdmin);

        var denied = await RawClient.ExchangeAsync(proxy.Address, "GET /admin HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal(403, denied.Status);
        Assert.DoesNotContain("admin", denied.Head, StringComparison.Ordinal);
        Assert.Equal("403 - rbac_access_denied_matched_policy[no_admin]", await log.NextAsync());
        Assert.Empty(upstream.Heads);
    }

    /// <summary>A CONNECT has a method and an authority, and no path. Where it passes, no route takes it here.</summary>
    [Theory]
    [InlineData("DENY", "{header: {name: ':method', string_match: {exact: CONNECT}}}", 403)]
    [InlineData("DENY", "{header: {name: ':authority', string_match: {exact: 'db:5432'}}}", 403)]
    [InlineData("DENY", "{not_rule: {url_path: {path: {prefix: /public}}}}", 403)]
    [InlineData("DENY", "{url_path: {path: {prefix: /}}}", 404)]
    [InlineData("ALLOW", "{url_path: {path: {prefix: /}}}", 403)]
    [InlineData("ALLOW", "{header: {name: ':authority', string_match: {suffix: ':5432'}}}", 404)]
    public async Task A_tunnel_is_judged_by_its_method_and_its_authority(string action, string permission, int status)
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(
            upstream, new RecordingLog(), $"{{rules: {{action: {action}, policies: {{tunnels: {{permissions: [{permission}], {Everyone}}}}}}}}}");

        Assert.Equal(status, (await RawClient.ExchangeAsync(proxy.Address, "CONNECT db:5432 HTTP/1.1\r\nHost: db:5432\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Where_a_policy_is_written_stands_in_the_log_and_the_statistics_and_nowhere_in_the_answer()
    {
        const string Deny = "{track_per_rule_stats: true, rules: {action: DENY, policies: {'no admin': {permissions: [{url_path: {path: {prefix: /admin}}}], " + Everyone + "}}, "
            + "audit_logging_options: {logger_configs: [" + PlacesBegin + "'no admin': 'policies/admin.yaml:33'" + PlacesEnd + "]}}}";
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog
        {
            Format = static exchange => $"{exchange.Record.ResponseDetails} {Metadata(exchange, "lateen.rbac", "policy")} {Metadata(exchange, "lateen.rbac", "place")} {Metadata(exchange, "lateen.rbac", "action")}",
        };
        await using var proxy = Start(upstream, log, Deny);

        var denied = await RawClient.ExchangeAsync(proxy.Address, "GET /admin HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("rbac_access_denied_matched_policy[no_admin]{policies/admin.yaml:33} no admin policies/admin.yaml:33 DENY", await log.NextAsync());
        await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("via_upstream - - -", await log.NextAsync());

        Assert.Equal((403, "RBAC: access denied"), (denied.Status, denied.Body));
        Assert.DoesNotContain("yaml", denied.Head, StringComparison.Ordinal);
        Assert.Equal(["http.in.rbac.policy.no admin.allowed: 0", "http.in.rbac.policy.no admin.denied: 1", "http.in.rbac.policy.no admin.place: \"policies/admin.yaml:33\""], Stats(proxy, "policy"));
    }

    [Fact]
    public async Task Where_none_of_many_allows_the_first_three_are_named_and_the_rest_is_counted()
    {
        const string Allow = "{track_per_rule_stats: true, rules: {policies: {a: {permissions: [{url_path: {path: {prefix: /public}}}], " + Everyone + "}}, "
            + "audit_logging_options: {logger_configs: [" + PlacesBegin + "e: 'e:5', a: 'a:1', d: 'my d:4', c: 'c:3', b: 'a:1'" + PlacesEnd + "]}}}";
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog { Format = static exchange => $"{exchange.Record.ResponseDetails} {Metadata(exchange, "lateen.rbac", "policy")} {Metadata(exchange, "lateen.rbac", "action")}" };
        await using var proxy = Start(upstream, log, Allow);

        await RawClient.ExchangeAsync(proxy.Address, "GET /private HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal("rbac_access_denied_matched_policy[none]{a:1,c:3,my_d:4,+1} none ALLOW", await log.NextAsync());
        Assert.Equal(["http.in.rbac.policy.none.allowed: 0", "http.in.rbac.policy.none.denied: 1", "http.in.rbac.policy.none.place: \"a:1,c:3,my_d:4,+1\""], Stats(proxy, "policy"));
    }

    [Fact]
    public async Task A_line_that_moves_makes_no_new_series()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, null, "name: test\nvirtual_hosts:\n" + Routes("before", "a.yaml:7") + Routes("after", "a.yaml:9"), ["{rules: {}}"]);

        await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: before\r\n\r\n");
        Assert.Contains("http.in.rbac.policy.p.place: \"a.yaml:7\"", Stats(proxy, "policy"));
        await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: after\r\n\r\n");

        Assert.Equal(["http.in.rbac.policy.p.allowed: 0", "http.in.rbac.policy.p.denied: 2", "http.in.rbac.policy.p.place: \"a.yaml:9\""], Stats(proxy, "policy"));

        static string Routes(string host, string place) => """
            - name: HOST
              domains: [HOST]
              routes:
              - match: {prefix: /}
                route: {cluster: backend}
                typed_per_filter_config: {rbac0: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute, rbac: {track_per_rule_stats: true, rules: {action: DENY, policies: {p: {permissions: [{any: true}], principals: [{any: true}]}}, audit_logging_options: {logger_configs: [PLACES]}}}}}

            """.Replace("HOST", host, StringComparison.Ordinal).Replace("PLACES", $"{PlacesBegin}p: '{place}'{PlacesEnd}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_audit_policy_that_fits_is_named_in_the_metadata_beside_the_one_that_refuses()
    {
        const string Audit = "{track_per_rule_stats: true, rules: {action: LOG, policies: {watched: {permissions: [{url_path: {path: {prefix: /admin}}}], " + Everyone + "}}, "
            + "audit_logging_options: {logger_configs: [" + PlacesBegin + "watched: 'audit.yaml:4'" + PlacesEnd + "]}}}";
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog
        {
            Format = static exchange => $"{Metadata(exchange, "lateen.rbac", "audit_policy")} {Metadata(exchange, "lateen.rbac", "audit_place")} {Metadata(exchange, "lateen.rbac", "policy")}",
        };
        await using var proxy = Start(upstream, log, Audit, DenyAdmin);

        await RawClient.ExchangeAsync(proxy.Address, "GET /admin HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("watched audit.yaml:4 no admin", await log.NextAsync());
        await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("- - -", await log.NextAsync());

        Assert.Equal(["http.in.rbac.policy.watched.allowed: 1", "http.in.rbac.policy.watched.denied: 0", "http.in.rbac.policy.watched.place: \"audit.yaml:4\""], Stats(proxy, "watched"));
    }

    [Fact]
    public async Task A_gRPC_client_is_told_PERMISSION_DENIED()
    {
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, null, DenyAdmin);

        var denied = await RawClient.ExchangeAsync(proxy.Address, "POST /admin.Users/List HTTP/1.1\r\nHost: shop\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n\r\n");

        Assert.Equal(200, denied.Status);
        Assert.Equal("7", denied.Header("grpc-status"));
        Assert.Equal("RBAC: access denied", denied.Header("grpc-message"));
    }

    [Theory]
    [InlineData("/logged", true, 200)]
    [InlineData("/public", false, 200)]
    [InlineData("/admin", false, 403)]
    [InlineData("/else", false, 403)]
    public async Task Log_then_deny_then_allow_in_the_order_of_the_filters(string path, bool isLogged, int status)
    {
        const string Log = "{rules: {action: LOG, policies: {l: {permissions: [{url_path: {path: {prefix: /logged}}}], " + Everyone + "}}}}";
        const string Allow = "{rules: {policies: {a: {permissions: [{not_rule: {url_path: {path: {exact: /else}}}}], " + Everyone + "}}}}";
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog { Format = static exchange => Metadata(exchange, "envoy.common", "access_log_hint") };
        await using var proxy = Start(upstream, log, Log, DenyAdmin, Allow);

        var response = await RawClient.ExchangeAsync(proxy.Address, $"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n");

        Assert.Equal(status, response.Status);
        Assert.Equal(isLogged ? "true" : "false", await log.NextAsync());
    }

    [Fact]
    public async Task A_shadow_verdict_decides_nothing_and_is_left_for_other_filters_and_the_log()
    {
        const string Shadow = "{shadow_rules: {action: DENY, policies: {'ext-authz-1': {permissions: [{url_path: {path: {prefix: /admin}}}], " + Everyone + "}}}, shadow_rules_stat_prefix: istio_ext_authz_, track_per_rule_stats: true}";
        await using var upstream = TestUpstream.Answering();
        var log = new RecordingLog
        {
            Format = static exchange => Metadata(exchange, RbacFilter.MetadataNamespace, "istio_ext_authz_shadow_effective_policy_id") + " "
                + Metadata(exchange, RbacFilter.MetadataNamespace, "istio_ext_authz_shadow_engine_result"),
        };
        await using var proxy = Start(upstream, log, Shadow);

        var admin = await RawClient.ExchangeAsync(proxy.Address, "GET /admin HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("ext-authz-1 denied", await log.NextAsync());
        var other = await RawClient.ExchangeAsync(proxy.Address, "GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
        Assert.Equal("- allowed", await log.NextAsync());

        Assert.Equal(200, admin.Status);
        Assert.Equal(200, other.Status);
        await proxy.EventuallyAsync("http.in.rbac.istio_ext_authz_.shadow_denied", 1);
        await proxy.EventuallyAsync("http.in.rbac.istio_ext_authz_.shadow_allowed", 1);
        await proxy.EventuallyAsync("http.in.rbac.istio_ext_authz_.policy.ext-authz-1.shadow_denied", 1);
        Assert.Equal(0, proxy.Registry.Find("http.in.rbac.denied") ?? 0);
    }

    [Fact]
    public async Task Prefixes_and_policies_have_counters_of_their_own()
    {
        const string Rules = "{rules: {policies: {p: {permissions: [{url_path: {path: {prefix: /public}}}], " + Everyone + "}}}, rules_stat_prefix: mine, track_per_rule_stats: true}";
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, null, Rules);

        await RawClient.ExchangeAsync(proxy.Address, "GET /public HTTP/1.1\r\nHost: shop\r\n\r\n");
        await RawClient.ExchangeAsync(proxy.Address, "GET /else HTTP/1.1\r\nHost: shop\r\n\r\n");

        await proxy.EventuallyAsync("http.in.rbac.mine.allowed", 1);
        await proxy.EventuallyAsync("http.in.rbac.mine.denied", 1);
        await proxy.EventuallyAsync("http.in.rbac.mine.policy.p.allowed", 1);
    }

    [Theory]
    [InlineData("/open", 200)]
    [InlineData("/strict", 403)]
    [InlineData("/admin", 403)]
    [InlineData("/", 200)]
    public async Task A_route_may_have_rules_of_its_own_or_none(string path, int status)
    {
        const string Routes = """
            name: test
            virtual_hosts:
            - name: all
              domains: ["*"]
              typed_per_filter_config: {rbac0: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute, rbac: {rules: {action: DENY, policies: {a: {permissions: [{url_path: {path: {prefix: /admin}}}], principals: [{any: true}]}}}}}}
              routes:
              - match: {prefix: "/open"}
                route: {cluster: backend}
                typed_per_filter_config: {rbac0: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute}}
              - match: {prefix: "/strict"}
                route: {cluster: backend}
                typed_per_filter_config: {rbac0: {"@type": type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBACPerRoute, rbac: {rules: {}}}}
              - match: {prefix: "/"}
                route: {cluster: backend}
            """;
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, null, Routes, ["{rules: {}}"]);

        Assert.Equal(status, (await RawClient.ExchangeAsync(proxy.Address, $"GET {path} HTTP/1.1\r\nHost: shop\r\n\r\n")).Status);
    }

    [Fact]
    public async Task Ten_thousand_requests_past_all_rules_allocate_nothing_on_the_reactor()
    {
        string policies = string.Join(", ", Enumerable.Range(0, 50).Select(static i => $"p{i}: {{permissions: [{{url_path: {{path: {{exact: /x{i}}}}}}}], {Everyone}}}"));
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, null, $"{{rules: {{action: DENY, policies: {{{policies}}}}}, shadow_rules: {{policies: {{{policies}}}}}, shadow_rules_stat_prefix: s_}}");
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await Run(500);

        var best = await ReactorAllocation.LeastAsync(proxy.Engine.Reactors[0], () => Run(10_000));

        Assert.True(best <= 0, $"{best} bytes in 10,000 requests");

        async Task Run(int count)
        {
            for (int i = 0; i < count; i++)
            {
                await client.SendAsync("GET /a%2Fb;c HTTP/1.1\r\nHost: shop\r\n\r\n");
                await client.ReadResponseAsync();
            }
        }
    }

    [Fact]
    public async Task Ten_thousand_refusals_with_all_their_details_allocate_nothing_on_the_reactor()
    {
        const string Deny = "{track_per_rule_stats: true, rules: {action: DENY, policies: {p: {permissions: [{any: true}], " + Everyone + "}}, "
            + "audit_logging_options: {logger_configs: [" + PlacesBegin + "p: 'a.yaml:33'" + PlacesEnd + "]}}}";
        await using var upstream = TestUpstream.Answering();
        await using var proxy = Start(upstream, null, Deny.Replace("DENY", "LOG", StringComparison.Ordinal), Deny);
        using var client = await RawClient.ConnectAsync(proxy.Address);
        await Run(500);

        var best = await ReactorAllocation.LeastAsync(proxy.Engine.Reactors[0], () => Run(10_000));

        Assert.True(best <= 0, $"{best} bytes in 10,000 requests");

        async Task Run(int count)
        {
            for (int i = 0; i < count; i++)
            {
                await client.SendAsync("GET /admin HTTP/1.1\r\nHost: shop\r\n\r\n");
                Assert.Equal(403, (await client.ReadResponseAsync()).Status);
            }
        }
    }

    [Fact]
    public void What_came_over_xds_and_is_not_understood_is_refused_by_name()
    {
        // A policy with a condition (field 3), as a control plane that knows it would send it.
        var policy = new Envoy.Config.Rbac.V3.Policy { Permissions = { new Envoy.Config.Rbac.V3.Permission { Any = true } }, Principals = { new Envoy.Config.Rbac.V3.Principal { Any = true } } };
        var withCondition = Envoy.Config.Rbac.V3.Policy.Parser.ParseFrom([.. policy.ToByteArray(), 0x1A, 0x02, 0x08, 0x01]);
        var message = new Proto.RBAC { Rules = new Envoy.Config.Rbac.V3.RBAC { Policies = { ["p"] = withCondition } } };
        var errors = new ConfigurationErrors();

        Assert.Null(new RbacFilterCompiler(new StatsRegistry()).Compile("rbac", Any.Pack(message), FieldPath.Root.Field("typed_config"), errors));

        Assert.Equal("typed_config.rules.policies[0].value.condition: is not supported", errors.ToString());
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(false, "typed_config.rules.audit_logging_options.logger_configs[0].audit_logger: the audit logger 'stdout' is not supported, and is not optional")]
    public void An_audit_logger_that_is_not_known_is_passed_over_where_it_is_optional_and_refused_where_it_is_not(bool isOptional, string error)
    {
        var logger = new Envoy.Config.Core.V3.TypedExtensionConfig { Name = "stdout", TypedConfig = new Any { TypeUrl = "type.googleapis.com/envoy.extensions.rbac.audit_loggers.stream.v3.StdoutAuditLog" } };
        var options = new Envoy.Config.Rbac.V3.RBAC.Types.AuditLoggingOptions();
        options.LoggerConfigs.Add(new Envoy.Config.Rbac.V3.RBAC.Types.AuditLoggingOptions.Types.AuditLoggerConfig { AuditLogger = logger, IsOptional = isOptional });
        var message = new Proto.RBAC { Rules = new Envoy.Config.Rbac.V3.RBAC { AuditLoggingOptions = options } };
        var errors = new ConfigurationErrors();

        Assert.Equal(isOptional, new RbacFilterCompiler(new StatsRegistry()).Compile("rbac", Any.Pack(message), FieldPath.Root.Field("typed_config"), errors) is not null);

        Assert.Equal(error, errors.ToString());
    }

    [Fact]
    public void A_filter_that_no_route_may_configure_is_refused_by_its_path()
    {
        Assert.Contains(
            "typed_per_filter_config[\"x\"]: the filter 'x' takes no configuration per route of the type 'envoy.extensions.filters.http.grpc_web.v3.GrpcWeb'",
            string.Join('\n', BootstrappedProxy.ErrorsOf("""
                static_resources:
                  listeners:
                  - name: l
                    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
                    filter_chains:
                    - filters:
                      - name: http
                        typed_config:
                          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                          stat_prefix: in
                          route_config: {name: r, virtual_hosts: [{name: v, domains: ['*'], typed_per_filter_config: {x: {"@type": type.googleapis.com/envoy.extensions.filters.http.grpc_web.v3.GrpcWeb}}, routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
                          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
                """)),
            StringComparison.Ordinal);
    }

    /// <summary>How the control plane tells where policies are written; their names and places go between the two.</summary>
    private const string PlacesBegin = "{audit_logger: {name: lateen.policy_places, typed_config: {'@type': type.googleapis.com/google.protobuf.Struct, value: {";
    private const string PlacesEnd = "}}}, is_optional: true}";

    /// <summary>The lines of <c>/stats</c> whose names match.</summary>
    private static string[] Stats(EngineUnderTest proxy, string name)
    {
        var page = new ArrayBufferWriter<byte>();
        StatsText.Write(proxy.Registry.List(), StatsQuery.All with { Name = StatsQuery.CompileName(name) }, page);
        return Encoding.UTF8.GetString(page.WrittenSpan).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    internal static EngineUnderTest Start(TestUpstream upstream, RecordingLog? log, params string[] filters) => Start(upstream, log, null, filters);

    /// <summary>A proxy with filters <c>rbac0</c>, <c>rbac1</c> and so on, in YAML.</summary>
    internal static EngineUnderTest Start(TestUpstream upstream, RecordingLog? log, string? routes, string[] filters, Action<EngineRecipe>? more = null)
    {
        return EngineUnderTest.Start(recipe =>
        {
            recipe.Cluster("backend", upstream.Address);
            if (log is not null) recipe.AccessLogs.Add(log);
            if (routes is not null) recipe.Routes = routes;
            recipe.Path = new PathOptions { Normalize = true };
            recipe.AddFilters = registry =>
            {
                var compiler = new RbacFilterCompiler(registry);
                recipe.Extensions = new ExtensionCatalog([compiler], []);
                for (int i = 0; i < filters.Length; i++) recipe.Filters.Add(Compile(compiler, $"rbac{i}", filters[i]));
            };
            more?.Invoke(recipe);
        });
    }

    private static CompiledExtension Compile(RbacFilterCompiler compiler, string name, string yaml)
    {
        var message = ProtoYamlReader.ReadText<Proto.RBAC>(yaml, out var faults);
        Assert.Empty(faults);
        var errors = new ConfigurationErrors();
        CompiledExtension? filter = compiler.Compile(name, Any.Pack(message!), FieldPath.Root, errors);
        Assert.Equal(string.Empty, errors.ToString());
        return filter!;
    }

    private static string Metadata(HttpExchange exchange, string filter, string key)
    {
        IAccessLogRecord record = exchange;
        return record.TryGetMetadata(new AccessLogMetadata(AccessLogMetadataSource.Dynamic, filter, [key]), out var value, out _) ? Encoding.UTF8.GetString(value) : "-";
    }
}
