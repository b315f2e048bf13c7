using Lateen.Cli.Demo;
using Lateen.Testing;

namespace Lateen.Cli.Tests;

/// <summary>What the demo's traffic calls a failure, against a storefront of one answer.</summary>
public sealed class TrafficGeneratorTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("HTTP/1.1 200 OK\r\nx-reviews-version: v2", false)]
    [InlineData("HTTP/1.1 200 OK\r\nx-reviews-version: none", true)]
    [InlineData("HTTP/1.1 200 OK", true)]
    [InlineData("HTTP/1.1 404 Not Found\r\nx-reviews-version: v1", true)]
    [InlineData("HTTP/1.1 503 Service Unavailable", true)]
    public async Task A_page_that_lacks_its_reviews_has_failed_whatever_its_status(string head, bool isFailure)
    {
        using var storefront = new CannedServer(head + "\r\ncontent-length: 0\r\n\r\n");
        using var traffic = new TrafficGenerator(storefront.Uri, storefront.Uri, "", 100, TimeProvider.System);

        Assert.Equal(!isFailure, await traffic.IsServingAsync(Cancel));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        var running = traffic.RunAsync(stop.Token);
        using (var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(5)))
        {
            while (traffic.Counts.Sent < 5)
            {
                await pace.WaitForNextTickAsync(Cancel);
            }
        }

        await stop.CancelAsync();
        await running;
        var (sent, failed, versions) = traffic.Counts;

        Assert.Equal(isFailure ? sent : 0, failed);
        Assert.Equal(head.Contains("none", StringComparison.Ordinal), versions.ContainsKey("none"));
    }
}
