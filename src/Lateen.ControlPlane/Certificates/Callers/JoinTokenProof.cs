using Lateen.Identity;
using Lateen.Identity.Joining;

namespace Lateen.ControlPlane.Certificates.Callers;

/// <summary>A join token that the operator gave to the workload.</summary>
internal sealed class JoinTokenProof(JoinTokenTable tokens, TrustDomain trustDomain, TimeProvider time) : ICallerProof
{
    /// <summary>One hash.</summary>
    public bool IsCostly => false;

    public ValueTask<CallerVerdict?> JudgeAsync(CallerCredentials credentials, CancellationToken cancellation) => ValueTask.FromResult(Judge(credentials.BearerToken));

    private CallerVerdict? Judge(string? token)
    {
        if (token is null || !token.StartsWith(JoinTokenTable.Prefix, StringComparison.Ordinal)) return null;
        var failure = tokens.Check(token, time.GetUtcNow(), out var record);
        string name = record is null ? "a join token" : $"join token {record.Id}";
        if (failure != JoinTokenFailure.None) return CallerVerdict.Refused($"{name}: {Words(failure)}");
        return CallerVerdict.Proven(new ProvenCaller(name, record!.OnlyIdentity(trustDomain),
            identity => identity.TrustDomain == trustDomain && record.Admits(identity), () => tokens.TryConsume(record.Id, time.GetUtcNow())));
    }

    private static string Words(JoinTokenFailure failure) => failure switch
    {
        JoinTokenFailure.Expired => "it has expired",
        JoinTokenFailure.UsedUp => "it is used up",
        JoinTokenFailure.WrongSecret => "its secret is wrong: somebody guesses",
        JoinTokenFailure.Unknown => "none of its id is out",
        _ => "it is not of a token's form",
    };
}
