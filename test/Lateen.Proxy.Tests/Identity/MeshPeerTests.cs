using Lateen.Net.Certificates;
using Lateen.Net.Tls;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>Two ends of the mesh over real sockets: a proxy whose identity was just confirmed, and clients of all kinds.</summary>
public sealed class MeshPeerTests : IDisposable
{
    private const string Ping = "spiffe://cluster.local/ns/shop/sa/ping";

    private readonly TestAuthority _root = new("Mesh Root");

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task Workload_of_the_mesh_is_served_and_sees_the_proxys_identity()
    {
        await using var mesh = await StartAsync(IdentityYaml.Server);
        using var client = await TlsClient.ConnectAsync(mesh.Address, _root.Issue([Ping]).ToX509());
        Assert.Equal("HTTP/1.1 200hello", await client.GetAsync());
        Assert.Equal((await mesh.Configuration.CertificatesAsync()).First(one => !one.AreRoots).Certificates[0].Serial, client.Serial);
    }

    [Theory]
    [InlineData("two ids", "the peer's certificate has 2 URI names, a workload's has exactly one")]
    [InlineData("no id", "the peer's certificate has 0 URI names, a workload's has exactly one")]
    [InlineData("no workload", "the peer's certificate has no SPIFFE id of a workload")]
    [InlineData("other domain", "no name of the peer's certificate is accepted")]
    public async Task Certificate_that_names_no_workload_of_the_mesh_is_refused_and_the_log_says_why(string what, string expected)
    {
        string[] names = what switch
        {
            "two ids" => [Ping, "spiffe://cluster.local/ns/shop/sa/web"],
            "no id" => ["ping.shop"],
            "no workload" => ["spiffe://cluster.local/ping"],
            _ => ["spiffe://other.domain/ns/shop/sa/ping"],
        };
        await using var mesh = await StartAsync(IdentityYaml.Server);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            using var client = await TlsClient.ConnectAsync(mesh.Address, _root.Issue(names).ToX509());
            await client.GetAsync();
        });
        Assert.Equal(expected, JudgeOf(names));
        await EventuallyAsync(() => mesh.Registry.Find("listener.127.0.0.1_0.ssl.fail_verify_san") == 1, "ssl.fail_verify_san stayed");
    }

    [Fact]
    public async Task Renewed_certificate_serves_new_connections_while_old_ones_go_on()
    {
        await using var mesh = await StartAsync(IdentityYaml.Server);
        using var before = await TlsClient.ConnectAsync(mesh.Address, _root.Issue([Ping]).ToX509());
        await before.GetAsync();
        await mesh.Configuration.InstallIdentityAsync(Credentials(), Bundle());
        using var after = await TlsClient.ConnectAsync(mesh.Address, _root.Issue([Ping]).ToX509());

        Assert.NotEqual(before.Serial, after.Serial);
        Assert.Equal("HTTP/1.1 200hello", await before.GetAsync());
        Assert.Equal("HTTP/1.1 200hello", await after.GetAsync());
    }

    private string? JudgeOf(string[] names)
    {
        var certificate = TlsCertificate.TryReadAll(System.Text.Encoding.ASCII.GetBytes(_root.Issue(names).Chain), out _)![0];
        var definition = new Lateen.Proxy.Tls.TlsContextDefinition
        {
            Path = Lateen.Proxy.Configuration.FieldPath.Root,
            Sources = [Lateen.Proxy.Tls.SecretSource.OfIdentity("ROOTCA", Envoy.Extensions.TransportSockets.Tls.V3.Secret.TypeOneofCase.ValidationContext, null, Lateen.Proxy.Configuration.FieldPath.Root)],
            CertificateCount = 0,
            TrustDomain = "cluster.local",
        };
        return new Lateen.Proxy.Tls.MeshPeerRule(definition, isServer: true).Judge(certificate.SubjectAltNames) switch
        {
            // What the matchers of the configuration would say of a trust domain that none of them has.
            "the peer is of another trust domain than cluster.local" => "no name of the peer's certificate is accepted",
            var said => said,
        };
    }

    private WorkloadCredentials Credentials()
    {
        var now = TimeProvider.System.GetUtcNow();
        using var key = CertificateKey.TryCreate(CertificateKeyKind.P256, out _)!;
        var answer = _root.Sign(key.CreateRequest(AuthorityInMemory.Web), [AuthorityInMemory.Web], now.AddMinutes(-1), now.AddHours(1));
        Assert.True(IssuedCertificate.TryRead([answer], out var issued, out var reason), reason);
        return new WorkloadCredentials(issued, key, now);
    }

    private MeshRoots Bundle()
    {
        Assert.True(MeshRoots.TryRead(_root.Pem, out var roots, out var reason), reason);
        return roots;
    }

    private async Task<ConfiguredProxy> StartAsync(string context, string manager = "")
    {
        var listener = TlsYaml.Listener("in", 0, TlsYaml.DownstreamContext(context), manager: manager);
        var yaml = IdentityYaml.Bootstrap(
            IdentityYaml.Extension(IdentityYaml.Inline(_root)), IdentityYaml.Cluster(15012), "- " + listener.Replace("\n", "\n  ", StringComparison.Ordinal));
        var proxy = await ConfiguredProxy.StartAsync(yaml);
        Assert.Null(await proxy.Configuration.InstallIdentityAsync(Credentials(), Bundle()));
        await EventuallyAsync(() => proxy.HasListener, "the listener did not come up");
        return proxy;
    }

    private static async Task EventuallyAsync(Func<bool> condition, string otherwise)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (10 * TimeProvider.System.TimestampFrequency);
        while (!condition())
        {
            Assert.True(TimeProvider.System.GetTimestamp() < deadline, otherwise);
            await Task.Yield();
        }
    }
}
