using System.Net;
using System.Net.Http.Json;
using Envoy.Extensions.TransportSockets.Tls.V3;
using Lateen.ControlPlane.Api;
using Lateen.ControlPlane.Certificates;
using Lateen.Identity;
using Lateen.Identity.Signing;
using Lateen.Xds;
using Microsoft.Extensions.Time.Testing;
using static Lateen.ControlPlane.Tests.SecureClient;

namespace Lateen.ControlPlane.Tests;

public sealed class RootRotationTests
{
    private static readonly SpiffeId Web = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/web");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Root_is_replaced_when_proxies_have_it_and_dropped_when_nothing_of_it_is_left_across_restarts()
    {
        // 20 minutes off the real time at most: TLS itself reads the real clock.
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var plane = await TestPlane.StartSecureAsync(options => options with { Time = time });
        var old = await RootsAsync(plane);
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        using (var joining = Connect(plane, old, time: time)) await joining.SignAsync(key.CreateRequest(Web), (await TokenAsync(plane)).Token);
        await using var proxy = new FakeProxy(plane.XdsAddress, "web");
        bool isStubborn = true;
        proxy.Refuse = (type, resource) => type == XdsTypeUrls.Secret && isStubborn && Roots(resource) == 2 ? "not yet" : null;
        proxy.Subscribe(XdsTypeUrls.Secret, "ROOTCA");
        await proxy.UntilAsync(_ => proxy.Held("SDS", "ROOTCA") is { } held && Roots(held) == 1, Cancellation);

        Assert.Equal(HttpStatusCode.OK, await RotateAsync(plane));
        Assert.Equal(HttpStatusCode.Conflict, await RotateAsync(plane));
        await proxy.UntilAsync(_ => proxy.Held("SDS", "ROOTCA") is { } held && Roots(held) == 2, Cancellation);
        var status = await StatusAsync(plane);
        Assert.Equal(("distributing", 2), (status.Stage, status.Roots.Count));
        Assert.Equal(["web.shop"], status.Pending);
        Assert.Equal(old.Roots[0].Certificate.Subject, status.Signer);

        // Killed in the middle: the next start is in the same stage, with the same two roots.
        string[] roots = [.. status.Roots.Select(root => root.Fingerprint)];
        isStubborn = false;
        await plane.RestartAsync();
        Assert.Equal(roots.Order(), (await StatusAsync(plane)).Roots.Select(root => root.Fingerprint).Order());
        await UntilAsync(plane, time, "retiring");

        // Who has the old root only believes what the new one signs.
        using var next = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        using (var late = Connect(plane, old, time: time))
        {
            var (certificate, bundle) = await late.SignAsync(next.CreateRequest(Web), (await TokenAsync(plane)).Token);
            Assert.Equal(2, certificate.Chain.Length);
            Assert.True(old.Verify(certificate, time.GetUtcNow()).IsTrusted);
            Assert.True(bundle.Verify(certificate, time.GetUtcNow()).IsTrusted);
            Assert.Equal(2, bundle.Roots.Length);
        }

        await plane.RestartAsync();
        Assert.Equal("retiring", (await StatusAsync(plane)).Stage);
        time.Advance((await StatusAsync(plane)).FinishesAt!.Value - time.GetUtcNow());
        await UntilAsync(plane, time, "settled");
        await proxy.UntilAsync(_ => proxy.Held("SDS", "ROOTCA") is { } held && Roots(held) == 1, Cancellation);
        Assert.NotEqual(old, await RootsAsync(plane));
        Assert.DoesNotContain("PRIVATE KEY", string.Join('\n', plane.Log) + await plane.Http.GetStringAsync("api/v1/ca", Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_of_an_operator_are_taken_again_when_they_are_replaced_and_fit_together()
    {
        var now = TimeProvider.System.GetUtcNow();
        string directory = Directory.CreateTempSubdirectory("lateen-cacerts-").FullName;
        using var root = SigningAuthority.CreateRoot(TrustDomain.Default, now);
        using var first = SigningAuthority.CreateRoot(TrustDomain.Default, now);
        using var second = SigningAuthority.CreateRoot(TrustDomain.Default, now);
        var log = new List<string>();
        Write(directory, root, first, now);
        using var authority = GivenAuthority.Open(directory, new MeshTrustDomains(TrustDomain.Default), TimeProvider.System, log.Add);
        string before = authority.SigningCertificate.Thumbprint;
        Assert.False(authority.Refresh());

        // Half of the replacement is there: the certificate, and not its key.
        await File.WriteAllTextAsync(Path.Combine(directory, "ca-cert.pem"), root.CrossSign(second, now).ExportCertificatePem(), Cancellation);
        Assert.False(authority.Refresh());
        Assert.False(authority.Refresh());
        Assert.Single(log, line => line.Contains("does not belong to the certificate", StringComparison.Ordinal));
        Assert.Equal(before, authority.SigningCertificate.Thumbprint);

        Write(directory, root, second, now);
        Assert.True(authority.Refresh());
        Assert.NotEqual(before, authority.SigningCertificate.Thumbprint);
        File.Delete(Path.Combine(directory, "ca-key.pem"));
        Assert.False(authority.Refresh());
        Assert.Throws<IOException>(() => GivenAuthority.Open(directory, new MeshTrustDomains(TrustDomain.Default), TimeProvider.System, log.Add));
        Directory.Delete(directory, recursive: true);
    }

    private static void Write(string directory, SigningAuthority root, SigningAuthority signer, DateTimeOffset now)
    {
        using var certificate = root.CrossSign(signer, now);
        File.WriteAllText(Path.Combine(directory, "ca-cert.pem"), certificate.ExportCertificatePem());
        PrivateFile.Write(Path.Combine(directory, "ca-key.pem"), System.Text.Encoding.ASCII.GetBytes(signer.ExportPrivateKeyPem()));
        File.WriteAllText(Path.Combine(directory, "cert-chain.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(directory, "root-cert.pem"), root.Certificate.ExportCertificatePem());
    }

    private static async Task<HttpStatusCode> RotateAsync(TestPlane plane)
    {
        using var response = await plane.Http.PostAsJsonAsync("api/v1/ca/rotate", new RotateRequest(true), ApiJson.Default.RotateRequest, Cancellation);
        return response.StatusCode;
    }

    private static int Roots(XdsResource resource) =>
        resource.Parse(Secret.Parser).ValidationContext.TrustedCa.InlineBytes.ToStringUtf8().Split("BEGIN CERTIFICATE").Length - 1;

    /// <summary>The worker looks at proxies when they answer and at the clock every five seconds of it.</summary>
    private static async Task UntilAsync(TestPlane plane, FakeTimeProvider time, string stage)
    {
        while ((await StatusAsync(plane)).Stage is var now && now != stage)
        {
            Assert.True(!Cancellation.IsCancellationRequested, $"the rotation is {now}, not {stage}");
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Yield();
        }
    }
}
