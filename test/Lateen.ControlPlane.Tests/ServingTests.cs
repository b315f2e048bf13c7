namespace Lateen.ControlPlane.Tests;

public sealed class ServingTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly (string, string)[] TwoServices =
        [("a.yaml", TestPlane.Service("a")), ("b.yaml", TestPlane.Service("b", "10.0.0.2"))];

    /// <summary>Starts a proxy and waits until it holds its whole first configuration.</summary>
    private static async Task<FakeProxy> ConnectedAsync(TestPlane plane, string name = "client")
    {
        var proxy = new FakeProxy(plane.XdsAddress, name);
        await proxy.UntilAsync(_ => proxy.Held("CDS") == 3 && proxy.Held("EDS") == 2 && proxy.Held("LDS") == 1 && proxy.Held("RDS") == 1, Cancellation);
        return proxy;
    }

    [Fact]
    public async Task Applied_route_reaches_the_proxy_as_one_route_table_and_nothing_else()
    {
        await using var plane = await TestPlane.StartAsync(TwoServices);
        await using var proxy = await ConnectedAsync(plane);
        int before = proxy.Seen.Count;

        var applied = await plane.ApplyAsync(TestPlane.Route("a", "2s"));
        var served = await plane.ServedAsync(applied.Revision);

        Assert.True(served.Served);
        Assert.Equal(["client.shop"], served.Concerned);
        var update = Assert.Single(proxy.Seen.Skip(before));
        Assert.Equal(("RDS", "http_proxy"), (update.Type, Assert.Single(update.Changed)));
    }

    [Fact]
    public async Task Changed_endpoint_in_a_file_reaches_the_proxy_as_that_endpoint_set_alone()
    {
        await using var plane = await TestPlane.StartAsync(TwoServices);
        await using var proxy = await ConnectedAsync(plane);
        int before = proxy.Seen.Count;

        await File.WriteAllTextAsync(Path.Combine(plane.Configuration, "a.yaml"), TestPlane.Service("a", "10.9.9.9"), Cancellation);
        var seen = await proxy.UntilAsync(seen => seen.Count > before, Cancellation);

        var update = Assert.Single(seen.Skip(before));
        Assert.Equal(("EDS", "outbound|9080||a.shop.svc.cluster.local"), (update.Type, Assert.Single(update.Changed)));
    }

    [Fact]
    public async Task Only_responses_that_left_are_counted_as_pushes()
    {
        await using var plane = await TestPlane.StartAsync(TwoServices);
        await using var proxy = await ConnectedAsync(plane);
        var before = await PushesAsync();

        var applied = await plane.ApplyAsync(TestPlane.Service("a", "10.9.9.9"));
        Assert.True((await plane.ServedAsync(applied.Revision)).Served);

        Assert.Equal(["eds"], (await PushesAsync()).Except(before).Select(line => line.Split('"')[1]));

        async Task<string[]> PushesAsync() =>
            [.. (await plane.Http.GetStringAsync("metrics", Cancellation)).Split('\n').Where(line => line.StartsWith("pilot_xds_pushes{", StringComparison.Ordinal))];
    }

    [Fact]
    public async Task Change_that_does_not_concern_a_proxy_counts_as_served_and_sends_it_nothing()
    {
        await using var plane = await TestPlane.StartAsync(TwoServices);
        await using var proxy = await ConnectedAsync(plane);
        int before = proxy.Seen.Count;

        var applied = await plane.ApplyAsync(
            """
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: hidden, namespace: elsewhere}
            spec:
              hosts: [hidden.example]
              exportTo: ["."]
              http: [{directResponse: {status: 204}}]
            """);
        var served = await plane.ServedAsync(applied.Revision);

        Assert.True(served.Served);
        Assert.Empty(served.Concerned);
        Assert.Equal(before, proxy.Seen.Count);
    }

    [Fact]
    public async Task Refusal_by_a_proxy_ends_the_wait_and_is_shown_with_its_reason()
    {
        await using var plane = await TestPlane.StartAsync(TwoServices);
        await using var proxy = await ConnectedAsync(plane);
        proxy.Refuse = static (type, _) => type == Xds.XdsTypeUrls.RouteConfiguration ? "virtual_hosts[0]: not today" : null;

        var applied = await plane.ApplyAsync(TestPlane.Route("a", "2s"));
        var served = await plane.ServedAsync(applied.Revision);

        Assert.False(served.Served);
        var rejection = Assert.Single(served.Rejected);
        Assert.Equal(("client.shop", "RDS"), (rejection.Proxy, rejection.Type));
        Assert.Contains("not today", rejection.Reason, StringComparison.Ordinal);
        var status = Assert.Single((await plane.ProxiesAsync()).Items).Types.Single(type => type.Type == "RDS");
        Assert.Equal("ERROR", status.Status);
        Assert.Contains("not today", status.Reason, StringComparison.Ordinal);
        Assert.Contains("pilot_xds_rds_reject 1", await plane.Http.GetStringAsync("metrics", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restarted_control_plane_sends_a_reconnecting_proxy_nothing_that_it_holds()
    {
        await using var plane = await TestPlane.StartAsync(TwoServices);
        await plane.ApplyAsync(TestPlane.Route("a", "2s"));
        await using var proxy = await ConnectedAsync(plane);
        int before = proxy.Seen.Count;

        await plane.RestartAsync();
        // A change made after the restart marks the place in the stream: what was sent twice would stand before it.
        await UntilConnectedAsync(plane);
        var applied = await plane.ApplyAsync(TestPlane.Route("b", "3s"));
        Assert.True((await plane.ServedAsync(applied.Revision)).Served);

        var update = Assert.Single(proxy.Seen.Skip(before));
        Assert.Equal(("RDS", "http_proxy"), (update.Type, Assert.Single(update.Changed)));
        Assert.True(applied.Revision > 2, "revision numbers go on after a restart");
    }

    private static async Task UntilConnectedAsync(TestPlane plane)
    {
        // Each turn is a request that the server answers, so this follows its state and not the clock.
        while ((await plane.ProxiesAsync()).Items is not [{ Types: var types }] || types.Any(type => type.Status != "SYNCED"))
        {
            Cancellation.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    [Fact]
    public async Task Proxy_with_a_node_id_of_another_kind_is_refused_and_the_log_says_why()
    {
        await using var plane = await TestPlane.StartAsync(TwoServices);
        await using var proxy = new FakeProxy(plane.XdsAddress, type: "ztunnel");

        while (!plane.Log.Any(line => line.Contains("sidecar and router are served", StringComparison.Ordinal))) await Task.Yield();

        Assert.Empty((await plane.ProxiesAsync()).Items);
    }

    [Fact]
    public async Task Gateway_gets_the_clusters_of_its_routes_only()
    {
        await using var plane = await TestPlane.StartAsync([.. TwoServices, ("gw.yaml",
            """
            apiVersion: networking.istio.io/v1
            kind: Gateway
            metadata: {name: front, namespace: shop}
            spec:
              selector: {istio: ingressgateway}
              servers: [{port: {number: 8080, name: http, protocol: HTTP}, bind: 127.0.0.1, hosts: ["*"]}]
            ---
            apiVersion: networking.istio.io/v1
            kind: VirtualService
            metadata: {name: front, namespace: shop}
            spec:
              hosts: ["*"]
              gateways: [front]
              http: [{route: [{destination: {host: b}}]}]
            """)]);
        await using var proxy = new FakeProxy(plane.XdsAddress, "ingress", type: "router", labels: "istio=ingressgateway");

        await proxy.UntilAsync(_ => proxy.Held("RDS") == 1 && proxy.Held("EDS") == 1, Cancellation);

        Assert.Equal(["BlackHoleCluster", "outbound|9080||b.shop.svc.cluster.local"],
            proxy.Seen.Where(update => update.Type == "CDS").SelectMany(update => update.Changed).Order(StringComparer.Ordinal));
    }
}
