using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lateen.EndToEnd.Tests.RealPeers;
using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>What stands on the wire between sidecars, who they take each other for, and what a stranger gets.</summary>
public sealed class MutualTlsTests
{
    private const string AccessLog = """
        apiVersion: mesh.istio.io/v1alpha1
        kind: MeshConfig
        accessLogFile: /dev/stdout

        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Nobody_between_the_sidecars_reads_what_they_say()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        const string Secret = "/a-secret-that-nobody-may-read";
        Assert.Contains($"x-seen-path: {Secret}", await mesh.GetAsync(Cancel, Secret), StringComparison.Ordinal);
        Assert.Equal(Secret, await Caller.EchoAsync(mesh.Tcp.Out, Secret, Cancel));
        foreach (var way in new[] { mesh.Http, mesh.Tcp })
        {
            Assert.NotEmpty(way.Tap.Everything);
            Assert.Equal(-1, way.Tap.Everything.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Secret)));
        }

        // The same eyes do see what is in the clear.
        await mesh.Mesh.ApplyAsync("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: off }\nspec: { mtls: { mode: DISABLE } }\n", Cancel);
        Assert.Contains($"x-seen-path: {Secret}", await mesh.GetAsync(Cancel, Secret), StringComparison.Ordinal);
        Assert.NotEqual(-1, mesh.Http.Tap.Everything.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Secret)));
    }

    [Fact(Timeout = 120_000)]
    public async Task Sidecar_shows_a_certificate_for_its_own_identity()
    {
        Assert.SkipWhen(Tools.WhyWithout("openssl", "openssl") is not null, Tools.WhyWithout("openssl", "openssl") ?? "");
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        var (_, output) = await ProgramUnderTest.RunAsync("openssl", ["s_client", "-connect", $"127.0.0.1:{mesh.Http.Inbound}", "-alpn", "istio-http/1.1,istio", "-showcerts"], Cancel);

        using var certificate = X509Certificate2.CreateFromPem(output.AsSpan(output.IndexOf("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal)));
        string names = certificate.Extensions.Single(static extension => extension.Oid?.Value == "2.5.29.17").Format(multiLine: false);
        Assert.Contains(MtlsMesh.ServerIdentity, names, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Foreign_certificate_is_refused_and_the_access_log_says_why()
    {
        Assert.SkipWhen(Tools.WhyWithout("openssl", "openssl") is not null, Tools.WhyWithout("openssl", "openssl") ?? "");
        await using var mesh = await MtlsMesh.StartAsync(Cancel, AccessLog);
        using var foreign = new TestAuthority();
        var (certificate, key) = foreign.Issue("intruder.example");
        string folder = Directory.CreateTempSubdirectory("lateen-foreign-").FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "c.pem"), certificate, Cancel);
        await File.WriteAllTextAsync(Path.Combine(folder, "k.pem"), key, Cancel);

        await using var intruder = ProgramUnderTest.Start(
            "openssl", "openssl",
            [
                "s_client", "-quiet", "-connect", $"127.0.0.1:{mesh.Http.Inbound}", "-alpn", "istio-http/1.1,istio",
                "-cert", Path.Combine(folder, "c.pem"), "-key", Path.Combine(folder, "k.pem"),
            ]);

        string line = await mesh.Server.Program.WaitForLineAsync("TLS_error:", Cancel);
        Assert.Contains(" DPE ", line, StringComparison.Ordinal);
        Assert.Contains("certificate", line, StringComparison.OrdinalIgnoreCase);
        Directory.Delete(folder, recursive: true);
    }

    [Fact(Timeout = 120_000)]
    public async Task Client_without_any_certificate_is_refused_by_the_meshs_TLS()
    {
        Assert.SkipWhen(Tools.WhyWithout("openssl", "openssl") is not null, Tools.WhyWithout("openssl", "openssl") ?? "");
        await using var mesh = await MtlsMesh.StartAsync(Cancel, AccessLog);
        await using var intruder = ProgramUnderTest.Start(
            "openssl", "openssl", ["s_client", "-quiet", "-connect", $"127.0.0.1:{mesh.Http.Inbound}", "-alpn", "istio-http/1.1,istio"]);
        Assert.Contains(" DPE ", await mesh.Server.Program.WaitForLineAsync("TLS_error:", Cancel), StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Server_that_is_of_another_account_than_its_endpoint_says_is_not_spoken_to()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        Assert.StartsWith("HTTP/1.1 200", await mesh.GetAsync(Cancel), StringComparison.Ordinal);
        await mesh.Mesh.ApplyAsync(mesh.Service("somebody-else"), Cancel);

        string answer = await mesh.GetAsync(Cancel);
        Assert.StartsWith("HTTP/1.1 503", answer, StringComparison.Ordinal);
        Assert.Contains("TLS_error:", answer, StringComparison.Ordinal);
        Assert.Equal(Caller.Refused, await Caller.EchoAsync(mesh.Tcp.Out, "hello", Cancel));
    }

    [Fact(Timeout = 120_000)]
    public async Task DestinationRule_goes_before_what_the_server_takes_and_a_conflict_is_a_warning()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        await mesh.Mesh.ApplyAsync(Rule("DISABLE"), Cancel);
        Assert.StartsWith("HTTP/1.1 200", await mesh.GetAsync(Cancel), StringComparison.Ordinal);
        Assert.False(mesh.Http.Tap.Conversations.Last().IsTls);

        await mesh.Mesh.ApplyAsync("apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: { name: strict }\nspec: { mtls: { mode: STRICT } }\n", Cancel);
        // A connection from before the change may serve one more request, which tells it to close; the next is refused.
        await MeshUnderTest.UntilAsync(
            "plaintext to be refused", async () => (await mesh.GetAsync(Cancel)).StartsWith("HTTP/1.1 503", StringComparison.Ordinal), mesh.Client.Program, Cancel);

        await mesh.Mesh.ApplyAsync(Rule("ISTIO_MUTUAL"), Cancel);
        Assert.StartsWith("HTTP/1.1 200", await mesh.GetAsync(Cancel), StringComparison.Ordinal);
        Assert.True(mesh.Http.Tap.Conversations.Last().IsTls);
    }

    private static string Rule(string mode) => $$"""
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { name: web }
        spec: { host: web, trafficPolicy: { tls: { mode: {{mode}} } } }
        """;
}
