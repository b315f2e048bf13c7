using System.Globalization;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests;

/// <summary>What may go wrong in operation, under 500 requests per second: no request may notice.</summary>
public sealed class FaultTests
{
    private const int Rate = 500;
    private const int Connections = 16;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_broken_file_costs_no_request_and_the_next_good_one_takes_effect()
    {
        await using var v1 = await UpstreamUnderTest.StartAsync("v1");
        await using var v2 = await UpstreamUnderTest.StartAsync("v2");
        var port = FreePorts.Take(1)[0];
        await using var mesh = await MeshUnderTest.StartAsync(
            ShopYaml.Join(ShopYaml.Gateway(port), ShopYaml.Web([v1.Port], [v2.Port])), Cancel);
        var route = Path.Combine(mesh.ConfigFolder, "route.yaml");
        await File.WriteAllTextAsync(route, ShopYaml.AllTo("v1"), Cancel);
        await mesh.StartGatewayAsync("ingress", Cancel);
        await using var load = await StartLoadAsync(port);

        // The indentation slips, as it does.
        await File.WriteAllTextAsync(route, ShopYaml.AllTo("v2").Replace("  hosts:", " hosts:", StringComparison.Ordinal), Cancel);
        var complaint = await mesh.ControlPlane.WaitForLineAsync("route.yaml:", Cancel);
        await load.AfterAsync(Rate, Cancel);
        var duringBreakage = await CurrentBodyAsync(port);
        await File.WriteAllTextAsync(route, ShopYaml.AllTo("v2"), Cancel);
        await UntilBodyAsync(port, "v2", mesh.ControlPlane);
        await load.AfterAsync(Rate, Cancel);
        var seen = await load.StopAsync();

        Assert.Matches(@"route\.yaml:\d+:\d+", complaint);
        Assert.Equal("v1", duringBreakage);
        AssertUnharmed(seen, "v1", "v2");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_resource_that_the_proxy_refuses_costs_no_request_and_is_shown_with_its_reason()
    {
        await using var v1 = await UpstreamUnderTest.StartAsync("v1");
        var ports = FreePorts.Take(1);
        await using var taken = await UpstreamUnderTest.StartAsync("somebody else's port");
        await using var mesh = await MeshUnderTest.StartAsync(
            ShopYaml.Join(ShopYaml.Gateway(ports[0]), ShopYaml.Web([v1.Port], []), ShopYaml.AllTo("v1")), Cancel);
        await mesh.StartGatewayAsync("ingress", Cancel);
        await using var load = await StartLoadAsync(ports[0]);

        // Valid for the control plane; the proxy alone can know that the port is taken.
        await File.WriteAllTextAsync(Path.Combine(mesh.ConfigFolder, "second.yaml"), ShopYaml.Gateway(taken.Port, "second"), Cancel);
        var status = "";
        await MeshUnderTest.UntilAsync(
            "proxy-status to show the refusal",
            async () => (status = await mesh.CliAsync(Cancel, "proxy-status", "ingress")).Contains("ERROR", StringComparison.Ordinal),
            mesh.ControlPlane,
            Cancel);
        await load.AfterAsync(Rate, Cancel);
        var seen = await load.StopAsync();

        Assert.Contains($"{taken.Port}", status, StringComparison.Ordinal);
        AssertUnharmed(seen, "v1");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_killed_control_plane_costs_no_request_and_its_return_brings_new_configuration()
    {
        await using var v1 = await UpstreamUnderTest.StartAsync("v1");
        await using var v2 = await UpstreamUnderTest.StartAsync("v2");
        var port = FreePorts.Take(1)[0];
        await using var mesh = await MeshUnderTest.StartAsync(
            ShopYaml.Join(ShopYaml.Gateway(port), ShopYaml.Web([v1.Port], [v2.Port])), Cancel);
        var route = Path.Combine(mesh.ConfigFolder, "route.yaml");
        await File.WriteAllTextAsync(route, ShopYaml.AllTo("v1"), Cancel);
        var gateway = await mesh.StartGatewayAsync("ingress", Cancel);
        await using var load = await StartLoadAsync(port);

        await mesh.ControlPlane.KillAsync();
        await load.AfterAsync(Rate, Cancel);
        var whileGone = await CurrentBodyAsync(port);
        await mesh.StartControlPlaneAsync(Cancel);
        await MeshUnderTest.UntilAsync(
            "the proxy to be connected again",
            async () => (await mesh.CliAsync(Cancel, "proxy-status", "-o", "json")).Contains("ingress", StringComparison.Ordinal),
            gateway.Program,
            Cancel);
        await load.AfterAsync(Rate, Cancel);
        await mesh.ApplyAsync(ShopYaml.AllTo("v2"), Cancel);
        var afterReturn = await CurrentBodyAsync(port);
        var seen = await load.StopAsync();

        Assert.Equal("v1", whileGone);
        Assert.Equal("v2", afterReturn);
        AssertUnharmed(seen, "v1", "v2");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_killed_upstream_costs_at_most_the_requests_in_flight_on_it()
    {
        await using var survivor = await UpstreamUnderTest.StartAsync("v1");
        var victimPort = FreePorts.Take(1)[0];
        await using var victim = ProgramUnderTest.Start("victim", Programs.Bookshop, ["ratings", "--port", $"{victimPort}"]);
        await victim.WaitForLineAsync("listening on", Cancel);
        var port = FreePorts.Take(1)[0];
        await using var mesh = await MeshUnderTest.StartAsync(
            ShopYaml.Join(ShopYaml.Gateway(port), ShopYaml.Web([survivor.Port, victimPort], [], balancer: "ROUND_ROBIN"), ShopYaml.AllTo("v1")), Cancel);
        var gateway = await mesh.StartGatewayAsync("ingress", Cancel);
        await using var load = await StartLoadAsync(port, "/healthz");

        // A stopped process holds what it was sent, and in its turn each connection of the load meets it: then nothing moves and the count is exact.
        await victim.SignalAsync("STOP");
        long inFlight = 0;
        await MeshUnderTest.UntilAsync(
            "every request to wait for the victim",
            async () => (inFlight = await OfEndpointAsync(gateway, victimPort, "rq_active")) == Connections,
            gateway.Program,
            Cancel);
        var connectedBefore = await ConnectedAsync(gateway, victimPort);
        await victim.KillAsync();
        await load.AfterAsync(Rate * 2, Cancel);
        var seen = await load.StopAsync();

        // A process does not die in an instant: what its kernel still took a connection for, while it closed the others, was in flight on it as well.
        inFlight += await ConnectedAsync(gateway, victimPort) - connectedBefore;
        // What was sent may have been acted on, so the mesh's own policy of retries leaves it; whatever comes later is tried elsewhere.
        Assert.True(seen.Failed <= inFlight, $"{inFlight} were in flight, failed were: {seen.Reasons}");
        Assert.InRange(inFlight, Connections, 2 * Connections);
        Assert.True(seen.HeldItsRate, $"only {seen.Sent} of {seen.Due} requests were sent");
        Assert.True(seen.Bodies.GetValueOrDefault("v1") > Rate, "the survivor took over");
    }

    /// <summary>Connections that an endpoint took, ever.</summary>
    private static async Task<long> ConnectedAsync(ProxyUnderTest proxy, int endpoint) =>
        await OfEndpointAsync(proxy, endpoint, "cx_total") - await OfEndpointAsync(proxy, endpoint, "cx_connect_fail");

    /// <summary>One of the counts that the proxy keeps of an endpoint, over all clusters.</summary>
    private static async Task<long> OfEndpointAsync(ProxyUnderTest proxy, int endpoint, string count)
    {
        var lines = (await proxy.AdminAsync("/clusters", Cancel)).Split('\n').Where(line => line.Contains($":{endpoint}::{count}::", StringComparison.Ordinal));
        return lines.Sum(line => long.Parse(line[(line.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture));
    }

    /// <summary>No request failed, each was answered by one of the versions that it may have met, and there were as many as promised.</summary>
    private static void AssertUnharmed(LoadResult seen, params string[] versions)
    {
        Assert.True(seen.Failed == 0, seen.Reasons);
        Assert.Equal(versions, seen.Bodies.Keys.Order());
        Assert.True(seen.HeldItsRate, $"only {seen.Sent} of {seen.Due} requests were sent");
    }

    private static async Task<SteadyLoad> StartLoadAsync(int port, string path = "/")
    {
        await UntilServingAsync(port);
        var load = SteadyLoad.Start(new Uri($"http://127.0.0.1:{port}{path}"), Rate, Connections);
        await load.AfterAsync(Rate / 2, Cancel);
        return load;
    }

    private static Task UntilServingAsync(int port) => UntilBodyAsync(port, null, null);

    private static async Task UntilBodyAsync(int port, string? body, ProgramUnderTest? asked)
    {
        using var client = new HttpClient();
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        var last = "nothing yet";
        try
        {
            while (true)
            {
                try
                {
                    using var response = await client.GetAsync($"http://127.0.0.1:{port}/healthz", Cancel);
                    last = await response.Content.ReadAsStringAsync(Cancel);
                    if (response.IsSuccessStatusCode && (body is null || last == body))
                    {
                        return;
                    }
                }
                catch (HttpRequestException failure)
                {
                    last = failure.Message;
                }

                await pace.WaitForNextTickAsync(Cancel);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"Port {port} never answered with '{body ?? "success"}'; last: {last}. {asked?.Output}");
        }
    }

    private static async Task<string> CurrentBodyAsync(int port)
    {
        using var client = new HttpClient();
        return await client.GetStringAsync($"http://127.0.0.1:{port}/", Cancel);
    }
}
