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
        await using var load = SteadyLoad.Start(new Uri($"http://127.0.0.1:{mesh.ForwardProxy}/"), 200, connections: 4, host: MtlsMesh.Host);
        await load.AfterAsync(100, Cancel);
        Assert.True(mesh.Http.Tap.Conversations.Last().IsTls);

        for (int turn = 0; turn < 3; turn++)
        {
            await ApplyAsync(unable, isTls: false);
            await ApplyAsync(able, isTls: true);
            await ApplyAsync(Policy("STRICT"), isTls: true);
            await ApplyAsync(Policy("PERMISSIVE"), isTls: true);
        }

        var result = await load.StopAsync();
        Assert.True(result.Failed == 0 && result.Bodies.Keys.SequenceEqual(["web"]), result.Reasons);
        Assert.True(result.Answered > 1000);

        async Task ApplyAsync(string yaml, bool isTls)
        {
            await mesh.Mesh.ApplyAsync(yaml, Cancel);
            await MeshUnderTest.UntilAsync(
                $"the client to speak {(isTls ? "mutual TLS" : "plaintext")}",
                async () =>
                {
                    await load.AfterAsync(20, Cancel);
                    return mesh.Http.Tap.Conversations.Last().IsTls == isTls;
                },
                mesh.Client.Program,
                Cancel);
        }
    }

    private static string Policy(string mode) =>
        $"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {{ name: default }}\nspec: {{ mtls: {{ mode: {mode} }} }}\n";
}
