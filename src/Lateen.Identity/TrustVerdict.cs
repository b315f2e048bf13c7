namespace Lateen.Identity;

/// <summary>The answer of a verification: the identity, or why not.</summary>
/// <param name="Identity">Set exactly when the certificate is believed.</param>
/// <param name="Reason">In words for an operator; empty when believed. Never for the peer.</param>
public sealed record TrustVerdict(SpiffeId? Identity, TrustFailure Failure, string Reason)
{
    public bool IsTrusted => Identity is not null;

    internal static TrustVerdict Trusted(SpiffeId identity) => new(identity, TrustFailure.None, "");

    internal static TrustVerdict Refused(TrustFailure failure, string reason) => new(null, failure, reason);
}
