using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Lateen.ControlPlane.Api;
using Lateen.Identity;
using static Lateen.ControlPlane.Tests.SecureClient;

namespace Lateen.ControlPlane.Tests;

public sealed class CertificateServingTests
{
    private static readonly SpiffeId Web = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/web");
    private static readonly SpiffeId Admin = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/admin");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(KeyAlgorithm.EcdsaP256)]
    [InlineData(KeyAlgorithm.Rsa2048)]
    public async Task Workload_joins_by_token_renews_by_certificate_and_is_served_what_is_its_own(KeyAlgorithm algorithm)
    {
        await using var plane = await TestPlane.StartSecureAsync();
        var roots = await RootsAsync(plane);
        var token = await TokenAsync(plane);
        using var key = WorkloadKey.Create(algorithm);
        using var stranger = Connect(plane, roots);

        var (certificate, bundle) = await stranger.SignAsync(key.CreateRequest(Web), token.Token);
        Assert.Equal(roots, bundle);
        Assert.Equal(Web, bundle.Verify(certificate, TimeProvider.System.GetUtcNow()).Identity);
        Assert.True(key.Matches(certificate.Leaf));

        using var workload = Connect(plane, bundle, key, certificate);
        using var next = WorkloadKey.Create(algorithm);
        var (renewed, _) = await workload.SignAsync(next.CreateRequest(Web));
        Assert.Equal(Web, renewed.Identity);
        Assert.NotEqual(certificate.SerialNumber, renewed.SerialNumber);

        using var stream = workload.Stream();
        await stream.RequestStream.WriteAsync(RootsOf("shop", "web"), Cancellation);
        Assert.True(await stream.ResponseStream.MoveNext(Cancellation));
        Assert.Equal("ROOTCA", Assert.Single(stream.ResponseStream.Current.Resources).Name);

        Assert.Single(plane.Log, line => line.Contains($"issued {Web}", StringComparison.Ordinal) && line.Contains($"join token {token.Id}, serial {certificate.SerialNumber}", StringComparison.Ordinal));
        Assert.Single(plane.Log, line => line.Contains("by certificate, serial", StringComparison.Ordinal));
        Assert.All(plane.Log, line => Assert.DoesNotContain(token.Token, line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Token_admits_once_also_after_a_restart_and_only_whom_it_is_for()
    {
        await using var plane = await TestPlane.StartSecureAsync();
        var token = await TokenAsync(plane);
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        using (var client = Connect(plane, await RootsAsync(plane)))
        {
            Assert.Equal(StatusCode.PermissionDenied, (await client.RefusalAsync(key.CreateRequest(Admin), token.Token)).StatusCode);
            await client.SignAsync(key.CreateRequest(Web), token.Token);
            Assert.Equal(new Status(StatusCode.Unauthenticated, "unauthenticated").ToString(), (await client.RefusalAsync(key.CreateRequest(Web), token.Token)).ToString());
        }

        var before = await RootsAsync(plane);
        await plane.RestartAsync();
        Assert.Equal(before, await RootsAsync(plane));
        using var again = Connect(plane, before);
        Assert.Equal(StatusCode.Unauthenticated, (await again.RefusalAsync(key.CreateRequest(Web), token.Token)).StatusCode);
        Assert.Contains(plane.Log, line => line.Contains($"join token {token.Id}: it is used up", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Unknown_callers_and_wishes_beyond_the_own_identity_are_refused_without_detail_and_leave_a_line()
    {
        await using var plane = await TestPlane.StartSecureAsync();
        var roots = await RootsAsync(plane);
        var token = await TokenAsync(plane, uses: 100);
        using var client = Connect(plane, roots);
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        string good = key.CreateRequest(Web);
        using var strong = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var odd = ECDsa.Create(ECCurve.CreateFromFriendlyName("brainpoolP256r1"));
        using var weak = RSA.Create(1024);
        (string Csr, string? Token, long Seconds, StatusCode Code, string Line)[] refused =
        [
            (good, null, 0, StatusCode.Unauthenticated, "neither a certificate nor a token"),
            (good, "nonsense", 0, StatusCode.Unauthenticated, "neither a join token nor of an issuer"),
            (good, token.Token[..^3] + "AAA", 0, StatusCode.Unauthenticated, "its secret is wrong"),
            (good, new string('x', 20_000), 0, StatusCode.Unauthenticated, "neither a certificate nor a token"),
            (key.CreateRequest(Admin), token.Token, 0, StatusCode.PermissionDenied, "which is not the caller"),
            (key.CreateRequest(SpiffeId.Parse("spiffe://evil.example/ns/shop/sa/web")), token.Token, 0, StatusCode.PermissionDenied, "another trust domain"),
            ("", token.Token, 0, StatusCode.InvalidArgument, "there is no request"),
            (good[..200], token.Token, 0, StatusCode.InvalidArgument, "no CERTIFICATE REQUEST"),
            (good + new string('\n', 40_000), token.Token, 0, StatusCode.InvalidArgument, "is the most"),
            (good, token.Token, 91 * 24 * 3600, StatusCode.InvalidArgument, "is the most"),
            (Request(new("O=shop", strong, HashAlgorithmName.SHA256), "bank.shop.svc"), token.Token, 0, StatusCode.InvalidArgument, "names beside one identity"),
            (Request(new("O=shop", odd, HashAlgorithmName.SHA256)), token.Token, 0, StatusCode.InvalidArgument, "none of P-256"),
            (Request(new("O=shop", weak, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)), token.Token, 0, StatusCode.InvalidArgument, "1024 bits"),
        ];
        foreach (var (csr, shown, seconds, code, line) in refused)
        {
            int lines = plane.Log.Length;
            var status = await client.RefusalAsync(csr, shown, seconds);
            Assert.Equal(code, status.StatusCode);
            Assert.Contains(plane.Log[lines..], said => said.StartsWith("ca: refused ipv4:127.0.0.1:", StringComparison.Ordinal) && said.Contains(line, StringComparison.Ordinal));
            Assert.DoesNotContain(line, status.Detail, StringComparison.Ordinal);
        }

        Assert.Equal(StatusCode.ResourceExhausted, (await client.RefusalAsync(new string('x', 100_000), token.Token)).StatusCode);
        await client.SignAsync(good, token.Token);
        string metrics = await plane.Http.GetStringAsync("metrics", Cancellation);
        Assert.Contains("citadel_server_authentication_failure_count 4\n", metrics, StringComparison.Ordinal);
        Assert.Contains("citadel_server_csr_parsing_err_count 7\n", metrics, StringComparison.Ordinal);
        Assert.Contains("citadel_server_success_cert_issuance_count 1\n", metrics, StringComparison.Ordinal);
    }

    /// <summary>A request for the identity of <see cref="Web"/>, and for a name of DNS beside it.</summary>
    private static string Request(CertificateRequest request, string? dns = null)
    {
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(Web.Uri));
        if (dns is not null) names.AddDnsName(dns);
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSigningRequestPem();
    }

    [Fact]
    public async Task Proxy_with_a_certificate_is_not_served_as_another_and_one_without_is_not_served_at_all()
    {
        await using var plane = await TestPlane.StartSecureAsync();
        var roots = await RootsAsync(plane);
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        using var stranger = Connect(plane, roots);
        var (certificate, _) = await stranger.SignAsync(key.CreateRequest(Web), (await TokenAsync(plane)).Token);
        Assert.Equal(StatusCode.Unauthenticated, await EndOfAsync(stranger, "shop", "web"));

        using var workload = Connect(plane, roots, key, certificate);
        Assert.Equal(StatusCode.PermissionDenied, await EndOfAsync(workload, "bank", "web"));
        Assert.Equal(StatusCode.PermissionDenied, await EndOfAsync(workload, "shop", "admin"));
        Assert.Equal(StatusCode.PermissionDenied, await EndOfAsync(workload, "shop", ""));
        Assert.Contains(plane.Log, line => line.StartsWith("denied a stream", StringComparison.Ordinal) && line.Contains("metadata NAMESPACE", StringComparison.Ordinal));
        Assert.Contains(plane.Log, line => line.StartsWith("denied a stream", StringComparison.Ordinal) && line.Contains("metadata SERVICE_ACCOUNT", StringComparison.Ordinal));
    }

    private static async Task<StatusCode> EndOfAsync(SecureClient client, string ns, string account)
    {
        using var stream = client.Stream();
        try
        {
            await stream.RequestStream.WriteAsync(RootsOf(ns, account), Cancellation);
        }
        catch (Exception e) when (e is RpcException or InvalidOperationException)
        {
            // Refused before it was written: what the reading side says is the server's word.
            Assert.False(Cancellation.IsCancellationRequested);
        }

        return (await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await stream.ResponseStream.MoveNext(Cancellation))
            {
            }
        })).StatusCode;
    }

    [Fact]
    public async Task Certificate_of_another_authority_ends_the_handshake()
    {
        await using var plane = await TestPlane.StartSecureAsync();
        await using var other = await TestPlane.StartSecureAsync();
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        using var joining = Connect(other, await RootsAsync(other));
        var (foreign, _) = await joining.SignAsync(key.CreateRequest(Web), (await TokenAsync(other)).Token);

        using var intruder = Connect(plane, await RootsAsync(plane), key, foreign);
        await Assert.ThrowsAsync<RpcException>(() => intruder.SignAsync(key.CreateRequest(Web)));
        Assert.Contains(plane.Log, line => line.StartsWith("refused the handshake", StringComparison.Ordinal) && line.Contains("no root of the bundle", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Token_for_any_workload_wants_the_operators_word_and_a_request_that_names_one()
    {
        await using var plane = await TestPlane.StartSecureAsync();
        using var refused = await plane.Http.PostAsJsonAsync("api/v1/ca/tokens", new TokenRequest("*", "web"), ApiJson.Default.TokenRequest, Cancellation);
        Assert.Equal(400, (int)refused.StatusCode);

        var token = await TokenAsync(plane, ns: "*", account: "web", uses: 3, allowAny: true);
        using var client = Connect(plane, await RootsAsync(plane));
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        Assert.Equal(Web, (await client.SignAsync(key.CreateRequest(Web), token.Token)).Certificate.Identity);
        Assert.Equal(StatusCode.PermissionDenied, (await client.RefusalAsync(key.CreateRequest(Admin), token.Token)).StatusCode);
    }

    [Fact]
    public async Task Key_file_that_others_may_read_stops_the_start()
    {
        const string Reason = "files have no modes on Windows";
        Assert.SkipWhen(OperatingSystem.IsWindows(), Reason);
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException(Reason);
        await using var plane = await TestPlane.StartSecureAsync();
        string file = Path.Combine(plane.State, "ca", "authority.json");
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherRead);
        var refused = await Assert.ThrowsAsync<IOException>(plane.RestartAsync);
        Assert.Contains("chmod 600", refused.Message, StringComparison.Ordinal);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(file, "{\"version\": 1", Cancellation);
        Assert.Contains("damaged", (await Assert.ThrowsAsync<IOException>(plane.RestartAsync)).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 300_000)]
    public async Task Hundred_thousand_malformed_requests_over_the_wire_leave_it_serving_and_the_log_bounded()
    {
        const int Calls = 100_000;
        // Refused callers are not listened to for long. Here the clock goes on, so that a good part of the requests is read to its end.
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var plane = await TestPlane.StartSecureAsync(options => options with { Time = time });
        var roots = await RootsAsync(plane);
        var token = await TokenAsync(plane, uses: 2, seconds: 24 * 3600);
        using var key = WorkloadKey.Create(KeyAlgorithm.EcdsaP256);
        string good = key.CreateRequest(Web);
        var answers = new int[32];
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async seed =>
        {
            var random = new Random(seed);
            using var client = Connect(plane, roots, time: time);
            await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
            {
                while (Interlocked.Increment(ref next) is var call and <= Calls)
                {
                    if (call % 200 == 0) time.Advance(TimeSpan.FromSeconds(1));
                    string csr, shown;
                    lock (random) (csr, shown) = (Malformed(good, random), call % 10 == 0 ? $"lateen-join.{call:x16}.x" : token.Token);
                    Interlocked.Increment(ref answers[(int)await client.CodeAsync(csr, shown)]);
                }
            }));
        }));

        Assert.Equal(Calls, answers[(int)StatusCode.InvalidArgument] + answers[(int)StatusCode.Unauthenticated] + answers[(int)StatusCode.ResourceExhausted]);
        Assert.InRange(answers[(int)StatusCode.InvalidArgument], Calls / 50, Calls);
        Assert.Equal(Calls / 10, answers[(int)StatusCode.Unauthenticated]);
        int seconds = Calls / 200;
        Assert.InRange(plane.Log.Length, 1, 2 * ((seconds * Certificates.RefusalBudget.PerSecond) + Certificates.RefusalBudget.Burst) + 100);
        // Another caller at the same address is heard at once, and the one of the token as soon as it has waited.
        using var another = Connect(plane, roots, time: time);
        Assert.Equal(Web, (await another.SignAsync(good, (await TokenAsync(plane)).Token)).Certificate.Identity);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(Web, (await another.SignAsync(good, token.Token)).Certificate.Identity);
    }

    /// <summary>A request that is none: cut short, changed in one place, of random octets, or something else altogether.</summary>
    private static string Malformed(string good, Random random)
    {
        string[] lines = good.Split('\n');
        switch (random.Next(5))
        {
            case 0:
                return good[..random.Next(good.Length - 30)];
            case 1:
                // Not in the last line, some bits of which mean nothing.
                int at = good.IndexOf('\n', StringComparison.Ordinal) + 1 + random.Next(64);
                return string.Concat(good.AsSpan(0, at), good[at] == 'A' ? "B" : "A", good.AsSpan(at + 1));
            case 2:
                byte[] octets = new byte[random.Next(1, 500)];
                random.NextBytes(octets);
                octets[0] = 0x30;
                return $"{lines[0]}\n{Convert.ToBase64String(octets)}\n{lines[^1]}";
            case 3:
                return good.Replace("CERTIFICATE REQUEST", "CERTIFICATE", StringComparison.Ordinal);
            default:
                return new string((char)random.Next(1, 127), random.Next(300));
        }
    }
}
