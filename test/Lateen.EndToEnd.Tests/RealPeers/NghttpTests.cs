namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>nghttp2's own client and load generator, through ingress and sidecar.</summary>
[Collection(PeerTests.Name)]
public sealed class NghttpTests(PeerMesh mesh)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("http")]
    [InlineData("https")]
    public async Task nghttp_has_its_answer_over_HTTP_2(string scheme)
    {
        var output = await Tools.RunAsync("nghttp", "nghttp2-client", ["-v", Address(scheme, "/hello")], Cancel);

        Assert.Contains(":status: 200", output, StringComparison.Ordinal);
        Assert.Contains("GET /hello", output, StringComparison.Ordinal);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("http", 1000)]
    [InlineData("https", 1000)]
    public async Task h2load_has_every_request_answered(string scheme, int requests)
    {
        var output = await Tools.RunAsync("h2load", "nghttp2-client", ["-n", $"{requests}", "-c", "4", "-m", "20", Address(scheme, "/hello")], Cancel);

        Assert.Contains($"{requests} succeeded, 0 failed, 0 errored, 0 timeout", output, StringComparison.Ordinal);
        Assert.Contains($"status codes: {requests} 2xx", output, StringComparison.Ordinal);
    }

    private string Address(string scheme, string path) => (scheme == "https" ? mesh.Https(path) : mesh.Http(path)).ToString();
}
