using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.RealPeers;

/// <summary>openssl s_client looks at the ingress's TLS.</summary>
[Collection(PeerTests.Name)]
public sealed class OpenSslTests(PeerMesh mesh)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("-tls1_3", "TLSv1.3")]
    [InlineData("-tls1_2", "TLSv1.2")]
    public async Task Rfc9113_3_2_ALPN_chooses_HTTP_2_and_the_chain_verifies(string option, string version)
    {
        var output = await ConnectAsync("https", "web.example", option, "-alpn", "h2,http/1.1");

        Assert.Contains("Verify return code: 0 (ok)", output, StringComparison.Ordinal);
        Assert.Contains("ALPN protocol: h2", output, StringComparison.Ordinal);
        Assert.Contains($"{version}, Cipher is", output, StringComparison.Ordinal);
        Assert.Contains("CN = web.example", output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_session_is_resumed()
    {
        var output = await ConnectAsync("https", "web.example", "-tls1_2", "-reconnect");

        Assert.Contains("Reused, TLSv1.2", output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task TLS_that_passes_through_shows_the_servers_own_certificate()
    {
        var output = await ConnectAsync("pass", "secure.example", "-alpn", "http/1.1");

        Assert.Contains("CN = secure.example", output, StringComparison.Ordinal);
        Assert.Contains("Verify return code: 0 (ok)", output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_speaks_first_is_heard_behind_TLS()
    {
        Assert.SkipWhen(Tools.WhyWithout("openssl", "openssl") is not null, Tools.WhyWithout("openssl", "openssl") ?? "");
        await using var client = ProgramUnderTest.Start("openssl", "openssl", ["s_client", "-quiet", .. Common("tls-mail", "mail.example")]);

        // It says nothing itself and stays until the server has done with it.
        await client.WaitForLineAsync(BannerServer.Banner.Trim(), Cancel);
    }

    private Task<string> ConnectAsync(string gate, string name, params string[] options) =>
        Tools.RunAsync("openssl", "openssl", ["s_client", .. Common(gate, name), .. options], Cancel);

    private string[] Common(string gate, string name) =>
        ["-connect", $"127.0.0.1:{mesh.Port(gate)}", "-servername", name, "-CAfile", mesh.AuthorityFile, "-verify_return_error"];
}
