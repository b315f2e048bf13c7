using Lateen.Identity;

namespace Lateen.ControlPlane.Certificates.Callers;

/// <summary>What a caller of the certificate service shows to prove who it is.</summary>
/// <param name="Certificate">The client certificate of the connection, already verified against the bundle; null when there was none.</param>
/// <param name="BearerToken">The token of the call's <c>authorization</c> metadata; null when there was none.</param>
internal sealed record CallerCredentials(SpiffeId? Certificate, string? BearerToken)
{
    /// <summary>The longest token that is looked at. Characters. Hit: the caller is unknown.</summary>
    public const int MaxTokenLength = 16 * 1024;

    public override string ToString() => $"certificate {Certificate?.Uri ?? "none"}, token {(BearerToken is null ? "none" : "shown")}";
}
