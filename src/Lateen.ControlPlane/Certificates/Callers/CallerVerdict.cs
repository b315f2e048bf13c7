using Lateen.Identity;

namespace Lateen.ControlPlane.Certificates.Callers;

/// <summary>What a proof came to.</summary>
/// <param name="Method">How, for the audit line: <c>certificate</c>, <c>join token 0123456789abcdef</c>, <c>token of https://issuer</c>.</param>
/// <param name="Identity">The one identity that is proven; null when the proof admits several and the request must say which.</param>
/// <param name="Admits">Whether an identity is among those.</param>
/// <param name="Redeem">Uses the proof up, where it wears out, just before the certificate is signed; false when another was faster.</param>
internal sealed record ProvenCaller(string Method, SpiffeId? Identity, Func<SpiffeId, bool> Admits, Func<bool> Redeem)
{
    public static ProvenCaller Of(string method, SpiffeId identity) => new(method, identity, asked => asked == identity, static () => true);
}

/// <summary>A proof that failed has a reason, for the operator alone.</summary>
internal sealed record CallerVerdict(ProvenCaller? Caller, string? Reason)
{
    public static CallerVerdict Proven(ProvenCaller caller) => new(caller, null);

    public static CallerVerdict Refused(string reason) => new(null, reason);
}
