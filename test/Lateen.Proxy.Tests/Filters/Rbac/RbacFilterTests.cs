using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Lateen.Proxy.Configuration;
using Lateen.Proxy.Filters.Rbac;
using Lateen.Proxy.Forwarding;
using Lateen.Proxy.Tests.Harness;
using Lateen.Telemetry.AccessLogs;
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
