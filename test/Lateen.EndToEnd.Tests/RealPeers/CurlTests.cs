using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>curl, as people have it, through ingress and sidecar.</summary>
[Collection(PeerTests.Name)]
public sealed class CurlTests(PeerMesh mesh)
{
    private const string What = "%{http_version} %{response_code} %{ssl_verify_result} %{size_download}";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("http", "--http1.1", "1.1")]
    [InlineData("http", "--http2", "1.1")] // Asks for an upgrade to h2c; RFC 9113 did away with it, so HTTP/1.1 goes on.
    [InlineData("http", "--http2-prior-knowledge", "2")]
    [InlineData("https", "--http1.1", "1.1")]
    [InlineData("https", "--http2", "2")]
    public async Task Each_version_of_HTTP_is_answered_in_its_own_and_reaches_the_server_as_HTTP_1(string scheme, string version, string answered)
    {
        var output = await CurlAsync(scheme, "/hello", [version, "-D", "-", "-w", $"\n{What}"]);

        Assert.Contains("GET /hello", output, StringComparison.Ordinal);
        Assert.Contains("x-upstream-protocol: HTTP/1.1", output, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith($"{answered} 200 0 10", output.Trim(), StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("http", "--http1.1")]
    [InlineData("http", "--http2-prior-knowledge")]
    [InlineData("https", "--http1.1")]
    [InlineData("https", "--http2")]
    public async Task A_body_of_5_MB_comes_back_as_it_went(string scheme, string version)
    {
        var folder = Directory.CreateTempSubdirectory("lateen-curl-").FullName;
        var (sent, received) = (Path.Combine(folder, "sent"), Path.Combine(folder, "received"));
        var bytes = new byte[5_000_000];
        new Random(5).NextBytes(bytes);
        await File.WriteAllBytesAsync(sent, bytes, Cancel);

        var output = await CurlAsync(scheme, "/echo", [version, "--data-binary", $"@{sent}", "-o", received, "-w", What]);

        Assert.EndsWith(" 200 0 5000000", output.Trim(), StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(received, Cancel));
        Directory.Delete(folder, recursive: true);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("tcp-plain")]
    [InlineData("own-plain")]
    public async Task HTTP_through_a_port_that_says_nothing_of_its_protocol_is_known_for_what_it_is(string gate)
    {
        var (before, byCallers) = (await RequestsOfAsync(mesh.Sidecar), await RequestsOfAsync(mesh.Callers));
        var output = await Tools.RunAsync("curl", "curl", ["-sS", "-w", " %{response_code}", $"http://127.0.0.1:{mesh.Port(gate)}/hello"], Cancel);

        Assert.Equal("GET /hello 200", output.Trim());
        // Bytes would have passed as bytes too; that a sidecar counted a request shows that it read them as HTTP.
        Assert.True(await RequestsOfAsync(mesh.Sidecar) > before);
        Assert.Equal(gate == "own-plain", await RequestsOfAsync(mesh.Callers) > byCallers);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("http", "--http1.1")]
    [InlineData("http", "--http2-prior-knowledge")]
    [InlineData("https", "--http2")]
    public async Task Events_of_an_endless_answer_are_seen_as_they_are_sent(string scheme, string version)
    {
        await using var curl = ProgramUnderTest.Start("curl", "curl", ["-sS", "-N", "--cacert", mesh.AuthorityFile, version, Address(scheme, "/events")]);

        for (var number = 1; number <= 3; number++)
        {
            await curl.WaitForLineAsync($"data: {number}", Cancel);
        }

        Assert.False(curl.HasExited);
    }

    private static async Task<long> RequestsOfAsync(ProxyUnderTest sidecar)
    {
        var page = await sidecar.AdminAsync("/stats/prometheus?filter=istio_requests_total", Cancel);
        return page.Split('\n').Where(line => line.StartsWith("istio_requests_total{", StringComparison.Ordinal))
            .Sum(line => long.Parse(line[(line.LastIndexOf(' ') + 1)..]));
    }

    private Task<string> CurlAsync(string scheme, string path, string[] arguments) =>
        Tools.RunAsync("curl", "curl", ["-sS", "--cacert", mesh.AuthorityFile, .. arguments, Address(scheme, path)], Cancel);

    private string Address(string scheme, string path) => (scheme == "https" ? mesh.Https(path) : mesh.Http(path)).ToString();
}
