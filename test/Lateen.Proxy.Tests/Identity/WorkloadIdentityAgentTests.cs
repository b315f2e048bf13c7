using Lateen.Identity;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Tests.Harness;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>How a workload comes by its certificate and keeps it good.</summary>
public sealed class WorkloadIdentityAgentTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly TestAuthority _root = new("Mesh Root");

    public void Dispose() => _root.Dispose();

    [Fact]
    public async Task First_certificate_is_asked_for_with_the_token_and_answers_the_clusters_secrets()
    {
        await using var agent = new AgentUnderTest(_root);
        await agent.Ready.WaitAsync(TestContext.Current.CancellationToken);

        var proof = await agent.Authority.Asked.ReadAsync(TestContext.Current.CancellationToken);
        Assert.Equal("a-token", proof.Token);
        Assert.Null(proof.Credentials);
        Assert.True(agent.Configuration.Snapshots.Current.FindCluster("peer")!.UpstreamTls!.IsReady);
        Assert.NotNull(await agent.SerialAsync());
        Assert.Equal(["CN=Mesh Root"], await agent.RootsAsync());
        Assert.Equal(1, agent.Registry.Find("identity.certificate_issued"));
        Assert.Contains("+SDS ROOTCA", agent.Subscriptions);
    }

    [Theory]
    [InlineData(0.0, 27)]
    [InlineData(0.5, 30)]
    [InlineData(1.0, 33)]
    public async Task Certificate_is_renewed_at_half_life_give_or_take_a_tenth_with_itself_as_proof(double chance, int minutes)
    {
        await using var agent = new AgentUnderTest(_root) { Chance = chance };
        await agent.Ready.WaitAsync(TestContext.Current.CancellationToken);
        await agent.Authority.Asked.ReadAsync(TestContext.Current.CancellationToken);
        var first = await agent.SerialAsync();

        var (proof, after) = await agent.NextQuestionAsync(Minute, TimeSpan.FromMinutes(minutes + 3));

        // The clock goes on in steps of a minute while the agent wakes up.
        Assert.InRange(after, TimeSpan.FromMinutes(minutes - 1), TimeSpan.FromMinutes(minutes + 3));
        Assert.Null(proof.Token);
        Assert.Equal(first, proof.Credentials!.Certificate.Leaf.Serial);
        await EventuallyAsync(async () => await agent.SerialAsync() != first);
    }

    [Fact]
    public async Task While_the_authority_is_away_the_certificate_serves_on_and_the_log_grows_louder()
    {
        await using var agent = new AgentUnderTest(_root);
        await agent.Ready.WaitAsync(TestContext.Current.CancellationToken);
        await agent.Authority.Asked.ReadAsync(TestContext.Current.CancellationToken);
        var serial = await agent.SerialAsync();
        agent.Authority.Answer = _ => AuthorityAnswer.Failed("Unavailable: nobody is there");

        await agent.NextQuestionAsync(Minute, TimeSpan.FromMinutes(33));
        await EventuallyAsync(() => Task.FromResult(agent.Log.Contains("its renewal failed and is tried again", StringComparison.Ordinal)));
        var end = await EndOf(agent);
        while (agent.Clock.GetUtcNow() < end) await agent.NextQuestionAsync(Second * 20, TimeSpan.FromMinutes(3));
        Assert.Contains("cannot be renewed", agent.Log, StringComparison.Ordinal);
        await agent.NextQuestionAsync(Second * 20, TimeSpan.FromMinutes(3));
        await EventuallyAsync(() => Task.FromResult(agent.Log.Contains("ENDED at", StringComparison.Ordinal)));
        Assert.Equal(serial, await agent.SerialAsync());
        Assert.DoesNotContain("a-token", agent.Log, StringComparison.Ordinal);

        // What has ended proves nothing any more.
        var (proof, _) = await agent.NextQuestionAsync(Second * 20, TimeSpan.FromMinutes(3));
        Assert.Equal("a-token", proof.Token);
        agent.Authority.Answer = null;
        await agent.NextQuestionAsync(Second * 20, TimeSpan.FromMinutes(3));
        await EventuallyAsync(async () => await agent.SerialAsync() != serial);
    }

    [Fact]
    public async Task After_a_refusal_the_other_proof_is_tried()
    {
        await using var agent = new AgentUnderTest(_root);
        await agent.Ready.WaitAsync(TestContext.Current.CancellationToken);
        await agent.Authority.Asked.ReadAsync(TestContext.Current.CancellationToken);
        agent.Authority.Answer = _ => AuthorityAnswer.Failed("Unauthenticated: who are you?", isRefusal: true);

        Assert.Null((await agent.NextQuestionAsync(Minute, TimeSpan.FromMinutes(33))).Proof.Token);
        Assert.NotNull((await agent.NextQuestionAsync(Second, Minute)).Proof.Token);
        Assert.Null((await agent.NextQuestionAsync(Second, Minute)).Proof.Token);
        Assert.True(agent.Registry.Find("identity.certificate_refused") >= 2);
    }

    [Theory]
    [InlineData("other identity", "it is for spiffe://cluster.local/ns/shop/sa/other")]
    [InlineData("other key", "it is for another key than ours")]
    [InlineData("other root", "no root of the bundle stands behind")]
    [InlineData("over", "has expired")]
    [InlineData("nonsense", "there is no certificate in it")]
    public async Task Answer_that_is_not_what_was_asked_for_is_of_no_use(string what, string expected)
    {
        using var other = new TestAuthority("Other Root");
        await using var agent = new AgentUnderTest(_root, prepare: authority => authority.Answer = request => what switch
        {
            "other identity" => authority.Signed(request, "spiffe://cluster.local/ns/shop/sa/other"),
            "other key" => authority.Signed(OtherRequest()),
            "other root" => authority.Signed(request, named: other),
            "over" => Over(authority, request),
            _ => new AuthorityAnswer(["nonsense"], string.Empty, false),
        });

        await EventuallyAsync(() => Task.FromResult(agent.Log.Contains(expected, StringComparison.Ordinal)));
        Assert.False(agent.Ready.IsCompleted);
    }

    [Fact]
    public async Task Token_is_read_anew_for_each_attempt_and_never_told()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("token", "with space");
        await using var agent = new AgentUnderTest(_root, $"{{filename: {file}}}");
        await EventuallyAsync(() => Task.FromResult(agent.Log.Contains("join_token: has characters that no bearer token has", StringComparison.Ordinal)));

        folder.Write("token", "  good-token\n");
        var (proof, _) = await agent.NextQuestionAsync(Second, Minute * 2);
        Assert.Equal("good-token", proof.Token);
        await agent.Ready.WaitAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("with space", agent.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("good-token", agent.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("good-token", proof.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{inline_string: ''}", "join_token: is empty")]
    [InlineData("{filename: /nowhere/token}", "'/nowhere/token' cannot be read")]
    public async Task Token_that_is_not_there_is_told_with_its_field(string token, string expected)
    {
        await using var agent = new AgentUnderTest(_root, token);
        await EventuallyAsync(() => Task.FromResult(agent.Log.Contains(expected, StringComparison.Ordinal)));
    }

    [Fact]
    public void Token_beyond_its_limit_is_refused()
    {
        var source = new Envoy.Config.Core.V3.DataSource { InlineString = new string('a', (int)JoinToken.MaxBytes + 1) };
        Assert.False(JoinToken.TryRead(source, out _, out var reason));
        Assert.StartsWith("join_token: has 16385 bytes", reason);
    }

    [Fact]
    public async Task Control_planes_roots_join_the_authoritys_and_then_replace_them()
    {
        using var next = new TestAuthority("Next Root");
        await using var agent = new AgentUnderTest(_root);
        await agent.Ready.WaitAsync(TestContext.Current.CancellationToken);

        // Before anything is signed by it, the new root is here.
        Assert.Empty(await agent.TellRootsAsync(_root, next));
        Assert.Equal(["CN=Mesh Root", "CN=Next Root"], (await agent.RootsAsync()).Distinct().Order());

        // Told otherwise: the old one is gone at once.
        Assert.Empty(await agent.TellRootsAsync(next));
        Assert.Equal(["CN=Next Root"], (await agent.RootsAsync()).Distinct());
    }

    [Fact]
    public async Task Roots_that_are_none_are_refused_and_those_in_use_stay()
    {
        await using var agent = new AgentUnderTest(_root);
        await agent.Ready.WaitAsync(TestContext.Current.CancellationToken);

        Assert.NotEmpty(await agent.TellRootsAsync());
        Assert.Equal(["CN=Mesh Root"], (await agent.RootsAsync()).Distinct());
    }

    [Fact]
    public void Pauses_double_up_to_a_minute_and_half_of_each_is_chance()
    {
        Assert.Equal(TimeSpan.FromMilliseconds(125), RenewalSchedule.PauseAfter(1, 0));
        Assert.Equal(TimeSpan.FromMilliseconds(250), RenewalSchedule.PauseAfter(1, 1));
        Assert.Equal(TimeSpan.FromSeconds(1), RenewalSchedule.PauseAfter(3, 1));
        Assert.Equal(TimeSpan.FromSeconds(60), RenewalSchedule.PauseAfter(int.MaxValue, 1));
    }

    private static string OtherRequest()
    {
        using var key = Lateen.Identity.WorkloadKey.Create(Lateen.Identity.KeyAlgorithm.EcdsaP256);
        return key.CreateRequest(Lateen.Identity.SpiffeId.Parse(AuthorityInMemory.Web));
    }

    private static AuthorityAnswer Over(AuthorityInMemory authority, string request)
    {
        authority.Lifetime = TimeSpan.FromSeconds(-1);
        return authority.Signed(request);
    }

    private static async Task<DateTimeOffset> EndOf(AgentUnderTest agent) => (await agent.Configuration.CertificatesAsync()).First(one => !one.AreRoots).Certificates[0].NotAfter;

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        var deadline = TimeProvider.System.GetTimestamp() + (20 * TimeProvider.System.TimestampFrequency);
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetTimestamp() < deadline, "what was expected did not come");
            await Task.Yield();
        }
    }
}
