namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>
/// Istio's modes by every level, with real proxies: what passes and what is refused on HTTP, TCP and undeclared ports, for a client with an identity
/// and for one without, and that clients follow each change: what passes the tap between the sidecars says in what they spoke.
/// </summary>
public sealed class PeerAuthenticationTests
{
    /// <summary>No request of HTTP begins like this, so that an undeclared port need not wait for the end of a line.</summary>
    private const string Hello = "\u0001hello";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 180_000)]
    [InlineData("mesh")]
    [InlineData("namespace")]
    [InlineData("workload")]
    [InlineData("port")]
    public async Task Each_mode_lets_in_what_Istios_lets_in_and_clients_follow(string level)
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        await ExpectAsync(mesh, "PERMISSIVE", "without a policy");
        foreach (string mode in (string[])["STRICT", "DISABLE", "PERMISSIVE", "STRICT", "UNSET", "DISABLE", "STRICT", "PERMISSIVE"])
        {
            await mesh.Mesh.ApplyAsync(Policy(mesh, level, mode), Cancel);
            await ExpectAsync(mesh, mode == "UNSET" ? "PERMISSIVE" : mode, $"{level} {mode}");
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Nearer_levels_override_farther_ones_and_unset_ones_do_not()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        await mesh.Mesh.ApplyAsync(Policy(mesh, "mesh", "STRICT"), Cancel);
        await mesh.Mesh.ApplyAsync(Policy(mesh, "namespace", "UNSET"), Cancel);
        await ExpectAsync(mesh, "STRICT", "the mesh's");
        await mesh.Mesh.ApplyAsync(Policy(mesh, "namespace", "DISABLE"), Cancel);
        await ExpectAsync(mesh, "DISABLE", "the namespace's");
        await mesh.Mesh.ApplyAsync(Policy(mesh, "workload", "PERMISSIVE"), Cancel);
        await ExpectAsync(mesh, "PERMISSIVE", "the workload's");
        await mesh.Mesh.CliAsync(Cancel, "delete", "peerauthentication", "workload");
        await mesh.Mesh.CliAsync(Cancel, "delete", "peerauthentication", "namespace");
        await MeshUnderTest.UntilAsync(
            "the policies to be gone", async () => await Caller.GetAsync(mesh.Http.Inbound, "/", "web", Cancel) == Caller.Refused, mesh.Mesh.ControlPlane, Cancel);
    }

    [Fact(Timeout = 120_000)]
    public async Task One_port_may_differ_from_the_rest_of_its_workload()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        await mesh.Mesh.ApplyAsync(
            $$"""
            apiVersion: security.istio.io/v1
            kind: PeerAuthentication
            metadata: { name: web }
            spec:
              selector: { matchLabels: { app: web } }
              mtls: { mode: STRICT }
              portLevelMtls: { {{mesh.Tcp.Inbound}}: { mode: DISABLE }, {{mesh.Tcp.Tap.Port}}: { mode: DISABLE } }
            """,
            Cancel);

        Assert.Equal(Caller.Refused, await Caller.GetAsync(mesh.Http.Inbound, "/", "web", Cancel));
        Assert.Equal(Hello, await Caller.EchoAsync(mesh.Tcp.Inbound, Hello, Cancel));
        Assert.StartsWith("HTTP/1.1 200", await mesh.GetAsync(Cancel), StringComparison.Ordinal);
        Assert.Equal(Hello, await Caller.EchoAsync(mesh.Tcp.Out, Hello, Cancel));
        Assert.True(mesh.Http.Tap.Conversations.Last().IsTls);
        Assert.False(mesh.Tcp.Tap.Conversations.Last().IsTls);
    }

    /// <summary>TLS that is not the mesh's: whom Istio's chains send on unopened, and whom they have no place for.</summary>
    [Fact(Timeout = 120_000)]
    public async Task Applications_own_tls_passes_where_bytes_pass_and_nobody_without_a_certificate_passes_strict()
    {
        string[][] foreign = [[], ["http/1.1"], ["h2", "http/1.1"], ["imap"]];
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        foreach (string mode in (string[])["PERMISSIVE", "DISABLE", "STRICT"])
        {
            await mesh.Mesh.ApplyAsync(Policy(mesh, "mesh", mode), Cancel);
            foreach (string[] protocols in foreign)
            {
                string when = $"{mode}, ALPN {string.Join(',', protocols)}";
                Assert.True((mode != "STRICT") == await Caller.IsTlsEchoedAsync(mesh.Tcp.Inbound, protocols, Cancel), $"{when}: TCP");
                Assert.True((mode != "STRICT") == await Caller.IsTlsEchoedAsync(mesh.AnyTcp.Inbound, protocols, Cancel), $"{when}: undeclared");
                Assert.True(await Caller.GetOverTlsAsync(mesh.Http.Inbound, protocols, Cancel) == Caller.Refused, $"{when}: HTTP");
                Assert.True(await Caller.GetOverTlsAsync(mesh.AnyHttp.Inbound, protocols, Cancel) == Caller.Refused, $"{when}: undeclared, to a server of plain HTTP");
            }

            // What says that it is the mesh's is taken as such, and without a certificate not at all.
            foreach (string protocol in (string[])["istio", "istio-http/1.1", "istio-h2"])
            {
                foreach (var way in new[] { mesh.Http, mesh.Tcp, mesh.AnyHttp, mesh.AnyTcp })
                {
                    string answer = await Caller.GetOverTlsAsync(way.Inbound, [protocol], Cancel);
                    Assert.True(answer == Caller.Refused, $"{mode}, ALPN {protocol}, port {way.Inbound}: {answer}");
                }
            }
        }

        // Nothing of that has hurt those who belong here.
        await ExpectAsync(mesh, "STRICT", "at the end");
    }

    private static async Task ExpectAsync(MtlsMesh mesh, string mode, string when)
    {
        // With an identity everything passes, in mutual TLS wherever the server takes it.
        bool isEncrypted = mode != "DISABLE";
        string answer = await mesh.GetAsync(Cancel);
        Assert.True(answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), $"{when}: HTTP with identity: {answer}\n{mesh.Client.Program.Output}\n{mesh.Server.Program.Output}");
        Assert.True(isEncrypted == answer.Contains($"URI={MtlsMesh.ClientIdentity}", StringComparison.Ordinal), $"{when}: the server was told {answer}");
        Assert.True(isEncrypted == mesh.Http.Tap.Conversations.Last().IsTls, $"{when}: HTTP");
        Assert.True(await Caller.EchoAsync(mesh.Tcp.Out, Hello, Cancel) == Hello, $"{when}: TCP with identity\n{mesh.Client.Program.Output}");
        Assert.True(isEncrypted == mesh.Tcp.Tap.Conversations.Last().IsTls, $"{when}: TCP");
        answer = await Caller.GetAsync(mesh.AnyHttp.Out, "/", MtlsMesh.Host, Cancel);
        Assert.True(answer.StartsWith("HTTP/1.1 200", StringComparison.Ordinal), $"{when}: undeclared HTTP with identity: {answer}");
        Assert.True(isEncrypted == answer.Contains($"URI={MtlsMesh.ClientIdentity}", StringComparison.Ordinal), $"{when}: the server was told {answer}");
        Assert.True(isEncrypted == mesh.AnyHttp.Tap.Conversations.Last().IsTls, $"{when}: undeclared HTTP");
        Assert.True(await Caller.EchoAsync(mesh.AnyTcp.Out, Hello, Cancel) == Hello, $"{when}: undeclared TCP with identity");
        Assert.True(isEncrypted == mesh.AnyTcp.Tap.Conversations.Last().IsTls, $"{when}: undeclared TCP");

        // Without one, plaintext passes where the server is not STRICT.
        bool isOpen = mode != "STRICT";
        Assert.True(isOpen == (await Caller.GetAsync(mesh.Http.Inbound, "/", "web", Cancel)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal), $"{when}: HTTP without identity");
        Assert.True(await Caller.EchoAsync(mesh.Tcp.Inbound, Hello, Cancel) == (isOpen ? Hello : Caller.Refused), $"{when}: TCP without identity");
        Assert.True(isOpen == (await Caller.GetAsync(mesh.AnyHttp.Inbound, "/", "web", Cancel)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal), $"{when}: undeclared HTTP without identity");
        Assert.True(await Caller.EchoAsync(mesh.AnyTcp.Inbound, Hello, Cancel) == (isOpen ? Hello : Caller.Refused), $"{when}: undeclared TCP without identity");
    }

    private static string Policy(MtlsMesh mesh, string level, string mode)
    {
        string ports = string.Join(", ", mesh.WorkloadPorts.Select(port => $"{port}: {{ mode: {mode} }}"));
        string spec = level switch
        {
            "workload" => $"{{ selector: {{ matchLabels: {{ app: web }} }}, mtls: {{ mode: {mode} }} }}",
            "port" => $"{{ selector: {{ matchLabels: {{ app: web }} }}, portLevelMtls: {{ {ports} }} }}",
            _ => $"{{ mtls: {{ mode: {mode} }} }}",
        };
        return $$"""
            apiVersion: security.istio.io/v1
            kind: PeerAuthentication
            metadata: { name: {{level}}, namespace: {{(level == "mesh" ? "istio-system" : "default")}} }
            spec: {{spec}}
            """;
    }
}
