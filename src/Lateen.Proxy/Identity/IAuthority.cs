namespace Lateen.Proxy.Identity;

/// <summary>Whoever signs certificates for workloads.</summary>
internal interface IAuthority
{
    /// <summary>Asks for a certificate.</summary>
    /// <param name="request">PKCS#10, PEM.</param>
    /// <param name="proof">Who asks.</param>
    /// <param name="cancellation">Ends the question.</param>
    /// <returns>A value in any case but the caller's own cancellation.</returns>
    Task<AuthorityAnswer> AskAsync(string request, AuthorityProof proof, CancellationToken cancellation);
}

/// <summary>How a question to the authority is authenticated, both ways.</summary>
/// <param name="Roots">PEM: what the authority's own certificate has to lead to.</param>
/// <param name="Credentials">Shown in the handshake; null: nothing is.</param>
/// <param name="Token">Sent as a bearer token; null: none is.</param>
internal sealed record AuthorityProof(ReadOnlyMemory<byte> Roots, WorkloadCredentials? Credentials, string? Token)
{
    /// <summary>Without the token.</summary>
    public override string ToString() => Credentials is null ? "join token" : Credentials.ToString();
}
