using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace Lateen.Discovery.Jwks;

/// <summary>How keys of token issuers are fetched. Plain values, given by whoever starts the control plane.</summary>
public sealed record JwksOptions
{
    public static readonly JwksOptions Default = new();

    /// <summary>Networks outside the public Internet that may be connected to. Empty: none.</summary>
    public ImmutableArray<IPNetwork> AllowedNetworks { get; init; } = [];

    /// <summary>True: <c>http:</c> URLs too. Whoever sits between could then choose the keys.</summary>
    public bool AllowHttp { get; init; }

    /// <summary>Roots trusted beside the machine's, for issuers of one's own; null: none.</summary>
    public X509Certificate2Collection? ExtraRoots { get; init; }

    /// <summary>Between two fetches that worked: Istio's 20 minutes.</summary>
    public TimeSpan RefreshInterval { get; init; } = TimeSpan.FromMinutes(20);

    /// <summary>After the first failure; doubles with each further one, up to <see cref="MaxRetryDelay"/>.</summary>
    public TimeSpan FirstRetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// How long keys that were fetched are good while their issuer cannot be asked. Then they are given up, and its tokens are refused: who keeps an issuer away
    /// must not keep a stolen key alive for ever.
    /// </summary>
    public TimeSpan MaxAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>
    /// Sources that the policies of one namespace may name. Count. Hit: those of its youngest policies are not fetched (their tokens are refused) and the log says so.
    /// </summary>
    public int MaxSourcesPerNamespace { get; init; } = 32;

    /// <summary>
    /// Sources that are fetched altogether. Count. Hit: namespaces take turns, so that none has fewer because another has many; what is left over is not fetched and
    /// the log says so.
    /// </summary>
    public int MaxSources { get; init; } = 256;

    /// <summary>Fetches that run at a time. Count. Hit: the others wait.</summary>
    public int MaxConcurrentFetches { get; init; } = 8;
}
