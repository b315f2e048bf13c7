namespace Lateen.Identity.Joining;

/// <summary>Why a join token admits nobody. For the operator's log; the caller hears the same word for all of them.</summary>
public enum JoinTokenFailure
{
    None,

    /// <summary>Not of a token's form.</summary>
    Malformed,

    /// <summary>No such token was issued, or it was removed, or it expired long ago.</summary>
    Unknown,

    /// <summary>The id is known and the secret is another: somebody guesses.</summary>
    WrongSecret,

    Expired,

    /// <summary>It has admitted as many as it was issued for: a replay.</summary>
    UsedUp,
}
