using Lateen.Testing;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>Clients follow what endpoints and policies say of mutual TLS, and no request is lost by it. How fast they do is measured in bench/footprint.sh.</summary>
public sealed class MutualTlsFollowsTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task No_request_fails_when_an_endpoint_gains_or_loses_mutual_TLS_and_when_it_becomes_STRICT()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        string able = mesh.Service("web"), unable = able.Replace(", security.istio.io/tlsMode: istio", "", StringComparison.Ordinal);
        Assert.NotEqual(able, unable);
        await using var load = await LoadAsync(mesh);

        for (int turn = 0; turn < 3; turn++)
        {
            await ApplyAsync(mesh, load, unable, isTls: false);
            await ApplyAsync(mesh, load, able, isTls: true);
            await ApplyAsync(mesh, load, Policy("STRICT"), isTls: true);
            await ApplyAsync(mesh, load, Policy("PERMISSIVE"), isTls: true);
        }

        await AssertNoneFailedAsync(load);
    }

    [Fact(Timeout = 180_000)]
    public async Task No_request_fails_when_a_server_is_told_DISABLE_while_a_rule_keeps_its_clients_from_mutual_TLS()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel);
        await using var load = await LoadAsync(mesh);

        for (int turn = 0; turn < 3; turn++)
        {
            await ApplyAsync(mesh, load, Rule, isTls: false);
            await ApplyAsync(mesh, load, Policy("DISABLE"), isTls: false);
            await ApplyAsync(mesh, load, Policy("PERMISSIVE"), isTls: false);
            await mesh.Mesh.CliAsync(Cancel, "delete", "destinationrule", "web");
            await UntilAsync(mesh, load, isTls: true);
        }

        await AssertNoneFailedAsync(load);
    }

    private static async Task<SteadyLoad> LoadAsync(MtlsMesh mesh)
    {
        var load = SteadyLoad.Start(new Uri($"http://127.0.0.1:{mesh.ForwardProxy}/"), 200, connections: 4, host: MtlsMesh.Host);
        await load.AfterAsync(100, Cancel);
        Assert.True(mesh.Http.Tap.Conversations.Last().IsTls);
        return load;
    }

    private static async Task ApplyAsync(MtlsMesh mesh, SteadyLoad load, string yaml, bool isTls)
    {
        await mesh.Mesh.ApplyAsync(yaml, Cancel);
        await UntilAsync(mesh, load, isTls);
    }

    private static Task UntilAsync(MtlsMesh mesh, SteadyLoad load, bool isTls) => MeshUnderTest.UntilAsync(
        $"the client to speak {(isTls ? "mutual TLS" : "plaintext")}",
        async () =>
        {
            await load.AfterAsync(20, Cancel);
            return mesh.Http.Tap.Conversations.Last().IsTls == isTls;
        },
        mesh.Client.Program,
        Cancel);

    private static async Task AssertNoneFailedAsync(SteadyLoad load)
    {
        var result = await load.StopAsync();
        Assert.True(result.Failed == 0 && result.Bodies.Keys.SequenceEqual(["web"]), result.Reasons);
        Assert.True(result.Answered > 500);
    }

    private const string Rule = """
        apiVersion: networking.istio.io/v1
        kind: DestinationRule
        metadata: { name: web }
        spec: { host: web, trafficPolicy: { tls: { mode: DISABLE } } }

        """;

    private static string Policy(string mode) =>
        $"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{ name: default }}\nspec: {{ mtls: {{ mode: {mode} }} }}\n";
}
