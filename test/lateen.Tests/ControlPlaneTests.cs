using Lateen.ControlPlane.Tests;
using Lateen.Testing;

namespace Lateen.Cli.Tests;

public sealed class ControlPlaneTests
{
    private const string Shop =
        """
        apiVersion: networking.istio.io/v1
        kind: ServiceEntry
        metadata: {name: reviews, namespace: shop}
        spec:
          hosts: [reviews.shop.svc.cluster.local]
          location: MESH_INTERNAL
          resolution: STATIC
          ports: [{number: 9080, name: http, protocol: HTTP}]
          endpoints:
          - {address: 10.0.0.1, labels: {version: v1}}
          - {address: 10.0.0.2, labels: {version: v2}}
        ---
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: {name: reviews, namespace: shop}
        spec:
          host: reviews
          subsets:
          - {name: v1, labels: {version: v1}}
          - {name: v2, labels: {version: v2}}
        """;

    private const string Canary =
        """
        apiVersion: networking.istio.io/v1
        kind: VirtualService
        metadata: {name: reviews, namespace: shop}
        spec:
          hosts: [reviews]
          http:
          - name: canary
            route:
            - {destination: {host: reviews, subset: v1}, weight: 90}
            - {destination: {host: reviews, subset: v2}, weight: 10}
        """;

    [Fact]
    public async Task Resources_are_applied_shown_compared_and_deleted()
    {
        await using var work = new CliWorkplace();
        work.Write("config/shop.yaml", Shop);
        await work.UpAsync();
        work.Write("canary.yaml", Canary);
        work.Write("broken.yaml", Canary.Replace("weight: 90", "wait: 90", StringComparison.Ordinal));

        await work.RunAsync("get all -A");
        await work.RunAsync("get vs -n shop");
        await work.RunAsync("diff -f ROOT/canary.yaml");
        await work.RunAsync("apply -f ROOT/canary.yaml --dry-run");
        await work.RunAsync("apply -f ROOT/broken.yaml");
        await work.RunAsync("apply -f ROOT/canary.yaml --wait");
        await work.RunAsync("apply -f -", Canary);
        await work.RunAsync("diff -f -", Canary.Replace("weight: 90", "weight: 50", StringComparison.Ordinal));
        await work.RunAsync("get virtualservice -A");
        await work.RunAsync("get vs reviews -n shop -o yaml");
        await work.RunAsync("get dr reviews -n shop -o json");
        await work.RunAsync("get vs -n shop -o yaml");
        await work.RunAsync("get vs nobody -n shop");
        await work.RunAsync("get nonsense");
        await work.RunAsync("delete se reviews -n shop");
        await work.RunAsync("delete vs reviews nobody -n shop");
        await work.RunAsync("delete vs reviews -n shop --dry-run");
        await work.RunAsync("delete -f ROOT/canary.yaml");
        await work.RunAsync("proxy-status");
        await work.RunAsync("version");

        Golden.Verify(work.Transcript);
        Assert.Equal(0, await work.DownAsync());
    }

    [Fact]
    public async Task Proxies_are_shown_with_what_they_were_given()
    {
        await using var work = new CliWorkplace();
        work.Write("config/shop.yaml", Shop);
        work.Write("config/canary.yaml", Canary);
        await work.UpAsync();
        await using var proxy = new FakeProxy(work.XdsAddress, "storefront");
        await proxy.UntilAsync(_ => proxy.Held("RDS") == 1 && proxy.Held("EDS") == 3, TestContext.Current.CancellationToken);
        work.Write("change.yaml", Canary.Replace("weight: 90", "weight: 80", StringComparison.Ordinal));
        // Returns when the proxy has answered everything, so the states below are settled.
        Assert.Equal(0, (await work.RunAsync("apply -f ROOT/change.yaml --wait")).ExitCode);

        await work.RunAsync("proxy-status");
        await work.RunAsync("proxy-status storefront -o yaml");
        await work.RunAsync("proxy-config listeners storefront.shop");
        await work.RunAsync("pc clusters storefront --fqdn reviews.shop");
        await work.RunAsync("pc routes storefront --fqdn reviews");
        await work.RunAsync("pc endpoints storefront --port 9080");
        await work.RunAsync("pc route storefront --name http_proxy -o yaml");
        await work.RunAsync("pc clusters nobody");
        await work.RunAsync("pc bootstrap nobody");
        await work.RunAsync("pc bootstrap storefront");

        Golden.Verify(work.Transcript);
    }

    [Theory]
    [InlineData("sidecar~127.0.0.1~storefront.shop~shop.svc.cluster.local", 0, "id: sidecar~127.0.0.1~storefront.shop~shop.svc.cluster.local")]
    [InlineData("sidecar~127.0.0.1~another.shop~shop.svc.cluster.local", 1, "are those of 'sidecar~127.0.0.1~another.shop~shop.svc.cluster.local' and not of sidecar~127.0.0.1~storefront.shop~shop.svc.cluster.local")]
    public async Task Bootstrap_of_a_proxy_is_asked_where_the_proxy_says_and_is_its_own(string idThatAnswers, int exitCode, string said)
    {
        await using var work = new CliWorkplace();
        work.Write("config/shop.yaml", Shop);
        await work.UpAsync();
        string dump = $$"""{ "configs": [{"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": {"id": "{{idThatAnswers}}"} } }] }""";
        using var pages = new CannedServer($"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {dump.Length}\r\n\r\n{dump}");
        await using var proxy = new FakeProxy(work.XdsAddress, "storefront", admin: $"{pages.Address}");
        await proxy.UntilAsync(_ => proxy.Held("CDS") > 0, TestContext.Current.CancellationToken);

        var result = await work.RunAsync("proxy-config bootstrap storefront");

        Assert.Equal(exitCode, result.ExitCode);
        Assert.Contains(said, work.Transcript, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.1:15000", "at '192.0.2.1:15000', which is not on loopback")]
    [InlineData("localhost/elsewhere", "at 'localhost/elsewhere', which is not on loopback")]
    public async Task Bootstrap_is_not_asked_where_another_machine_may_be(string admin, string said)
    {
        await using var work = new CliWorkplace();
        work.Write("config/shop.yaml", Shop);
        await work.UpAsync();
        await using var proxy = new FakeProxy(work.XdsAddress, "storefront", admin: admin);
        await proxy.UntilAsync(_ => proxy.Held("CDS") > 0, TestContext.Current.CancellationToken);

        var result = await work.RunAsync("proxy-config bootstrap storefront");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(said, work.Transcript, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refused_change_ends_the_wait_with_1_and_names_proxy_and_reason()
    {
        await using var work = new CliWorkplace();
        work.Write("config/shop.yaml", Shop);
        await work.UpAsync();
        await using var proxy = new FakeProxy(work.XdsAddress, "storefront");
        await proxy.UntilAsync(_ => proxy.Held("RDS") == 1, TestContext.Current.CancellationToken);
        proxy.Refuse = static (type, _) => type == Xds.XdsTypeUrls.RouteConfiguration ? "no such thing" : null;
        work.Write("canary.yaml", Canary);

        var result = await work.RunAsync("apply -f ROOT/canary.yaml --wait");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("storefront.shop refused RDS of revision 2: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("no such thing", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Proxy_that_does_not_answer_in_time_ends_the_wait_with_4()
    {
        await using var work = new CliWorkplace();
        work.Write("config/shop.yaml", Shop);
        await work.UpAsync();
        await using var proxy = new FakeProxy(work.XdsAddress, "storefront");
        await proxy.UntilAsync(_ => proxy.Held("RDS") == 1, TestContext.Current.CancellationToken);
        using var release = new ManualResetEventSlim();
        proxy.Refuse = (_, _) =>
        {
            release.Wait(TestContext.Current.CancellationToken);
            return null;
        };
        work.Write("canary.yaml", Canary);

        var result = await work.RunAsync("apply -f ROOT/canary.yaml --wait --timeout 0.2");
        release.Set();

        Assert.Equal(4, result.ExitCode);
        Assert.Contains("storefront.shop", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Second_control_plane_on_the_same_address_says_so()
    {
        await using var work = new CliWorkplace();
        await work.UpAsync();

        var second = await work.RunAsync($"up --xds-address {work.XdsAddress} --api-address 127.0.0.1:0 --state-dir ROOT/other");

        Assert.Equal(1, second.ExitCode);
        Assert.Contains("the control plane cannot start", second.Error, StringComparison.Ordinal);
        Assert.Contains(work.XdsAddress, second.Error, StringComparison.Ordinal);
    }
}
