using Grpc.Core;
using Istio.V1.Auth;
using Lateen.Net.Certificates;
using Lateen.Proxy.Clusters;
using Lateen.Proxy.ControlPlane;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Tests.Configuration;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>The conversation with an authority, over the proxy's own HTTP/2 and TLS to a server that is not ours.</summary>
public sealed class AuthorityClientTests : IAsyncDisposable
{
    private readonly TestAuthority _root = new("Mesh Root");
    private readonly List<Exception> _defects = [];
    private readonly ManagementReactor _management;
    private readonly CertificateKey _key = CertificateKey.TryCreate(CertificateKeyKind.P256, out _)!;

    public AuthorityClientTests() => _management = new ManagementReactor(new SystemHostResolver(), TimeProvider.System, _defects.Add);

    public async ValueTask DisposeAsync()
    {
        await _management.DisposeAsync();
        _root.Dispose();
        _key.Dispose();
        Assert.Empty(_defects);
    }

    [Fact]
    public async Task First_question_carries_the_token_and_shows_no_certificate_the_next_one_the_other_way_round()
    {
        await using var authority = await AuthorityOverSockets.StartAsync(_root);
        var answer = await AskAsync(authority.Port, new AuthorityProof(Roots(_root), null, "a-token"));
        Assert.Equal(string.Empty, answer.Reason);
        Assert.True(IssuedCertificate.TryRead(answer.Chain, out var issued, out _));
        Assert.Equal(AuthorityInMemory.Web, issued.Identity.Uri);
        Assert.Single(issued.Roots);

        var credentials = new WorkloadCredentials(issued, _key, TimeProvider.System.GetUtcNow());
        Assert.Equal(string.Empty, (await AskAsync(authority.Port, new AuthorityProof(Roots(_root), credentials, null))).Reason);
        Assert.Equal([("Bearer a-token", string.Empty), (string.Empty, issued.Leaf.Serial)], authority.Asked);
    }

    [Fact]
    public async Task Authority_of_another_root_or_of_another_name_never_sees_the_token()
    {
        using var other = new TestAuthority("Other Root");
        await using var foreign = await AuthorityOverSockets.StartAsync(other);
        await using var workload = await AuthorityOverSockets.StartAsync(_root, ["spiffe://cluster.local/ns/shop/sa/evil"]);

        Assert.Contains("TLS_error:", (await AskAsync(foreign.Port, new AuthorityProof(Roots(_root), null, "a-token"))).Reason);
        Assert.Contains("no name of the peer's certificate is accepted", (await AskAsync(workload.Port, new AuthorityProof(Roots(_root), null, "a-token"))).Reason);
        Assert.Empty(foreign.Asked);
        Assert.Empty(workload.Asked);
    }

    [Fact]
    public async Task Refusals_and_failures_are_told_apart_in_the_authoritys_words()
    {
        await using var authority = await AuthorityOverSockets.StartAsync(_root);
        authority.Answer = _ => throw new RpcException(new Status(StatusCode.Unauthenticated, "the token\nis spent"));
        var refused = await AskAsync(authority.Port, new AuthorityProof(Roots(_root), null, "a-token"));
        Assert.True(refused is { IsRefusal: true, Reason: "Unauthenticated: the token is spent" }, refused.Reason);

        authority.Answer = _ => new IstioCertificateResponse();
        Assert.Contains("said OK and gave no certificate", (await AskAsync(authority.Port, new AuthorityProof(Roots(_root), null, "a-token"))).Reason);

        authority.Answer = _ => new IstioCertificateResponse { CertChain = { Enumerable.Repeat(_root.Pem, 33) } };
        Assert.Contains("gave 33 certificates, at most 32 are taken", (await AskAsync(authority.Port, new AuthorityProof(Roots(_root), null, "a-token"))).Reason);

        authority.Answer = _ => new IstioCertificateResponse { CertChain = { new string('x', 600 * 1024) } };
        Assert.Contains("is larger than the limit", (await AskAsync(authority.Port, new AuthorityProof(Roots(_root), null, "a-token"))).Reason);
    }

    [Fact]
    public async Task Nobody_there_is_a_failure_and_no_refusal()
    {
        var answer = await AskAsync(1, new AuthorityProof(Roots(_root), null, "a-token"));
        Assert.False(answer.IsRefusal);
        Assert.Contains("127.0.0.1:1 cannot be reached", answer.Reason);
    }

    private static byte[] Roots(TestAuthority root) => System.Text.Encoding.ASCII.GetBytes(root.Pem);

    private Task<AuthorityAnswer> AskAsync(int port, AuthorityProof proof)
    {
        var config = Setup.Read(IdentityYaml.Bootstrap(IdentityYaml.Extension(IdentityYaml.Inline(_root)), IdentityYaml.Cluster(port))).Identity!;
        return new AuthorityClient(config, _management).AskAsync(_key.CreateRequest(config.Id.Uri), proof, TestContext.Current.CancellationToken);
    }
}
