using Grpc.Core;
using Lateen.Identity;
using Microsoft.Extensions.Time.Testing;
using static Lateen.ControlPlane.Tests.SecureClient;

namespace Lateen.ControlPlane.Tests;

/// <summary>Streams of xDS whose proxies have proved who they are: how long the proof is good for, and in which trust domains.</summary>
public sealed class ProvenStreamTests
{
    private static readonly SpiffeId Web = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/web");
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(12);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stream_ends_with_the_certificate_that_it_began_with_and_another_begins_with_the_renewed_one()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var plane = await TestPlane.StartSecureAsync(options => options with { Time = time });
        var roots = await RootsAsync(plane);
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        using var joining = Connect(plane, roots, time: time);
        var (certificate, _) = await joining.SignAsync(key.CreateRequest(Web), (await TokenAsync(plane)).Token, (long)Life.TotalSeconds);
        using var workload = Connect(plane, roots, key, certificate, time);
        using var stream = workload.Stream();
        await stream.RequestStream.WriteAsync(RootsOf("shop", "web"), Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));

        time.Advance(Life / 2);
        using var nextKey = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        var (renewed, _) = await workload.SignAsync(nextKey.CreateRequest(Web), seconds: (long)Life.TotalSeconds);
        // Half a minute before the end the stream is as it was: it takes another request, and answers.
        time.Advance((Life / 2) - TimeSpan.FromSeconds(30));
        var more = RootsOf("shop", "web");
        more.TypeUrl = Xds.XdsTypeUrls.Cluster;
        more.ResourceNamesSubscribe.Clear();
        more.ResourceNamesSubscribe.Add("*");
        await stream.RequestStream.WriteAsync(more, Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        var pending = stream.ResponseStream.MoveNext(Cancellation);
        Assert.False(pending.IsCompleted);

        time.Advance(TimeSpan.FromSeconds(31));
        var end = await Assert.ThrowsAsync<RpcException>(() => pending);
        Assert.Equal(StatusCode.Unavailable, end.StatusCode);
        Assert.Contains("has ended", end.Status.Detail, StringComparison.Ordinal);
        Assert.Contains(plane.Log, line => line.Contains("disconnected: the certificate of", StringComparison.Ordinal));

        // The connection is spent: what ended proves nothing on it, and another one cannot be had with it.
        using var late = workload.Stream();
        Assert.NotEqual(StatusCode.OK, (await Assert.ThrowsAsync<RpcException>(() => late.ResponseStream.MoveNext(Cancellation))).StatusCode);
        using var again = Connect(plane, roots, nextKey, renewed, time);
        using var following = again.Stream();
        await following.RequestStream.WriteAsync(RootsOf("shop", "web"), Cancellation);
        Assert.True(await following.ResponseStream.MoveNext(Cancellation));
    }

    [Fact(Timeout = 60_000)]
    public async Task Stream_that_has_not_said_a_word_ends_with_its_certificate_too()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var plane = await TestPlane.StartSecureAsync(options => options with { Time = time });
        var roots = await RootsAsync(plane);
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        using var joining = Connect(plane, roots, time: time);
        var (certificate, _) = await joining.SignAsync(key.CreateRequest(Web), (await TokenAsync(plane)).Token, (long)Life.TotalSeconds);
        using var workload = Connect(plane, roots, key, certificate, time);
        using var stream = workload.Stream();
        // They come before the first request, and with them the stream has begun.
        await stream.ResponseHeadersAsync;

        time.Advance(Life + TimeSpan.FromSeconds(1));
        var end = await Assert.ThrowsAsync<RpcException>(() => stream.ResponseStream.MoveNext(Cancellation));
        Assert.Equal(StatusCode.Unavailable, end.StatusCode);
    }

    [Fact(Timeout = 120_000)]
    public async Task Mesh_that_changes_its_name_keeps_its_keys_and_serves_and_renews_who_still_has_the_old_one_as_long_as_that_is_an_alias()
    {
        await using var plane = await TestPlane.StartSecureAsync();
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        var before = await RootsAsync(plane);
        using (var joining = Connect(plane, before))
        {
            var (certificate, _) = await joining.SignAsync(key.CreateRequest(Web), (await TokenAsync(plane)).Token);
            await NameAsync(plane, "trustDomain: new.example\ntrustDomainAliases: [cluster.local, other.example]\n");
            await plane.RestartAsync();

            var roots = await RootsAsync(plane);
            Assert.Equal("new.example", roots.TrustDomains[0].Name);
            Assert.Equal(before.Roots[0].Fingerprint, roots.Roots[0].Fingerprint);
            using (var old = Connect(plane, roots, key, certificate))
            {
                using var stream = old.Stream();
                await stream.RequestStream.WriteAsync(RootsOf("shop", "web"), Cancellation);
                Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
                Assert.Equal(Web, (await old.SignAsync(key.CreateRequest(Web))).Certificate.Identity);
                // It is who it is, and not who it will be.
                Assert.Equal(StatusCode.PermissionDenied, (await old.RefusalAsync(key.CreateRequest(SpiffeId.Parse("spiffe://new.example/ns/shop/sa/web")))).StatusCode);
            }

            // Who joins gets the new name, and no other.
            using var newcomer = Connect(plane, roots);
            var token = await TokenAsync(plane);
            Assert.Equal(StatusCode.PermissionDenied, (await newcomer.RefusalAsync(key.CreateRequest(Web), token.Token)).StatusCode);
            Assert.Equal("new.example", (await newcomer.SignAsync(key.CreateRequest(SpiffeId.Parse("spiffe://new.example/ns/shop/sa/web")), token.Token)).Certificate.Identity.TrustDomain.Name);

            // Without the alias, as soon as the file is read: the old name is a stranger's.
            await NameAsync(plane, "trustDomain: new.example\n");
            while (!plane.Log.Any(static line => line.StartsWith("refused the handshake", StringComparison.Ordinal)
                && line.Contains($"{Web} is of another trust domain than new.example", StringComparison.Ordinal)))
            {
                using var old = Connect(plane, roots, key, certificate);
                await Task.WhenAny(old.SignAsync(key.CreateRequest(Web)));
            }
        }
    }

    [Fact]
    public async Task Authority_of_another_name_that_is_no_alias_stops_the_start()
    {
        await using var plane = await TestPlane.StartSecureAsync();
        await NameAsync(plane, "trustDomain: new.example\n");
        Assert.Contains("name the old one among trustDomainAliases", (await Assert.ThrowsAsync<IOException>(plane.RestartAsync)).Message, StringComparison.Ordinal);
    }

    private static Task NameAsync(TestPlane plane, string settings) => File.WriteAllTextAsync(
        Path.Combine(plane.Configuration, "mesh.yaml"), $"apiVersion: mesh.istio.io/v1alpha1\nkind: MeshConfig\n{settings}", Cancellation);
}
