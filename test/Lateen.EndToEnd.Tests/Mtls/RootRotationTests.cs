using System.Text.Json;
using System.Text.Json.Nodes;

namespace Lateen.EndToEnd.Tests.Mtls;

/// <summary>The root of trust is replaced in a running mesh, from the command to the last stage.</summary>
public sealed class RootRotationTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>
    /// The old root is dropped when its last leaf has ended by any clock, which takes 10 minutes beyond the shortest life of a leaf. Here the control plane is killed when no
    /// sidecar shows such a leaf any more, the moment is moved in the file that it keeps, and it starts on that file: so the stage that needs time needs none, and a kill in
    /// the middle of it is in the same test.
    /// </summary>
    [Fact(Timeout = 300_000)]
    public async Task Root_is_replaced_to_the_end_under_traffic_and_nothing_fails()
    {
        await using var mesh = await MtlsMesh.StartAsync(Cancel, identities: new IdentityOptions(CertificateLifetime: "1m"));
        string old = Assert.Single(await RootsAsync(mesh));
        await using var traffic = new ConstantTraffic(mesh);
        await traffic.MoreAsync(25, Cancel);

        await mesh.Mesh.CliAsync(Cancel, "ca", "rotate", "--root");
        await UntilStageAsync(mesh, "retiring");
        string[] both = await RootsAsync(mesh);
        Assert.Equal(2, both.Length);
        string next = Assert.Single(both, root => root != old);
        // Both sidecars renew: from now on they show what the new root has signed, and the old one vouches for.
        var shown = await SerialsAsync(mesh);
        await UntilRenewedAsync(mesh, shown);
        await traffic.MoreAsync(25, Cancel);

        await mesh.Mesh.ControlPlane.KillAsync();
        LetTheLastLeafHaveEnded(Path.Combine(mesh.Mesh.ConfigFolder, ".lateen", "ca", "authority.json"));
        await mesh.Mesh.StartControlPlaneAsync(Cancel);
        await UntilStageAsync(mesh, "settled");
        Assert.Equal([next], await RootsAsync(mesh));
        await MeshUnderTest.UntilAsync(
            "both sidecars to have dropped the old root",
            async () => (await RootsOfAsync(mesh.Client)) == 1 && (await RootsOfAsync(mesh.Server)) == 1, mesh.Client.Program, Cancel);
        await traffic.MoreAsync(50, Cancel);
        // Once more: what the new root alone has signed.
        shown = await SerialsAsync(mesh);
        await UntilRenewedAsync(mesh, shown);
        await traffic.MoreAsync(50, Cancel);

        Assert.Empty(traffic.Failures);
    }

    private static async Task UntilStageAsync(MtlsMesh mesh, string stage) => await MeshUnderTest.UntilAsync(
        $"the rotation to be {stage}", async () => (await StatusAsync(mesh)).GetProperty("stage").GetString() == stage, mesh.Mesh.ControlPlane, Cancel);

    private static async Task UntilRenewedAsync(MtlsMesh mesh, string[] shown)
    {
        Assert.Equal(2, shown.Length);
        await MeshUnderTest.UntilAsync(
            "both sidecars to have renewed", async () => await SerialsAsync(mesh) is { Length: 2 } now && !now.Intersect(shown).Any(), mesh.Client.Program, Cancel);
    }

    private static async Task<JsonElement> StatusAsync(MtlsMesh mesh)
    {
        using var status = JsonDocument.Parse(await mesh.Mesh.CliAsync(Cancel, "ca", "status", "-o", "json"));
        return status.RootElement.Clone();
    }

    /// <summary>Fingerprints of the roots that the control plane has the mesh trust.</summary>
    private static async Task<string[]> RootsAsync(MtlsMesh mesh) =>
        [.. (await StatusAsync(mesh)).GetProperty("roots").EnumerateArray().Select(static root => root.GetProperty("fingerprint").GetString()!)];

    /// <summary>Of the leaves that the two sidecars show.</summary>
    private static async Task<string[]> SerialsAsync(MtlsMesh mesh) =>
        [.. (await CertificatesAsync(mesh.Client, "cert_chain")).Take(1), .. (await CertificatesAsync(mesh.Server, "cert_chain")).Take(1)];

    private static async Task<int> RootsOfAsync(ProxyUnderTest proxy) => (await CertificatesAsync(proxy, "ca_cert")).Distinct().Count();

    /// <summary>Serial numbers of the certificates of one kind that a proxy uses.</summary>
    private static async Task<IEnumerable<string>> CertificatesAsync(ProxyUnderTest proxy, string kind)
    {
        using var page = JsonDocument.Parse(await proxy.AdminAsync("/certs", Cancel));
        return
        [
            .. page.RootElement.GetProperty("certificates").EnumerateArray()
                .SelectMany(one => one.TryGetProperty(kind, out var listed) ? listed.EnumerateArray() : default).Select(static certificate => certificate.GetProperty("serial_number").GetString()!),
        ];
    }

    private static void LetTheLastLeafHaveEnded(string file)
    {
        var state = JsonNode.Parse(File.ReadAllText(file))!.AsObject();
        Assert.NotNull(state["otherIssuedUntil"]);
        state["otherIssuedUntil"] = TimeProvider.System.GetUtcNow().AddHours(-1);
        // In place: the file keeps its mode, without which the control plane refuses it.
        File.WriteAllText(file, state.ToJsonString());
    }
}
