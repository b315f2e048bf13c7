namespace Lateen.EndToEnd.Tests;

/// <summary><c>lateen proxy-config</c> on a running mesh.</summary>
public sealed class ProxyConfigTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Bootstrap_is_found_by_the_proxys_name_whatever_port_its_admin_pages_got()
    {
        await using var mesh = await MeshUnderTest.StartAsync(ShopYaml.Web([1], []), Cancel);
        await mesh.StartGatewayAsync("ingress", Cancel);
        await mesh.StartGatewayAsync("egress", Cancel);

        var shown = await mesh.CliAsync(Cancel, "proxy-config", "bootstrap", "ingress");

        // The file said port 0, so only the proxy itself could tell which port it was.
        Assert.Contains("router~127.0.0.1~ingress.default~", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("egress", shown, StringComparison.Ordinal);
        Assert.Contains("cluster_name: xds-grpc", shown, StringComparison.Ordinal);
    }
}
