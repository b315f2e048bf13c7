using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>gRPC clients that we did not write dial <c>xds:///NAME:PORT</c> and find their servers through our control plane, with no proxy anywhere.</summary>
public sealed class GrpcWithoutProxyTests
{
    private const string Reviews = "xds:///reviews.default.svc.cluster.local:9080";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> Clients => [GrpcClientUnderTest.Node, GrpcClientUnderTest.Python];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task Calls_go_where_headers_and_weights_say(string kind)
    {
        const int Calls = 1000;
        SkipWithout(kind);
        await using var v1 = await GrpcServerUnderTest.StartAsync("v1");
        await using var v2 = await GrpcServerUnderTest.StartAsync("v2");
        await using var mesh = await MeshUnderTest.StartAsync(ShopYaml.Join(Service, Slice("v1", v1.Port), Slice("v2", v2.Port), Subsets), Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, Reviews, Cancel);

        var unruled = await client.CallAsync(50, Cancel);
        var ruled = await ApplyWhileCallingAsync(mesh, client, Route("""
            - match: [{ headers: { end-user: { exact: ana } } }]
              route: [{ destination: { host: reviews, subset: v2 } }]
            - route: [{ destination: { host: reviews, subset: v1 } }]
            """));
        await UntilAnswersAsync(client, "ana to be sent to v2", "v2", "ana");
        var ana = await client.CallAsync(100, Cancel, user: "ana");
        var others = await client.CallAsync(100, Cancel, user: "bruno");
        var weighed = await ApplyWhileCallingAsync(mesh, client, Route("""
            - route:
                - { destination: { host: reviews, subset: v1 }, weight: 90 }
                - { destination: { host: reviews, subset: v2 }, weight: 10 }
            """));
        await UntilAnswersAsync(client, "the split to reach v2", "v2");
        var split = await client.CallAsync(Calls, Cancel);

        Assert.True(unruled.Names.Count == 2 && unruled.Failures.Count == 0, unruled.ToString());
        Assert.Equal(("", ""), (ruled, weighed));
        Assert.True(ana.By("v2") == 100, ana.ToString());
        Assert.True(others.By("v1") == 100, others.ToString());
        Assert.True(split.Failures.Count == 0 && split.By("v1") + split.By("v2") == Calls, split.ToString());
        // 99.9% of a binomial with n = 1000, p = 0.1: mean 100, deviation 9.49, z = 3.29.
        Assert.InRange(split.By("v2"), 69, 131);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task An_endpoint_that_goes_away_costs_no_call(string kind)
    {
        SkipWithout(kind);
        await using var stays = await GrpcServerUnderTest.StartAsync("stays");
        await using var leaves = await GrpcServerUnderTest.StartAsync("leaves");
        await using var mesh = await MeshUnderTest.StartAsync(ShopYaml.Join(Service, Slice("v1", stays.Port), Slice("v2", leaves.Port)), Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, Reviews, Cancel);
        var before = await client.CallAsync(50, Cancel);
        var load = client.CallSteadily(Cancel);

        await mesh.ApplyAsync(Slice("v2", port: null), Cancel);
        var acknowledged = await client.CallAsync(200, Cancel);
        await leaves.DisposeAsync();
        var gone = await client.CallAsync(200, Cancel);
        var (calls, failures) = await load.StopAsync();

        Assert.True(before.Names.Count == 2 && before.Failures.Count == 0, before.ToString());
        Assert.True(acknowledged.By("stays") == 200, acknowledged.ToString());
        Assert.True(gone.By("stays") == 200, gone.ToString());
        Assert.Equal("", failures);
        Assert.True(calls > 0);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task A_control_plane_that_dies_and_returns_costs_no_call(string kind)
    {
        SkipWithout(kind);
        await using var v1 = await GrpcServerUnderTest.StartAsync("v1");
        await using var v2 = await GrpcServerUnderTest.StartAsync("v2");
        await using var mesh = await MeshUnderTest.StartAsync(ShopYaml.Join(Service, Slice("v1", v1.Port), Slice("v2", v2.Port), Subsets, AllTo("v1")), Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, Reviews, Cancel);
        var before = await client.CallAsync(20, Cancel);
        var load = client.CallSteadily(Cancel);

        await mesh.ControlPlane.KillAsync();
        var whileGone = await client.CallAsync(200, Cancel);
        await mesh.StartControlPlaneAsync(Cancel);
        await mesh.UntilConnectedAsync(client, Cancel);
        await mesh.ApplyAsync(AllTo("v2"), Cancel);
        await UntilAnswersAsync(client, "the change to reach the client", "v2");
        var after = await client.CallAsync(200, Cancel);
        var (_, failures) = await load.StopAsync();

        Assert.True(before.By("v1") == 20, before.ToString());
        Assert.True(whileGone.By("v1") == 200, whileGone.ToString());
        Assert.True(after.By("v2") == 200, after.ToString());
        Assert.Equal("", failures);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task A_call_to_a_name_that_nobody_has_yet_is_answered_when_it_comes(string kind)
    {
        SkipWithout(kind);
        await using var server = await GrpcServerUnderTest.StartAsync("here");
        await using var mesh = await MeshUnderTest.StartAsync(Service.Replace("reviews", "others", StringComparison.Ordinal), Cancel);
        // The short name, which services of the client's own namespace have.
        var client = await mesh.StartGrpcClientAsync(kind, "xds:///reviews:9080", Cancel);

        var early = client.CallAsync(1, Cancel);
        await mesh.UntilConnectedAsync(client, Cancel);
        await mesh.ApplyAsync(ShopYaml.Join(Service, Slice("v1", server.Port)), Cancel);
        var answered = await early;

        Assert.True(answered.By("here") == 1, answered.ToString());
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task Rules_that_gRPC_cannot_follow_fail_only_the_calls_that_they_mean(string kind)
    {
        SkipWithout(kind);
        await using var v1 = await GrpcServerUnderTest.StartAsync("v1");
        await using var v2 = await GrpcServerUnderTest.StartAsync("v2");
        var rules = Route("""
            - match: [{ headers: { end-user: { exact: moved } } }]
              redirect: { uri: /elsewhere }
            - match: [{ headers: { end-user: { exact: refused } } }]
              directResponse: { status: 403 }
            - match: [{ method: { exact: GET } }, { queryParams: { debug: {} } }]
              route: [{ destination: { host: reviews, subset: v1 } }]
            - match: [{ withoutHeaders: { end-user: { regex: "ana|bea" } } }]
              timeout: 10s
              retries: { attempts: 3, retryOn: "5xx,unavailable", perTryTimeout: 2s, backoff: 50ms }
              headers: { request: { set: { x-a: b } } }
              rewrite: { authority: elsewhere }
              route: [{ destination: { host: reviews, subset: v2 } }]
            - match: [{ uri: { regex: "/lateen.test.Names/.*|/none" } }]
              route: [{ destination: { host: reviews, subset: v1 } }]
            """);
        await using var mesh = await MeshUnderTest.StartAsync(ShopYaml.Join(Service, Slice("v1", v1.Port), Slice("v2", v2.Port), Subsets, rules), Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, Reviews, Cancel);

        var nobody = await client.CallAsync(20, Cancel);
        var other = await client.CallAsync(20, Cancel, user: "bruno");
        var ana = await client.CallAsync(20, Cancel, user: "ana");
        var bea = await client.CallAsync(20, Cancel, user: "bea");
        var moved = await client.CallAsync(1, Cancel, user: "moved");
        var refused = await client.CallAsync(1, Cancel, user: "refused");
        var status = await mesh.CliAsync(Cancel, "proxy-status", "caller");
        var listeners = await mesh.CliAsync(Cancel, "proxy-config", "listeners", "caller");

        Assert.True(nobody.By("v2") == 20, nobody.ToString());
        Assert.True(other.By("v2") == 20, other.ToString());
        Assert.True(ana.By("v1") == 20, ana.ToString());
        Assert.True(bea.By("v1") == 20, bea.ToString());
        Assert.StartsWith("UNAVAILABLE", Assert.Single(moved.Failures).Key, StringComparison.Ordinal);
        Assert.StartsWith("UNAVAILABLE", Assert.Single(refused.Failures).Key, StringComparison.Ordinal);
        Assert.Contains("(grpc)", status, StringComparison.Ordinal);
        Assert.DoesNotContain("ERROR", status, StringComparison.Ordinal);
        Assert.Contains("Route: outbound|9080||reviews.default.svc.cluster.local", listeners, StringComparison.Ordinal);
        // Of the names that the client may dial, it is shown with the one that it dialled.
        Assert.DoesNotContain("reviews.default:9080", listeners, StringComparison.Ordinal);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task A_rule_to_what_is_not_there_fails_its_own_calls_at_once_and_holds_up_no_others(string kind)
    {
        SkipWithout(kind);
        await using var server = await GrpcServerUnderTest.StartAsync("here");
        await using var mesh = await MeshUnderTest.StartAsync(ShopYaml.Join(Service, Slice("v1", server.Port), Subsets, Route("""
            - match: [{ headers: { end-user: { exact: ana } } }]
              route: [{ destination: { host: reviews, subset: v9 } }]
            - match: [{ headers: { end-user: { exact: bea } } }]
              route: [{ destination: { host: nobody } }]
            - route: [{ destination: { host: reviews, subset: v1 } }]
            """)), Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, Reviews, Cancel);
        // gRPC gives a resource that does not come 15 seconds.
        var soon = TimeSpan.FromSeconds(10);

        var others = await client.CallAsync(20, Cancel).WaitAsync(soon, Cancel);
        var ana = await client.CallAsync(1, Cancel, user: "ana").WaitAsync(soon, Cancel);
        var bea = await client.CallAsync(1, Cancel, user: "bea").WaitAsync(soon, Cancel);

        Assert.True(others.By("here") == 20, others.ToString());
        Assert.StartsWith("UNAVAILABLE", Assert.Single(ana.Failures).Key, StringComparison.Ordinal);
        Assert.StartsWith("UNAVAILABLE", Assert.Single(bea.Failures).Key, StringComparison.Ordinal);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task A_name_of_DNS_is_resolved_and_TLS_is_never_left_out(string kind)
    {
        SkipWithout(kind);
        await using var server = await GrpcServerUnderTest.StartAsync("here");
        await using var mesh = await MeshUnderTest.StartAsync(External(server.Port), Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, "xds:///outside.example:9080", Cancel);

        var plain = await client.CallAsync(20, Cancel);
        await ApplyWhileCallingAsync(mesh, client, ShopYaml.Join(External(server.Port).Replace("DNS", "STATIC", StringComparison.Ordinal).Replace("localhost", "127.0.0.1", StringComparison.Ordinal), """
            apiVersion: networking.istio.io/v1
            kind: DestinationRule
            metadata: { name: outside }
            spec:
              host: outside.example
              trafficPolicy: { tls: { mode: SIMPLE } }

            """));
        CallOutcome secure = null!;
        await MeshUnderTest.UntilAsync(
            "calls to fail for want of TLS", async () => (secure = await client.CallAsync(1, Cancel)).Names.Count == 0, client.Program, Cancel);

        Assert.True(plain.By("here") == 20, plain.ToString());
        Assert.StartsWith("UNAVAILABLE", Assert.Single(secure.Failures).Key, StringComparison.Ordinal);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task A_workload_behind_its_sidecar_is_called_through_it(string kind)
    {
        SkipWithout(kind);
        var ports = FreePorts.Take(2);
        var (inbound, outbound) = (ports[0], ports[1]);
        await using var behind = await GrpcServerUnderTest.StartAsync("behind");
        await using var mesh = await MeshUnderTest.StartAsync(ShopYaml.Join(Service, Slice("v1", inbound), $$"""
            apiVersion: networking.istio.io/v1
            kind: Sidecar
            metadata: { name: reviews }
            spec:
              workloadSelector: { labels: { app: reviews } }
              ingress:
                - port: { number: {{inbound}}, protocol: GRPC, name: grpc }
                  defaultEndpoint: 127.0.0.1:{{behind.Port}}

            """), Cancel);
        var sidecar = await mesh.StartSidecarAsync("reviews-1", "reviews", outbound, Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, Reviews, Cancel);

        var outcome = await client.CallAsync(200, Cancel);
        var seen = await sidecar.StatAsync($"cluster.inbound|{inbound}||.upstream_rq_total", Cancel);

        Assert.True(outcome.By("behind") == 200, outcome.ToString());
        Assert.Equal(200, seen);
    }

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Clients))]
    public async Task The_inventory_of_the_bookshop_is_called_by_weight_and_a_version_may_leave(string kind)
    {
        const int Calls = 1000;
        const string GetStock = "/bookshop.Inventory/GetStock";
        SkipWithout(kind);
        await using var v1 = await InventoryAsync("v1");
        await using var v2 = await InventoryAsync("v2");
        await using var mesh = await MeshUnderTest.StartAsync(OfInventory(ShopYaml.Join(Service, Slice("v1", v1.Port), Slice("v2", v2.Port), Subsets, Route("""
            - route:
                - { destination: { host: reviews, subset: v1 }, weight: 90 }
                - { destination: { host: reviews, subset: v2 }, weight: 10 }
            """))), Cancel);
        var client = await mesh.StartGrpcClientAsync(kind, OfInventory(Reviews), Cancel);

        var split = await client.CallAsync(Calls, Cancel, method: GetStock);
        var load = client.CallSteadily(Cancel, GetStock);
        await mesh.ApplyAsync(OfInventory(ShopYaml.Join(AllTo("v1"), Slice("v2", port: null))), Cancel);
        await v2.Program.KillAsync();
        var left = await client.CallAsync(200, Cancel, method: GetStock);
        var (_, failures) = await load.StopAsync();

        Assert.True(split.Failures.Count == 0 && split.By("v1") + split.By("v2") == Calls, split.ToString());
        // As above: 99.9% of a binomial with n = 1000, p = 0.1.
        Assert.InRange(split.By("v2"), 69, 131);
        Assert.True(left.By("v1") == 200, left.ToString());
        Assert.Equal("", failures);

        static string OfInventory(string text) => text.Replace("reviews", "inventory", StringComparison.Ordinal);
    }

    private static async Task<Inventory> InventoryAsync(string version)
    {
        var program = ProgramUnderTest.Start($"inventory {version}", Programs.Bookshop, ["inventory", "--version", version]);
        var line = await program.WaitForLineAsync("listening on", Cancel);
        return new Inventory(program, new Uri(line[line.IndexOf("http", StringComparison.Ordinal)..]).Port);
    }

    /// <summary>The bookshop's inventory service as a process.</summary>
    private sealed record Inventory(ProgramUnderTest Program, int Port) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Program.DisposeAsync();
    }

    private static void SkipWithout(string kind)
    {
        if (GrpcClientUnderTest.WhyWithout(kind) is { } reason) Assert.Skip(reason);
    }

    /// <summary>
    /// Applies YAML, waits until the client has acknowledged it, and gives the failures of the calls that went on meanwhile; empty for none. They
    /// must go on: gRPC's C core under Python reads from the control plane only while it has calls, so an idle client acknowledges late.
    /// </summary>
    private static async Task<string> ApplyWhileCallingAsync(MeshUnderTest mesh, GrpcClientUnderTest client, string yaml)
    {
        var load = client.CallSteadily(Cancel);
        await mesh.ApplyAsync(yaml, Cancel);
        return (await load.StopAsync()).Failures;
    }

    private static Task UntilAnswersAsync(GrpcClientUnderTest client, string what, string name, string? user = null) =>
        MeshUnderTest.UntilAsync(what, async () => (await client.CallAsync(1, Cancel, user: user)).By(name) == 1, client.Program, Cancel);

    private const string Service = """
        apiVersion: v1
        kind: Service
        metadata: { name: reviews }
        spec:
          ports: [{ name: grpc, port: 9080 }]

        """;

    private const string Subsets = """
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { name: reviews }
        spec:
          host: reviews
          subsets: [{ name: v1, labels: { version: v1 } }, { name: v2, labels: { version: v2 } }]

        """;

    /// <param name="version">Of the endpoint that serves on the port.</param>
    /// <param name="port">Null for no endpoint.</param>
    private static string Slice(string version, int? port) => $$"""
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: { name: reviews-{{version}}, labels: { kubernetes.io/service-name: reviews, version: {{version}} } }
        addressType: IPv4
        ports: [{ name: grpc, port: {{port ?? 1}} }]
        endpoints: {{(port is null ? "[]" : "[{ addresses: [127.0.0.1] }]")}}

        """;

    private static string AllTo(string subset) => Route($"- route: [{{ destination: {{ host: reviews, subset: {subset} }} }}]");

    private static string Route(string rules) => $$"""
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: { name: reviews }
        spec:
          hosts: [reviews]
          http:
        {{string.Join('\n', rules.Split('\n').Select(line => "    " + line))}}

        """;

    private static string External(int port) => $$"""
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: { name: outside }
        spec:
          hosts: [outside.example]
          resolution: DNS
          ports: [{ number: 9080, name: grpc, protocol: GRPC }]
          endpoints: [{ address: localhost, ports: { grpc: {{port}} } }]

        """;
}
