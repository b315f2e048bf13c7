namespace Lateen.Identity.Joining;

/// <summary>What is kept of a join token: everything but the token itself. Immutable.</summary>
/// <param name="Id">Names the token in listings and logs; no secret.</param>
/// <param name="SecretHash">SHA-256 of the secret half, in hexadecimal. The secret has 256 random bits, so a plain hash cannot be searched.</param>
/// <param name="Namespace">Whom it admits; <c>*</c> when the operator allowed any.</param>
/// <param name="ServiceAccount">The same.</param>
/// <param name="UsesLeft">How often it still admits somebody; 0 is kept until it expires, so that a replay is told from a stranger.</param>
public sealed record JoinTokenRecord(
    string Id, string SecretHash, string Namespace, string ServiceAccount, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, int UsesLeft)
{
    /// <summary>Stands for every namespace or service account.</summary>
    public const string Any = "*";

    public bool Admits(SpiffeId identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return (Namespace == Any || Namespace == identity.Namespace) && (ServiceAccount == Any || ServiceAccount == identity.ServiceAccount);
    }

    /// <summary>The one identity that it admits; null when it admits several.</summary>
    public SpiffeId? OnlyIdentity(TrustDomain trustDomain) =>
        Namespace == Any || ServiceAccount == Any ? null : SpiffeId.Create(trustDomain, Namespace, ServiceAccount);
}

/// <summary>The file of tokens.</summary>
public sealed record JoinTokenFile(int Version, IReadOnlyList<JoinTokenRecord> Tokens);
