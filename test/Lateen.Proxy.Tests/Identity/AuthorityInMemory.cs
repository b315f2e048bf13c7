using System.Threading.Channels;
using Lateen.Proxy.Identity;
using Lateen.Proxy.Tests.Tls;

namespace Lateen.Proxy.Tests.Identity;

/// <summary>An authority whose answers the test decides. Unless told otherwise it signs what it is asked for, for one hour, and names its root.</summary>
internal sealed class AuthorityInMemory(TestAuthority root, TimeProvider clock) : IAuthority
{
    public const string Web = "spiffe://cluster.local/ns/shop/sa/web";

    private readonly Channel<AuthorityProof> _asked = Channel.CreateUnbounded<AuthorityProof>();

    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Null: as above.</summary>
    public Func<string, AuthorityAnswer>? Answer { get; set; }

    /// <summary>The questions in order, by how they were proved.</summary>
    public ChannelReader<AuthorityProof> Asked => _asked.Reader;

    public Task<AuthorityAnswer> AskAsync(string request, AuthorityProof proof, CancellationToken cancellation)
    {
        var answer = Answer?.Invoke(request) ?? Signed(request);
        _asked.Writer.TryWrite(proof);
        return Task.FromResult(answer);
    }

    public AuthorityAnswer Signed(string request, string identity = Web, TestAuthority? named = null) =>
        new([root.Sign(request, [identity], clock.GetUtcNow().AddMinutes(-1), clock.GetUtcNow() + Lifetime), (named ?? root).Pem], string.Empty, false);
}
